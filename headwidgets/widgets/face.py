"""The static face: the picture that is seen where no kernel runs and no script may."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

from headwidgets.heads import Head
from headwidgets.widgets.face_ink import INK, LINE, PICKED, QUIET
from headwidgets.widgets.face_text import width, write
from headwidgets.widgets.luts import diverging, viridis
from headwidgets.widgets.naming import model_name, visible
from headwidgets.widgets.pictures import ZERO, pooled, unpack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MAP, ALL = 380, 420
"""Edge of the map and greatest width and height of the thumbnails, in pixels."""
MARGIN, LABEL, GAP = 12, 84, 28
MOST_LABELS = 32
LONGEST = 12
SMALL = 7_500
"""Bytes of the picture that every display of a view carries: as base64 within 10 kB."""
LEVELS = (
    (64, 512, 96, MOST_LABELS),
    (16, 128, 64, MOST_LABELS),
    (12, 96, 40, 28),
    (8, 64, 24, 24),
    (6, 64, 12, 20),
    (5, 48, 10, 16),
    (4, 38, 8, 10),
)
"""Greatest edge of a thumbnail and of the map, numbers of colours and of labels on an axis: a
file's, then smaller."""


def draw(state: Any, most: int | None = SMALL) -> bytes:
    """Return a PNG of the thumbnails and the map that a model's traits hold.

    Parameters
    ----------
    state : SessionState or ArrayState
    most : int, optional
        Bytes to stay within, as far as coarser thumbnails and fewer colours can; None: the
        best picture.
    """
    if most is None:
        return drawn(state, 0)
    for level in range(1, len(LEVELS)):
        png = drawn(state, level)
        if len(png) <= most:
            break
    return png


def drawn(state: Any, level: int) -> bytes:
    """Return a PNG of one of the `LEVELS`."""
    edge, map_edge, colours, labels = LEVELS[level]
    small = unpack(state.thumbs, state.thumbs_data)
    one = unpack(state.map, state.map_data)
    signed = bool(state.thumbs.get("signed"))
    left = None if small is None else _thumbnails(coarser(small, edge, signed=signed), state)
    if one is not None:
        one = pooled(one, -(-len(one) // map_edge), signed=bool(state.map.get("signed")))
    right = _labelled(one, state, labels)
    wide = (left.width + GAP if left else 0) + right.width
    wide = max(wide, round(width(words(state), 14)))
    height = 3 * MARGIN + 16 + max(left.height if left else 0, right.height)
    page = Image.new("RGB", (2 * MARGIN + wide, height), "white")
    pen = ImageDraw.Draw(page)
    write(pen, (MARGIN, MARGIN + 8), words(state), INK, size=14)
    top = 2 * MARGIN + 16
    if left:
        page.paste(left, (MARGIN, top))
    page.paste(right, (MARGIN + (left.width + GAP if left else 0), top))
    out = BytesIO()
    quantised(page, colours, signed=signed or bool(state.map.get("signed"))).save(
        out, "PNG", optimize=True
    )
    return out.getvalue()


def quantised(
    page: Image.Image, colours: int, *, signed: bool, more: Sequence[tuple[int, int, int]] = ()
) -> Image.Image:
    """Reduce a picture to `colours` steps of our tables and the few inks that it needs."""
    steps = np.linspace(0, 255, colours).round().astype(int)
    tables = [viridis()[steps], *([diverging()[steps]] if signed else [])]
    greys = [(g, g, g) for g in (27, 60, 94, 128, 160, 192, 221, 240, 255)]
    inks = np.array([*greys, QUIET, PICKED, *more], np.uint8)
    palette = Image.new("P", (1, 1))
    palette.putpalette(np.concatenate([*tables, inks])[:256].astype(np.uint8).tobytes())
    return page.quantize(palette=palette, dither=Image.Dither.NONE)


def coarser(values: NDArray[np.uint8], edge: int, *, signed: bool) -> NDArray[np.uint8]:
    """Pool thumbnails to at most `edge` pixels a side; of each block, the strongest."""
    zero = ZERO if signed else 0
    centred = values.astype(np.int16) - zero
    small = pooled(centred, -(-values.shape[-1] // edge), signed=signed) + zero
    return np.asarray(small.astype(np.uint8))


def words(state: Any) -> str:
    """Say what is shown: model, head, run, length, and how much of it is on screen."""
    about = state.map
    parts = [model_name(state.model), f"head {about.get('head', '?')}"]
    if "error" in about:
        return " · ".join([*parts, about["error"]])
    parts.append(about.get("of") or f"{about.get('run', 'clean')} run")
    parts.append(f"{about.get('n', 0)} tokens")
    if about.get("stride", 1) > 1:
        parts.append(f"1 of {about['stride']} × {about['stride']} pixels, the largest")
    return " · ".join(parts)


def _thumbnails(values: NDArray[np.uint8], state: Any) -> Image.Image:
    n_layers, n_heads = values.shape[:2]
    cell = max(6, min(56, (ALL - 20) // max(n_layers, n_heads)))
    page = Image.new("RGB", (20 + cell * n_heads, 16 + cell * n_layers), "white")
    pen = ImageDraw.Draw(page)
    table = diverging() if state.thumbs.get("signed") else viridis()
    every = -(-18 // cell)
    for head in range(0, n_heads, every):
        write(pen, (20 + cell * (head + 0.5), 7), str(head), QUIET, size=10, anchor="mm")
    for layer in range(n_layers):
        if layer % every == 0:
            write(pen, (9, 16 + cell * (layer + 0.5)), str(layer), QUIET, size=10, anchor="mm")
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


def _labelled(values: NDArray[np.float32] | None, state: Any, most: int) -> Image.Image:
    """Return the map with its tokens on both axes."""
    if values is None:
        return Image.new("RGB", (MAP, 1), "white")
    page = Image.new("RGB", (LABEL + MAP, LABEL + MAP), "white")
    picture = Image.fromarray(colours(values, signed=bool(state.map.get("signed"))))
    page.paste(picture.resize((MAP, MAP), Image.Resampling.NEAREST), (LABEL, LABEL))
    pen = ImageDraw.Draw(page)
    if state.map.get("signed"):
        pen.rectangle((LABEL, LABEL, LABEL + MAP - 1, LABEL + MAP - 1), outline=LINE)
    tokens = state.map.get("tokens", state.tokens)
    n = len(tokens)
    for i in range(0, n, -(-n // most)):
        at = LABEL + MAP * (i + 0.5) / n
        text = visible(tokens[i], LONGEST)
        write(pen, (LABEL - 5, at), text, INK, size=11, anchor="rm")
        strip = Image.new("RGB", (LABEL - 5, 14), "white")
        write(ImageDraw.Draw(strip), (0, 7), text, INK, size=11)
        page.paste(strip.rotate(90, expand=True), (round(at) - 7, 0))
    return page


def colours(values: NDArray[np.float32], *, signed: bool) -> NDArray[np.uint8]:
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
