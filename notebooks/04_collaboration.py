# %% [markdown]
# # Heads that work together
#
# The survey's real claim is collaboration: heads of four stages hand over to one another, and go
# back to earlier stages (Zheng et al. 2024, arXiv 2409.03752, section 3.6, Figures 6 and 9). Here
# that runs, in two ways.
#
# - A **walk** takes a task step by step on one prompt. Each step has its heads, by the score of
#   their kind; the attention that carries it; that attention's score, split by which earlier heads
#   wrote the query and the key; and a switch that breaks it, with what that costs.
# - The **hand-over matrix** patches the path from every claimed head to every later one, and sums
#   what that changes by stage. Below its diagonal a later stage hands back to an earlier one.
#
# Cards, scores and proofs of single heads are in `03_taxonomy`; path patching is in `01_patching`.

# %%
import pandas as pd

import headwidgets as hw

pd.set_option("display.max_colwidth", 60)
s = hw.Session()

# %% [markdown]
# ## 1. Who is given something
#
# *When Mary and John went to the store, John gave a drink to* → Mary. Whose heads take which step?
# `place` is the step's number in the survey, `here` its number by the layer of the head that takes
# it in this model.

# %%
ioi = s.walk("ioi")
columns = ["step", "place", "here", "head", "verdict", "attention_mean", "cost", "se", "share"]
ioi[columns].round(2)

# %% [markdown]
# The survey tells the story as: find the names, move them, then notice who came twice, and inhibit
# him. A step without a head says so. Of those with one, which come in another order here?

# %%
steps = ioi.set_index("step")
for name, row in steps[steps["differs"] != ""].iterrows():
    print(f"{name} ({row['head']}): here {row['differs']}")
assert steps.loc["s-inhibition", "here"] < steps.loc["name mover", "here"]
assert steps.loc["s-inhibition", "place"] > steps.loc["name mover", "place"]

# %% [markdown]
# Who is asked for must be known before the name is moved: inhibition comes first here, as it does
# in GPT-2 small (7.3, 7.9, 8.6 and 8.10 feed 9.6 and 9.9; Wang et al. 2022, arXiv 2211.00593).
#
# **Why does the name mover look at the right name?** Its score for that name, above the scores of
# the other's two mentions, is a sum over who wrote its query.

# %%
sides = s.walk_sides("ioi", "name mover")
query = sides[sides["side"] == "query"]
score = steps.loc["name mover", "qk"]
first = query.iloc[0]
print(f"score {score:.2f}, of which {first['part']} wrote {first['value']:.2f} into the query")
assert abs(query["value"].sum() - score) < 1e-3
assert first["part"] == steps.loc["s-inhibition", "head"]
query.head(5).round(2)

# %% [markdown]
# The head that wrote most of it is the one that the s-inhibition score found, by quite another
# route. **And who is needed?** Breaking a step takes away what its heads hand over.

# %%
for name in ("s-inhibition", "name mover", "previous token", "induction"):
    row = steps.loc[name]
    print(f"{name}: {row['before']:.2f} → {row['after']:.2f} logits  ({row['breaks']})")
assert steps.loc["s-inhibition", "share"] > 0.2
assert steps.loc["name mover", "share"] > 0.2
assert abs(steps.loc[["previous token", "induction"], "share"]).max() < 0.05

# %% [markdown]
# Previous-token and induction heads exist in this model and are strong on random tokens, yet names
# do not need them: a head's kind does not say on which task it works. Several breaks act together:

# %%
both = s.break_walk("ioi", "s-inhibition", "name mover")
print(f"both: {both['before']:.2f} → {both['after']:.2f} logits")
assert both["after"] < steps.loc[["s-inhibition", "name mover"], "after"].min()

# %% [markdown]
# ## 2. Two more walks, on screen
#
# Multiple choice (gather the content, match it with its letter, write the letter) and parity step
# by step (where in the row am I, then the input whose turn it is). Steps go by mouse or arrow keys;
# space breaks the one that is open; a click on a head selects it in every view.

# %%
choice, parity = s.walk("multiple choice"), s.walk("parity")
view = hw.TaxonomyView(s, part="walks", walk="multiple choice")
view

# %%
for frame in (choice, parity):
    for row in frame.itertuples():
        print(f"{row.step}: {row.head or row.reason}")
gather = choice.set_index("step").loc["gather"]
assert gather["share"] > 0.5
assert parity.set_index("step").loc["iteration", "share"] > 0.2

# %% [markdown]
# In a model as small as this the content gatherer stands in the last layer and writes the letter
# itself: nobody is left to match. And no single head carries to the iteration head how far along
# the row it is.
#
# ## 3. Who hands over to whom
#
# Heads by kind, here those that the walk found; without `heads=` it takes all that the session's
# scores are consistent with.

# %%
team = {
    kind: rows["heads"].iloc[0].split(", ")
    for kind, rows in ioi[ioi["heads"] != ""].groupby("kind", sort=False)
}
team["correct"] = choice.set_index("step").loc["letter", "heads"].split(", ")
over = s.hand_over("ioi", team)
over[["from", "to", "input", "effect", "se", "stage_from", "stage_to"]].head(6).round(2)

# %%
top = over.iloc[0]
assert top["from"] == steps.loc["s-inhibition", "head"]
s.hand_over_by_stage().round(2)

# %% [markdown]
# Rows hand over, columns take. Below the diagonal stands what the survey calls to cycle: reasoning
# (who came twice) hands *back* to identification (the name movers).

# %%
matrix = s.hand_over_by_stage()
back = matrix.loc["latent reasoning", "in-context identification"]
forth = matrix.loc["in-context identification", "latent reasoning"]
print(f"reasoning → identification {back:.2f}, identification → reasoning {forth:.2f} logits")
assert abs(back) > abs(forth)

# %% [markdown]
# **Who skips expression preparation?** The survey says that stages can be left out; how to tell is
# ours: on how many prompts do that stage's heads write less than a tenth of the logit difference?

# %%
skipping = over.attrs["skipping"]
print(f"{skipping['share']:.0%} of {skipping['n']} prompts ({', '.join(skipping['heads'])})")
hw.TaxonomyView(s, part="hand-over")

# %% [markdown]
# ## 4. Is a head one thing?
#
# What resampling each head costs on other tasks, as a share of what the model's answer leads by,
# and how much of that cost's variance lies between a task's templates: how robust heads are to
# wording is an open question of the survey.

# %%
inhibitor = steps.loc["s-inhibition", "head"]
movers = [head for head in team["name mover"] if head != inhibitor]
crossed = s.matrix(
    None, ["ioi", "acronyms", "key value", "parity", "options"], heads=[inhibitor, *movers], n=60
)
hw.crossing(crossed)

# %%
whole = crossed[crossed["template"] == "all"].assign(
    name=lambda f: f["layer"].astype(str) + "." + f["head"].astype(str)
)
shares = whole.pivot_table(index="name", columns="task", values="share")
print(f"{inhibitor} takes {shares.loc[inhibitor].min():.0%} or more of every one of these tasks")
assert shares.loc[inhibitor].min() > 0.3
others = shares.drop(index=inhibitor).drop(columns="ioi")
print(f"the movers: {shares.drop(index=inhibitor)['ioi'].max():.0%} of ioi at most")

# %% [markdown]
# The head that inhibits here is in the first layer, and half the model builds on what it writes:
# its part in one task was never all that it is. Does it help to suppress or to double a head? With
# intervals over pairs, and with what it does to text that it should leave alone:

# %%
mover = steps.loc["name mover", "head"]
edits = {"mover off": hw.zero(mover), "mover doubled": hw.scale(mover, 2)}
text = ["The color of the sky is blue.", "On Monday we went to the market."]
judged = s.benchmark(["ioi", "acronyms"], edits, n=100, neutral=text)
assert not (judged["verdict"] == "helps").any()
judged[["edits", "task", "accuracy", "edited", "logit_diff_change", "verdict"]].round(3)

# %%
pd.DataFrame(judged.attrs["side_effects"])[["edits", "kl", "loss_change"]].round(4)

# %% [markdown]
# When did these heads form? `s.over_training` scores every checkpoint of a training run: the twenty
# that the repository keeps of this model's sibling (the same recipe from nothing, stopped earlier:
# `hw.checkpoints()`), a folder of your own, or the revisions of a model that you opened by name
# (`["step512", "step1000", …]` of a Pythia).

# %%
grown = s.over_training(["induction", "name mover", "successor"], rows=4)
hw.curves(grown)

# %%
best = grown.pivot_table("score", "step", "kind", "max")
half = {kind: int(best.index[(best[kind] >= best[kind].max() / 2).argmax()]) for kind in best}
print("half of the end's score is reached at step", half)
jump = best["induction"].diff().idxmax()
print(f"induction: {best['induction'].shift()[jump]:.2f}, then {best['induction'][jump]:.2f}")
assert half["induction"] > half["successor"]

# %% [markdown]
# Successors are learnt early and by degrees; random-token induction comes last, within one step of
# this logarithmic scale. A name mover cannot be asked before the model does the task at all: its
# curve begins where it does.
#
# ## 5. What it does not say
#
# - An order by layers is what *can* hand over, not what does; the matrix says what does, on this
#   metric and these prompts.
# - A path that costs nothing may be backed up by another head: see *backup name mover* in `03`.
# - A split of a score holds the norm fixed: it says who wrote what is there, not what would be
#   there without them. That is what the switch is for.
# - A head of several stages counts in each with an equal part. That part is ours.
