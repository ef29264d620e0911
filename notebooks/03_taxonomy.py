# %% [markdown]
# # Four stages, forty kinds
#
# The survey *Attention Heads of Large Language Models* (Zheng et al. 2024, arXiv 2409.03752) sorts
# the special heads that have been published into four stages: a head **recalls** what the weights
# know, **identifies** something in the context, **reasons** with it, or **prepares** what is said.
# Here the four stages run: every kind has a score, a null that the score must beat, a threshold
# with its origin, and the intervention that would prove it.
#
# Three rules keep it honest:
#
# - *consistent with* needs the threshold **and** a null over all heads of the model (p ≤ 0.01), and
#   for whatever attention and weights cannot show, the proving intervention as well. One of the two
#   is a *candidate*.
# - A score on a task means nothing where the model cannot do the task: it is then *not measurable
#   here*.
# - A proof is **out of sample and of another kind**: the head is resampled on other prompts, of
#   templates that no training and no score has seen, beside heads that write as much.
#
# If sessions are new to you, start with `00_first_look`; the tasks are in `02_tasks`.

# %%
import pandas as pd

import headwidgets as hw

pd.set_option("display.max_colwidth", 100)
s = hw.Session()
hw.kinds()[["name", "stage", "category", "evidence", "threshold", "unit", "claim"]]

# %% [markdown]
# ## 1. All of them at once
#
# One call scores every head as every kind; kinds that look at the same prompts share one run.
# With `causal=True` also those whose score is an intervention on every head, which take longer.

# %%
scores = s.scores(causal=True)
known = scores[scores["verdict"] != "not measurable here"]
print(f"{known['kind'].nunique()} of {scores['kind'].nunique()} kinds could be asked for")
consistent = scores[scores["verdict"] == "consistent with"]
consistent.groupby("kind", sort=False).apply(
    lambda rows: ", ".join(f"{r.layer}.{r.head} ({r.score:.2f})" for r in rows.itertuples()),
    include_groups=False,
)

# %% [markdown]
# The same as a map of the four stages. Click a head and every view selects it; open a card for its
# formula, its null and its pitfalls; *measure* and *confirm* are buttons here and calls below.

# %%
hw.TaxonomyView(s)

# %% [markdown]
# ## 2. Claim, then proof
#
# Each claim below is computed in one cell, and the next cell tries to prove it.


# %%
def best(kind):
    """Return the head with the best verdict on a kind, of several the highest, and its row."""
    order = ["not measurable here", "no", "candidate", "consistent with"]
    rows = scores[scores["kind"] == kind]
    rows = rows.assign(rank=rows["verdict"].map(order.index))
    row = rows.sort_values(["rank", "score"]).iloc[-1]
    return f"{row['layer']}.{row['head']}", row


def claim(kind):
    """Print the best head of a kind, with all that its verdict rests on."""
    head, row = best(kind)
    print(f"{kind}: {head} scores {row['score']:.2f}, null up to {row['null_max']:.2f}")
    print(f"{row['verdict']}: {row['reason']}")
    return head


# %% [markdown]
# ### Stage 1, knowledge recalling
#
# A **constant** head looks at all the letters of a question alike, whichever is right.

# %%
constant = claim("constant")
assert best("constant")[1]["verdict"] == "consistent with"

# %%
proof = s.confirm("constant", constant).iloc[0]
print(proof["reason"])
assert not proof["passed"]

# %% [markdown]
# It is one by what it looks at, and the task does not need it: without it the answer hardly moves.
# Attention says where a head looks; only the ablation says that somebody listens.
#
# ### Stage 2, in-context identification
#
# The **previous token** head, on random tokens, where meaning cannot help.

# %%
previous = claim("previous token")
assert best("previous token")[1]["verdict"] == "consistent with"

# %%
proof = s.confirm("previous token", previous).iloc[0]
print(proof["reason"])
assert proof["passed"]

# %% [markdown]
# A **content gatherer** looks at the words of the right option, wherever that stands.

# %%
gatherer = claim("content gatherer")
assert best("content gatherer")[1]["verdict"] == "consistent with"

# %%
proof = s.confirm("content gatherer", gatherer).iloc[0]
print(proof["reason"])
assert proof["passed"]

# %% [markdown]
# A **context** head brings the answer of the prompt where the prompt contradicts what the model
# knows. Its evidence is direct attribution, so without a proof it stays a candidate.

# %%
context = claim("context")
assert best("context")[1]["verdict"] == "candidate"

# %%
proof = s.confirm("context", context).iloc[0]
print(proof["reason"])
assert proof["passed"]
again = s.score("context")
now = again[(again["layer"] == proof["layer"]) & (again["head"] == proof["head"])].iloc[0]
print(f"now {now['verdict']}")
assert now["verdict"] == "consistent with"

# %% [markdown]
# ### Stage 3, latent reasoning
#
# **Induction**: what followed this token before comes again. The score asks for the attention *and*
# for an OV circuit that copies.

# %%
induction = claim("induction")
assert best("induction")[1]["verdict"] == "consistent with"

# %%
proof = s.confirm("induction", induction)
print(proof["reason"].item())
print(f"matched heads: {', '.join(proof.attrs['matched'])}")

# %% [markdown]
# It need not pass, and here it does not, for two reasons. Among the heads that write as much stands
# the one that the circuit begins with, the previous token head, whose loss takes everything; and
# several heads of a layer share the work, so that one alone costs a part. Together they are nearly
# all of it:

# %%
rows = scores[(scores["kind"] == "induction") & (scores["score"] > 0.3)]
team = [f"{row.layer}.{row.head}" for row in rows.itertuples()]
s.use(hw.task("repeated random tokens", n=40, split="templates").prompts(s.engine.text))
s.edits = [hw.mean(head) for head in team]
effect = s.effect()["value"]
s.edits = []
print(f"without {', '.join(team)}: {effect['clean']:.2f} becomes {effect['edited']:.2f} logits")
assert effect["edited"] < 0.75 * effect["clean"]

# %% [markdown]
# An **S-inhibition** head tells the name movers whom to look away from: the name that came twice.
# Attention on that name is not enough. Its score is path patching: only what the head sends into
# the name movers' *queries* comes from a prompt where a third name stands in that place.

# %%
inhibition = claim("s-inhibition")
assert best("s-inhibition")[1]["verdict"] == "candidate"

# %%
proof = s.confirm("s-inhibition", inhibition).iloc[0]
print(proof["reason"])
assert proof["passed"]

# %% [markdown]
# The path can be cut by hand, too: the same edit in the session, and where a name mover then looks.

# %%
names = hw.task("ioi", n=20, split="templates").prompts(s.engine.text)
s.use(names)
feeds = s.score("s-inhibition").attrs["measured_on"].split("queries of ")[1].split(", ")
s.edits = [hw.path(inhibition, to=[f"{mover}.q" for mover in feeds])]
looks = {run: s.attention(feeds[0], run=run)[-1] for run in ("clean", "edited")}
io, twice = (names.roles[role][0] for role in ("IO", "S1"))
for run, look in looks.items():
    print(
        f"{run}: {feeds[0]} looks at the name asked for with {look[io]:.2f}, at the one that "
        f"came twice with {look[twice]:.2f}"
    )
effect = s.effect()["value"]
s.edits = []
print(f"lead of the name: {effect['clean']:.2f} becomes {effect['edited']:.2f} logits")
assert effect["edited"] < 0.9 * effect["clean"]

# %% [markdown]
# ### Stage 4, expression preparation
#
# A **correct** head writes the letter that is right, under every letter: a head that always writes
# A fails.

# %%
correct = claim("correct")
assert best("correct")[1]["verdict"] == "candidate"

# %%
proof = s.confirm("correct", correct).iloc[0]
print(proof["reason"])
assert proof["passed"]

# %% [markdown]
# Look at the two cards of that head: it gathers the content *and* writes the letter. In a model as
# small as this, one head does what takes several in a large one.
#
# ## 3. One head, many roles

# %%
passport = s.passport(gatherer)
passport[passport["verdict"].isin(["consistent with", "candidate"])][
    ["kind", "score", "null_max", "p", "verdict", "reason"]
]

# %% [markdown]
# All that the session can say about one head is a page: its roles, the tokens that its OV circuit
# writes, how far back it looks, where in a text of yours it looks hardest, and what its edits do to
# the prompts of the session. (QK is not defined for tokens alone where positions are rotary.)

# %%
page = s.head(previous, "When Mary and John went to the store, John gave a drink to Mary.")
page

# %% [markdown]
# Every part of it is a table too. On random tokens this head looks one back and nowhere else; on
# a sentence, does it still, and where does it rest? Each row stands beside what a head would give
# there that looks at all earlier tokens alike.

# %%
offsets = page.offsets.set_index("to")
one_back, resting = offsets.loc["1 back"], offsets.loc["BOS"]
print(
    f"one back {one_back['attention']:.2f} (uniform {one_back['uniform']:.2f}), "
    f"BOS {resting['attention']:.2f} (uniform {resting['uniform']:.2f})"
)
assert one_back["attention"] > one_back["uniform"]
offsets.head(5).round(2)

# %% [markdown]
# ## 4. What has been published
#
# `hw.atlas` holds heads from papers and their code, with value, measure, source and status, counted
# from 0. With a network, `hw.Session("gpt2").compare_with_atlas()` puts your scores beside them.

# %%
hw.atlas("gpt2", "induction").head(6)

# %% [markdown]
# ## 5. What it does not say
#
# - *Exploratory* kinds (associative memories, semantic induction, coherence) never get beyond
#   *candidate*: no calibrated null is known for them.
# - *No score runs for this kind yet* means that its method (path patching, probes, steering) is run
#   by hand for now: see `01_patching`.
# - Nothing here says that a head has one role only, or that what holds here holds in your model.
#
# ### Sources
#
# Every card names its paper; the pages are in `docs/kinds/`.
