# %% [markdown]
# # What the model can do
#
# A score for a name mover means nothing on a model that cannot move names. So before you look for
# heads, ask what the model does: on which tasks, how surely, on prompts and on phrasings that it
# never saw; and which of its heads each task would miss most.
#
# `hw.tasks()` are the tasks of the survey *Attention Heads of Large Language Models* (Zheng et al.
# 2024, arXiv 2409.03752, Tables 3 and 4), and what single kinds of head need besides. Each is a
# generator: it writes prompts for *any* tokenizer, with a corrupted partner, the answer, a wrong
# answer, and the places that matter. If sessions and edits are new to you, start with
# `00_first_look`.
#
# ## 1. The tasks

# %%
import pandas as pd

import headwidgets as hw

pd.set_option("display.max_colwidth", 90)
hw.tasks()[["name", "group", "asks", "trained"]]

# %% [markdown]
# The bundled model was trained on the rows with *trained*. The others are the benchmarks of the
# survey's Table 4, in the benchmark's own form but written by us, for models of yours; a file of
# the real one is read by `hw.load_task`. How much of them this tokenizer can spell:

# %%
s = hw.Session()
spelled = hw.tasks(s)
assert spelled[spelled["trained"]]["usable"].all()
spelled.loc[~spelled["trained"], ["name", "usable", "n", "reason"]]

# %% [markdown]
# ## 2. One task, by hand
#
# A task goes straight into the session. The places that matter come along as **roles**, so that
# edits, scores and pictures can name them instead of counting tokens.

# %%
s.prompts = hw.task("ioi", n=100, split="test")
s.prompts.to_frame().drop(columns="corrupted").head(3)

# %%
frame = s.accuracy()
frame.loc[:, "template":"logit_diff"].round(2)

# %% [markdown]
# *accuracy* is the share of prompts where the right answer beats the wrong ones; *skill* is what is
# left of it when guessing is taken off, (accuracy − chance) / (1 − chance); *top1* asks that it
# beats every token of the model. `split="test"` means that neither the pairs of names nor the
# filler in front were ever trained on; `split="templates"` asks with sentences that were not.

# %%
new = s.accuracy("ioi", n=100, split="templates").iloc[0]
print(f"known templates {frame.accuracy[0]:.2f}, new ones {new.accuracy:.2f}")
assert frame["accuracy"][0] > 0.9
assert new["accuracy"] > 0.9 * frame["accuracy"][0]

# %% [markdown]
# ## 3. The report card
#
# The same for every task, measured once for the package (`make card` measures it again). Left, how
# well it does: the bar on held-out contents, the black line on new templates, the grey one a guess.
# Right, the head whose **resample ablation** costs most: it gets the output that it has on another
# prompt of the set, and everything above it is recomputed. The line is the 95th percentile of all
# other heads. A bar in orange is a *specialised* head: it alone costs 30 % of the metric or more,
# and more than 95 % of the others.

# %%
card = hw.report_card()
card

# %%
table = card.to_frame().set_index("task")
special = table["special"].astype(bool)
good = table["accuracy"] >= 0.95
print(f"accuracy of 0.95 or more: {good.sum()} of {len(table)} tasks")
print(f"a specialised head: {special.sum()} tasks, {table.loc[special, 'head'].nunique()} heads")
assert good.sum() >= 14
assert special.sum() >= 10

# %% [markdown]
# A table that came with a package is a claim. Measure a row of it yourself; this takes seconds. The
# prompts are others (another seed), so the numbers differ by what the standard errors say.

# %%
again = hw.report_card(s, ["ioi"], n=100, seed=1).to_frame().iloc[0]
ours = table.loc["ioi"]
print(f"now {again['head']} at {again['cost']:.2f} ± {again['cost_se']:.2f}")
print(f"card {ours['head']} at {ours['cost']:.2f} ± {ours['cost_se']:.2f}")
assert again["head"] == ours["head"]
assert abs(again["cost"] - ours["cost"]) < 4 * (again["cost_se"] + ours["cost_se"])

# %% [markdown]
# ## 4. Task by task
#
# For each: one held-out prompt, what the model says next, and where the head that the task needs
# most looks from the last token (the darker, the more). Attention is where a head *looks*; that the
# task needs it is what the ablation says. (The folded cell draws the picture.)

# %% [source_hidden]
from html import escape

from IPython import display as show


def picture(name):
    """Draw one prompt of a task, shaded by the head that the task needs most."""
    row = table.loc[name]
    s.prompts = hw.task(name, n=20, split="test")
    known = isinstance(row["head"], str)
    weights = s.attention(row["head"])[-1] if known else [0.0] * len(s.tokens)
    tokens = "".join(
        f'<span style="background: rgba(0, 114, 178, {0.85 * weight:.2f}); padding: 1px 0; '
        f'color: {"white" if weight > 0.6 else "inherit"}; white-space: pre-wrap">'
        f"{escape(token)}</span>"
        for token, weight in zip(s.tokens[1:], weights[1:], strict=True)
    )
    said = s.logits(k=2, unit="probability")
    pairs = [(repr(token), f"{p:.0%}") for token, p in said[["token", "clean"]].to_numpy()]
    likely = ", ".join(f"<b>{escape(token)}</b> {p}" for token, p in pairs)
    needs = f"head {row['head']} costs {row['cost']:.0%}" if known else "no head: at chance"
    about = (
        f"accuracy {row['accuracy']:.2f}, new templates {row['accuracy_new']:.2f}, a guess "
        f"{row['chance']:.2f} · {needs}"
    )
    html = (
        f'<div style="font: 14px/1.7 sans-serif; max-width: 46em; margin: 4px 0 10px">'
        f"<b>{escape(name)}</b> · {about}<br>"
        f'<span style="font-family: monospace">{tokens}</span> → {likely}; '
        f"right: <b>{escape(repr(s.prompts.answer[0]))}</b></div>"
    )
    plain = f"{name}: {about}\n{s.prompt!r} → {pairs[0][0]} {pairs[0][1]}"
    show.display({"text/html": html, "text/plain": plain}, raw=True)


# %% [markdown]
# ### Moving what was said
#
# **Indirect object identification** (Wang et al. 2022): the name that was *not* said twice. **Key
# and value** and **colored objects** (Merullo et al. 2024): who has what. **Options**: the letter
# in front of what the sentence said.

# %%
picture("ioi")

# %%
picture("key value")

# %%
picture("colored object")

# %%
picture("options")

# %% [markdown]
# ### Going on
#
# **Succession** (Gould et al. 2023): the next number, day, letter, alone, in sentences and in
# lists. **Repeated random tokens** (Olsson et al. 2022): what came after this token before. **A
# Markov chain learned in context** (Edelman et al. 2024): the likelier of two or three symbols.

# %%
picture("succession")

# %%
picture("succession in sentences")

# %%
picture("numbered lists")

# %%
picture("repeated random tokens")

# %%
picture("icl-mc")

# %% [markdown]
# Induction has a measure of its own: the loss, in nats a token, on the second copy of a random
# sequence over that on the first, where nothing can be known.

# %%
import torch

from headwidgets.tasks.lists import NAMES, OBJECTS, THINGS

draw = torch.Generator().manual_seed(0)
words = dict.fromkeys([*NAMES, *OBJECTS, *THINGS])
known = [s.engine.text.encode(f" {word}")[-1] for word in words]
rows = [[known[i] for i in torch.randperm(len(known), generator=draw)[:20]] for _ in range(32)]
ids = torch.tensor([[s.engine.text.bos_id, *row, *row] for row in rows])
losses = -s.engine.run(ids, positions="all")[:, :-1].log_softmax(-1)
losses = losses.gather(-1, ids[:, 1:, None])[..., 0]
first, second = float(losses[:, 1:20].mean()), float(losses[:, 21:].mean())
print(f"first copy {first:.2f} nats, second copy {second:.2f}: {second / first:.2f}")
assert second < 0.2 * first

# %% [markdown]
# ### Knowing, and reading against what is known
#
# **Facts by relation** (Hernandez et al. 2023): ten relations. **Memory against context**: the
# prompt says otherwise, and the prompt is right. **Bilingual pairs**.

# %%
picture("lre")

# %%
picture("memory context")

# %%
picture("bilingual pairs")

# %% [markdown]
# ### Letters, pieces, grammar
#
# **Acronyms** (García-Carrasco et al. 2024), **subword pieces**, **rare words** and **syntactic
# arcs**.

# %%
picture("acronyms")

# %%
picture("subword pieces")

# %%
picture("rare words")

# %%
picture("syntactic arcs")

# %% [markdown]
# ### Deciding
#
# **Reviews and moods** (Tigges et al. 2023), **yes or no** (after Yu et al. 2024), **comparison**
# (after Hanna et al. 2023), **parity**, one step at a time, and **labels** that only the examples
# explain.

# %%
picture("toy movie review")

# %%
picture("toy mood story")

# %%
picture("yes no")

# %%
picture("comparison")

# %%
picture("parity")

# %%
picture("few-shot labels")

# %% [markdown]
# ## 5. One head, many tasks
#
# A head that is the most needed in several tasks is no "succession head" or "name mover": it does
# something that all of them use. Which heads lead more than one row of the card?

# %%
leads = (
    table[table["cost"] >= 0.3]
    .groupby("head")
    .agg(
        tasks=("cost", "size"),
        largest=("cost", "max"),
        which=("cost", lambda c: ", ".join(c.index)),
    )
)
leads.sort_values("tasks", ascending=False).round(2)

# %% [markdown]
# ## 6. What it cannot do
#
# The rows where the model is at chance, or falls where the phrasing is new. A score of a head there
# would be a score of noise: `s.accuracy` says so in its notes.

# %%
weak = table[(table["accuracy"] < 0.95) | (table["accuracy_new"] < 0.9 * table["accuracy"])]
weak[["accuracy", "accuracy_new", "skill", "skill_new", "chance", "note"]].round(2)

# %% [markdown]
# ## 7. Look for yourself
#
# The head that most tasks lean on, on a prompt of one of them. Click other heads, type other
# prompts, switch heads off: `hw.PatchPanel(s)` beside it, or all of it with `s.explore()`.

# %%
s.prompts = hw.task("ioi", n=20, split="test")
s.selection = table["head"].mode()[0]
hw.AttentionView(s)

# %% [markdown]
# ## 8. The same for a model of yours
#
# `hw.report_card(hw.Session("gpt2"))` measures any model on what its tokenizer can spell, and
# `hw.tasks(session)` says what that is. Prompts of your own go in as `hw.Prompts(clean=, answer=,
# foil=)` or through `hw.load_task(file)`.
#
# ### Sources
#
# - Zheng et al. 2024, *Attention Heads of Large Language Models: A Survey*, arXiv 2409.03752.
# - Wang et al. 2022, *Interpretability in the Wild*, arXiv 2211.00593: the name task, ablation of
#   one head by the output on another prompt.
# - Each task's own source is in the column `source` of `hw.tasks()`.
