# %% [markdown]
# # A first look
#
# *What does this attention head do, and how do you know?* In ten minutes you will type a prompt,
# read what a head attends to, score every head against chance, switch heads off and watch the
# next-token logits move, and carry an answer from one sentence into another.
#
# The model is small enough to come with the package and was trained on the tasks of `hw.tasks()`:
# its heads were found by training, not put there, and it can really do what it is asked here.
#
# Run all cells (*Run > Run All Cells*), then come back up here and play. Nothing is downloaded.
#
# ## 1. One session, one model

# %%
import headwidgets as hw

s = hw.Session()  # no name: the bundled model
s

# %% [markdown]
# `s` is a **session**. It holds the model, your prompts, your edits and the metric, and every cell
# and every widget on this page looks at it. Here are two of them:
#
# - `hw.AttentionView` shows all heads as thumbnails, and the one that you click as a map: which
#   token (row) looks at which (column).
# - `hw.PatchPanel` holds the prompt, the edits, and what they do to the next token.

# %%
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
# of it (the card shows it as a dot). A word that is not in the vocabulary is spelled in pieces; try
# *unhappiness*. A token that this model never met in training is underlined in the panel: what the
# model does with it means little. `<bos>`, the beginning of the sequence, is put in front of every
# prompt, and you will see why it matters.

# %%
import numpy as np
import pandas as pd

pd.DataFrame({"token": s.tokens, "id": s.token_ids}).T

# %% [markdown]
# From the last token the model predicts the next one. The **logit** is what it says for a token
# before the softmax turns it into a probability. John gives, so somebody else receives: *Mary*.

# %%
s.logits(k=5).round(2)

# %%
assert s.logits(k=1)["token"].item() == " Mary"

# %% [markdown]
# ## 2. Read a head
#
# The third head of layer 2 is called `2.2`: both are counted from 0. `s.attention` returns its
# attention as an array: row = query (the token that looks), column = key (the token that is looked
# at). Rows sum to one, and nobody looks ahead. Which head looks most at the token right before, on
# this prompt?

# %%
patterns = {
    f"{layer}.{head}": s.attention(f"{layer}.{head}")
    for layer in range(s.facts.n_layers)
    for head in range(s.facts.n_heads)
}
before = {name: pattern.diagonal(-1)[1:].mean() for name, pattern in patterns.items()}
looks_back = max(before, key=before.get)
print(f"{looks_back} gives the token before {before[looks_back]:.0%} of its attention")
assert all(np.allclose(pattern.sum(axis=1), 1, atol=1e-4) for pattern in patterns.values())

# %% [markdown]
# Choose it: click it in the view above, or let a cell do it. The bright line beside the diagonal is
# what the number says. Some other heads show a bright first column instead: attention has to go
# somewhere, and a head with nothing to do rests on `<bos>` (a *sink*).

# %%
s.selection = looks_back
resting = {name: pattern[1:, 0].mean() for name, pattern in patterns.items()}
pd.Series(resting, name="mean attention to <bos>").sort_values(ascending=False).head(3).round(2)

# %% [markdown]
# ## 3. Is that a finding?
#
# One nice picture is an anecdote. A **score** measures the same thing many times: on random tokens
# that repeat once, where meaning cannot help, or on a task. There are forty kinds of head, those of
# the survey of Zheng et al. (2024); `03_taxonomy` goes through them:

# %%
hw.kinds()[["name", "stage", "evidence", "definition", "threshold"]]

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
scores.loc[scores["verdict"].isin(["consistent with", "candidate"]), SHOWN].round(3)

# %% [markdown]
# The same as a picture: one square a head. Hover, or walk with the arrow keys, for the score, its
# null and the verdict; a click selects the head everywhere.

# %%
hw.HeadGrid(s, score="previous token")

# %% [markdown]
# **May the scores be believed?** Two controls say so. In the first the answer is known:
# `hw.Session("planted")` is a model whose heads were set by hand.
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
planted = hw.Session("planted").scores()
claims = planted[planted["verdict"] == "consistent with"]
found = {}
for row in claims.itertuples():
    found.setdefault(f"{row.layer}.{row.head}", []).append(row.kind)
assert found == {
    "0.0": ["previous token", "positional"],
    "0.1": ["duplicate token", "global retrieval"],
    "1.0": ["global retrieval", "induction"],
}
found

# %% [markdown]
# The second never learned anything: a small Llama with random weights. Scores that believe in heads
# would find some here. (The folded cell writes it into a temporary folder.)

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
# > **How far this goes.** Most of these are *attention* scores. "Consistent with" then means that a
# > head looks where such a head would look, more than chance allows. It does not say that the model
# > uses it. For that, switch it off.
#
# ## 4. Switch heads off
#
# A **task** is a generator of prompts with answers, for any tokenizer: `hw.tasks()` lists them. In
# this one, of Wang et al. (2022), two people are named, one of them twice, and the other one
# receives (*indirect object identification*). The **metric** is the logit difference: the logit of
# the right name minus that of the other. This model was never trained on these pairs of names.

# %%
s.prompts = hw.task("ioi", n=60, split="test")
s.prompts.to_frame()[["clean", "corrupted", "answer", "foil"]].head(4)

# %%
right = s.accuracy().iloc[0]
print(f"accuracy {right.accuracy:.2f} ± {right.accuracy_se:.2f}, where a guess has {right.chance}")
assert right["accuracy"] > 0.9

# %% [markdown]
# Which heads does it need? `s.sweep("resample")` gives each head in turn the output that it has on
# *another* of the prompts, recomputes everything above it, and reads the metric, with the standard
# error over the 60 prompts.

# %%
costs = s.sweep("resample").sort_values("effect")
top = costs.iloc[0]
needed = hw.Head(int(top["layer"]), int(top["head"]))
print(f"{needed} costs {-top['effect']:.2f} ± {top['se']:.2f} of {right.logit_diff:.2f}")
costs.head(4).round(2)

# %%
assert -top["effect"] > 0.3 * right["logit_diff"]
others = costs["effect"].iloc[1:]
assert top["effect"] < others.quantile(0.05)  # it costs more than 95 % of the others

# %% [markdown]
# Now look at it, and switch it off: the button *zero* of the panel, or this cell. The arrows
# of the panel choose the prompt on screen; the metric runs over all of them, with a 95 % interval.

# %%
s.selection = needed
s.edits = [hw.zero(needed)]
s.effect().round(2)

# %%
panel

# %% [markdown]
# Most heads do little here, and when nothing moves at all, the session says why. A high score is a
# place to look, not a finding: the head with the highest previous-token score of section 3, is it
# one that this task needs?

# %%
scored = scores[scores["kind"] == "previous token"].sort_values("score").iloc[-1]
same = (costs["layer"] == scored["layer"]) & (costs["head"] == scored["head"])
share = costs[same]["effect"].item() / right["logit_diff"]
print(f"{scored['layer']}.{scored['head']}: score {scored['score']:.2f}; without it {share:+.0%}")
s.edits = []

# %% [markdown]
# ## 5. Ask where, not only whether
#
# To switch off is a brutal question. **Patching** asks a finer one. Each prompt has a corrupted
# partner of the same length, in which a third name stands where the first was named again: nothing
# there says who gives. One head's output is taken from one run and put into the other.
#
# `normalised` is 1 where the edited run is as good as the clean one and 0 where it is as bad as the
# corrupted one, whichever direction you patch in.

# %%
EDITS = [
    hw.patch(needed),  # noising: the corrupted head in the clean run
    hw.patch(needed, into="corrupted"),  # denoising: the other way round
    hw.patch(needed, at="end"),
    hw.mean(needed),
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
    }
s.edits = []
table = pd.DataFrame.from_dict(rows, orient="index")
print(f"clean {effect['value']['clean']:.2f}, corrupted {effect['value']['corrupted']:.2f}")
table.round(2)

# %% [markdown]
# Every head, in the corrupted run, as it was in the clean one: where does the answer come back?

# %%
hw.HeadGrid(s, score=s.sweep("patch"))

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
from headwidgets.zoo.bundled import bundled

bridge = bundled()
held = hw.Session(bridge)  # a bridge that you hold: it is never changed
held.prompt = s.prompts.clean[0]
held.metric = hw.LogitDiff(s.prompts.answer[0], s.prompts.foil[0])
held.edits = [hw.zero(needed)]
ours = held.effect()["value"]
hook = f"blocks.{needed.layer}.attn.hook_z"


def switch_off(z, hook):  # noqa: ARG001 - z is [batch, position, head, d_head]
    z[:, :, needed.head] = 0
    return z


tokens = torch.tensor([held.token_ids])
both = s.prompts.answer[0], s.prompts.foil[0]
right_one, wrong_one = (bridge.tokenizer.encode(word)[-1] for word in both)
with torch.no_grad():
    runs = {
        "clean": bridge(tokens),
        "edited": bridge.run_with_hooks(tokens, fwd_hooks=[(hook, switch_off)]),
    }
for run, values in runs.items():
    theirs = float(values[0, -1, right_one] - values[0, -1, wrong_one])
    print(f"{run:7} headwidgets {ours[run]:9.5f}   TransformerLens {theirs:9.5f}")
    assert abs(ours[run] - theirs) < 1e-4

# %% [markdown]
# ## 8. Keep it
#
# A saved session is a folder of JSON and safetensors: prompts, edits, metric, selection, notes,
# every table, and a hash of the weights, so that numbers never end up with the wrong model.

# %%
s.edits = [hw.zero(needed)]
s.notes = f"Without {needed}, the model no longer tells who receives."
before = s.effect()
folder = s.save(Path(scratch.name) / "first-look")
print(sorted(path.name for path in folder.iterdir()))

again = hw.load(folder)
assert again.notes == s.notes
assert list(again.edits) == [hw.zero(needed)]
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
