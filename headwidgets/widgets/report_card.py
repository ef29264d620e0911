"""A model's report card: what it can do, task by task, and the head that it leans on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from PIL import Image, ImageDraw

from headwidgets.errors import InputError
from headwidgets.tasks.registry import find
from headwidgets.widgets.face_ink import INK, LINE, QUIET
from headwidgets.widgets.face_text import write
from headwidgets.widgets.figure import Figure
from headwidgets.zoo.shipped import CARD, CARD_PROMPTS

if TYPE_CHECKING:
    from collections.abc import Iterable

BLUE, ORANGE, GREY = (0, 114, 178), (230, 159, 0), (200, 205, 212)
"""Of accuracy, of cost (Okabe and Ito 2008), and of what is not special."""
PROMPTS = 100
"""Of a task and split, where none are asked for."""
_MARGIN, _ROW, _NAME, _BAR, _GAP = 16, 20, 170, 200, 26


class ReportCard(Figure):
    """What a model can do, as a figure with a table behind it.

    Parameters
    ----------
    frame : DataFrame
        As `headwidgets.session.card.card` returns it.
    about : str
        Which model, and on what.
    """

    def __repr__(self) -> str:
        """Say the result in a line."""
        there = self._frame["accuracy"].notna()
        good = int((self._frame["accuracy"] >= 0.95).sum())  # noqa: PLR2004 - the project's bar
        special = [row.get("special") is True for row in self._frame.to_dict("records")].count(True)
        return (
            f"<report card of {self.about}: accuracy ≥ 0.95 on {good} of {int(there.sum())} tasks; "
            f"a specialised head on {special}>"
        )

    def _draw(self) -> Image.Image:
        rows = self._frame.to_dict("records")
        width = 2 * _MARGIN + _NAME + 2 * _BAR + _GAP + 110
        page = Image.new("RGB", (width, 96 + _ROW * len(rows)), "white")
        pen = ImageDraw.Draw(page)
        write(pen, (_MARGIN, 12), f"Report card: {self.about}", INK, size=15, anchor="la")
        left, right = _MARGIN + _NAME, _MARGIN + _NAME + _BAR + _GAP
        words = "accuracy: bar, held-out contents; line, new templates; grey, a guess"
        write(pen, (left, 36), words, QUIET, size=11, anchor="la")
        words = "head that costs most, share of the metric; line, the other heads' 95th percentile"
        write(pen, (left, 52), words, QUIET, size=11, anchor="la")
        for i, row in enumerate(rows):
            _row(pen, row, 78 + _ROW * i, left, right)
        return page


def _row(pen: Any, row: dict[str, Any], y: int, left: int, right: int) -> None:
    write(pen, (left - 10, y + 8), str(row["task"]), INK, size=12, anchor="rm")
    _bar(pen, left, y, row.get("accuracy"), BLUE)
    _tick(pen, left, y, row.get("chance"), QUIET)
    _tick(pen, left, y, row.get("accuracy_new"), INK)
    _bar(pen, right, y, row.get("cost"), ORANGE if row.get("special") is True else GREY)
    _tick(pen, right, y, row.get("others"), INK)
    if pd.notna(row.get("cost")):
        words = f"{row['head']}   {row['cost']:.2f}"
        write(pen, (right + _BAR + 10, y + 8), words, INK, size=12, anchor="lm")


def _bar(pen: Any, x: int, y: int, value: object, ink: tuple[int, int, int]) -> None:
    pen.rectangle((x, y + 1, x + _BAR, y + 14), outline=LINE)
    if value is not None and pd.notna(value):
        pen.rectangle((x, y + 1, x + _at(value), y + 14), fill=ink)


def _tick(pen: Any, x: int, y: int, value: object, ink: tuple[int, int, int]) -> None:
    if value is not None and pd.notna(value):
        at = x + _at(value)
        pen.line((at, y - 1, at, y + 16), fill=ink, width=2)


def _at(value: Any) -> int:
    return round(_BAR * min(1.0, max(0.0, float(value))))


def report_card(
    session: Any = None,
    tasks: Iterable[str] | None = None,
    *,
    n: int | None = None,
    seed: int | None = None,
) -> ReportCard:
    """Tell what a model can do, and which head each task leans on most.

    Parameters
    ----------
    session : Session, optional
        None: the bundled model, as it was measured for the package.
    tasks : iterable of str, optional
        Names of `hw.tasks`; default: those that the bundled model is trained on.
    n, seed : int, optional
        Prompts a task and split, and their seed; default: 100 and 0.

    Returns
    -------
    ReportCard
        A figure; ``.to_frame()`` has one row a task: accuracy, its standard error and skill
        on contents that training held out (accuracy, skill) and on templates that it held out
        (accuracy_new, skill_new); chance; head, cost, cost_se, others, special: see
        `headwidgets.session.card.card`.

    Raises
    ------
    InputError
        If there is no such task or session, or `n` or `seed` is given without a session.
    """
    if session is None:
        return _bundled(tasks, n, seed)
    if not hasattr(session, "report_card"):
        message = f"expected a session, such as hw.Session('gpt2'), or none, got {session!r:.80}"
        raise InputError(message)
    given = {name: value for name, value in (("n", n), ("seed", seed)) if value is not None}
    frame = session.report_card(tasks, **given)
    return ReportCard(frame, f"{session.facts.name}, n = {given.get('n', PROMPTS)} a task")


def _bundled(tasks: Iterable[str] | None, n: int | None, seed: int | None) -> ReportCard:
    """Read the bundled model's card from the package."""
    if n is not None or seed is not None:
        message = (
            f"the bundled model's card is measured already (n = {CARD_PROMPTS}, seed 0): leave n "
            "and seed out, or measure it anew by hw.report_card(hw.Session(), n=..., seed=...)"
        )
        raise InputError(message)
    if not CARD.exists():
        message = (
            "the bundled model's card is not in this package: measure it by `make card`, or give a "
            "session: hw.report_card(s)"
        )
        raise InputError(message)
    frame = pd.read_csv(CARD, keep_default_na=False, na_values=[""], dtype={"head": str})
    frame["special"] = frame["special"].map(
        {"True": True, "False": False, True: True, False: False}
    )
    if tasks is not None:
        names = [find(name).name for name in ([tasks] if isinstance(tasks, str) else tasks)]
        missing = [name for name in names if name not in set(frame["task"])]
        if missing or not names:
            message = (
                f"expected tasks of the bundled model's card, {', '.join(frame['task'])}; got "
                f"{missing or 'none'}: measure others by hw.report_card(hw.Session(), tasks)"
            )
            raise InputError(message)
        frame = frame.set_index("task").loc[names].reset_index()
    return ReportCard(frame, f"the bundled model, n = {CARD_PROMPTS} a task")
