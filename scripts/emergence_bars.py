"""The bars of the emergence lab that are trained or measured anew: what was found, and the bar."""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import report
import torch

from headwidgets.labs import emergence as lab
from headwidgets.labs.emergence.batch import generator
from headwidgets.labs.emergence.clamping import read_clamps
from headwidgets.labs.emergence.measures import Ruler
from headwidgets.labs.emergence.model import drawn, flat, views

if TYPE_CHECKING:
    from collections.abc import Mapping

SEEDS = (5, 6, 7, 8, 9)
HEADS = 8
LN2 = math.log(2)
QUIET: dict[str, Any] = {"progress": False, "parts": ["train"], "kept": 0}
ORDER = ("none", "previous token", "layer 1")
FIRST, MATCH = "blocks.0.attn.hook_pattern", "blocks.1.attn.hook_pattern"
EXACT, NEVER, DROP = 1e-6, -1e9, 0.02


class Row(NamedTuple):
    """A bar, what was found, and whether it was kept."""

    what: str
    bar: str
    found: str
    kept: bool


def within(what: str, value: float, low: float = -math.inf, high: float = math.inf) -> Row:
    """Hold a value to a range."""
    words = {(True, False): f"≥ {low:g}", (False, True): f"≤ {high:g}"}
    bar = words.get((low > -math.inf, high < math.inf), f"{low:g} to {high:g}")
    return Row(what, bar, f"{value:.3g}", bool(low <= value <= high))


# ------------------------------------------------------------------------ checks 1 to 5


def learns() -> list[Row]:
    """Hold five seeds as one batched model to check 1, and count heads that are not needed."""
    conditions = dict.fromkeys(f"seed {seed}" for seed in SEEDS)
    options: dict[str, Any] = {"progress": False, "kept": 0, "every": 125}
    made = lab.run(lab.low16(), conditions, seed=SEEDS, sequences=100_000, **options)
    made.advance(60_000 // made.plan.batch)
    curves = made.curves()
    last = curves[curves["step"] == made.step]
    loss, right = (
        last.pivot_table(index="condition", columns="part", values=one)
        for one in ("loss", "accuracy")
    )
    heads = made.heads().query(f"measure == 'induction strength' and step == {made.step}")
    worth = [lab.heads(made.trained(name)) for name in conditions]
    first = _dropped(worth)
    made.train()
    later = _dropped([lab.heads(made.trained(name)) for name in conditions])
    words = " of ".join(map(str, (int((later <= DROP).sum()), later.size)))
    words += f", at most {later.max():.3f} (at 60,000: {int((first <= DROP).sum())} of "
    words += f"{first.size}, at most {first.max():.3f})"
    about = f"low16, 60,000 sequences, seeds {SEEDS[0]} to {SEEDS[-1]}, the worst"
    return [
        within(f"1: {about}: train loss", loss["train"].max(), high=0.1),
        within("1: train accuracy", right["train"].min(), 0.97),
        within("1: accuracy on new classes", right["new classes"].min(), 0.9),
        within("1: accuracy on pairs of labels held out", right["relabelled"].min(), 0.85),
        within("1: the strongest head", heads.groupby("condition")["value"].max().min(), 0.6),
        within("1: accuracy without any one head", min(w["drop_one"].min() for w in worth), 0.95),
        Row(
            "dropping any one head costs at most 2 % (the same runs at 100,000)",
            "all heads, all seeds",
            words,
            bool((later <= DROP).all()),
        ),
    ]


def _dropped(worth: list[pd.DataFrame]) -> Any:
    """Return what dropping each head costs in accuracy, [seed, head]."""
    return np.array([one.attrs["all"] - one["drop_one"] for one in worth])


@cache
def six() -> list[tuple[int, dict[str, float], dict[str, float]]]:
    """Train six clamps for five seeds: when each has learned, and its loss at 16,000 sequences."""
    out = []
    for seed in SEEDS:
        made = lab.six_clamps(lab.gauss(), seed=seed, sequences=50_000, **QUIET).train()
        learned = lab.times(made).set_index("condition")["learned"].fillna(math.inf)
        wide = made.curves().pivot_table(index="sequences", columns="condition", values="loss")
        near = wide.index[np.abs(wide.index.to_numpy() - 16_000).argmin()]
        out.append((seed, learned.to_dict(), wide.loc[near].to_dict()))
    return out


def in_order(learned: Mapping[str, float]) -> bool:
    """Whether none > previous token > layer 1 > {match, copy} ≥ both; the last may tie."""
    times = [learned[name] for name in ORDER]
    times.append(max(learned["match"], learned["copy"]))
    strict = all(one > other for one, other in pairwise(times))
    return strict and min(learned["match"], learned["copy"]) >= learned["layer 1 + copy"]


def clamped() -> list[Row]:
    """Hold six clamps to checks 2 and 3, over five seeds."""
    found = six()
    right = sum(in_order(learned) for _, learned, _ in found)
    plateau = [one["none"] for _, _, one in found]
    gone = [max(one["match"], one["copy"]) for _, _, one in found]
    return [
        Row("2: six clamps, order none > previous token > layer 1 > {match, copy} ≥ both",
            f"{len(found)} of {len(found)} seeds", f"{right} of {len(found)}", right == len(found)),
        within("3: loss at 16,000 sequences, nothing clamped, least", min(plateau), 0.6, 0.95),
        within("3: the same, largest", max(plateau), 0.6, 0.95),
        within("3: loss at 16,000 sequences, match or copy clamped, largest", max(gone), high=0.15),
    ]  # fmt: skip


def slowed() -> list[Row]:
    """Check 4: labels slow the copying, classes the match."""
    times = {}
    for name, options in (
        ("base", {}),
        ("labels", {"n_labels": 15, "held": 21}),
        ("classes", {"classes": 200}),
    ):
        conditions = {one: lab.preset(one) for one in ("match", "copy")}
        made = lab.run(lab.gauss(new=0, **options), conditions, sequences=32_000, **QUIET).train()
        times[name] = lab.times(made).set_index("condition")["learned"]
    labels, classes = (times[name] / times["base"] for name in ("labels", "classes"))
    return [
        within("4: 15 labels for 5, match clamped (C left): times as long", labels["match"], 1.8),
        within("4: 15 labels for 5, copy clamped (A + B left)", labels["copy"], high=1.7),
        within("4: 200 classes for 50, copy clamped (A + B left)", classes["copy"], 1.6),
        within("4: 200 classes for 50, match clamped (C left)", classes["match"], high=1.4),
    ]


def product() -> list[Row]:
    """Check 5: the toy, ten seeds."""
    half = pd.DataFrame([lab.toy(seed).attrs["half"] for seed in range(10)])
    median = half.median()
    kept = median["none"] > median["c"] > median["b, c"]
    words = f"{median['none']:g} > {median['c']:g} > {median['b, c']:g} steps"
    return [Row("5: toy, median of ten seeds: none > c > b, c", "in order", words, bool(kept))]


# ------------------------------------------------------------------------ checks 6 and 7


def exact() -> list[Row]:
    """Hold clamps to checks 6 and 7: exact, idempotent, and in the way of their weights."""
    data, shape = lab.low16(), lab.Shape()
    ruler = Ruler(data, shape, ["train"], 500)
    weights = views(shape, flat([drawn(shape, SEEDS[0])]))

    def measured(clamps: Any) -> Any:
        return ruler.measure(weights, [read_clamps(clamps, shape)], 0)

    off = max(
        float((measured({MATCH: lab.correct_label(p=p)}).strength - (2 * p - 1)).abs().max())
        for p in (0.0, 0.3, 0.5, 0.8, 1.0)
    )
    previous = measured({FIRST: lab.previous_token()}).previous.min()
    strength = measured({MATCH: lab.correct_label()}).strength.min()
    made = lab.run(data, {"x": lab.preset("layer 1")}, sequences=640, kept=2, asked=20).train()
    first, last = made.trained(step=0).weights, made.trained().weights
    moved = max(float((last[n] - first[n]).abs().max()) for n in first if n.startswith("0."))
    trained = lab.finished("low16").trained()
    batch = data.draw(200, generator(2))
    free = trained.run(batch)
    names = [one for one in lab.activations(shape) if one in free and "attn_scores" not in one]
    same = max(
        float((trained.logits(batch, {one: lab.value(free[one])}) - free["logits"]).abs().max())
        for one in names
    )
    blank = trained.logits(batch, lab.preset("copy"))
    off_labels = (blank == NEVER).sum(-1)
    others = int(off_labels.min()), int(off_labels.max())
    wanted = (data.n_labels - 2,) * 2
    return [
        within("6: strength of a clamp at p, less 2p - 1, largest", off, high=EXACT),
        within("6: previous-token score under its clamp", float(previous), 1 - EXACT, 1 + EXACT),
        within("6: strength under the match clamp", float(strength), 1 - EXACT, 1 + EXACT),
        Row("6: layer 1 under its clamp, 20 steps: weights move", "0", f"{moved:g}", moved == 0),
        Row("6: copy clamp: labels at -1e9, of 5", "3", f"{others[0]} to {others[1]}",
            others == wanted),
        within(f"7: a clamp to its own value, {len(names)} activations: logits differ", same,
               high=EXACT),
    ]  # fmt: skip


@cache
def at_the_start(name: str) -> Any:
    """Return the loss before training under a clamp, [seed, head]."""
    shape = lab.Shape()
    ruler = Ruler(lab.gauss(), shape, ["train"], 2000)
    clamps = [read_clamps(lab.preset(name, head=head), shape) for head in range(HEADS)]
    found = [
        ruler.measure(views(shape, flat([drawn(shape, seed)] * HEADS)), clamps, 0).parts["train"]
        for seed in SEEDS
    ]
    return torch.stack([loss for loss, _ in found]).numpy()


def normal_scores(variance: float) -> float:
    """Return the loss of two logits whose difference is normal, in nats."""
    x = np.linspace(-40, 40, 80_001)
    density = np.exp(-(x**2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)
    return float((np.logaddexp(0, x) * density).sum() * (x[1] - x[0]))


def beginnings() -> tuple[list[Row], str]:
    """Check 6's first loss: the mean is held to the bar, the heads are shown."""
    found = at_the_start("copy")
    near = int((np.abs(found - LN2) <= 0.2).sum())  # noqa: PLR2004 - the bar
    mean = within("6: copy clamp, loss before training, mean of 5 seeds × 8 heads",
                  float(found.mean()), LN2 - 0.2, LN2 + 0.2)  # fmt: skip
    each = Row("6: the same, every head by itself", "all within ln 2 ± .2",
               f"{near} of {found.size}", near == found.size)  # fmt: skip
    rows = [
        (name, f"{one.mean():.3f}", f"{one.std():.3f}", f"{one.min():.3f}", f"{one.max():.3f}")
        for name in ("copy", "layer 1 + copy")
        for one in (at_the_start(name),)
    ]
    text = f"""A head's first logits are its attention scores on the two labels, and these are
random: norms make streams of length √64, and weights of variance 1 / 64 make scores of variance
one. If the two were independent, their difference would have a variance of two, and the loss would
be {normal_scores(2.0):.3f} and not ln 2 = {LN2:.3f}: that is what is found with layer 1 out of the
way. With layer 1 at work the two labels' keys have much in common, and the loss is nearer to ln 2.
An earlier re-implementation's .81 to .82 and the .83 of the paper's figure are single heads; ours:

{report.table(["clamp", "mean", "sd over seeds and heads", "least", "largest"], rows)}"""
    return [mean, each], text
