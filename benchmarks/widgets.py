"""The widgets in a real JupyterLab: bytes on the WebSocket, and waiting after a click.

Bytes are counted from the kernel to the browser, as they are before any compression, from
running a cell to `data-hw-state="ready"`. Times are taken in the page, from the click to that
state, beside a bare anywidget that sends as many bytes, in turn; the kernel has one torch
thread. ``python benchmarks/widgets.py first_paint switch`` measures these only.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from _bench import Row, conclude
from _lab import bench
from _widgets_bytes import bundle, first_paint
from _widgets_memory import reruns
from _widgets_scrub import scrubbing
from _widgets_slide import sliding
from _widgets_waits import TURNS, drawing, switch, toggle

if TYPE_CHECKING:
    from collections.abc import Callable

MEASURES: dict[str, Callable[[Any], list[Row]]] = {
    measure.__name__: measure
    for measure in (first_paint, switch, toggle, sliding, scrubbing, drawing, reruns, bundle)
}


def main(names: list[str]) -> int:
    """Measure, print, and say whether a bar was missed; a measure that fails is a missed bar."""
    unknown = [name for name in names if name not in MEASURES]
    if unknown:
        sys.exit(f"expected measures among {', '.join(MEASURES)}, got {', '.join(unknown)}")
    rows = []
    with bench() as lab:
        for name in names or MEASURES:
            try:
                rows += MEASURES[name](lab)
            except Exception as error:  # noqa: BLE001 - the other measures are still worth having
                print(f"{name} failed: {error}", file=sys.stderr)
                rows.append(Row(f"`{name}` failed", [type(error).__name__], float("nan"), 0))
    print(f"Random weights but for the bundled model; minima of {TURNS} turns after a warm-up.\n")
    return conclude(["what", "value"], rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
