"""Numbers over another number as lines: a line a name, each named at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

from headwidgets.widgets.face_ink import INK, LINE, QUIET
from headwidgets.widgets.face_text import width, write
from headwidgets.widgets.figure import Figure, require_frame

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

INKS = (
    *((0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167)),
    *((230, 159, 0), (86, 180, 233), (60, 60, 60)),
)
"""Of lines, in order (Okabe and Ito 2008, without yellow, which white swallows)."""
REST = (205, 208, 214)
FINE = 3
"""Lines are drawn so much larger, then made smaller: smooth."""
_WIDE, _HIGH, _LEFT, _TOP, _FOOT = 560, 230, 52, 44, 40
_NAME = 14  # between two names
_TICK = 60  # least room between two ticks


class Lines(Figure):
    """Lines over one axis; made by `lines`."""

    def __init__(self, frame: pd.DataFrame, axes: tuple[str, str, str], **looks: Any) -> None:
        x, y, by = axes
        self._axes, self._looks = axes, looks
        self._table = frame.pivot_table(index=x, columns=by, values=y, sort=False).sort_index()
        super().__init__(frame, looks["title"])

    def __repr__(self) -> str:
        """Say in a line where each line begins and ends."""
        x, y, _ = self._axes
        said = []
        for name, one in self._table.items():
            kept = one.dropna()
            said.append(f"{name} {kept.iloc[0]:.2f} to {kept.iloc[-1]:.2f}")
        return f"<{self.about}: {y} over {x}; {'; '.join(said)}>"

    def _draw(self) -> Image.Image:
        names = [str(name) for name in self._table]
        right = 16 + max(width(f"{name}  0.00", 12) for name in names)
        page = Image.new("RGB", (int(_LEFT + _WIDE + right), _TOP + _HIGH + _FOOT), "white")
        pen = ImageDraw.Draw(page)
        write(pen, (_LEFT, 14), self.about, INK, size=14)
        at, values = self._along(), self._table.to_numpy(dtype=float)
        levels: Mapping[str, float] = self._looks["levels"]
        there = [float(np.nanmin(values)), float(np.nanmax(values)), *levels.values()]
        low, high = min(*there, 0.0), max(there) * 1.03

        def y(value: Any) -> Any:
            return _HIGH * (1 - (value - low) / (high - low))

        field = Image.new("RGB", (_WIDE * FINE, _HIGH * FINE), "white")
        inks = [INKS[i] if i < len(INKS) else REST for i in range(len(names))]
        for i in reversed(range(len(names))):
            stroke(ImageDraw.Draw(field), at, y(values[:, i]), inks[i], 2)
        page.paste(field.resize((_WIDE, _HIGH), Image.Resampling.LANCZOS), (_LEFT, _TOP))
        self._frame_around(pen, at, (low, high))
        for name, level in levels.items():
            dashes(pen, _LEFT, _WIDE, _TOP + y(level))
            write(pen, (_LEFT + 6, _TOP + y(level) - 8), name, QUIET, size=11)
        ends = [float(one.dropna().iloc[-1]) for _, one in self._table.items()]
        order = sorted(range(len(names)), key=lambda i: -ends[i])
        for i, place in zip(order, spread([y(ends[i]) for i in order], _HIGH), strict=True):
            words, ink = f"{names[i]}  {ends[i]:.2f}", QUIET if inks[i] == REST else inks[i]
            write(pen, (_LEFT + _WIDE + 8, _TOP + place), words, ink, size=12)
        return page

    def _along(self) -> NDArray[np.float64]:
        """Return where each row stands, in pixels; on a log axis 0 stands where it has room."""
        found = self._table.index.to_numpy(dtype=float)
        if self._looks["log"]:
            first = found[found > 0].min() if (found > 0).any() else 1.0
            found = np.log10(np.maximum(found, first / 2))
        there: NDArray[np.float64] = (found - found[0]) / max(float(np.ptp(found)), 1e-9)
        return there * _WIDE

    def _frame_around(self, pen: Any, at: NDArray[Any], ends: tuple[float, float]) -> None:
        x, y, _ = self._axes
        pen.rectangle((_LEFT, _TOP, _LEFT + _WIDE, _TOP + _HIGH), outline=LINE)
        write(pen, (_LEFT, _TOP - 10), y, QUIET, size=11)
        for value, place in ((ends[1], _TOP + 6), (ends[0], _TOP + _HIGH - 6)):
            write(pen, (_LEFT - 6, place), f"{value:.2f}", QUIET, size=11, anchor="rm")
        foot, last = _TOP + _HIGH + 12, float(_WIDE)
        write(pen, (_LEFT + last, foot), f"{self._table.index[-1]:,}", QUIET, size=11, anchor="mm")
        for value, place in reversed(list(zip(self._table.index, at, strict=True))):
            if last - place >= _TICK:
                write(pen, (_LEFT + place, foot), f"{value:,}", QUIET, size=11, anchor="mm")
                last = float(place)
        scale = ", log scale" if self._looks["log"] else ""
        write(pen, (_LEFT + _WIDE / 2, foot + 16), f"{x}{scale}", QUIET, size=11, anchor="mm")


def stroke(
    pen: Any, x: NDArray[Any], y: NDArray[Any], ink: tuple[int, int, int], wide: int
) -> None:
    """Draw a line with gaps where nothing was measured; a lone value is a dot."""
    points = [(a * FINE, b * FINE) for a, b in zip(x, y, strict=True)]
    known = [bool(np.isfinite(b)) for b in y]
    for i, (a, b) in enumerate(points):
        if not known[i]:
            continue
        if i and known[i - 1]:
            pen.line((*points[i - 1], a, b), fill=ink, width=wide * FINE)
        elif i + 1 == len(points) or not known[i + 1]:
            size = wide * FINE
            pen.ellipse((a - size, b - size, a + size, b + size), fill=ink)


def dashes(pen: Any, left: float, wide: float, y: float) -> None:
    """Draw a dashed line across."""
    for x in range(int(left), int(left + wide), 10):
        pen.line((x, y, x + 5, y), fill=QUIET)


def spread(places: Sequence[float], high: float) -> list[float]:
    """Move the places of names, from the top, so that none stands above another."""
    found: list[float] = []
    for place in places:
        found.append(max(float(place), found[-1] + _NAME if found else 0.0))
    lowest = high - _NAME / 2
    for i in range(len(found) - 1, -1, -1):
        found[i] = min(found[i], lowest)
        lowest = found[i] - _NAME
    return found


def lines(
    frame: Any,
    x: str = "sequences",
    y: str = "loss",
    by: str = "condition",
    *,
    title: str = "",
    levels: Mapping[str, float] | None = None,
    log: bool = True,
) -> Lines:
    """Draw a column over another, a line for every value of a third.

    Parameters
    ----------
    frame : DataFrame
    x, y, by : str
        Its columns; several rows of one place are averaged.
    title : str
    levels : mapping of str to float, optional
        Dashed lines, by what they say, such as ``{"ln 2": 0.693}``.
    log : bool
        Whether `x` is shown on a log scale.

    Returns
    -------
    Lines
        A figure; ``.save("x.png")``, ``.to_frame()``.

    Raises
    ------
    InputError
        If the frame has no such columns, or nothing in them.
    """
    found = require_frame(frame, (x, y, by), f"{x}, {y} and {by}").dropna(subset=[x, y, by])
    require_frame(found, (x, y, by), f"{x}, {y} and {by}")
    return Lines(frame, (x, y, by), title=title or f"{y} by {by}", levels=levels or {}, log=log)
