"""The static faces of a walk and of the hand-over: what the view says, as a picture."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw

from headwidgets.widgets.face_ink import INK, LINE, PICKED, QUIET
from headwidgets.widgets.face_text import width as written
from headwidgets.widgets.face_text import write
from headwidgets.widgets.naming import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MARGIN, ROW, WIDE = 16, 24, 880
CELL, HIGH, LABEL = 118, 46, 170
COLUMNS = {"": 0, "step": 22, "head": 170, "looks at": 250, "attention": 400, "breaking it": 490}
COLOURS = 24
LONGEST = 110
"""Characters of a line."""


def draw(together: Mapping[str, Any], part: str, walk: str) -> bytes | None:
    """Return a PNG of a part; None where nothing was found of it."""
    found = together.get("walks", {}).get(walk) if part == "walks" else together.get("hand_over")
    if not found:
        return None
    paint: Callable[[Any], Image.Image] = _walk if part == "walks" else _matrix
    out = BytesIO()
    paint(found).quantize(COLOURS, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def words(together: Mapping[str, Any], part: str, walk: str) -> str:
    """Say what a part shows, in a line."""
    if part == "walks":
        found = together.get("walks", {}).get(walk)
        if not found:
            return f"walk {walk}: not taken yet"
        heads = [f"{one['step']} {one['head']}" for one in found["steps"] if one["head"]]
        return f"walk {walk}: {', '.join(heads) or 'no head was found'}"
    found = together.get("hand_over")
    if not found:
        return "hand-over: not measured yet"
    best = found["pairs"][0]
    return f"hand-over: {best['from']} → {best['to']}.{best['input']} {_two(best['effect'])}"


def _walk(found: Mapping[str, Any]) -> Image.Image:
    """Return a table of the steps."""
    steps = found["steps"]
    page = Image.new("RGB", (WIDE, 2 * MARGIN + ROW * (len(steps) + 4)), "white")
    pen = ImageDraw.Draw(page)
    prompt = f"{''.join(found['tokens'])} → {found['answer'].strip()}"
    write(pen, (MARGIN, MARGIN), visible(prompt, LONGEST), INK, size=13, anchor="la")
    y = MARGIN + ROW + 8
    for name, x in COLUMNS.items():
        write(pen, (MARGIN + x, y), name, QUIET, size=11, anchor="la")
    for one in steps:
        y += ROW
        pen.line((MARGIN, y - 5, WIDE - MARGIN, y - 5), fill=LINE)
        ink = INK if one["head"] else QUIET
        looks = f"{one['query']} → {one['key']}" if one["head"] else "no head was found"
        lead = f"{_two(one['before'])} → {_two(one['after'])} logits"
        mark = "  * another order here" if one["differs"] else ""
        texts = [
            *(str(one["place"]), one["step"], one["head"], looks),
            _two(one["attention"]) if one["head"] else "",
            f"{lead}{mark}" if one["cost"] is not None else "",
        ]
        for text, x in zip(texts, COLUMNS.values(), strict=True):
            write(pen, (MARGIN + x, y), text, ink, size=12, anchor="la")
    said = f"{found['measured_on']} · lead of the answer, without a step's heads"
    write(pen, (MARGIN, y + ROW + 6), visible(said, LONGEST), QUIET, size=11, anchor="la")
    return page


def _matrix(found: Mapping[str, Any]) -> Image.Image:
    """Return the sums by stage, and the strongest pairs."""
    stages, pairs = found["stages"], found["pairs"][:8]
    top = MARGIN + 54
    high = top + len(stages) * HIGH + 30 + ROW * (len(pairs) + 1) + MARGIN
    page = Image.new("RGB", (LABEL + len(stages) * CELL + 2 * MARGIN, high), "white")
    pen = ImageDraw.Draw(page)
    said = f"Who hands over to whom · {found['measured_on']} · {found['unit']}"
    write(pen, (MARGIN, MARGIN), visible(said, LONGEST), INK, size=13, anchor="la")
    for i, stage in enumerate(stages):
        x, y = MARGIN + LABEL + i * CELL, top + i * HIGH
        write(pen, (x + CELL // 2, top - 14), _cut(stage, CELL - 6), QUIET, size=11, anchor="mm")
        write(pen, (MARGIN + LABEL - 10, y + HIGH // 2), stage, QUIET, size=11, anchor="rm")
        for j, value in enumerate(found["effect"][i]):
            left = MARGIN + LABEL + j * CELL
            back = j < i and value is not None
            box = (left + 2, y + 2, left + CELL - 2, y + HIGH - 2)
            pen.rectangle(box, outline=PICKED if back else LINE, width=2 if back else 1)
            text = "no path" if value is None else f"{'back ' if back else ''}{_two(value)}"
            ink = QUIET if value is None else INK
            write(pen, (left + CELL // 2, y + HIGH // 2), text, ink, size=12, anchor="mm")
    y = top + len(stages) * HIGH + 12
    for one in pairs:
        text = f"{one['from']} → {one['to']}.{one['input']}   {_two(one['effect'])} ± "
        write(pen, (MARGIN, y), f"{text}{_two(one['se'])}", INK, size=12, anchor="la")
        y += ROW
    skip = found["skipping"]
    share = skip.get("share")
    told = skip.get("reason") or (
        "" if share is None else f"{share:.0%} of {skip['n']} prompts skip expression preparation"
    )
    write(pen, (MARGIN, y), visible(told, LONGEST), QUIET, size=11, anchor="la")
    return page


def _two(value: float | None) -> str:
    return "–" if value is None else f"{value + 0.0:.2f}".replace("-", "−")


def _cut(text: str, most: int) -> str:
    """Return a text that is at most so many pixels wide."""
    while written(text, 11) > most:
        text = text[:-2].rstrip() + "…"
    return text
