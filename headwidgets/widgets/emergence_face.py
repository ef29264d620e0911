"""The static face of the emergence lab: curves, sixteen heads, one head's map."""

from __future__ import annotations

import math
from io import BytesIO
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw

from headwidgets.heads import Head
from headwidgets.widgets.emergence_data import LEARNED, near
from headwidgets.widgets.emergence_face_curves import array, curves, first_below, parts
from headwidgets.widgets.emergence_look import checkpoint
from headwidgets.widgets.face_ink import INK, PICKED, QUIET
from headwidgets.widgets.face_text import width, write
from headwidgets.widgets.luts import WHITE, viridis
from headwidgets.widgets.markup import number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from headwidgets.widgets.emergence_state import EmergenceState

_WIDE, _HIGH, _MARGIN = 760, 500, 16
_TILE, _CELL = 60, 35
_SMALL_COLOURS = 64


def words(state: EmergenceState) -> str:
    """Say what was found, in a line."""
    look = state.look
    part = parts(state)[look["run"]]
    said = f"{look['run']}, {look['condition']}"
    if part["state"] not in ("finished", "done"):
        said += f" ({part['state']} at step {part['step']:,} of {part['steps']:,})"
    learned = first_below(part, look["condition"], LEARNED)
    if part["pairs"]:
        said += f": learned at {learned:,.0f} sequences" if learned else ": not learned yet"
    if not part["checkpoints"] or not part["measured"]:
        return said
    layer, head = Head.parse(look["head"])
    step, values = _now(state, part)
    return f"{said} · head {look['head']} at step {step:,}: {number(values[min(layer, 1), head])}"


def _now(state: EmergenceState, part: dict[str, Any]) -> tuple[int, NDArray[np.float32]]:
    """Return the measured step nearest to what is looked at, and what heads do there, [2, head]."""
    look = state.look
    step = part["checkpoints"][checkpoint(part["checkpoints"], look["step"])]
    at = near(part["measured"], step)
    values = array(part["heads"])[part["conditions"].index(look["condition"]), :, at]
    return part["measured"][at], values


def draw(state: EmergenceState, *, small: bool = False) -> bytes:
    """Return a PNG of what is shown; `small`: in few colours, for every display carries it."""
    page = Image.new("RGB", (_WIDE, _HIGH), WHITE)
    pen = ImageDraw.Draw(page)
    write(pen, (_MARGIN, 12), "Emergence lab", INK, size=15, anchor="la")
    write(pen, (_MARGIN, 36), words(state), QUIET, size=11, anchor="la")
    curves(pen, state)
    part = parts(state)[state.look["run"]]
    if "patterns" in part:
        _tiles(pen, state, part)
        _map(pen, state, part)
    out = BytesIO()
    if small:
        page = page.quantize(_SMALL_COLOURS, dither=Image.Dither.NONE)
    page.save(out, "PNG", optimize=True)
    return out.getvalue()


def _tiles(pen: Any, state: EmergenceState, part: dict[str, Any]) -> None:
    look = state.look
    _, values = _now(state, part)
    named = ("layer 1: previous token", f"layer {part['shape'][0]}: induction strength")
    x, y = _MARGIN, 330
    edge = min(_TILE, (490 - 4) // values.shape[1])
    for row, name in enumerate(named):
        top = y + row * 74
        write(pen, (x, top - 8), name, QUIET, size=10)
        layer = 0 if row == 0 else part["shape"][0] - 1
        for head, value in enumerate(values[row]):
            left = x + head * edge
            fill = colour(float(value))
            box = (left, top, left + edge - 4, top + 46)
            pen.rectangle(box, fill=fill)
            ink = WHITE if sum(fill) < 340 else INK  # noqa: PLR2004 - dark
            write(
                pen, (left + (edge - 4) / 2, top + 15), f"{layer}.{head}", ink, size=10, anchor="mm"
            )
            said = number(value)
            write(pen, (left + (edge - 4) / 2, top + 32), said, ink, size=11, anchor="mm")
            if look["head"] == f"{layer}.{head}":
                pen.rectangle(
                    (left - 2, top - 2, left + edge - 2, top + 48), outline=PICKED, width=2
                )


def colour(value: float) -> tuple[int, int, int]:
    """Return viridis of 0 to 1; below 0 as 0, grey where there is none."""
    if not math.isfinite(value):
        return (200, 200, 200)
    red, green, blue = viridis()[round(255 * min(1.0, max(0.0, value)))].tolist()
    return red, green, blue


def _map(pen: Any, state: EmergenceState, part: dict[str, Any]) -> None:
    look = state.look
    at = checkpoint(part["checkpoints"], look["step"])
    layer, head = Head.parse(look["head"])
    values = array(part["patterns"])[at, part["conditions"].index(look["condition"]), layer, head]
    n = len(values)
    cell = _CELL * 5 // n
    x, y = _WIDE - _MARGIN - cell * n, 312
    said = f"head {look['head']}: from (down) to (across)"
    write(pen, (x, y - 22), said, QUIET, size=10)
    for i in range(n):
        if n <= 8:  # noqa: PLR2004 - more have no room
            room = x - 5 - width(part["roles"][i], 10)
            write(pen, (room, y + cell * (i + 0.5)), part["roles"][i], INK, size=10)
            write(pen, (x + cell * (i + 0.5), y - 8), part["roles"][i], INK, size=10, anchor="mm")
        for j in range(i + 1):
            fill = colour(float(values[i, j]))
            box = (x + j * cell, y + i * cell, x + (j + 1) * cell - 2, y + (i + 1) * cell - 2)
            pen.rectangle(box, fill=fill)
            if n <= 8:  # noqa: PLR2004 - as above
                ink = WHITE if sum(fill) < 340 else INK  # noqa: PLR2004 - dark
                place = x + cell * (j + 0.5) - 1, y + cell * (i + 0.5) - 1
                write(pen, place, f"{values[i, j]:.2f}", ink, size=10, anchor="mm")
