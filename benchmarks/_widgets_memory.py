"""What stays: a view's cell runs again and again, beside the cell of a bare widget."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from _bench import Row

if TYPE_CHECKING:
    from _lab import Bench

RERUNS = (10, 50)
NAMES = ("kernel memory, MB", "widgets", "comms", "JavaScript heap, MB")
_HELD = """
import gc, ipywidgets
from comm import get_comm_manager
from memory import held
gc.collect()
print([held("VmRSS"), len(ipywidgets.widgets.widget._instances), len(get_comm_manager().comms)])
"""
_BARE = "if 'echo' in globals(): echo.close()\nfrom _echo import Echo\necho = Echo(1000)\necho"


def reruns(lab: Bench) -> list[Row]:
    """Run a view's cell 50 times: what the kernel and the page hold after 10 and after 50.

    A notebook keeps something of each run of any cell (its history, the kernel's messages), so
    the page's heap is held against that of a bare widget's cell.
    """
    early, late = _held(lab, _BARE, "echo")
    bare = (late[-1] - early[-1]) * 1e3
    rows = [_row("a bare anywidget", 3, early, late, None)]
    for what, code, kind in (
        ("AttentionView", "hw.AttentionView(s)", "attention"),
        ("explore", "s.explore()", "explore"),
    ):
        early, late = _held(lab, code, kind)
        for i, more in enumerate((8, 0, 0, max(bare, 0) + 1)):
            rows.append(_row(what, i, early, late, more))
    return rows


def _row(what: str, i: int, early: list[float], late: list[float], more: float | None) -> Row:
    """One number, before and after; sizes are in GB."""
    by = 1 if NAMES[i] in ("widgets", "comms") else 1e3
    shown = [f"{early[i] * by:.4g} → {late[i] * by:.4g}"]
    grown = (late[i] - early[i]) * by
    return Row(f"{what} run {RERUNS[0]} → {RERUNS[1]} times: {NAMES[i]}", shown, grown, more)


def _held(lab: Bench, code: str, kind: str) -> list[list[float]]:
    """Run a cell again and again; return what is held after each of `RERUNS`."""
    with lab.desk() as desk:
        desk.run("s = hw.Session(); s.prompt = 'When Mary and John went to the store'")
        desk.run(_HELD)
        desk.show(code, kind)
        cell = desk.active()
        held = []
        for number in range(1, max(RERUNS) + 1):
            desk.rerun(cell)
            desk.ready(desk.views(kind).last)
            if number in RERUNS:
                held.append([*ast.literal_eval(desk.run(_HELD)), desk.heap() / 1e9])
    return held
