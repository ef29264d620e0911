"""The marks on the cells of a grid's static face: selection, edits, what was published."""

from __future__ import annotations

from typing import Any

from headwidgets.heads import Head
from headwidgets.methods.edits import KINDS
from headwidgets.widgets.face_ink import CITED, INK, PICKED, QUIET
from headwidgets.widgets.face_text import write
from headwidgets.widgets.published import heads

_SHORT = {"zero": "0", "mean": "μ", "scale": "×", "add": "+", "subtract": "-", "path": ">"}
LETTERS = {kind: kind[0].upper() for kind in KINDS} | _SHORT


def mark(pen: Any, grid: Any, at: tuple[int, int], cell: tuple[int, int]) -> None:
    """Ring the selected head, write what edits are on which, fold the published ones' corners.

    Parameters
    ----------
    pen : ImageDraw
    grid : HeadGrid
    at, cell : (int, int)
        Where the first cell begins, and how wide and high one is, in pixels.
    """
    (left, top), (wide, high) = at, cell
    for layer, head in map(Head.parse, heads(_published(grid))):
        x, y = left + wide * (head + 1) - 2, top + high * (layer + 1) - 2
        _fold(pen, x, y, max(3, min(8, wide // 3)))
    for edit in getattr(grid.session, "edits", []):
        targets = edit["target"].split(", ") if edit["target"][0].isdigit() else []
        for layer, head in map(Head.parse, targets):
            x, y = left + wide * (head + 1) - 8, top + high * layer + 6
            pen.rectangle((x - 5, y - 5, x + 5, y + 5), fill="white")
            write(pen, (x, y), LETTERS[edit["kind"]], INK, size=10, anchor="mm")
    selection = getattr(grid.session, "selection", "")
    if selection:
        layer, head = Head.parse(selection)
        x, y = left + wide * head, top + high * layer
        pen.rectangle((x - 2, y - 2, x + wide, y + high), outline=PICKED, width=2)


def explain(pen: Any, grid: Any, at: tuple[int, int]) -> None:
    """Say what a folded corner is, where there are some."""
    published = _published(grid)
    if published:
        x, y = at
        _fold(pen, x + 8, y + 11, 8)
        said = f"published for {published['model']}: {len(heads(published))} heads"
        write(pen, (x + 14, y), said, QUIET, size=11, anchor="la")


def _published(grid: Any) -> dict[str, Any]:
    published: dict[str, Any] = getattr(grid.session, "published", {})
    return published


def _fold(pen: Any, x: int, y: int, side: int) -> None:
    for long, ink in ((side + 2, "white"), (side, CITED)):
        pen.polygon([(x, y - long), (x, y), (x - long, y)], fill=ink)
