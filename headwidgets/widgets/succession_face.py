"""The static face of the succession lab: the best heads, a matrix, an edited distribution."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

from headwidgets.heads import Head
from headwidgets.widgets.face_ink import INK, LINE, PICKED, QUIET
from headwidgets.widgets.face_text import write
from headwidgets.widgets.luts import WHITE, diverging
from headwidgets.widgets.naming import model_name
from headwidgets.widgets.wire import decode

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLUE, ORANGE, GREY = (0, 114, 178), (230, 159, 0), (200, 205, 212)
"""Of what was edited, of what was before (Okabe and Ito 2008), and of what random circuits give."""
_MARGIN, _WIDTH, _ROW, _EDGE = 16, 760, 18, 300
_HEADS, _BARS = 8, 31
_SMALL_COLOURS = 48


def array(part: dict[str, Any]) -> NDArray[Any]:
    """Return the array of a part."""
    return decode(part["array"], part["data"])


def words(state: Any) -> str:
    """Say what was found, in a line."""
    scores = state.lab_scores
    if "array" not in scores:
        return str(scores.get("error", "nothing is scored yet"))
    variant = state.lab["variant"]
    if variant in scores["why"]:
        return f"{variant}: {scores['why'][variant]}"
    head = state.lab_matrix.get("head", scores["best"])
    layer, number = Head.parse(head)
    found = array(scores)[scores["variants"].index(variant), :, layer * scores["shape"][1] + number]
    null = scores["null"][variant]["micro largest"]
    words = (
        f"{scores['n']} pairs · head {head} right on {found[0]:.2f}, copies {found[2]:.2f} · "
        f"random circuits ≤ {null:.2f}"
    )
    return " · ".join(filter(None, (words, scores["doubt"][variant])))


def draw(state: Any, *, small: bool = False) -> bytes:
    """Return a PNG of what is shown; `small`: in few colours, for every display carries it."""
    page = Image.new("RGB", (_WIDTH, 130 + _EDGE), WHITE)
    pen = ImageDraw.Draw(page)
    title = f"Succession lab: {model_name(state.model)}"
    write(pen, (_MARGIN, 12), title, INK, size=15, anchor="la")
    write(pen, (_MARGIN, 36), words(state), QUIET, size=11, anchor="la")
    if "array" in state.lab_scores:
        _heads(pen, state, 62)
    if "array" in state.lab_matrix:
        _matrix(page, pen, state.lab_matrix, (_WIDTH - _MARGIN - _EDGE, 78))
    if "array" in state.lab_slide:
        _slide(pen, state.lab_slide, state.lab["strength"], (_MARGIN, 250))
    out = BytesIO()
    if small:
        page = page.quantize(_SMALL_COLOURS, dither=Image.Dither.NONE)
    page.save(out, "PNG", optimize=True)
    return out.getvalue()


def _heads(pen: Any, state: Any, y: int) -> None:
    scores, variant = state.lab_scores, state.lab["variant"]
    if variant in scores["why"]:
        return
    found = array(scores)[scores["variants"].index(variant)]
    kinds = ", as the kind is scored" if variant == scores["kind"] else ""
    title = f"share of pairs that are right, by head ({variant}{kinds})"
    write(pen, (_MARGIN, y), title, INK, size=12, anchor="la")
    null = scores["null"][variant]["micro largest"]
    left, wide = _MARGIN + 44, 240
    for at, place in enumerate(np.argsort(-found[0], kind="stable")[:_HEADS]):
        top = y + 22 + _ROW * at
        head = f"{place // scores['shape'][1]}.{place % scores['shape'][1]}"
        ink = PICKED if head == state.lab_matrix.get("head") else INK
        write(pen, (_MARGIN, top + 7), head, ink, size=12)
        pen.rectangle((left, top, left + wide, top + 13), outline=LINE)
        pen.rectangle((left, top, left + round(wide * float(found[0, place])), top + 13), fill=BLUE)
        pen.line((left + wide * null, top - 1, left + wide * null, top + 15), fill=INK)
        number = f"{found[0, place]:.2f}   copies {found[2, place]:.2f}"
        write(pen, (left + wide + 8, top + 7), number, QUIET, size=11)


def _matrix(page: Any, pen: Any, part: dict[str, Any], at: tuple[int, int]) -> None:
    found = array(part)
    most = float(np.abs(found).max()) or 1.0
    table = diverging()
    levels = np.rint(128 + 127 * found / most).astype(int).clip(0, 255)
    picture = Image.fromarray(table[levels].astype(np.uint8))
    x, y = at
    page.paste(picture.resize((_EDGE, _EDGE), Image.Resampling.NEAREST), at)
    pen.rectangle((x, y, x + _EDGE, y + _EDGE), outline=LINE)
    title = f"head {part['head']}, {part['set']}: looks at (down), writes (across)"
    write(pen, (x, y - 14), title, INK, size=11, anchor="la")
    cell = _EDGE / len(found)
    for row, after in enumerate(part["following"]):
        if after >= 0 and cell >= 5:  # noqa: PLR2004 - a smaller ring hides its cell
            corner = x + after * cell, y + row * cell
            pen.rectangle((*corner, corner[0] + cell, corner[1] + cell), outline=PICKED)
    words = f"ringed: the next member · blue to red: ±{most:.1f} logits"
    write(pen, (x, y + _EDGE + 6), words, QUIET, size=10, anchor="la")


def _slide(pen: Any, part: dict[str, Any], strength: float, at: tuple[int, int]) -> None:
    found = array(part)
    row = found[part["strengths"].index(strength)]
    x, y = at
    title = f"{part['member']} → residue {part['residue']}, strength {strength:g}"
    write(pen, (x, y), title, INK, size=12, anchor="la")
    shown = np.sort(np.argsort(-np.maximum(found[0], row), kind="stable")[:_BARS])
    wide, high = 390, 130
    step = wide / max(1, len(shown))
    for i, place in enumerate(shown):
        left, base = x + i * step, y + 24 + high
        pen.rectangle((left, base - high * row[place], left + step - 3, base), fill=BLUE)
        before = base - high * found[0][place]
        pen.line((left, before, left + step - 3, before), fill=ORANGE, width=2)
        name = part["members"][place]
        ink = PICKED if name == part["wanted"] else QUIET
        write(pen, (left + step / 2, base + 8), name[:3], ink, size=9, anchor="mm")
    pen.line((x, y + 24 + high, x + wide, y + 24 + high), fill=LINE)
    words = "bars: written now; lines: before; orange name: wanted at strength 1"
    write(pen, (x, y + high + 42), words, QUIET, size=10, anchor="la")
