"""Scores over training as curves: a panel a kind, a line a head."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

from headwidgets.taxonomy.registry import find
from headwidgets.widgets.face_ink import INK, LINE, QUIET
from headwidgets.widgets.face_text import width, write
from headwidgets.widgets.figure import Figure, require_frame
from headwidgets.widgets.lines import FINE, INKS, REST, dashes, spread, stroke

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

_NAMED = 4
"""Heads that are highest in the end, which have a colour and a name; all others are grey."""
_PANEL, _HIGH, _LEFT, _RIGHT, _TOP, _FOOT = 640, 190, 52, 96, 44, 34
_NEEDED = ("step", "layer", "head", "kind", "score", "null_max", "reason")


class Curves(Figure):
    """Scores over training, as `Session.over_training` measures them."""

    def __repr__(self) -> str:
        """Say in a line which head each kind ends with."""
        said = []
        for kind, rows in self._frame.groupby("kind", sort=False):
            last = rows[rows["step"] == rows["step"].max()].dropna(subset="score")
            best = last.sort_values("score").tail(1).to_dict("records")
            said += [f"{kind}: {r['layer']}.{r['head']} {r['score']:.2f}" for r in best]
            said += [f"{kind}: not measured in the end"] * (not best)
        steps = self._frame["step"].nunique()
        return f"<scores of {self.about} over {steps} checkpoints; in the end {'; '.join(said)}>"

    def _draw(self) -> Image.Image:
        kinds = list(dict.fromkeys(self._frame["kind"]))
        high = _TOP + _HIGH + _FOOT
        page = Image.new("RGB", (_LEFT + _PANEL + _RIGHT, 40 + high * len(kinds)), "white")
        pen = ImageDraw.Draw(page)
        write(pen, (16, 12), f"Over training: {self.about}", INK, size=15, anchor="la")
        for i, kind in enumerate(kinds):
            rows = self._frame[self._frame["kind"] == kind]
            _panel(page, rows, str(kind), 40 + i * high + _TOP)
        return page


def _panel(page: Image.Image, rows: pd.DataFrame, kind: str, top: int) -> None:
    table = rows.set_index(["step", "layer", "head"])["score"].unstack(["layer", "head"])  # noqa: PD010 - a pivot_table drops heads that are all NaN
    null = rows.groupby("step")["null_max"].max()
    steps = table.index.to_numpy(dtype=float)
    threshold = find(kind).threshold
    there = [*table.to_numpy().ravel(), *null.to_numpy(), threshold, 0.0]
    low, high = float(np.nanmin(there)), float(np.nanmax(there)) * 1.05 + 1e-9
    best = list(table.iloc[-1].dropna().sort_values(ascending=False).index[:_NAMED])

    def x(step: NDArray[np.float64]) -> NDArray[np.float64]:
        along = np.log10(step + 10)  # a step of 0 has a place too
        there: NDArray[np.float64] = (along - along.min()) / max(float(np.ptp(along)), 1e-9)
        return there * _PANEL

    def y(value: Any) -> Any:
        return _HIGH * (1 - (value - low) / (high - low))

    field = Image.new("RGB", (_PANEL * FINE, _HIGH * FINE), "white")
    pen = ImageDraw.Draw(field)
    at = x(steps)
    shade = [(a, y(v)) for a, v in zip(at, null, strict=True) if np.isfinite(v)]
    if len(shade) > 1:
        floor = y(low)
        outline = [(shade[0][0], floor), *shade, (shade[-1][0], floor)]
        pen.polygon([(a * FINE, b * FINE) for a, b in outline], fill=(243, 244, 246))
    for one in [*(c for c in table.columns if c not in best), *reversed(best)]:
        ink = INKS[best.index(one)] if one in best else REST
        stroke(pen, at, y(table[one].to_numpy(dtype=float)), ink, 2 if one in best else 1)
    small = field.resize((_PANEL, _HIGH), Image.Resampling.LANCZOS)
    page.paste(small, (_LEFT, top))
    _frame(ImageDraw.Draw(page), kind, top, steps, at, (low, high, float(y(threshold))))
    if best:
        _names(ImageDraw.Draw(page), table, best, top, y)
    elif table.isna().to_numpy().all():
        why = str(rows["reason"].iloc[-1])[:100]
        place = _LEFT + _PANEL / 2, top + _HIGH / 2
        write(ImageDraw.Draw(page), place, f"not measured: {why}", QUIET, size=12, anchor="mm")


def _frame(
    pen: Any,
    kind: str,
    top: int,
    steps: NDArray[Any],
    at: NDArray[Any],
    ends: tuple[float, float, float],
) -> None:
    low, high, threshold = ends
    card = find(kind)
    write(pen, (_LEFT, top - 18), card.title, INK, size=13)
    beside = f"{card.unit}; dashed: threshold {card.threshold:g} ({card.threshold_origin}); "
    beside += "grey area: below the null's largest"
    write(pen, (_LEFT + width(card.title, 13) + 12, top - 18), beside, QUIET, size=11)
    pen.rectangle((_LEFT, top, _LEFT + _PANEL, top + _HIGH), outline=LINE)
    dashes(pen, _LEFT, _PANEL, top + threshold)
    for value, place in ((high, top + 6), (low, top + _HIGH - 6)):
        write(pen, (_LEFT - 6, place), f"{value:.2f}", QUIET, size=11, anchor="rm")
    last = -100.0
    for step, x in zip(steps, at, strict=True):
        if x - last >= 60 or (step == steps[-1] and x - last >= 40):  # noqa: PLR2004 - room for one
            write(pen, (_LEFT + x, top + _HIGH + 12), f"{step:g}", QUIET, size=11, anchor="mm")
            last = x
    write(pen, (_LEFT - 6, top + _HIGH + 12), "step", QUIET, size=11, anchor="rm")


def _names(
    pen: Any, table: pd.DataFrame, best: Sequence[tuple[int, int]], top: int, y: Any
) -> None:
    """Name the highest lines at their end, none above another."""
    values = [float(table[one].iloc[-1]) for one in best]
    places = spread([float(y(value)) for value in values], _HIGH)
    for one, value, place, ink in zip(best, values, places, INKS, strict=False):
        words = f"{one[0]}.{one[1]}  {value:.2f}"
        write(pen, (_LEFT + _PANEL + 8, top + place), words, ink, size=12)


def curves(frame: Any) -> Curves:
    """Draw scores over training: a panel a kind, a line a head, the four highest named.

    Parameters
    ----------
    frame : DataFrame
        As `Session.over_training` returns it.

    Returns
    -------
    Curves
        A figure; ``.save("x.png")``, ``.to_frame()``.

    Raises
    ------
    InputError
        If it is another frame.
    """
    require_frame(frame, _NEEDED, "s.over_training(...)")
    return Curves(frame, str(frame.attrs.get("model", "a model")))
