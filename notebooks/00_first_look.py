# %% [markdown]
# # A first look
#
# *What does this attention head do, and how do you know?* In ten minutes you will type a prompt,
# read what a head attends to, score every head against chance, switch heads off and watch the
# next-token logits move: first on a tiny model whose heads were set by hand, so that every number
# can be checked, then on a model of your own.
#
# Run all cells (*Run > Run All Cells*), then come back up here and play. Nothing is downloaded.
#
# ## 1. One session, one model

# %%
import headwidgets as hw

s = hw.Session()  # no name: the planted model, two layers of three heads
s

# %% [markdown]
# `s` is a **session**. It holds the model, your prompts, your edits and the metric, and every cell
# and every widget on this page looks at it. Here are two of them:
#
# - `hw.AttentionView` shows all heads as thumbnails, and the one that you click as a map: which
#   token (row) looks at which (column).
# - `hw.PatchPanel` holds the prompt, the edits, and what they do to the next token.

# %%
s.selection = "0.0"
hw.AttentionView(s)

# %%
panel = hw.PatchPanel(s)
panel

# %% [markdown]
# Type another prompt into the panel and press Enter: the map follows. `s.prompt` in a cell is the
# same thing, and so is every other control: what a click sets, Python reads, and the other way
# round.

# %% [markdown]
# The model never sees letters, it sees **tokens**: here common words, each with the space in front
# of it (the card shows it as a dot). A word that is not in the small vocabulary is spelled in
# bytes; try *zebra*. `<bos>`, the beginning of the sequence, is put in front of every prompt, and
# you will see why it matters.

# %%
import numpy as np
import pandas as pd

pd.DataFrame({"token": s.tokens, "id": s.token_ids}).T

# %% [markdown]
# From the last token the model predicts the next one. The **logit** is what it says for a token
# before the softmax turns it into a probability. Here one word stands out, and all others are far
# below (the next in the list happen to be bytes that do not print).

# %%
s.logits(k=3)

# %% [markdown]
# ## 2. Read a head
#
# A head of layer 1 is called `1.0`, `1.1`, `1.2`. `s.attention` returns its attention as an array:
# row = query (the token that looks), column = key (the token that is looked at). Rows sum to one,
# and nobody looks ahead. Head 0.0 looks at the token before, every time:

# %%
pd.DataFrame(s.attention("0.0"), index=s.tokens, columns=s.tokens).round(2)

# %% [markdown]
# Click **1.0** in the view above, or let a cell do it. Its last row, `' to'`, looks at `' the'`,
# the token that *followed* the earlier `' to'`. And where it finds no earlier copy, it looks at
# `<bos>`: attention has to go somewhere, and a head with nothing to do rests there. **1.1** always
# rests: a *sink*.

# %%
s.selection = "1.0"

# %%
pattern = s.attention("1.0")
query, key = 14, 7
print(f"{s.tokens[query]!r} to {s.tokens[key]!r}: {pattern[query, key]:.3f}")
assert np.allclose(pattern.sum(axis=1), 1, atol=1e-5)
assert pattern[query, key] > 0.999
assert s.attention("0.0").diagonal(-1).min() > 0.999  # the token before
assert s.attention("1.1")[:, 0].min() > 0.999  # <bos>

# %% [markdown]
# ## 3. Is that a finding?
#
# One nice picture is an anecdote. A **score** measures the same thing on many random tokens that
# repeat once, where meaning cannot help. So far there are three kinds:

# %%
hw.kinds()[["name", "definition", "formula", "threshold"]]

# %% [markdown]
# A score says little until you know what chance would do. So each kind has a **null**: the same
# head, scored with its targets moved to other places that it could have looked at, hundreds of
# times, and each time the *largest* score of any head counts. `p` is the share of those draws that
# reach the head's own score. The **verdict** is one rule for all kinds: "consistent with" needs the
# threshold *and* p ≤ .01; "candidate" has one of the two.

# %%
SHOWN = ["layer", "head", "kind", "score", "se", "null_mean", "null_max", "p", "verdict", "reason"]
scores = s.scores()
print("measured on:", scores.attrs["kinds"]["induction"]["measured_on"])
scores.loc[scores["verdict"] != "no", SHOWN].round(3)

# %% [markdown]
# The same as a picture: one square a head. Hover, or walk with the arrow keys, for the score, its
# null and the verdict; a click selects the head everywhere.

# %%
hw.HeadGrid(s, score="induction")

# %% [markdown]
# Each kind found one head. Now we may look at the answer, because this model was planted:
#
# | head | was set to attend to | and writes |
# |---|---|---|
# | 0.0 | the token before | which token that was, for 1.0 to match on |
# | 0.1 | earlier copies of the token | nothing that is read |
# | 0.2 | the token itself | nothing that is read |
# | 1.0 | what followed earlier copies: **induction** | "that token comes next" |
# | 1.1 | `<bos>`: a sink | nothing that is read |
# | 1.2 | everything alike | nothing that is read |
#
# Induction takes two heads, one in each layer: 0.0 tells every token who stands before it, and 1.0
# looks for a place whose predecessor is the present token (Elhage et al. 2021; Olsson et al. 2022).

# %%
found = scores[scores["verdict"] == "consistent with"]
found = {f"{row.layer}.{row.head}": row.kind for row in found.itertuples()}
assert found == {"0.0": "previous token", "0.1": "duplicate token", "1.0": "induction"}
found

# %% [markdown]
# **The control** is a model that never learned anything: a small Llama with random weights. Scores
# that believe in heads would find some here. (The folded cell writes it into a temporary folder.)

# %% [source_hidden]
import tempfile
from pathlib import Path

import torch
import transformers

from headwidgets.zoo.planted_tokenizer import planted_tokenizer

scratch = tempfile.TemporaryDirectory()  # goes away with the kernel


def write_random_llama(folder):
    """Write a Hugging Face folder: two layers of four heads, random weights, our tokenizer."""
    config = transformers.LlamaConfig(
        vocab_size=512,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        transformers.LlamaForCausalLM(config).save_pretrained(folder)
    planted_tokenizer().save_pretrained(folder)
    return folder


transformers.utils.logging.disable_progress_bar()
random_llama = write_random_llama(Path(scratch.name) / "random-llama")

# %%
control = hw.Session(random_llama)
control_scores = control.scores()
assert "consistent with" not in set(control_scores["verdict"])
control_scores.sort_values("score", ascending=False).groupby("kind").head(1)[SHOWN].round(4)

# %% [markdown]
# No head passes. One may still beat its null by a hair (p = .001 at a score of 0.014): that is what
# the threshold is for. The null says "not by chance", the threshold says "and enough to matter".
#
# > **How far this goes.** These three scores are *attention* scores. "Consistent with" means that a
# > head looks where such a head would look, more than chance allows. It does not say that the model
# > uses it. For that, switch it off.
#
# ## 4. Switch heads off
#
# Eight sentences that begin to repeat themselves. The **metric** is Wang et al.'s (2022) logit
# difference: the logit of the word that came before, minus that of another word.

# %%
TABLE = """
Mary  saw    red    bird  hat
Tom   found  blue   book  tree
Anna  took   green  apple ball
Ben   liked  white  cat   tree
Emma  got    small  key   letter
Frank wanted yellow fish  table
Kate  made   black  door  box
Sam   put    new    hat   flower
"""
words = [line.split() for line in TABLE.split("\n") if line]
clean = [f"Once {who} {did} a {how} {it} and {who} {did} a {how}" for who, did, how, it, _ in words]
answer, foil = ([f" {row[place]}" for row in words] for place in (3, 4))
sentences = hw.Prompts(clean=clean, answer=answer, foil=foil, name="eight sentences")
s.prompts = sentences
sentences.to_frame()

# %% [markdown]
# The **loss of the repeat**, in nats, is how badly the model predicts a token that it could have
# copied. It is 0 when the model is sure and right, and ln V when it has no idea among V tokens. For
# a measure of your own like this one, `headwidgets.methods` gives the logits of a run:

# %%
from itertools import pairwise

from headwidgets.methods.runs import logits


def repeat_loss(run):
    """Mean loss, on the prompt on screen, of the tokens that end a pair seen before."""
    asked = s.snapshot()
    ids = asked.pair.clean
    pairs = list(pairwise(ids))
    repeated = [i for i, pair in enumerate(pairs) if pair in pairs[:i]]
    if not repeated:
        return float("nan")
    values = logits(s.engine, asked, run, [asked.index], positions="all").values[0]
    log_probabilities = values.log_softmax(dim=-1)
    return float(np.mean([0 - log_probabilities[i, ids[i + 1]] for i in repeated]))


ln_v = np.log(s.facts.d_vocab)
s.edits = [hw.zero("0.0")]
print(f"loss of the repeat: {repeat_loss('clean'):.3f} -> {repeat_loss('edited'):.3f} nats")
print(f"ln {s.facts.d_vocab} = {ln_v:.3f}")
assert repeat_loss("clean") < 1e-6
assert abs(repeat_loss("edited") - ln_v) < 1e-5
s.effect().round(3)

# %% [markdown]
# Without the previous-token head, the induction head in the layer above finds nothing to match,
# and the model knows nothing at all. Your turn: switch the edit off and on in the panel, and add
# others. The arrows choose the sentence on screen; the metric runs over all eight, with a 95 %
# interval.

# %%
panel

# %% [markdown]
# Take out the sink, 1.1, and nothing changes. That is a result too, and the session says which of
# two reasons it is: the edit did nothing, or nobody listens. The other three are no different.

# %%
for head in ["1.1", "0.1", "0.2", "1.2"]:
    s.edits = [hw.zero(head)]
    still = s.effect()
    assert still["value"]["change"] == still["value"]["KL"] == 0
    print(still.attrs["notes"][0])
s.edits = []

# %% [markdown]
# So there is a duplicate-token head that scores 1.000, with p = .001, and is not used. A high score
# is a place to look, not a finding.
#
# ## 5. Ask where, not only whether
#
# Zero is a brutal question: the model never meets it in nature. **Patching** asks a finer one. Each
# sentence gets a corrupted partner of the same length, in which another word came first; one head's
# output is taken from one run and put into the other (Wang et al. 2022).

# %%
corrupted = [
    text.replace(f" {row[3]} ", f" {row[4]} ") for text, row in zip(clean, words, strict=True)
]
s.prompts = hw.Prompts(clean=clean, corrupted=corrupted, answer=answer, foil=foil)
print(s.prompt, "->", s.prompts.answer[0])
print(s.corrupted_prompt, "->", s.prompts.foil[0])

# %% [markdown]
# `normalised` is 1 where the edited run is as good as the clean one and 0 where it is as bad as the
# corrupted one, whichever direction you patch in; `se` is the standard error over the n = 8 pairs.

# %%
EDITS = [
    hw.zero("0.0"),
    hw.zero("1.0"),
    hw.patch("1.0", at="end"),  # noising: the corrupted head in the clean run
    hw.patch("1.0", at="end", into="corrupted"),  # denoising: the other way round
    hw.patch("0.0", into="corrupted"),
    hw.mean("1.0"),
]
rows = {}
for edit in EDITS:
    s.edits = [edit]
    effect = s.effect()
    edited, normalised = effect.loc["edited"], effect.loc["normalised"]
    rows[str(edit)] = {
        "metric": edited["value"],
        "se": edited["se"],
        "n": int(edited["n"]),
        "normalised": normalised["value"],
        "se of it": normalised["se"],
        "note": "; ".join(effect.attrs["notes"]),
    }
table = pd.DataFrame.from_dict(rows, orient="index")
print(f"clean {effect['value']['clean']:.2f}, corrupted {effect['value']['corrupted']:.2f}")
table.round(3)

# %% [markdown]
# Removing a head of the pair leaves the model undecided: 0.5, halfway. Patching 1.0 at the last
# position carries the whole answer over, in both directions: 0 and 1. And patching 0.0 does
# nothing, though removing it ruins everything: it says "the token before me is *red*", which is as
# true in the corrupted sentence. So 1.0 moves the word, and 0.0 only tells it where to look.

# %%
normalised = table["normalised"]
assert abs(normalised["patch 1.0 into clean at end"]) < 1e-4
assert abs(normalised["patch 1.0 into corrupted at end"] - 1) < 1e-4
assert abs(normalised["patch 0.0 into corrupted"]) < 1e-4
assert abs(normalised["zero 0.0"] - 0.5) < 1e-4

# %% [markdown]
# ## 6. A model of yours
#
# `hw.Session("gpt2")` opens any name that TransformerLens boots, `hw.Session(bridge)` a bridge that
# you hold, and `hw.Session(folder)` a Hugging Face folder on your disk. Put yours here:

# %%
FOLDER = Path("../../shared/data/stories260k")  # a Llama of 260 thousand weights, if it is there
if not FOLDER.is_dir():
    print(f"there is no folder {FOLDER}: this section runs on the random Llama of section 3")
    FOLDER = random_llama
mine = hw.Session(FOLDER)
mine.prompt = "One day, a little boy named Tim went to the park. Tim"
shape = mine.facts
print(f"{FOLDER.name}: {shape.n_layers} layers × {shape.n_heads} query heads", end=" ")
print(f"over {shape.n_kv_heads} key/value heads, {shape.architecture}, {shape.numerics} weights")

# %%
previous = mine.score("previous token").sort_values("score", ascending=False)
print(previous.attrs["agreement"])
previous.head(5)[SHOWN].round(3)

# %% [markdown]
# Read the line above the table. Real heads are less tidy than planted ones: the head that comes
# first on random tokens need not come first on text, where the pieces of a word may attend to each
# other for reasons of their own. Both numbers are right; they answer different questions.

# %%
best = hw.Head(int(previous["layer"].iloc[0]), int(previous["head"].iloc[0]))
mine.selection = best
hw.AttentionView(mine)

# %% [markdown]
# Without that head, the same beginning goes on differently, or it does not. Both are greedy.

# %%
mine.edits = [hw.zero(best)]
story = mine.generate(24)
print(mine.prompt)
for run in ("clean", "edited"):
    print(f"{run:>8}: …{story.attrs[run]}")
mine.logits(k=4).round(3)

# %% [markdown]
# Is anything here an induction head? The honest answer is in the verdicts, and the model's own
# accuracy on the repeat (`task_accuracy`) stands beside them.

# %%
induction = mine.score("induction")
print(induction["verdict"].value_counts().to_dict())
induction.sort_values("score", ascending=False).head(2)[[*SHOWN[:8], "task_accuracy", "verdict"]]

# %% [markdown]
# ## 7. The same in plain TransformerLens
#
# Nothing here is magic. This is a `TransformerBridge` with a hook that you could have written, and
# it gives the same number.

# %%
from headwidgets.zoo.planted import planted

bridge = planted()
held = hw.Session(bridge)  # a bridge that you hold: it is never changed
held.prompt = clean[0]
held.metric = hw.LogitDiff(answer[0], foil[0])
held.edits = [hw.zero("0.0")]
ours = held.effect()["value"]


def switch_off(z, hook):  # noqa: ARG001 - z is [batch, position, head, d_head]
    z[:, :, 0] = 0
    return z


tokens = torch.tensor([held.token_ids])
right, wrong_one = (bridge.tokenizer.encode(word)[-1] for word in (answer[0], foil[0]))
with torch.no_grad():
    runs = {
        "clean": bridge(tokens),
        "edited": bridge.run_with_hooks(tokens, fwd_hooks=[("blocks.0.attn.hook_z", switch_off)]),
    }
for run, values in runs.items():
    theirs = float(values[0, -1, right] - values[0, -1, wrong_one])
    print(f"{run:7} headwidgets {ours[run]:9.5f}   TransformerLens {theirs:9.5f}")
    assert abs(ours[run] - theirs) < 1e-5

# %% [markdown]
# ## 8. Keep it
#
# A saved session is a folder of JSON and safetensors: prompts, edits, metric, selection, notes,
# every table, and a hash of the weights, so that numbers never end up with the wrong model.

# %%
s.edits = [hw.zero("0.0")]
s.notes = "Without 0.0, 1.0 has nothing to match on."
before = s.effect()
folder = s.save(Path(scratch.name) / "first-look")
print(sorted(path.name for path in folder.iterdir()))

again = hw.load(folder)
assert again.notes == s.notes
assert list(again.edits) == [hw.zero("0.0")]
pd.testing.assert_frame_equal(again.effect(), before)
pd.testing.assert_frame_equal(again.frames["scores"], s.frames["scores"])
again

# %% [markdown]
# Now put everything back, and look at all of it in one place: `s.explore()`, or, with a model and a
# table of your own, `hw.explore("gpt2", table)`.

# %%
s.edits = []
s.prompts = "When Mary and John went to the store, John gave a drink to"
s.explore()

# %% [markdown]
# ### Sources
#
# - Elhage et al. 2021, *A Mathematical Framework for Transformer Circuits*, Transformer Circuits
#   Thread: the two-head circuit of induction, and what QK and OV each do.
# - Olsson et al. 2022, *In-context Learning and Induction Heads*, arXiv 2209.11895: the scores of
#   section 3, and random tokens that repeat.
# - Wang et al. 2022, *Interpretability in the Wild*, arXiv 2211.00593: the logit difference, mean
#   ablation and patching of sections 4 and 5, and duplicate-token heads.
