# %% [markdown]
# # From "which head matters" to a circuit
#
# *A model gives the right answer. Which heads did it, where, how, and do they explain all of it?*
# This notebook asks one small question with every method of discovery, one after another, until a
# circuit is left; then it shows where the methods disagree, and which of them to believe.
#
# Every model here is known: its heads were set by hand (once, drawn at random), so every claim is
# checked by the cell below it. Nothing is downloaded. If sessions, heads and edits are
# new to you, start with `00_first_look`.
#
# ## 1. The question
#
# Four sentences that begin to repeat themselves. The **metric** is the logit of the noun that came
# before, minus that of another noun (the logit difference of Wang et al. 2022). Each sentence has a
# **corrupted** partner of the same length, in which one word is another, so that there is nothing
# to repeat. What differs between the two runs is what the answer rests on.

# %%
from collections import defaultdict

import pandas as pd

import headwidgets as hw

TABLE = """
Mary  saw    red    book  table
John  found  blue   key   door
Tom   took   green  ring  flower
Anna  got    small  hat   letter
"""
rows = [line.split() for line in TABLE.split("\n") if line]
clean = [f"Once {who} {did} a {how} {it} and {who} {did} a {how}" for who, did, how, it, _ in rows]
sentences = hw.Prompts(
    clean=clean,
    corrupted=[f"Once {a} {b} a new {d} and {a} {b} a {c}" for a, b, c, d, _ in rows],
    answer=[f" {row[3]}" for row in rows],
    foil=[f" {row[4]}" for row in rows],
    name="four sentences",
)
s = hw.Session("planted")  # the planted model: two layers of three heads
s.prompts = sentences
s.selection = "1.0"


def shown(frame):
    """Return a table to three places, with −0 as 0."""
    return frame.map(lambda x: round(x, 3) + 0.0 if isinstance(x, float) else x)


sentences.to_frame()

# %% [markdown]
# ## 2. Which head?
#
# **Activation patching** puts one head's output from one run into the other. `s.sweep()` does it to
# every head in turn, over all four sentences. By default it *denoises*: the corrupted run, with one
# head as it was in the clean one. `normalised` is 0 where nothing came back and 1 where everything
# did (Meng et al. 2022, section 2; Heimersheim and Nanda 2024).

# %%
SHOWN = ["layer", "head", "effect", "normalised", "se", "n"]
patched = s.sweep("patch")
by_head = patched.set_index(["layer", "head"])["normalised"]
assert abs(by_head[0, 0] - 1) < 1e-4
assert abs(by_head[1, 0] - 1) < 1e-4
assert by_head.drop([(0, 0), (1, 0)]).abs().max() < 1e-4
shown(patched[SHOWN])

# %% [markdown]
# Two heads of six, **0.0** and **1.0**, and each by itself restores all of it. Here is the same as
# a map, where a click selects a head, beside what the selected head looks at.

# %%
hw.HeadGrid(s, "patch")

# %%
hw.AttentionView(s)

# %% [markdown]
# Patching is one of four ways to replace a head. **Zero** removes it; **mean** leaves what it says
# on average (Wang et al. 2022, section 2); **resample** lets it speak of another sentence (Chan et
# al. 2022). The last three edit the clean run, so that 0 is a loss and 1 is no harm. In this model,
# all four point at the same two heads. Section 10 has models in which they do not.

# %%
kinds = ["zero", "mean", "resample"]
table = pd.DataFrame({kind: s.sweep(kind)["normalised"] for kind in kinds})
table.index = [f"{row.layer}.{row.head}" for row in patched.itertuples()]
assert table.loc[["0.0", "1.0"]].abs().max().max() < 0.05
assert (table.drop(["0.0", "1.0"]) - 1).abs().max().max() < 1e-4
shown(table)

# %% [markdown]
# ## 3. Where?
#
# The same sweep over heads × positions says *at which token* a head's output is needed. Only two of
# these 72 numbers are not zero: 0.0 at the noun, 1.0 at the end.

# %%
where = s.sweep("patch", over="heads x positions")
needed = where[where["normalised"].abs() > 1e-3]
needed = needed.assign(token=[s.tokens[i] for i in needed["position"]])
assert needed[["layer", "head", "position"]].to_numpy().tolist() == [[0, 0, 6], [1, 0, 11]]
assert abs(needed["normalised"] - 1).max() < 1e-4
print(f"{len(where)} patches")
shown(needed[["layer", "head", "position", "token", "normalised"]])

# %% [markdown]
# And the residual stream, as each block reads it: before layer 0 everything that differs is at the
# changed word, after it at the noun behind that word. So layer 0 moved it one token on, and layer 1
# moves it to the end. (Patching the stream before layer 0 at the only token that differs *must*
# give 1: a check of the tool more than of the model.)

# %%
stream = s.sweep("patch", over="positions x layers")
stream = stream.pivot_table(index="layer", columns="position", values="normalised")
assert abs(stream.loc[0, 5] - 1) < 1e-4
assert abs(stream.loc[1, 6] - 1) < 1e-4
assert stream.abs().sum().sum() - 2 < 1e-3
shown(stream.set_axis([f"{i} {s.tokens[i]}" for i in stream], axis=1))

# %% [markdown]
# ## 4. Directly, or through others?
#
# A head's **total** effect is what the metric loses without it. It splits exactly into three:
# **direct**, what the head itself writes towards the answer; **LayerNorm**, what its absence does
# to the scale of everything else; **indirect**, what it does through later components. Of the two
# heads, 1.0 says the answer, and 0.0 acts through somebody.

# %%
PARTS = ["layer", "head", "total", "direct", "layernorm", "indirect"]
effects = s.head_effects(kind="zero").set_index(["layer", "head"])
assert abs(effects.loc[(0, 0), "indirect"] - 40) < 1e-3
assert abs(effects.loc[(0, 0), "direct"]) < 1e-3
assert abs(effects.loc[(1, 0), "direct"] - 40) < 1e-3
assert abs(effects.loc[(1, 0), "indirect"]) < 1e-3
shown(effects.reset_index()[PARTS])

# %% [markdown]
# (Beware of the words: in Vig et al. 2020 and Meng et al. 2022 an "indirect effect" is that of a
# changed *prompt*, as far as it passes through a component. That is the total effect here.)
#
# The split is easiest to check where nothing *can* be indirect: one layer of two random heads.
# Without a norm, total = direct. With one, the rest is LayerNorm, and it may be larger than the
# direct effect.

# %%
from headwidgets.zoo import toys


def one_layer(**options):
    session = hw.Session(toys.one_layer(**options))
    session.prompts = hw.Prompts(
        clean=["the cat can see the door", "a dog did go to the park"],
        corrupted=["the dog can see the house", "a cat did go to the river"],
        answer=[" red", " red"],
        foil=[" blue", " blue"],
    )
    return session


plain, normed = one_layer(), one_layer(norm=True)
both_norms = {
    "without a norm": plain.head_effects(kind="zero"),
    "with a norm": normed.head_effects(kind="zero"),
}
split = pd.concat(both_norms)[PARTS]
assert split["indirect"].abs().max() < 1e-4
assert split.loc["without a norm", "layernorm"].abs().max() < 1e-4
assert abs(split.loc["with a norm", "layernorm"][0]) > abs(split.loc["with a norm", "direct"][0])
shown(split)

# %% [markdown]
# ## 5. What is written?
#
# **Direct attribution** reads the same off a single run: the logit difference is a sum over all
# that was written into the last residual stream, a row for each component (Elhage et al. 2021).
# The rows add up to the metric.

# %%
attributed = s.attribution()
assert abs(attributed["attribution"].sum() - attributed.attrs["metric_value"]) < 1e-3
print(f"sum {attributed['attribution'].sum():.3f} = metric {attributed.attrs['metric_value']:.3f}")
shown(attributed[["part", "name", "attribution", "se", "n"]])

# %% [markdown]
# A head's row splits on, over the tokens that it attends to. All of what 1.0 says comes from the
# noun:

# %%
sources = s.attribution("source token", heads=["1.0"]).set_index("source")["attribution"]
assert abs(sources[6] - 40) < 1e-3
assert sources.drop(6).abs().max() < 1e-3
shown(pd.DataFrame([sources.tolist()], index=["1.0"], columns=s.tokens))

# %% [markdown]
# The **logit lens** (nostalgebraist 2020) reads the stream as if the model ended there: nothing
# about the answer is to be seen until layer 1. Head 0.0 did its work in layer 0 all the same; what
# it wrote is not in the language of the logits.

# %%
lens = s.logit_lens()
assert lens["metric"].abs().iloc[:-1].max() < 1e-3
assert lens["top"].iloc[-1][0] == " book"
lens["likeliest, its p"] = [
    f"{top[0].strip()} {p[0]:.3f}" if p[0] > 0.01 else "none"
    for top, p in zip(lens["top"], lens["p"], strict=True)
]
shown(lens[["stage", "layer", "metric", "likeliest, its p"]])

# %% [markdown]
# ## 6. The quick estimate, and where it errs
#
# **Attribution patching** (Nanda 2023) estimates every patch of a sweep from one gradient:
# (z̃ − z) · ∂metric/∂z. Two runs and a backward pass, however many heads there are. It is exact
# where the metric is linear in what heads write: on the layer without a norm.


# %%
def beside_exact(session, direction="denoise"):
    """The estimates of attribution patching beside the sweep that they estimate."""
    estimate = session.attribution_patching(direction=direction)
    return hw.compare_with_exact(estimate, session.sweep("patch", direction=direction))


linear, bent = beside_exact(plain), beside_exact(normed)
assert linear.attrs["largest_error"] < 1e-4
assert bent.attrs["largest_error"] > 0.1
shown(pd.concat({"without a norm": linear, "with a norm": bent}))

# %% [markdown]
# And here is where it misses a head altogether. 0.0 acts through the attention of 1.0, which in the
# corrupted run rests on `<bos>` with all its weight. A saturated softmax has no slope, so the
# estimate says 0 where the truth is 40. In the other direction it is no better.

# %%
missed = {way: beside_exact(s, way) for way in ("denoise", "noise")}
for found in missed.values():
    first, induction = found.iloc[0], found.iloc[3]
    assert abs(first["estimate"]) < 1e-3
    assert abs(abs(first["exact"]) - 40) < 1e-3
    assert abs(induction["error"]) < 1e-3
shown(pd.concat(missed)[["layer", "head", "estimate", "exact", "error"]])

# %% [markdown]
# So: estimate to find where to look in a large model, then sweep those heads exactly. A zero of the
# estimate is no evidence of absence.
#
# ## 7. Through whom?
#
# **Path patching** (Wang et al. 2022, section 3.1) carries what one head would write to chosen
# *readers* only: to the logits, or to the query, key or value of other heads. Everything else is
# held as it was. First, who reaches the logits?

# %%
to_logits = s.paths("logits")["effect"]
assert abs(to_logits[3] + 40) < 1e-3
assert to_logits.drop(3).abs().max() < 1e-3
shown(pd.DataFrame([to_logits.tolist()], index=["to the logits"], columns=table.index))

# %% [markdown]
# 1.0 alone. And who reaches 1.0? One **edge** at a time: 0.0 does, by the *key*, and by no other
# way. It does not say what to look for (the query), or what to copy (the value). It labels places.

# %%
edges = s.edges(["0.0", "0.1", "0.2"], ["1.0.q", "1.0.k", "1.0.v", "logits"])
edges = edges.pivot_table(index="sender", columns="receiver", values="effect")
assert abs(edges.loc["0.0", "1.0.k"] + 40) < 1e-3
assert edges.abs().sum().sum() < 40.001
shown(edges)

# %% [markdown]
# This is not the luck of a model whose heads are all or nothing. The smallest induction circuit,
# two heads over 64 letters, has a dial: **β** is how sharply its heads attend. Whatever β, what 0.0
# does through the key of 1.0 is all that it does.

# %%
import string

LETTERS = string.ascii_lowercase[:25]
dial = []
for beta in (2, 5, 10, 20):
    small = hw.Session(toys.induction(beta))
    small.prompts = hw.Prompts(
        clean=[LETTERS + LETTERS[:5], LETTERS + LETTERS[:9]],
        corrupted=[LETTERS.replace(x, "Z") + LETTERS[:k] for x, k in (("e", 5), ("i", 9))],
        answer=["f", "j"],
        foil=["z", "z"],
    )
    ways = small.edges(["0.0"], ["1.0.q", "1.0.k", "1.0.v", "logits"])
    ways = ways.set_index("receiver")["effect"]
    mended = beside_exact(small).iloc[0]
    total = small.sweep("patch", direction="noise")["effect"][0]
    assert abs(ways["1.0.k"] - total) < 1e-4
    assert abs(ways.drop("1.0.k")).max() < 1e-6
    assert abs(mended["exact"] + total) < 1e-4
    dial.append({"β": beta, "total": total, **ways, "estimate, denoising": mended["estimate"]})
dial = pd.DataFrame(dial).set_index("β")
shown(dial)

# %% [markdown]
# (The last column is attribution patching again, of the same head the other way round: its true
# value is minus the total.)
#
# ## 8. The circuit
#
# Two heads and an edge: the claim is that **0.0 → 1.0 (key) → logits** is all there is. A claim
# like that can be tested: keep these heads, and replace all others by their means.

# %%
s.edits = [hw.keep("0.0", "1.0")]
kept = s.effect()["value"]
assert abs(kept["edited"] - kept["clean"]) < 1e-3
shown(s.effect()[["value", "se", "n"]])

# %% [markdown]
# `s.circuit` asks the three questions of Wang et al. 2022, section 4, with F the metric of what is
# kept, M the model, C the circuit:
#
# - **faithful**: does C alone do what M does?
# - **complete**: take heads K from both C and M; do they still agree? If not, something outside C
#   can do K's work.
# - **minimal**: is there, for every head of C, a K beside which it matters?

# %%
pair = s.circuit(["0.0", "1.0"])
alone = pair[pair["score"] == "faithfulness"]["value"].tolist()
assert abs(alone[0]) < 1e-3
assert abs(alone[1] - 1) < 1e-4
assert pair[pair["score"] == "completeness"]["value"].max() < 1e-3
assert pair[pair["score"] == "minimality"]["value"].min() > 39
shown(pair[["score", "of", "K", "value", "se", "n"]])

# %% [markdown]
# A head too many shows in minimality; a head too few, in faithfulness:

# %%
wide, narrow = s.circuit(["0.0", "0.1", "1.0"]), s.circuit(["1.0"])
minimal = wide[wide["score"] == "minimality"].set_index("of")["value"]
ratio = narrow[narrow["of"] == "F(C) / F(M)"]["value"].item()
assert minimal["0.1"] < 1e-3
assert abs(ratio) < 1e-3
print("with 0.1 too, minimality:", minimal.round(2).to_dict())
print(f"1.0 alone: F(C) / F(M) = {ratio:.3f}")

# %% [markdown]
# The panel holds the same edit. Switch it off and on, or change which heads are kept.

# %%
hw.PatchPanel(s)

# %% [markdown]
# ## 9. Steering: how far does one direction go?
#
# So 1.0 carries the noun. As what? Take six sentences, half about a book, half about a key, and the
# difference of what 1.0 holds at the end of the two halves: a **direction** (Tigges et al. 2023,
# section 2). Adding it, at several strengths, moves the answer (Turner et al. 2023); the unit is
# the standard deviation along the direction. This model is a softer one (β = 10).

# %%
from headwidgets.zoo.planted import planted

soft = hw.Session(planted(10.0))
WHO = (
    "Mary saw red, John found blue, Tom took green, Anna got small, Kate made black, Ben put white"
)
acts = [part.split() for part in WHO.split(", ")]
things = ["book", "key"] * 3
soft.prompts = [
    f"Once {who} {did} a {how} {it} and {who} {did} a {how}"
    for (who, did, how), it in zip(acts, things, strict=True)
]
soft.metric = hw.LogitDiff(" book", " key")
way = soft.direction("1.0", groups=[it == "book" for it in things])
NEUTRAL = ["When Mary and John went to the store, John gave a drink to"]
curve = soft.strengths(way, [-2, -1, -0.5, 0, 0.5, 1, 2], at="end", neutral=NEUTRAL)
assert curve["metric"].is_monotonic_increasing
assert curve["flips"].tolist() == [0.5, 0.5, 0, 0, 0, 0.5, 0.5]
assert curve["kl_neutral"].iloc[[0, -1]].min() > 5 * curve["kl_neutral"].iloc[[1, -2]].max()
assert (curve["metric"].iloc[[0, -1]].abs() > 10 * curve["random_sd"].iloc[[0, -1]]).all()
print(curve.attrs["edit"])
shown(curve[["strength", "metric", "se", "flips", "kl_neutral", "random_sd"]])

# %% [markdown]
# Three things to read beside the metric. **flips**: the share of sentences whose answer changed; at
# one standard deviation, all that said the other noun. **random_sd**: what a random direction of
# the same length does. **kl_neutral**: the cost, in nats a token, on a sentence that has nothing to
# do with it; it grows much faster than the effect.
#
# **Subtraction** asks the reverse: without what lies along the direction, can the model still tell?
# Taken out to zero, the two nouns tie. Put in from the other sentence (a directional patch), the
# answer changes over.

# %%
other = {"book": "key", "key": "book"}
halves = [
    clean.replace(f" {it} ", f" {other[it]} ")
    for clean, it in zip(soft.prompts.clean, things, strict=True)
]
soft.prompts = hw.Prompts(
    clean=soft.prompts.clean,
    corrupted=halves,
    answer=[f" {it}" for it in things],
    foil=[f" {other[it]}" for it in things],
)
soft.metric = hw.LogitDiff()
taken = {"nothing": soft.effect()["value"]["clean"]}
for to in ("zero", "patch"):
    soft.edits = [hw.subtract("1.0", way, at="end", to=to)]
    taken[f"to {to}"] = soft.effect()["value"]["edited"]
assert abs(taken["to zero"]) < 0.01
assert abs(taken["to patch"] + taken["nothing"]) < 0.01
shown(pd.DataFrame(taken, index=["right noun − other noun"]))

# %% [markdown]
# ## 10. Where the methods disagree
#
# Two models of four heads. In both, 0.0 and 0.1 copy the word of the prompt, and 1.0 reads how many
# of them did. In **OR** one copy is enough; in **AND** it takes both.
#
# *Noising* breaks one head in the clean run; *denoising* mends one in the corrupted run. On OR,
# noising finds neither copy head, because the other still speaks, and denoising finds both. On AND
# it is the other way round. (1.0 counts with a negative sign on OR: it takes the surplus off.)

# %%
COLOURS = {"red": "green", "blue": "white", "black": "yellow", "small": "old"}
GATES = {"OR": hw.Session(toys.either()), "AND": hw.Session(toys.both())}
for gate in GATES.values():
    gate.prompts = hw.Prompts(
        clean=[f".. {word}.." for word in COLOURS],
        corrupted=["....."] * len(COLOURS),
        answer=[f" {word}" for word in COLOURS],
        foil=[f" {word}" for word in COLOURS.values()],
    )
swept = defaultdict(dict)
for name, gate in GATES.items():
    for how in ("noise", "denoise"):
        compared = beside_exact(gate, how)
        compared.index = [f"{row.layer}.{row.head}" for row in compared.itertuples()]
        swept[name, how] = compared["exact"]
        swept[name, f"{how}, estimate"] = compared["estimate"]
swept = pd.DataFrame(swept)
copies = swept.loc[["0.0", "0.1"]]
assert copies["OR", "noise"].abs().max() < 1e-3
assert abs(copies["OR", "denoise"] - 40).max() < 1e-3
assert abs(copies["AND", "noise"] + 40).max() < 1e-3
assert copies["AND", "denoise"].abs().max() < 1e-3
assert abs(copies[[("OR", "noise, estimate"), ("AND", "noise, estimate")]] + 20).max().max() < 1e-3
shown(swept)

# %% [markdown]
# So run both directions: noising finds what is *necessary*, denoising what is *sufficient*
# (Heimersheim and Nanda 2024). The estimates of attribution patching, under noising, cannot tell
# the two models apart: −20 for each copy head of both, where the truth is 0 and −40.
#
# **Self-repair.** Why does OR not miss a head? Its direct effect is the whole answer, and its
# indirect effect takes just as much back: without it, 1.0 stops taking off the surplus. A total
# near zero is not "this head does nothing" (McGrath et al. 2023; Wang et al. 2022, section 3.4).

# %%
repair = GATES["OR"].head_effects(kind="zero")
assert repair["self_repair"].tolist() == [True, True, False, False]
assert repair["total"].abs().iloc[:2].max() < 1e-3
shown(repair[[*PARTS, "self_repair"]])

# %% [markdown]
# **Zero and mean.** A copy head of AND says two things: *which* word, and *that there was one*.
# Zero takes both away, and the reader, counting one copy, is silent: nothing is left. The mean over
# prompts that all have a word keeps the second, and only blurs the first. Neither is wrong; they
# remove different things, and "removed" means nothing until you say by what it was replaced.

# %%
gate = GATES["AND"]
ablated = pd.DataFrame({kind: gate.sweep(kind)["normalised"] for kind in kinds})
ablated.index = swept.index
assert ablated.loc["0.0", "zero"] < 1e-4
assert 0.5 < ablated.loc["0.0", "mean"] < 0.75
shown(ablated)

# %% [markdown]
# **Faithful, and yet not the circuit.** On OR, keep 0.0 alone, with means taken over prompts
# without a word: it does all that the model does. Only completeness gives it away. Take 0.0 from
# both, and the "circuit" has nothing left, while the model goes on: 0.1 was there all the time.

# %%
gate = GATES["OR"]
gate.reference = ["....."] * len(COLOURS)
single = gate.circuit(["0.0"])
faithful = single[single["of"] == "F(C) / F(M)"]["value"].item()
incomplete = single[(single["score"] == "completeness") & (single["K"] == "0.0")]["value"].item()
assert abs(faithful - 1) < 1e-4
assert abs(incomplete - 40) < 1e-3
shown(single[["score", "of", "K", "value", "se", "n"]])

# %% [markdown]
# ## What to take home
#
# | to know | ask | and mind |
# |---|---|---|
# | which heads | `s.sweep(kind)` | noise *and* denoise; replaced by what? |
# | where | `over="heads x positions"` | one position alone may not suffice |
# | directly or through others | `s.head_effects()` | a small total may be self-repair |
# | what is written | `s.attribution()`, `s.logit_lens()` | sees direct effects only |
# | quickly, in a large model | `s.attribution_patching()` | blind where attention is saturated |
# | through whom | `s.paths(to)`, `s.edges(a, b)` | frozen heads cannot react |
# | is that all | `s.circuit(heads)` | faithful is not complete |
# | as what | `s.direction()`, `s.strengths()` | the cost on neutral text |
#
# `hw.methods()` is the longer list: what each method changes and needs, how many runs it takes (N
# prompts, L layers of H heads), and who used it.

# %%
hw.methods()[["method", "changes", "needs", "forwards", "call"]]

# %% [markdown]
# ### Sources
#
# - Chan et al. 2022, *Causal scrubbing*, Alignment Forum: resampling.
# - Elhage et al. 2021, *A Mathematical Framework for Transformer Circuits*, Transformer Circuits
#   Thread: attribution along the residual stream; the induction circuit ("Induction heads").
# - Heimersheim and Nanda 2024, *How to use and interpret activation patching*, arXiv 2404.15255:
#   noising and denoising, AND and OR.
# - McGrath et al. 2023, *The Hydra Effect*, arXiv 2307.15771: self-repair.
# - Meng et al. 2022, *Locating and Editing Factual Associations in GPT*, arXiv 2202.05262, section
#   2; Vig et al. 2020, *Causal Mediation Analysis*, arXiv 2004.12265: effects through a component.
# - Nanda 2023, *Attribution Patching*; Syed et al. 2023, arXiv 2310.10348.
# - nostalgebraist 2020, *interpreting GPT: the logit lens*.
# - Tigges et al. 2023, *Linear Representations of Sentiment in Large Language Models*, arXiv
#   2310.15154; Turner et al. 2023, *Activation Addition*, arXiv 2308.10248.
# - Wang et al. 2022, *Interpretability in the Wild*, arXiv 2211.00593: patching, path patching and
#   the three criteria of section 4.
