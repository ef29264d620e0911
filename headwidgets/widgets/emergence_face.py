"""The static face of the emergence lab: curves, sixteen heads, one head's map."""

from __future__ import annotations

import math
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

from headwidgets.heads import Head
from headwidgets.widgets.emergence_data import LEARNED, LEFT
from headwidgets.widgets.emergence_look import ALL, checkpoint
from headwidgets.widgets.face_ink import INK, LINE, PICKED, QUIET
from headwidgets.widgets.face_text import width, write
from headwidgets.widgets.luts import WHITE, viridis
from headwidgets.widgets.wire import decode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headwidgets.widgets.emergence_state import EmergenceState

COLOURS = (
    *((0, 114, 178), (213, 94, 0), (0, 140, 105), (190, 95, 155)),
    *((176, 122, 0), (60, 150, 205), (120, 120, 120), (90, 60, 150)),
)
"""Of lines: Okabe and Ito (2008), darker where white would swallow them."""
_WIDE, _HIGH, _MARGIN = 760, 470, 16
_PLOT = (_MARGIN + 34, 66, 470, 190)
_TILE, _CELL = 54, 38
_SMALL_COLOURS = 64
_BAND = (238, 240, 244)


def array(part: dict[str, Any]) -> NDArray[Any]:
    """Return the array of a part."""
    return decode(part["array"], part["data"])


def parts(state: EmergenceState) -> dict[str, Any]:
    """Return all runs as they were packed last, in their order."""
    both = {**state.settled, **state.moving}
    return {name: both[name] for name in state.order}


def words(state: EmergenceState) -> str:
    """Say what was found, in a line."""
    look = state.look
    part = parts(state)[look["run"]]
    said = f"{look['run']}, {look['condition']}"
    if part["state"] not in ("finished", "done"):
        said += f" ({part['state']} at step {part['step']:,} of {part['steps']:,})"
    learned = first_below(part, look["condition"], LEARNED)
    said += f": learned at {learned:,.0f} sequences" if learned else ": not learned yet"
    if "tiles" not in part:
        return said
    at = checkpoint(part["checkpoints"], look["step"])
    layer, head = Head.parse(look["head"])
    k = part["conditions"].index(look["condition"])
    value = array(part["tiles"])[at, k, 0 if layer == 0 else 1, head]
    return f"{said} · head {look['head']} at step {part['checkpoints'][at]:,}: {value:.2f}"


def first_below(part: dict[str, Any], condition: str, loss: float) -> float | None:
    """Return after how many sequences the train loss is below a value, if ever."""
    if "curves" not in part:
        return None
    k = part["conditions"].index(condition)
    own = array(part["curves"])[k, part["parts"].index("train"), 0]
    below = np.flatnonzero(own < loss)
    return float(part["measured"][below[0]] * part["batch"]) if len(below) else None


def draw(state: EmergenceState, *, small: bool = False) -> bytes:
    """Return a PNG of what is shown; `small`: in few colours, for every display carries it."""
    page = Image.new("RGB", (_WIDE, _HIGH), WHITE)
    pen = ImageDraw.Draw(page)
    write(pen, (_MARGIN, 12), "Emergence lab", INK, size=15, anchor="la")
    write(pen, (_MARGIN, 36), words(state), QUIET, size=11, anchor="la")
    _curves(pen, state)
    part = parts(state)[state.look["run"]]
    if "patterns" in part:
        _tiles(pen, state, part)
        _map(pen, state, part)
    out = BytesIO()
    if small:
        page = page.quantize(_SMALL_COLOURS, dither=Image.Dither.NONE)
    page.save(out, "PNG", optimize=True)
    return out.getvalue()


def lines(state: EmergenceState) -> list[tuple[str, list[int], NDArray[np.float32], bool]]:
    """Return what is drawn: a label, sequences, values, and whether it is the one looked at."""
    look, found = state.look, []
    row = ("loss", "accuracy").index(look["measure"])
    for name, part in parts(state).items():
        if "curves" not in part:
            continue
        values, at = array(part["curves"]), [step * part["batch"] for step in part["measured"]]
        for k, condition in enumerate(part["conditions"]):
            mine = (name, condition) == (look["run"], look["condition"])
            if look["part"] == ALL:
                kept = [p for p in part["parts"] if len(p) > 5] if mine else []  # noqa: PLR2004 - not "A + B"
                found += [(p, at, values[k, part["parts"].index(p), row], True) for p in kept]
            elif look["part"] in part["parts"]:
                label = name if len(part["conditions"]) == 1 else condition
                own = values[k, part["parts"].index(look["part"]), row]
                found.append((label, at, own, mine))
    return found


def _curves(pen: Any, state: EmergenceState) -> None:
    left, top, wide, high = _PLOT
    found, look = lines(state), state.look
    if not found:
        return
    part = parts(state)[look["run"]]
    loss = look["measure"] == "loss"
    most = max(1.0, *(float(np.nanmax(v)) for _, _, v, _ in found)) * 1.04 if loss else 1.0
    first = min(at[1] for _, at, _, _ in found if len(at) > 1) if any(len(f[1]) > 1 for f in found) else 1
    last = max(max(at) for _, at, _, _ in found) or 1

    def x(n: float) -> float:
        if look["time"] == "linear":
            return left + wide * n / last
        return left + wide * math.log(max(n, first / 2) * 2 / first) / math.log(2 * last / first)

    def y(value: float) -> float:
        return top + high * (1 - value / most)

    ends = [first_below(part, look["condition"], bar) for bar in (LEFT, LEARNED)]
    if all(ends):
        pen.rectangle((x(ends[0] or 0), top, x(ends[1] or 0), top + high), fill=_BAND)
    labels = part["labels"]
    marks = {math.log(labels): f"ln {labels}: chance", math.log(2): "ln 2: one of the two"}
    for value, said in (marks if loss else {1 / labels: "chance", 0.5: "one of the two"}).items():
        if value < most:
            pen.line((left, y(value), left + wide, y(value)), fill=LINE)
            write(pen, (left + 4, y(value) - 7), said, QUIET, size=10)
    for exponent in range(2, 8):
        n = 10**exponent
        if first <= n <= last:
            pen.line((x(n), top + high, x(n), top + high + 4), fill=QUIET)
            write(pen, (x(n), top + high + 12), f"{n:,}", QUIET, size=10, anchor="mm")
    for value in (0.0, 0.5, 1.0, 1.5):
        if value <= most:
            write(pen, (left - 6, y(value)), f"{value:.1f}", QUIET, size=10, anchor="rm")
    pen.rectangle((left, top, left + wide, top + high), outline=LINE)
    used: list[float] = []
    for i, (label, at, values, mine) in enumerate(found):
        ink = COLOURS[i % len(COLOURS)]
        points = [(x(n), y(float(v))) for n, v in zip(at, values, strict=True) if np.isfinite(v)]
        if len(points) > 1:
            pen.line(points, fill=ink, width=3 if mine else 2, joint="curve")
        place = points[-1][1] if points else top
        while any(abs(place - other) < 13 for other in used):  # noqa: PLR2004 - a line of text
            place -= 13
        used.append(place)
        write(pen, (left + wide + 6, place), label, ink, size=11)
    if part["checkpoints"]:
        step = part["checkpoints"][checkpoint(part["checkpoints"], look["step"])]
        pen.line((x(step * part["batch"]), top, x(step * part["batch"]), top + high), fill=PICKED)
    said = f"{look['measure']} by sequences; grey: phase change of {look['condition']}"
    write(pen, (left, top + high + 22), said, QUIET, size=10, anchor="la")


def _tiles(pen: Any, state: EmergenceState, part: dict[str, Any]) -> None:
    look = state.look
    at = checkpoint(part["checkpoints"], look["step"])
    values = array(part["tiles"])[at, part["conditions"].index(look["condition"])]
    named = ("layer 1: previous token", f"layer {part['shape'][0]}: induction strength")
    x, y = _MARGIN, 318
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
            write(pen, (left + (edge - 4) / 2, top + 15), f"{layer}.{head}", ink, size=10, anchor="mm")
            said = f"{value:.2f}".replace("-", "−")
            write(pen, (left + (edge - 4) / 2, top + 32), said, ink, size=11, anchor="mm")
            if look["head"] == f"{layer}.{head}":
                pen.rectangle((left - 2, top - 2, left + edge - 2, top + 48), outline=PICKED, width=2)


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
    x, y = _WIDE - _MARGIN - cell * n, 296
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
                write(pen, place, f"{values[i, j]:.2f}"[-3:], ink, size=10, anchor="mm")
