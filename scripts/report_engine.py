"""Write reports/edits.md and reports/sums.md: how exact edits and sums are, by architecture."""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import report
import torch
import transformers

if TYPE_CHECKING:
    from collections.abc import Sequence

EXACT, SUMS = 1e-5, 1e-4  # the bars
MOVED = 1e-3  # an edit that moves nothing proves nothing
MORE_SUMS = ("mistral", "opt", "gpt-neo")

EDITS_TEXT = f"""Every head and every MLP of random models (3 layers, 4 heads), one edit at a time,
everywhere and at positions, through the session and by hand-written hooks on the plain bridge.
"Largest difference" is over all logits at the end and has to stay within {EXACT:g}; "moved" is how
far the edits moved those logits at most. "zero = W_O zeroed" compares with a copy of the model in
which the head's output weights are zero.
"""
SUMS_TEXT = f"""Embedding, positions, heads, MLPs and biases, added up, against the last residual
stream, at every position of a prompt. The largest difference of an entry has to stay within
{SUMS:g}; "largest entry" is that of the stream.
"""


def edits(exact: Any, shaped: Any, folder: Path) -> list[Any]:
    """Compare every kind of edit on every architecture."""
    found = []
    for architecture in exact.ARCHITECTURES:
        bridge = shaped.shaped(architecture, folder)
        found += [exact.compare(architecture, bridge, kind) for kind in exact.BUILD]
        changed = shaped.shaped(architecture, folder / "changed")
        found.append(exact.compare_zeroed_weights(architecture, bridge, changed))
    return found


def sums(exact: Any, shaped: Any, folder: Path) -> list[Any]:
    """Compare the sum of the parts with the stream on every architecture."""
    names = (*exact.ARCHITECTURES, *MORE_SUMS)
    return [exact.compare_sums(name, shaped.shaped(name, folder)) for name in names]


def write(name: str, title: str, text: str, columns: Sequence[str], found: Sequence[Any]) -> None:
    """Write one of the two reports."""
    rows = [(f.architecture, f.edit, f.cases, f"{f.error:.1e}", f"{f.moved:.3g}") for f in found]
    report.write(name, title, f"{text}\n{report.table(columns, rows)}")


def main() -> int:
    """Measure, write, and fail where a bar was missed."""
    torch.set_num_threads(1)
    logging: Any = transformers.utils.logging
    logging.disable_progress_bar()
    sys.path.insert(0, str(report.ROOT / "tests"))
    exact, shaped = (importlib.import_module(name) for name in ("exact", "shaped"))
    with tempfile.TemporaryDirectory() as name:
        edited = edits(exact, shaped, Path(name))
        summed = sums(exact, shaped, Path(name))
    first = ["architecture", "kind", "cases", "largest difference"]
    write("edits", "Edits against hand-written hooks", EDITS_TEXT, [*first, "moved"], edited)
    write("sums", "Parts that sum", SUMS_TEXT, [*first, "largest entry"], summed)
    missed = [f for f in edited if not (f.error <= EXACT and f.moved > MOVED)]
    missed += [f for f in summed if not f.error <= SUMS]
    for f in missed:
        print(f"missed: {f}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
