# %% [markdown]
# # Successor heads
#
# Gould, Ong, Ogden and Conmy (2023, arXiv 2312.09230) found heads that, where they look at
# *Monday*, write *Tuesday*; at *three*, *four*; at *A*, *B*. They claim: such heads stand in models
# from 31 million to 12 thousand million weights; they work on an abstract code, the **last digit**
# of a member's place, shared across numbers, months and letters; arithmetic on that code steers
# them; and on text they do several things that a person can name.
#
# Here the study is walked through on two models. In the **numerals model** the code and the head
# were set by hand, so that every step has a right answer. In the **bundled model** a head that
# counts on was learned, and we look at what it learned, including what it did *not*. The same cells
# run on GPT-2 and Pythia at the end.

# %%
import pandas as pd

import headwidgets as hw
from headwidgets.labs import (
    across,
    arithmetic,
    autoencoder,
    decomposition,
    neurons,
    on_text,
    outside,
    probe_across,
    residues,
    succession,
)
from headwidgets.tasks.series import SETS
from headwidgets.zoo.numerals import numerals

planted, bundled = hw.Session("numerals"), hw.Session()

# %% [markdown]
# ## 1. The data
#
# Eight sets in a natural order, 290 pairs of a member and the next, as far as a tokenizer spells
# them as single tokens.

# %%
data = succession.data(bundled)
data.groupby("set", sort=False)["pair"].agg(["sum", "size"])

# %% [markdown]
# ## 2. The score, from weights alone
#
# A head's effective OV circuit sends a token through the first MLP, the head and the unembedding.
# A pair is right if the next member gets the largest logit of its set. What goes in can be
# written in four ways (`head-normed`, through the head's own norms, is what the taxonomy scores);
# 200 random circuits of the same widths say what chance gives.

# %%
for variant in succession.VARIANTS:
    scores = succession.scores(bundled, variant)
    best = scores.loc[scores["micro"].idxmax()]
    null = scores.attrs["null"]
    print(
        f"{variant:11} {best['layer']:.0f}.{best['head']:.0f}: {best['micro']:.2f} of pairs, "
        f"{best['macro']:.2f} of sets; random: {null['micro mean']:.3f} ± {null['micro sd']:.3f}"
    )
    assert (best["layer"], best["head"]) == (3, 1)
    assert best["micro"] > 5 * null["micro largest"]

# %%
table = succession.scores(bundled).sort_values("micro", ascending=False)
table.head(4).round(2)

# %% [markdown]
# Head 3.1 counts on in every set; 1.5 does a large part of it too. (In Pythia-1.4B the best head,
# 12.0, scores about eight times the next.) A head's matrix says what it writes by what it looks
# at: the diagonal beside the main one is succession, the main one would be copying. Click a head,
# a cell, move the slider: all of it is linked.

# %%
hw.SuccessionLab(bundled, set="days")

# %% [markdown]
# The first MLP is needed, and it is not enough: read by the unembedding alone, it hardly ever says
# the next member (the paper: below 1 %, by a tuned lens).

# %%
alone = outside.without_heads(bundled)
print(f"the next member first in the vocabulary: {alone.attrs['mlp_first']:.3f} of pairs")
assert alone.attrs["mlp_first"] < 0.01

# %% [markdown]
# ## 3. What the planted head can and cannot do
#
# In the numerals model a member is the sum of a direction for its last digit, one for its tens, one
# for its set, and noise. A linear map can turn …7 into …8, but no linear map of such a code can
# **carry** (19 → 20) or **wrap** (Sunday → Monday). Without noise, those are exactly what fails.

# %%
clean = hw.Session(numerals(noise=0))
missed = []
for name, rows in succession.data(clean).query("pair").groupby("set", sort=False):
    matrix = succession.matrix(clean, "1.0", name)
    for row in rows.itertuples():
        if matrix.loc[row.member].idxmax() != row.next:
            carry = (row.place + 1) % 10 == 9
            missed.append((name, row.member, row.next, "carry" if carry else "wrap"))
failures = pd.DataFrame(missed, columns=["set", "member", "next", "why"])
wraps = failures[failures["why"] == "wrap"]
assert (wraps["member"] == [SETS[name][0][-1] for name in wraps["set"]]).all()
print(f"{len(failures)} of 290 fail")
failures.groupby(["why", "set"], sort=False)["member"].agg(" ".join)

# %% [markdown]
# Noise lets the map learn members by heart, one by one; and a narrow head cannot hold the code.

# %%
rows = []
for noise, rank in ((0, None), (0.3, None), (1.0, None), (0.3, 32), (0.3, 8)):
    made = hw.Session(numerals(noise=noise, rank=rank))
    best = succession.scores(made).iloc[3]
    rows.append((noise, rank or "full", best["micro"], best["macro"]))
    made.close()
pd.DataFrame(rows, columns=["noise", "rank", "micro", "macro"]).round(3)

# %% [markdown]
# The bundled model's head has no such trouble, and that is telling. It does carries and wraps about
# as well as the rest:

# %%
pairs = []
for name, rows in succession.data(bundled).query("pair").groupby("set", sort=False):
    matrix = succession.matrix(bundled, "3.1", name)
    last = SETS[name][0][-1]
    for row in rows.itertuples():
        kind = "wrap" if row.member == last else "carry" if row.place % 10 == 8 else "rest"
        pairs.append((kind, matrix.loc[row.member].idxmax() == row.next))
learned = (
    pd.DataFrame(pairs, columns=["pair", "right"]).groupby("pair")["right"].agg(["mean", "size"])
)
learned.round(2)

# %% [markdown]
# ## 4. Is there a code for the last digit?
#
# A ten-way linear probe on what the first MLP makes of numbers, asked about numbers held out and
# about the other sets (the paper: 94 of 102 tokens of other sets).

# %%
probes = {name: residues.probe(one) for name, one in (("planted", planted), ("bundled", bundled))}
pd.DataFrame({name: frame.set_index("set")["accuracy"] for name, frame in probes.items()}).round(2)

# %%
assert probes["planted"]["accuracy"][0] > 0.95
assert probes["bundled"]["accuracy"][0] < 0.25

# %% [markdown]
# The bundled model has **none**: its 290 pairs were learned by heart, so nothing made it find the
# digit. A high successor score does not show an abstract code. That is the gap between the score
# and the claim, and the reason why the study does not end with the score.
#
# Where there is a code, it is found in several ways: single neurons with period ten, a sparse
# autoencoder, index and set as two spaces.

# %%
for name, session in (("planted", planted), ("bundled", bundled)):
    found = neurons.neurons(session)
    sure = found[found["p"] <= 0.01]
    print(
        f"{name}: {len(sure)} neurons with period ten; the best explains "
        f"{found['explained'][0]:.2f}, the best of chance {found.attrs['null_max']:.2f}"
    )

# %%
trained = autoencoder.train(planted, steps=1500)
features = autoencoder.classes(planted, trained)
assert features["cosine"].min() >= 0.85
assert features["coverage"].min() >= 0.95
features.round(3)

# %% [markdown]
# (The paper counts how often a class's *modal* feature is the most active: 58.5 %. Features of tens
# are often more active, so classes are found by contrast here; `modal` is that other count.)

# %%
for name, session, head in (("planted", planted, "1.0"), ("bundled", bundled, "3.1")):
    together = decomposition.index_and_domain(session, head)
    print(
        f"{name}: put together from index and set, {together.attrs['decoded']:.2f} of members held "
        f"out are themselves (chance {together.attrs['chance']:.3f})"
    )

# %% [markdown]
# Roman numerals are out of distribution: in the numerals model they share digits and tens with the
# others, but the map to the next member was never fitted on them (the paper: .125 when put
# together).

# %%
outside.outside(planted, "1.0").head(1).round(2)

# %% [markdown]
# ## 5. Arithmetic
#
# Take a member's last digit away and add another: *May* (5) with an 8 should be followed by what
# follows *August*. The slider of the lab does one of these; the table does all.

# %%
edited = arithmetic.edited(planted, "1.0", "months", "May", 8)
print(f"wanted: {edited.attrs['wanted']}")
edited.sort_values("after", ascending=False).head(3).round(3)


# %%
def success(session, head):
    """Return the share of edits that end where they should, by set, beside the paper's."""
    rows = {}
    for name in SETS:
        frame = arithmetic.arithmetic(session, head, name)
        rows[name] = (frame.attrs["share"], frame.attrs["n"])
        if name == "numbers":
            twenties = frame[frame["member"].isin([str(i) for i in range(20, 30)])]
            rows["numbers 20-29"] = (twenties["right"].mean(), len(twenties))
    return pd.DataFrame(rows, index=["right", "n"]).T


paper = {"numbers 20-29": 0.89, "months": 0.53, "days": 0.0, "letters": 0.0}
table = success(planted, "1.0").rename(columns={"right": "planted"})
table["bundled"] = success(bundled, "3.1")["right"]
table["paper"] = pd.Series(paper)
assert table.loc["numbers 20-29", "planted"] >= 0.8
assert table.loc["months", "planted"] >= 0.8
table.round(2)

# %% [markdown]
# (In the paper days and letters "fail"; it gives no number, which stands as 0 here.) And the
# greater-than bias: what the head brings to members above the one it looks at, less what it brings
# to those below, in logits. The paper finds it above 0:

# %%
for name, session, head in (("planted", planted, "1.0"), ("bundled", bundled, "3.1")):
    bias = arithmetic.greater_than(session, head, "numbers")["difference"]
    print(f"{name}: {bias.mean():+.2f} ± {bias.std() / len(bias) ** 0.5:.2f}")

# %% [markdown]
# ## 6. What the head does on text
#
# A **winning case** is a position where, of all heads, this one's own write is what the right next
# token leans on most. Each is classed by what the head looks at there.

# %%
texts = [
    "In order: Monday Tuesday Wednesday Thursday",
    "from 20 to 30",
    "Then Mary said that Mary and John said that John",
    "in short the Department of Defense is called OSD",
]
cases = on_text.on_text(planted, "1.0", texts)
named = cases[cases["class"] != "none"]
assert set(named["class"]) == set(on_text.CLASSES[:4])
named[["class", "because", "next", "effect", "context"]].round(1)

# %% [markdown]
# Four roles in one head, each with a reason: *interpretable polysemanticity*, here because it was
# planted. On the bundled model's own kind of prompts, and in numbered lists, the paper's clean case
# (64 of 64):

# %%
prompts = hw.task("succession in sentences", n=40, split="test")
cases = on_text.on_text(bundled, "3.1", prompts)
on_text.shares(cases).round(2)

# %%
lists = on_text.numbered_lists(bundled, "3.1")
attrs = lists.attrs
print(
    f"3.1 wins in {attrs['wins']} of {attrs['n']} numbered lists "
    f"({attrs['low']:.2f} to {attrs['high']:.2f})"
)
assert attrs["share"] > 0.9

# %% [markdown]
# Is it needed? The proof of the taxonomy: its output taken from other prompts, everything after
# recomputed, on templates that no training has seen.

# %%
for head in ("3.1", "1.5"):
    print(head, "·", bundled.confirm("successor", head).iloc[0]["reason"])

# %% [markdown]
# Neither is needed, and the four that score above one half are hardly needed together. The weights
# say what a head *would* write; this model answers by other ways as well. All four at once, set to
# their means:

# %%
ranks = succession.scores(bundled).query("micro > 0.5")
team = [f"{row.layer}.{row.head}" for row in ranks.itertuples()]
bundled.use(hw.task("succession", n=60, split="templates").prompts(bundled.engine.text))
bundled.metric = hw.Prob()
bundled.edits = [hw.mean(head) for head in team]
effect = bundled.effect()["value"]
bundled.edits = []
print(
    f"without {', '.join(team)} the next member's probability {effect['clean']:.3f} becomes "
    f"{effect['edited']:.3f}"
)
assert effect["edited"] > 0.8 * effect["clean"]

# %% [markdown]
# ## 7. Across models
#
# A list of sessions, names, folders or (name, revision) pairs: one row each; what cannot be read
# says why.

# %%
models = [planted, bundled, hw.Session("planted")]
across.across(models)[["model", "head", "score", "runner_up", "runner_up_score", "pairs", "reason"]]

# %% [markdown]
# The probe of one model, read in another through a linear map: two numerals models with other
# random directions share the code; the bundled one has none to share.

# %%
other = hw.Session(numerals(seed=7))
for name, session in (("another numerals model", other), ("bundled", bundled)):
    frame = probe_across.probe_across(planted, session).set_index("read")["accuracy"]
    print(f"{name}: mapped {frame['mapped']:.2f}, paired at random {frame['shuffled']:.2f}")

# %% [markdown]
# ## 8. On your models
#
# With a network, the same cells answer for trained models. They were not run here: set the switch.

# %%
WITH_A_NETWORK = False
MODELS = {"gpt2": "9.1", "EleutherAI/pythia-1.4b": "12.0"}
STEPS = (1000, 4000, 16000, 64000, 143000)


def study(name, head, text=None):
    """Walk through the study on a model, and return the lab on it."""
    session = hw.Session(name)
    show = [
        succession.scores(session).sort_values("micro", ascending=False).head(),
        outside.outside(session, head),
        outside.without_heads(session).attrs,
        residues.probe(session),
        neurons.neurons(session).head(10),
        decomposition.index_and_domain(session, head).attrs,
        success(session, head),
        on_text.numbered_lists(session, head).attrs,
    ]
    if text is not None:
        show.append(on_text.shares(on_text.on_text(session, head, text)))
    for one in show:
        print(one, end="\n\n")
    return hw.SuccessionLab(session, head=head)


if WITH_A_NETWORK:
    for name, head in MODELS.items():
        study(name, head)
    models = [("EleutherAI/pythia-1.4b", f"step{step}") for step in STEPS]
    across.curve(models).plot(x="step", logx=True)

# %% [markdown]
# What to expect, as published:
#
# | model | what | value | source |
# |---|---|---|---|
# | Pythia-1.4B | best head | 12.0, about 8 × the next | Gould et al. 2023 |
# | GPT-2 small | next score of 9.1: numerals, number words | 87.4 %, 90.6 % | arXiv 2311.04131 |
# | GPT-2 small | copy score of 9.1 | 59.3 % | arXiv 2311.04131 |
# | Pythia-1.4B | probe, other sets | 94 of 102 tokens | Gould et al. 2023 |
# | Pythia-1.4B | cosine of probe and autoencoder | .708 | Gould et al. 2023 |
# | Pythia-1.4B | arithmetic, numbers 20 to 29, months | 89 %, 53 % | Gould et al. 2023 |
# | Pythia-1.4B | shares on the Pile: acronym, greater-than | 23.8 %, 18.9 % | Gould et al. 2023 |
# | Pythia-1.4B | numbered lists won | 64 of 64 | Gould et al. 2023 |
#
# A head that scores and has no code, as the bundled one, is a finding too: say which of the two it
# is.
