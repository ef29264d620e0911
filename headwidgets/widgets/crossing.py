"""Heads against tasks as a table of colours: what removing each head costs on each task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

from headwidgets.widgets.face_ink import INK, LINE, QUIET
from headwidgets.widgets.face_text import width, write
from headwidgets.widgets.figure import Figure, require_frame
from headwidgets.widgets.luts import diverging

if TYPE_CHECKING:
    import pandas as pd

_CELL, _HIGH, _TOP = 84, 30, 66
_NEEDED = ("layer", "head", "kinds", "task", "template", "share", "se", "clean", "between")


class Crossing(Figure):
    """Heads against tasks, as `Session.matrix` measures them."""

    def __repr__(self) -> str:
        """Say in a line how many heads stand against how many tasks."""
        whole = self._whole()
        worst = whole.dropna(subset="share").sort_values("share").tail(1).to_dict("records")
        said = "".join(f"; most: {r['name']} on {r['task']}, {r['share']:.0%}" for r in worst)
        n = whole["name"].nunique(), whole["task"].nunique()
        return f"<{n[0]} heads of {self.about} against {n[1]} tasks{said}>"

    def _whole(self) -> pd.DataFrame:
        rows = self._frame[self._frame["template"] == "all"]
        return rows.assign(name=rows["layer"].astype(str) + "." + rows["head"].astype(str))

    def _draw(self) -> Image.Image:
        whole = self._whole()
        heads = list(dict.fromkeys(zip(whole["name"], whole["kinds"], strict=True)))
        tasks = list(dict.fromkeys(whole["task"]))
        known = {(r["name"], r["task"]): r for r in whole.to_dict("records")}
        left = 28 + int(max(width(f"{name}  {kinds}", 12) for name, kinds in heads))
        across = max(_CELL, 14 + int(max(width(task, 11) for task in tasks)))
        wide = max(left + across * len(tasks) + 16, 460)
        page = Image.new("RGB", (wide, _TOP + _HIGH * len(heads) + 46), "white")
        pen = ImageDraw.Draw(page)
        write(pen, (16, 12), f"Heads against tasks: {self.about}", INK, size=15, anchor="la")
        for column, task in enumerate(tasks):
            place = left + (column + 0.5) * across, _TOP - 12
            write(pen, place, task, QUIET, size=11, anchor="mm")
        for i, (name, kinds) in enumerate(heads):
            y = _TOP + i * _HIGH
            write(pen, (left - 10, y + _HIGH / 2), f"{name}  {kinds}", INK, size=12, anchor="rm")
            for column, task in enumerate(tasks):
                x = left + column * across
                _cell(pen, known.get((name, task)), (x, y, x + across, y + _HIGH))
        foot = _TOP + _HIGH * len(heads) + 16
        words = "share of the task's logit difference that resampling the head takes; small: the"
        write(pen, (16, foot), words, QUIET, size=11)
        words = "share of its variance between templates, * where shuffling them rarely reaches it"
        write(pen, (16, foot + 15), words, QUIET, size=11)
        return page


def _cell(pen: Any, row: dict[Any, Any] | None, box: tuple[float, float, float, float]) -> None:
    share = float(row["share"]) if row is not None else float("nan")
    middle = (box[0] + box[2]) / 2
    if not np.isfinite(share) or row is None:
        pen.rectangle(box, fill=(246, 247, 249), outline=LINE)
        write(pen, (middle, (box[1] + box[3]) / 2), "?", QUIET, size=12, anchor="mm")
        return
    entry = int(np.clip(round(128 + 127 * share), 0, 255))
    fill = tuple(int(c) for c in diverging()[entry])
    ink = (255, 255, 255) if abs(share) > 0.6 else INK  # noqa: PLR2004 - dark ends
    pen.rectangle(box, fill=fill, outline=LINE)
    write(pen, (middle, box[1] + 11), f"{share:.0%}", ink, size=12, anchor="mm")
    if np.isfinite(row["between"]):
        sure = "*" if float(row.get("between_p", 1)) <= 0.01 else ""  # noqa: PLR2004 - as verdicts
        soft = ink if ink != INK else QUIET
        write(pen, (middle, box[1] + 23), f"{row['between']:.0%}{sure}", soft, size=9, anchor="mm")


def crossing(frame: Any) -> Crossing:
    """Draw heads against tasks.

    Parameters
    ----------
    frame : DataFrame
        As `Session.matrix` returns it.

    Returns
    -------
    Crossing
        A figure; ``.save("x.png")``, ``.to_frame()``.

    Raises
    ------
    InputError
        If it is another frame.
    """
    require_frame(frame, _NEEDED, "s.matrix(...)")
    return Crossing(frame, str(frame.attrs.get("model", "a model")))
