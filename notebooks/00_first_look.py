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
# and every control on this page looks at it. The controls are plain ipywidgets; the next cell
# holds the few lines that draw with them. Skip it on a first reading.

# %% [source_hidden]
from contextlib import contextmanager
from html import escape

import ipywidgets as widgets
import numpy as np
import pandas as pd
from IPython import display as ipython

HEADS = ["0.0", "0.1", "0.2", "1.0", "1.1", "1.2"]
WIDE = widgets.Layout(width="99%")
pd.set_option("display.max_colwidth", None)
QUIET = "color:var(--jp-content-font-color2,#5a5f68)"
VIRIDIS = bytes.fromhex("4401544828783e498931688e26828e1f9e8935b7796ece58b5de2bfde725")
VIRIDIS = np.frombuffer(VIRIDIS, np.uint8).reshape(10, 3)  # red, green, blue from 0 to 1


class Picture:
    """A drawing in HTML, and the same in words for who cannot see it."""

    def __init__(self, html, words):
        self.html, self.words = html, words

    def _repr_html_(self):
        return self.html

    def __repr__(self):
        return self.words


class Panel(widgets.VBox):
    """Controls above what they show."""

    def __init__(self, *children, says):
        super().__init__(children)
        self.says = says

    def __repr__(self):
        return self.says


@contextmanager
def errors_in(view):
    """Show what goes wrong as text in `view`, where the person is looking."""
    view.value = ""
    try:
        yield
    except hw.HeadwidgetsError as error:
        colour = "color:var(--jp-error-color1,#b3261e)"
        view.value = f'<div role="alert" style="{colour}">{escape(str(error))}</div>'


def visible(token):
    """A token as text: a leading space as a dot, what cannot be printed as Python writes it."""
    text = "·" + token[1:] if token.startswith(" ") else token
    return escape(text if text.isprintable() else repr(token)[1:-1])


def cell(weight):
    """One attention weight: a viridis square with the number on it."""
    colour = [np.interp(weight, np.linspace(0, 1, 10), VIRIDIS[:, c]) for c in range(3)]
    ink = "#000" if weight > 0.55 else "#fff"
    number = f"{round(float(weight), 2):g}"
    style = f"background-color:rgb({','.join(f'{c:.0f}' for c in colour)});color:{ink}"
    return f'<td style="{style};padding:1px 3px;text-align:center;min-width:30px">{number}</td>'


def attention_picture(session, head, run="clean", most=24):
    """One head's attention as a table: queries down, keys across, the numbers on the colours."""
    pattern, tokens = session.attention(head, run), session.tokens
    n = min(len(tokens), most)
    name = 'style="font-weight:normal;text-align:right;padding:1px 3px;white-space:pre"'
    top = "".join(f'<th scope="col" {name}>{visible(token)}</th>' for token in tokens[:n])
    rows = "".join(
        f'<tr><th scope="row" {name}>{visible(tokens[q])}</th>'
        + "".join(cell(weight) for weight in pattern[q, : q + 1])
        + "</tr>"
        for q in range(n)
    )
    q = n - 1
    k = int(pattern[q].argmax())
    words = (
        f"head {head}, {run} run, {n} of {len(tokens)} tokens: the last one shown, "
        f"{tokens[q]!r}, attends most to {tokens[k]!r} ({pattern[q, k]:.2f})"
    )
    html = (
        '<div style="overflow-x:auto"><table style="border-collapse:collapse;font-size:11px;'
        'font-family:var(--jp-code-font-family,monospace)">'
        '<caption style="text-align:left;font:13px var(--jp-ui-font-family,sans-serif);'
        f'white-space:normal;padding-bottom:6px">{escape(words)}; '
        f"queries down, keys across</caption><thead><tr><td></td>{top}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )
    return Picture(html, words)


# %% [markdown]
# Type another prompt and press Enter. The card below the box is `s.state`, the session as an
# ipywidget: `observe`, `jslink` and `interactive_output` work on it, and this page uses all three.

# %%
box = widgets.Text(s.prompt, description="prompt", continuous_update=False, layout=WIDE)
refused = widgets.HTML()


def take_prompt(change):
    with errors_in(refused):
        s.prompt = change.new


def show_prompt(change):
    if isinstance(change.new, str):  # a prompt may also be token ids
        box.value = change.new


box.observe(take_prompt, "value")
s.state.observe(show_prompt, "prompt")
Panel(box, refused, s.state, says="A text box for the prompt, and the session's card under it.")

# %% [markdown]
# The model never sees letters, it sees **tokens**: here common words, each with the space in front
# of it (the card shows it as a dot). A word that is not in the small vocabulary is spelled in
# bytes; try *zebra*. `<bos>`, the beginning of the sequence, is put in front of every prompt, and
# you will see why it matters.

# %%
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
attention_picture(s, "0.0")

# %% [markdown]
# Choose a head. The menu and `s.selection` are the same thing, so a cell can turn the menu too.
# Look at **1.0**: its last row, `' to'`, looks at `' the'`, the token that *followed* the earlier
# `' to'`. And where it finds no earlier copy, it looks at `<bos>`: attention has to go somewhere,
# and a head with nothing to do rests there. **1.1** always rests: a *sink*.

# %%
s.selection = "1.0"
menu = widgets.Dropdown(options=[("none", ""), *HEADS], value="1.0", description="head")
widgets.link((s.state, "selection"), (menu, "value"))


def show_attention(state):
    if state["selection"]:
        ipython.display(attention_picture(s, state["selection"]))


picture = widgets.interactive_output(show_attention, {"state": s.state})
Panel(menu, picture, says="A menu of heads, and the attention of the chosen one as a table.")

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
# Without the previous-token head, the induction head in the layer above finds nothing to match, and
# the model knows nothing at all. Your turn: press the button for the eight sentences, and tick
# heads off. The slider chooses the sentence on screen; the metric runs over all of them, with a
# 95 % interval. (The code is folded away: it is ipywidgets, not interpretability.)

# %% [source_hidden]
s.edits = []
NAMES = {head: f"{head} {found.get(head, '')}" for head in HEADS}
boxes = {
    head: widgets.Checkbox(description=name, indent=False, layout=widgets.Layout(width="150px"))
    for head, name in NAMES.items()
}
pair = widgets.IntSlider(s.index, 0, len(clean) - 1, description="sentence")
widgets.jslink((pair, "value"), (s.state, "index"))
button = widgets.Button(description="the eight sentences", layout=widgets.Layout(width="auto"))
shown, wrong = widgets.HTML(), widgets.HTML()


def toggle(change):
    head = next(head for head, box in boxes.items() if box is change.owner)
    off = hw.zero(head)
    if change.new != (off in s.edits):
        with errors_in(wrong):
            s.edits = [*s.edits, off] if change.new else [e for e in s.edits if e != off]


def use_sentences(_):
    with errors_in(wrong):
        s.prompts = sentences


def line(name, clean, edited, remark=""):
    """One row of numbers: clean, edited."""
    number = '<td style="padding:0 12px;text-align:right">'
    return (
        f'<tr data-row="{name}"><th scope="row" style="text-align:left;font-weight:normal">{name}'
        f'</th>{number}{clean}</td>{number}{edited}</td><td style="{QUIET}">{remark}</td></tr>'
    )


def show_effect(*_):
    for head, tick in boxes.items():
        tick.value = hw.zero(head) in s.edits
    with errors_in(wrong):
        effect, top = s.effect(), s.logits(k=1).iloc[0]
        mean, spread, n = (effect[column] for column in ("value", "se", "n"))
        metric = [
            f"{mean[run]:.2f} ± {1.96 * spread[run]:.2f}" if n[run] > 1 else f"{mean[run]:.2f}"
            for run in ("clean", "edited")
        ]
        loss = [f"{repeat_loss(run):.3f}" for run in ("clean", "edited")]
        unit = f"nats; ln {s.facts.d_vocab} = {ln_v:.3f}"
        if "nan" in loss:
            loss, unit = ["–", "–"], "nothing repeats in this prompt"
        edits = escape(", ".join(map(str, s.edits)) or "none")
        rows = [
            line("metric", *metric, f"{escape(effect.attrs['metric'])}, n = {n['clean']}"),
            line("loss of the repeat", *loss, unit),
            line(f"logit of {visible(top.token)}", f"{top.clean:.2f}", f"{top.edited:.2f}"),
        ]
        notes = "".join(f"<p>{escape(note)}</p>" for note in effect.attrs["notes"])
        shown.value = (
            f'<div style="line-height:1.6">edits: <b>{edits}</b><table><thead><tr><td></td>'
            f'<th scope="col">clean</th><th scope="col">edited</th></tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table>{notes}</div>"
        )


button.on_click(use_sentences)
for tick in boxes.values():
    tick.observe(toggle, "value")
s.state.observe(show_effect, "value")
show_effect()
one_row_a_layer = widgets.Layout(flex_flow="row wrap", width="480px")
switches = widgets.HBox(list(boxes.values()), layout=one_row_a_layer)
Panel(
    widgets.HBox([button, pair]),
    switches,
    shown,
    wrong,
    says="Six switches, one a head; below, what they change.",
)

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
attention_picture(mine, best)

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
# Now put everything back, scroll up, and try a prompt of your own.

# %%
s.edits = []
s.prompts = "When Mary and John went to the store, John gave a drink to"

# %% [markdown]
# ### Sources
#
# - Elhage et al. 2021, *A Mathematical Framework for Transformer Circuits*, Transformer Circuits
#   Thread: the two-head circuit of induction, and what QK and OV each do.
# - Olsson et al. 2022, *In-context Learning and Induction Heads*, arXiv 2209.11895: the scores of
#   section 3, and random tokens that repeat.
# - Wang et al. 2022, *Interpretability in the Wild*, arXiv 2211.00593: the logit difference, mean
#   ablation and patching of sections 4 and 5, and duplicate-token heads.
