"""What stays: a view's cell runs again and again."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from _bench import Row

if TYPE_CHECKING:
    from _lab import Bench

RERUNS = (10, 50)
_HELD = """
import gc, ipywidgets
from comm import get_comm_manager
from memory import held
gc.collect()
print([held("VmRSS"), len(ipywidgets.widgets.widget._instances), len(get_comm_manager().comms)])
"""


def reruns(lab: Bench) -> list[Row]:
    """Run a view's cell 50 times: what the kernel and the page hold after 10 and after 50."""
    rows = []
    for what, code, kind in (
        ("AttentionView", "hw.AttentionView(s)", "attention"),
        ("explore", "s.explore()", "explore"),
    ):
        with lab.desk() as desk:
            desk.run("s = hw.Session(); s.prompt = 'When Mary and John went to the store'")
            desk.run(_HELD)
            desk.show(code, kind)
            cell = desk.active()
            held = {}
            for number in range(1, max(RERUNS) + 1):
                desk.rerun(cell)
                desk.ready(desk.views(kind).last)
                if number in RERUNS:
                    held[number] = [*ast.literal_eval(desk.run(_HELD)), desk.heap() / 1e9]
        early, late = (held[number] for number in RERUNS)
        names = ("kernel memory, MB", "widgets", "comms", "JavaScript heap, MB")
        slack, unit = (8, 0, 0, 2), (1e3, 1, 1, 1e3)
        for name, was, now, more, by in zip(names, early, late, slack, unit, strict=True):
            grown = (now - was) * by
            shown = [f"{was * by:.4g} → {now * by:.4g}"]
            rows.append(
                Row(f"{what} run {RERUNS[0]} → {RERUNS[1]} times: {name}", shown, grown, more)
            )
    return rows
