"""Write reports/emergence.md: the emergence lab, each bar of the study, with seeds and commands."""

from __future__ import annotations

import math
import sys

import emergence_bars as bars
import report
import torch
from emergence_bars import Row, within

import headwidgets as hw
from headwidgets.labs import emergence as lab
from headwidgets.labs.emergence.batch import generator
from headwidgets.labs.emergence.recipe.settings import SETTINGS

CONVERTED, MOST = 1e-5, 4e6
TEXT = """Each bar of the study, trained again by `python scripts/report_emergence.py` unless it
says "shipped": those runs are made again by `make emergence RECIPE_ARGS="--long --again"`.
Data: `lab.low16()` and `lab.gauss()`, made exemplars, of seed 0. Rate 1e-4, at which all happens
ten times as early as at the paper's 1e-5, unless a run's name begins with "paper". Learned: train
loss below .4 ln 2. How long a step, a live run and six clamps take is in reports/bench_emergence.md
(`make bench BENCH=emergence`); how long a redraw takes, in reports/bench_widgets.md.
"""


def opened() -> list[Row]:
    """Convert trained models, and let the taxonomy find the heads of one on repeated tokens."""
    rows = []
    made = lab.attn_only(2).train()
    for name, trained in (("low16", lab.finished("low16").trained()), ("repeats", made.trained())):
        batch = trained.data.draw(200, generator(1))
        with torch.no_grad():
            found = lab.bridge(trained)(batch.tokens)[:, batch.rows, : trained.shape.n_labels]
        want = trained.logits(batch)
        error, largest = float((found - want).abs().max()), float(want.abs().max())
        what = f"{name} as a bridge: largest error of a logit, as a share of the largest logit"
        words = f"{error / largest:.1e} ({error:.1e} of {largest:.1f})"
        rows.append(Row(what, f"≤ {CONVERTED:g}", words, error / largest <= CONVERTED))
    rows.append(within("repeats as a bridge: the same, both in double precision, in logits",
                       doubled(made.trained()), high=CONVERTED))  # fmt: skip
    session = hw.Session(lab.bridge(made.trained()))
    for kind, layer in (("previous token", 0), ("induction", 1)):
        sure = session.score(kind).query("verdict == 'consistent with'")
        words = ", ".join(f"{r.layer}.{r.head} {r.score:.2f}" for r in sure.itertuples())
        right = bool(len(sure)) and bool((sure["layer"] == layer).all())
        what = f"repeats in a session: {kind} heads by the taxonomy"
        rows.append(Row(what, f"some, all in layer {layer}", words or "none", right))
    session.close()
    return rows


def doubled(trained: lab.Trained) -> float:
    """Return the largest error of a logit where rounding to float32 has no part in it."""
    batch = trained.data.draw(200, generator(1))
    own = {name: one.double() for name, one in trained.weights.items()}
    with torch.no_grad():
        found = lab.bridge(trained).double()(batch.tokens)[:, batch.rows]
    want = lab.Trained(trained.shape, trained.data, own).logits(batch)
    return float((found - want).abs().max())


def alone() -> list[Row]:
    """Count the heads that learn alone, in shipped runs; and those that can be dropped there."""
    rows = []
    for name in ("gauss-heads", "paper-heads"):
        if name in lab.finished_runs():
            found = lab.times(lab.finished(name)).set_index("condition")["learned"]
            single = found.drop("all")
            ratio = single / found["all"]
            words = f"{single.notna().sum()} of {len(single)}; {ratio.min():.2f} to "
            words += f"{ratio.max():.2f} times as long as all together"
            what = f"every head alone learns in the end (shipped {name})"
            rows.append(Row(what, "all", words, bool(single.notna().all())))
    for name in ("gauss", "low16", "paper"):
        if name in lab.finished_runs():
            worth = lab.heads(lab.finished(name).trained())
            cost = float(worth.attrs["all"] - worth["drop_one"].min())
            what = f"dropping any one head (shipped {name}): cost in accuracy"
            rows.append(within(what, cost, high=bars.DROP))
    return rows


def shipped() -> tuple[list[Row], str]:
    """Say what lies in the package."""
    rows, total = [], 0
    for name in lab.finished_runs():
        size = (lab.FOLDER / f"{name}.safetensors").stat().st_size
        total += size
        one = lab.finished(name)
        many = f"{len(one.conditions)} × {one.plan.steps * one.plan.batch:,}"
        steps = ", ".join(f"{step:,}" for step in one.checkpoints) or "none"
        rows.append((name, f"{one.plan.rate:g}", many, len(one.steps), steps, f"{size / 1e3:.0f}"))
    missing = [n for n in SETTINGS if n.replace(" ", "-") not in lab.finished_runs()]
    columns = ["run", "rate", "conditions × sequences", "patterns at", "weights at step", "kB"]
    text = report.table(columns, rows)
    text += f"\nNot shipped: {', '.join(missing)}.\n" if missing else ""
    found = f"{total / 1e6:.2f} MB in {len(rows)} files"
    return [Row("shipped runs", "≤ 4 MB", found, total <= MOST)], text


def beside() -> str:
    """Show the shipped runs beside the paper and an earlier re-implementation."""
    frame = lab.beside_paper()
    numbers = ["plateau_left", "learned", "earlier_left", "earlier_learned"]
    shown = frame.assign(**{
        name: ["" if math.isnan(one) else f"{one:.0f}" for one in frame[name]] for name in numbers
    })  # fmt: skip
    return report.table(list(shown), shown.itertuples(index=False))


def by_seed() -> str:
    """Show when six clamps have learned, by seed, in thousands of sequences."""
    names = list(bars.six()[0][1])
    rows = [
        (seed, *(f"{learned[one] / 1e3:.0f}" if learned[one] < math.inf else "> 50"
                 for one in names))
        for seed, learned, _ in bars.six()
    ]  # fmt: skip
    return report.table(["seed", *names], rows)


def main() -> int:
    """Measure, write the report; return 1 if a bar was missed that no finding explains."""
    torch.set_num_threads(1)
    files, told = shipped()
    start, why = bars.beginnings()
    rows = [
        *bars.learns(),
        *bars.clamped(),
        *bars.slowed(),
        *bars.product(),
        *bars.exact(),
        *start[:1],
        *alone(),
        *opened(),
        *files,
    ]
    shown = [(*one[:3], "kept" if one.kept else "MISSED") for one in (*rows, *start[1:])]
    body = f"""{TEXT}
{report.table(["what", "bar", "found", ""], shown)}
## The loss before training under the copy clamp

{why}
## Six clamps, gauss: thousands of sequences until learned

{by_seed()}
## Beside the paper

Thousands of sequences; "earlier" is a re-implementation on a processor, whose weights were drawn
otherwise; the paper's are read off its figures (Omniglot, rate 1e-5).

{beside()}
## What is shipped

{told}"""
    report.write("emergence", "The emergence lab", body)
    return int(not all(one.kept for one in rows))


if __name__ == "__main__":
    sys.exit(main())
