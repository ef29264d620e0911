"""Write reports/oracle.md: every kind, on heads that were planted for it."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import report
import torch

from headwidgets.taxonomy import all_kinds, find

if TYPE_CHECKING:
    from collections.abc import Sequence

NEEDED = ["kind", "form", "planted head", "place", "place by score", "verdict", "before a proof"]
COLUMNS = [*NEEDED, "others consistent with", "decoys that are candidates", "outcome"]
TEXT = """Heads set by hand, one for every kind, among decoys that have one half of it: they look
there and bring nothing, bring it from elsewhere, go by place, follow something else. Clean, and
dirty: 5 % noise on all attention, attributions or weights. {seeds} seeds each, of the null and of
the noise; 999 draws, the rule and the thresholds that `s.scores()` uses. The kinds on random
tokens, and those whose score runs the model anew or probes it, are scored on whole models whose
weights were set by hand, the others on tasks as such heads would see them.

The planted head must come first among the heads as they are listed (the better verdict first, of
one verdict the higher score), with the best verdict that its kind may give, on every seed; no other
head may be "consistent with". Its place by score alone stands beside: some decoys score as high,
and what the card asks besides tells them apart. A kind whose evidence is neither attention nor
weights stays a candidate until its proof has passed: the verdict is the one with every proof taken
as passed, of decoys too, so that it is the score alone that tells them apart here. *Exploratory*
kinds give no more than a candidate. Worst of the seeds in every column.
"""
LEFT = """
Not planted, {n} of {all}: {kinds}.
"""


def line(row: Any) -> tuple[object, ...]:
    """Lay out one kind in one form."""
    low, high = (f"{one:.3f}" for one in row.score)
    return (
        row.kind,
        row.form,
        low if low == high else f"{low} to {high}",
        row.place,
        row.by_score,
        row.verdict,
        row.before or "needs none",
        ", ".join(row.claimed) or "none",
        ", ".join(row.candidates) or "none",
        "kept" if row.kept else "MISSED",
    )


def body(rows: Sequence[Any], seeds: int) -> str:
    """Return the report's text and table."""
    planted = {row.kind for row in rows}
    left = [one.name for one in all_kinds() if one.name not in planted]
    said = LEFT.format(n=len(left), all=len(all_kinds()), kinds=", ".join(left)) if left else ""
    table = report.table(COLUMNS, map(line, rows))
    measurements = len({find(kind).measurement for kind in planted})
    counted = f"{len(planted)} kinds, {measurements} measurements.\n"
    return f"{TEXT.format(seeds=seeds)}\n{counted}\n{table}{said}"


def main() -> int:
    """Score, write, and fail where a planted head is missed or another is claimed."""
    torch.set_num_threads(1)
    sys.path[:0] = [str(report.ROOT / "tests"), str(report.ROOT / "tests" / "taxonomy")]
    oracle: Any = import_module("oracle")
    wanted = [kind.name for kind in all_kinds() if kind.name in oracle.PLANTS]
    rows = [row for kind in wanted for row in oracle.rows(kind)]
    report.write("oracle", "Planted heads of every kind", body(rows, oracle.SEEDS))
    missed = [row for row in rows if not row.kept]
    for row in missed:
        print(f"missed: {row}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
