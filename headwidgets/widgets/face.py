"""The static face: the picture that is seen where no kernel runs and no script may."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from headwidgets.heads import Head
from headwidgets.widgets.luts import diverging, viridis
from headwidgets.widgets.pictures import unpack

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAP, ALL = 380, 420
"""Edge of the map and greatest width and height of the thumbnails, in pixels."""
MARGIN, LABEL, GAP = 12, 84, 28
MOST_LABELS = 32
LONGEST = 12
INK, QUIET, PICKED = (27, 27, 27), (90, 95, 104), (213, 94, 0)
LINE = (221, 221, 221)
COLOURS = 128


def draw(state: Any) -> bytes:
    """Return a PNG of the thumbnails and the map that a model's traits hold."""
    small = unpack(state.thumbs, state.thumbs_data)
    one = unpack(state.map, state.map_data)
    left = None if small is None else _thumbnails(small, state)
    right = _labelled(one, state)
    width = MARGIN + (left.width + GAP if left else 0) + right.width + MARGIN
    height = 3 * MARGIN + 16 + max(left.height if left else 0, right.height)
    page = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(page)
    pen.text((MARGIN, MARGIN), words(state), INK, font=_font(14))
    top = 2 * MARGIN + 16
    if left:
        page.paste(left, (MARGIN, top))
    page.paste(right, (width - MARGIN - right.width, top))
    out = BytesIO()
    page.quantize(COLOURS, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def words(state: Any) -> str:
    """Say what is shown: model, head, run, length, and how much of it is on screen."""
    about = state.map
    parts = [str(state.model.get("name", "?")), f"head {about.get('head', '?')}"]
    if "error" in about:
        return " · ".join([*parts, about["error"]])
    parts.append(about.get("of") or f"{about.get('run', 'clean')} run")
    parts.append(f"{about.get('n', 0)} tokens")
    if about.get("stride", 1) > 1:
        parts.append(f"1 of {about['stride']} × {about['stride']} pixels, the largest")
    return " · ".join(parts).replace("−", "-")  # Pillow's own font has no minus sign


def _thumbnails(values: NDArray[np.uint8], state: Any) -> Image.Image:
    n_layers, n_heads = values.shape[:2]
    cell = max(6, min(56, (ALL - 20) // max(n_layers, n_heads)))
    page = Image.new("RGB", (20 + cell * n_heads, 16 + cell * n_layers), "white")
    pen = ImageDraw.Draw(page)
    table = diverging() if state.thumbs.get("signed") else viridis()
    every = -(-18 // cell)
    for head in range(0, n_heads, every):
        pen.text((20 + cell * (head + 0.5), 7), str(head), QUIET, font=_font(10), anchor="mm")
    for layer in range(n_layers):
        if layer % every == 0:
            pen.text((9, 16 + cell * (layer + 0.5)), str(layer), QUIET, _font(10), anchor="mm")
        for head in range(n_heads):
            one = Image.fromarray(table[values[layer, head]]).resize((cell - 2, cell - 2), 0)
            x, y = 20 + cell * head, 16 + cell * layer
            page.paste(one, (x, y))
            if state.thumbs.get("signed"):
                pen.rectangle((x, y, x + cell - 3, y + cell - 3), outline=LINE)
    if "head" in state.map:
        layer, head = Head.parse(state.map["head"])
        x, y = 20 + cell * head - 2, 16 + cell * layer - 2
        pen.rectangle((x, y, x + cell + 1, y + cell + 1), outline=PICKED, width=2)
    return page


def _labelled(values: NDArray[np.float32] | None, state: Any) -> Image.Image:
    """Return the map with its tokens on both axes."""
    if values is None:
        return Image.new("RGB", (MAP, 1), "white")
    page = Image.new("RGB", (LABEL + MAP, LABEL + MAP), "white")
    picture = Image.fromarray(_colours(values, signed=bool(state.map.get("signed"))))
    page.paste(picture.resize((MAP, MAP), Image.Resampling.NEAREST), (LABEL, LABEL))
    pen = ImageDraw.Draw(page)
    if state.map.get("signed"):
        pen.rectangle((LABEL, LABEL, LABEL + MAP - 1, LABEL + MAP - 1), outline=LINE)
    tokens = state.map.get("tokens", state.tokens)
    n = len(tokens)
    for i in range(0, n, -(-n // MOST_LABELS)):
        at = LABEL + MAP * (i + 0.5) / n
        text = _shown(tokens[i])
        pen.text((LABEL - 5, at), text, INK, font=_font(11), anchor="rm")
        strip = Image.new("RGB", (LABEL - 5, 14), "white")
        ImageDraw.Draw(strip).text((0, 7), text, INK, font=_font(11), anchor="lm")
        page.paste(strip.rotate(90, expand=True), (round(at) - 7, 0))
    return page


def _colours(values: NDArray[np.float32], *, signed: bool) -> NDArray[np.uint8]:
    """Return RGB; what is not finite is grey."""
    finite = np.isfinite(values)
    safe = np.where(finite, values, 0.0)
    if signed:
        most = float(np.abs(safe).max()) or 1.0
        level = np.rint(128 + 127 * safe / most)
    else:
        low, high = min(float(safe.min()), 0.0), max(float(safe.max()), 1.0)
        level = np.rint(255 * (safe - low) / (high - low))
    table = diverging() if signed else viridis()
    rgb: NDArray[np.uint8] = table[level.astype(np.uint8)].copy()
    rgb[~finite] = (128, 128, 128)
    return rgb


def _shown(token: str) -> str:
    """Return a token on one line, short."""
    seen = "".join(c if c.isprintable() else "¤" for c in token.replace(" ", "·"))
    return seen if len(seen) <= LONGEST else seen[: LONGEST - 1] + "…"


def _font(size: int) -> Any:
    return ImageFont.load_default(size)
