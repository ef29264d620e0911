"""The curves of the emergence lab's static face."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from headwidgets.widgets.emergence_data import LEARNED, LEFT
from headwidgets.widgets.emergence_look import ALL, checkpoint
from headwidgets.widgets.face_ink import LINE, PICKED, QUIET
from headwidgets.widgets.face_text import write
from headwidgets.widgets.wire import decode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headwidgets.widgets.emergence_state import EmergenceState

COLOURS = (
    *((0, 114, 178), (213, 94, 0), (0, 140, 105), (190, 95, 155)),
    *((176, 122, 0), (60, 150, 205), (120, 120, 120), (90, 60, 150)),
)
"""Of lines: Okabe and Ito (2008), darker where white would swallow them."""
_LEFT, _TOP, _WIDE, _HIGH = 50, 66, 560, 200
_BAND, _GAP, _APART = (232, 234, 239), 13, 44


class Line(NamedTuple):
    """What is drawn: at which sequences, which values, and whether it is the one looked at."""

    label: str
    at: list[int]
    values: NDArray[np.float32]
    mine: bool


def array(part: dict[str, Any]) -> NDArray[Any]:
    """Return the array of a part."""
    return decode(part["array"], part["data"])


def parts(state: EmergenceState) -> dict[str, Any]:
    """Return all runs as they were packed last, in their order."""
    both = {**state.settled, **state.moving}
    return {name: both[name] for name in state.order}


def first_below(part: dict[str, Any], condition: str, loss: float) -> float | None:
    """Return after how many sequences the train loss is below a value; None: never, or no pairs."""
    if "curves" not in part or not part["pairs"]:
        return None
    k = part["conditions"].index(condition)
    own = array(part["curves"])[k, part["parts"].index("train"), 0]
    below = np.flatnonzero(own < loss)
    return float(part["measured"][below[0]] * part["batch"]) if len(below) else None


def lines(state: EmergenceState) -> list[Line]:
    """Return what is drawn: all parts of one line, or one part of all."""
    look, found = state.look, []
    row = ("loss", "accuracy").index(look["measure"])
    for name, part in parts(state).items():
        if "curves" not in part:
            continue
        values, at = array(part["curves"]), [step * part["batch"] for step in part["measured"]]
        for k, condition in enumerate(part["conditions"]):
            mine = (name, condition) == (look["run"], look["condition"])
            label = name if len(part["conditions"]) == 1 else condition
            drawn = {look["part"]: label}
            if look["part"] == ALL:
                drawn = {p: p for p in part["parts"] if mine and not p.isupper()}  # "A + B"
            for one, called in drawn.items():
                if one in part["parts"]:
                    own = values[k, part["parts"].index(one), row]
                    found.append(Line(called, at, own, mine))
    return found


def curves(pen: Any, state: EmergenceState) -> None:
    """Draw the lines with their axes, the phase change behind them, and the step looked at."""
    found = lines(state)
    if found:
        _Plot(pen, state, found).draw()


class _Plot:
    def __init__(self, pen: Any, state: EmergenceState, found: list[Line]) -> None:
        self.pen, self.look, self.found = pen, state.look, found
        self.part = parts(state)[self.look["run"]]
        self.loss = self.look["measure"] == "loss"
        largest = [float(np.nanmax(one.values)) for one in found]
        self.most = max(1.0, *largest) * 1.04 if self.loss else 1.0
        self.first = min([one.at[1] for one in found if len(one.at) > 1], default=1)
        self.last = max(2 * self.first, *[one.at[-1] for one in found])

    def draw(self) -> None:
        self._behind()
        self._axes()
        self._lines()
        checkpoints = self.part["checkpoints"]
        if checkpoints:
            step = checkpoints[checkpoint(checkpoints, self.look["step"])]
            x = self._x(step * self.part["batch"])
            self.pen.line((x, _TOP, x, _TOP + _HIGH), fill=PICKED)
        said = (
            f"{self.look['measure']} by sequences; grey: phase change of {self.look['condition']}"
        )
        write(self.pen, (_LEFT, _TOP + _HIGH + 22), said, QUIET, size=10, anchor="la")

    def _x(self, n: float) -> float:
        if self.look["time"] == "linear":
            return _LEFT + _WIDE * n / self.last
        start = self.first / 2
        return _LEFT + _WIDE * math.log(max(n, start) / start) / math.log(self.last / start)

    def _y(self, value: float) -> float:
        return _TOP + _HIGH * (1 - value / self.most)

    def _behind(self) -> None:
        ends = [first_below(self.part, self.look["condition"], bar) for bar in (LEFT, LEARNED)]
        if all(ends):
            left, right = (self._x(end or 0) for end in ends)
            self.pen.rectangle((left, _TOP, right, _TOP + _HIGH), fill=_BAND)
        labels = self.part["labels"]
        rules = {math.log(labels): f"ln {labels}: chance"}
        if self.part["pairs"]:
            rules[math.log(2)] = "ln 2: one of the two"
        for value, said in (rules if self.loss else {1 / labels: "chance"}).items():
            if value < self.most:
                y = self._y(value)
                self.pen.line((_LEFT, y, _LEFT + _WIDE, y), fill=LINE)
                place = (_LEFT + _WIDE - 4, y - 7)
                write(self.pen, place, said, QUIET, size=10, anchor="rm")

    def _axes(self) -> None:
        bottom, before = _TOP + _HIGH, 0.0
        for n in (by * 10**power for power in range(1, 9) for by in (1, 2, 5)):
            x = self._x(n)
            if self.first <= n <= self.last and x - before > _APART:
                before = x
                self.pen.line((x, bottom, x, bottom + 4), fill=QUIET)
                write(self.pen, (x, bottom + 12), f"{n:,}", QUIET, size=10, anchor="mm")
        for value in (0.0, 0.5, 1.0, 1.5):
            if value <= self.most:
                place = (_LEFT - 6, self._y(value))
                write(self.pen, place, f"{value:.1f}", QUIET, size=10, anchor="rm")
        self.pen.rectangle((_LEFT, _TOP, _LEFT + _WIDE, bottom), outline=LINE)

    def _lines(self) -> None:
        used: list[float] = []
        for i, one in enumerate(self.found):
            ink = COLOURS[i % len(COLOURS)]
            pairs = zip(one.at, one.values.tolist(), strict=True)
            points = [(self._x(n), self._y(v)) for n, v in pairs if math.isfinite(v)]
            if len(points) > 1:
                self.pen.line(points, fill=ink, width=3 if one.mine else 2, joint="curve")
            y = points[-1][1] if points else float(_TOP)
            while any(abs(y - other) < _GAP for other in used):
                y -= _GAP
            used.append(y)
            write(self.pen, (_LEFT + _WIDE + 6, y), one.label, ink, size=11)
