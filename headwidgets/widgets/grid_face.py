"""The static face of a grid: layers × heads as a picture, with its scale and its words."""

from __future__ import annotations

import math
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

from headwidgets.heads import Head
from headwidgets.widgets.face import quantised
from headwidgets.widgets.face_ink import CITED, INK, LINE, QUIET
from headwidgets.widgets.face_text import width as written
from headwidgets.widgets.face_text import write
from headwidgets.widgets.grid_marks import explain, mark
from headwidgets.widgets.grid_table import ABSENT, NOT_YET, unpack
from headwidgets.widgets.luts import diverging, viridis
from headwidgets.widgets.naming import model_name, visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

WIDTH, MARGIN, GUTTER, RULER = 760, 14, 26, 18
EMPTY = (236, 238, 241)
SMALL = 8_000
"""Bytes of the picture that every display carries: as base64 within 11 kB."""
LEVELS = ((120, None), (48, None), (24, 32), (16, 12))
"""Steps of our colour tables, and how many cells hold their number: a file's, then smaller."""
NARROW = 480
"""Pixels across where nothing else makes it small."""
PRINTED = 40
"""Cells at least this wide hold their number."""


def draw(grid: Any, most: int | None = SMALL) -> bytes:
    """Return a PNG of a grid's table.

    Parameters
    ----------
    most : int, optional
        Bytes to stay within, as far as fewer colours and numbers can; None: the best picture.
    """
    return _smallest(lambda _level, width, numbers: picture(grid, width, numbers), most)


def stacked(grid: Any, below: Callable[[int], bytes], most: int | None = SMALL) -> bytes:
    """Return a PNG of a grid's table over another picture; see `draw`.

    Parameters
    ----------
    below : callable
        ``below(level)`` returns a PNG, the best one for level 0.
    """

    def page(level: int, width: int, numbers: int | None) -> Image.Image:
        upper = picture(grid, width, numbers)
        lower = Image.open(BytesIO(below(level))).convert("RGB")
        size = max(upper.width, lower.width), upper.height + lower.height
        whole = Image.new("RGB", size, "white")
        whole.paste(upper, (0, 0))
        whole.paste(lower, (0, upper.height))
        return whole

    return _smallest(page, most)


def _smallest(page: Callable[[int, int, int | None], Image.Image], most: int | None) -> bytes:
    """Try level after level until a picture is small enough."""
    widths = [WIDTH] * len(LEVELS) + [NARROW]
    for level, width in enumerate(widths):
        colours, numbers = LEVELS[min(level, len(LEVELS) - 1)]
        out = BytesIO()
        few = quantised(page(level, width, numbers), colours, signed=True, more=[CITED])
        few.save(out, "PNG", optimize=True)
        if most is None or out.tell() <= most:
            break
    return out.getvalue()


def picture(grid: Any, widest: int = WIDTH, numbers: int | None = None) -> Image.Image:
    """Return the grid's table as an image.

    Parameters
    ----------
    widest : int
        Pixels across, as far as there is room.
    numbers : int, optional
        How many cells hold their number where there is room, the largest; None: all.
    """
    found = unpack(grid.table, grid.table_data)
    values, verdicts = found["value"], np.array(grid.table["verdicts"], dtype=object)
    awaited = verdicts[found["verdict"]] == NOT_YET
    n_layers, n_heads = values.shape
    wide = max(8, min(54, (widest - 2 * MARGIN - GUTTER) // n_heads))
    high = min(wide, 28)
    width = max(460, 2 * MARGIN + GUTTER + wide * n_heads)
    top = MARGIN + 44
    page = Image.new("RGB", (width, top + RULER + high * n_layers + 40), "white")
    pen = ImageDraw.Draw(page)
    head, *more = lines(grid)
    write(pen, (MARGIN, MARGIN), head, INK, size=15, anchor="la")
    write(pen, (MARGIN, MARGIN + 21), " · ".join(more), QUIET, size=11, anchor="la")
    limits = ends(values, signed=grid.table["signed"])
    colours = _colours(values, limits, signed=grid.table["signed"])
    left = MARGIN + GUTTER
    _rulers(pen, left, top, wide, high, values.shape)
    worth = _worth(values, numbers)
    for layer, head_ in np.ndindex(*values.shape):
        x, y = left + wide * head_, top + RULER + high * layer
        box = (x, y, x + wide - 2, y + high - 2)
        colour = tuple(int(c) for c in colours[layer, head_])
        if awaited[layer, head_]:
            pen.rectangle(box, outline=LINE)
            continue
        pen.rectangle(box, fill=colour, outline=LINE if grid.table["signed"] else None)
        _cell(
            pen,
            box,
            float(values[layer, head_]),
            limits[1],
            colour,
            print_it=bool(worth[layer, head_]),
        )
    mark(pen, grid, (left, top + RULER), (wide, high))
    right = _scale(page, pen, limits, grid, top + RULER + high * n_layers + 14)
    explain(pen, grid, (right + 24, top + RULER + high * n_layers + 14))
    return page


def _worth(values: NDArray[np.float32], numbers: int | None) -> NDArray[np.bool_]:
    """Return which cells hold their number: so many of the largest."""
    size = np.where(np.isfinite(values), np.abs(values), -1.0).ravel()
    out = np.zeros(size.shape, bool)
    out[np.argsort(-size, kind="stable")[:numbers]] = True
    return out.reshape(values.shape)


def words(grid: Any) -> str:
    """Say what is shown, in a line."""
    found = unpack(grid.table, grid.table_data)
    values, words = found["value"], np.array(grid.table["verdicts"], dtype=object)
    n = int((words[found["verdict"]] != ABSENT).sum())
    name = visible(grid.score or grid.table["column"], 80)
    if not np.isfinite(values).any():
        return f"{name} · {n} heads · no finite value"
    there = np.where(np.isfinite(values), np.abs(values), -1.0)
    best = Head(*(int(i) for i in np.unravel_index(there.argmax(), there.shape)))
    return f"{name} · {n} heads · highest {best} ({values[best]:.3g})"


def lines(grid: Any) -> list[str]:
    """Return the heading, and what the numbers are."""
    table = grid.table
    model = model_name(grid.session.model) if grid.session is not None else None
    title = table.get("title") or table["column"]
    parts = [model, table["column"], table.get("measured_on"), table.get("metric")]
    parts += [table.get("incomplete"), "before your edit" if grid.stale else None]
    return [visible(str(part)) for part in (title, *filter(None, parts))]


def ends(values: NDArray[np.float32], *, signed: bool) -> tuple[float, float]:
    """Return what the ends of the colours mean: 0 to the largest; signed: ± the largest."""
    finite = values[np.isfinite(values)]
    most = float(np.abs(finite).max()) if finite.size else 0.0
    most = most or 1.0
    return (-most, most) if signed else (0.0, most)


def _colours(
    values: NDArray[np.float32], limits: tuple[float, float], *, signed: bool
) -> NDArray[np.uint8]:
    low, high = limits
    finite = np.isfinite(values)
    part = (np.where(finite, values, 0.0).astype(float) - low) / (high - low)
    level = np.rint(128 + 127 * (2 * part - 1)) if signed else np.rint(255 * part)
    rgb: NDArray[np.uint8] = (diverging() if signed else viridis())[level.astype(np.uint8)].copy()
    rgb[~finite] = EMPTY
    return rgb


def _cell(
    pen: ImageDraw.ImageDraw,
    box: Any,
    value: float,
    most: float,
    colour: tuple[int, ...],
    *,
    print_it: bool,
) -> None:
    """Print the number where there is room; what is not finite has a sign of its own."""
    x, y, right, bottom = box
    middle = ((x + right) / 2, (y + bottom) / 2 + 0.5)
    if np.isnan(value):
        pen.line((x + 2, bottom - 2, right - 2, y + 2), QUIET)
    elif np.isinf(value) and right - x >= 2 * 8:
        write(pen, middle, "∞" if value > 0 else "-∞", INK, size=10, anchor="mm")
    elif print_it and right - x >= PRINTED:
        dark = 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2] < 125  # noqa: PLR2004
        ink = (255, 255, 255) if dark else INK
        write(pen, middle, short(value, most), ink, size=11, anchor="mm")


def short(value: float, most: float) -> str:
    """Return a number with as many decimals as the largest one needs."""
    power = math.floor(math.log10(most))
    places = max(0, (1 if power < 0 else 2) - power)
    if places > 5 or power > 5:  # noqa: PLR2004 - too long for a cell
        return f"{value:.0e}"
    text = f"{value:.{places}f}"
    return text if float(text) else "0"


def _rulers(pen: Any, left: int, top: int, wide: int, high: int, shape: tuple[int, ...]) -> None:
    for head in range(0, shape[1], -(-20 // wide)):
        over = (left + wide * (head + 0.5), top + 8)
        write(pen, over, str(head), QUIET, size=10, anchor="mm")
    for layer in range(0, shape[0], -(-14 // high)):
        at = (left - 12, top + RULER + high * (layer + 0.5))
        write(pen, at, str(layer), QUIET, size=10, anchor="mm")


def _scale(page: Image.Image, pen: Any, limits: tuple[float, float], grid: Any, y: int) -> int:
    """Draw the colours and their ends; return where that is over."""
    table = diverging() if grid.table["signed"] else viridis()
    strip = Image.fromarray(table[None, :, :].copy()).resize((120, 9))
    low = short(limits[0], limits[1])
    write(pen, (MARGIN + GUTTER, y), low, QUIET, size=11, anchor="la")
    x = MARGIN + GUTTER + 12 + int(written(low, 11))
    page.paste(strip, (x, y + 3))
    pen.rectangle((x, y + 3, x + 119, y + 11), outline=LINE)
    high = short(limits[1], limits[1])
    write(pen, (x + 128, y), high, QUIET, size=11, anchor="la")
    return x + 128 + int(written(high, 11))
