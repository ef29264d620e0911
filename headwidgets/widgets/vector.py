"""A widget as SVG: text stays text, each picture is one image in it."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from PIL import Image

from headwidgets.heads import Head
from headwidgets.widgets.face import MOST_LABELS, colours, words
from headwidgets.widgets.face_ink import INK, LINE, PICKED, QUIET
from headwidgets.widgets.luts import diverging, viridis
from headwidgets.widgets.naming import visible
from headwidgets.widgets.pictures import unpack

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MARGIN, MAP, CELL, GUTTER, GAP, TITLE = 16, 420, 44, 22, 30, 34
LETTER, LONGEST = 6.7, 16
SANS = "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'DejaVu Sans', sans-serif"
MONO = "ui-monospace, Menlo, Consolas, 'Noto Sans Mono', 'DejaVu Sans Mono', monospace"


def around(png: bytes, text: str) -> bytes:
    """Return an SVG of one picture, with words for a screen reader."""
    width, height = Image.open(BytesIO(png)).size
    root = _root(width, height, text, text)
    _image(root, png, 0, 0, width, height)
    return ET.tostring(root, encoding="unicode").encode()


def attention(state: Any) -> str:
    """Draw the thumbnails and the map that a model's traits hold."""
    small = unpack(state.thumbs, state.thumbs_data)
    one = unpack(state.map, state.map_data)
    tokens = [visible(token, LONGEST) for token in state.map.get("tokens", state.tokens)]
    label = max([len(token) for token in tokens] + [3]) * LETTER + 8
    n_layers, n_heads = small.shape[:2] if small is not None else (0, 0)
    cell = min(CELL, (MAP + label - GUTTER) / max(n_layers, n_heads, 1))
    left = GUTTER + cell * n_heads + GAP if n_heads else 0
    width = MARGIN + max(left + label + MAP, 7.5 * len(words(state))) + MARGIN
    height = TITLE + max(GUTTER + cell * n_layers, label + MAP if one is not None else 0) + MARGIN
    root = _root(width, height, words(state), _described(state, tokens, one))
    _text(root, MARGIN, 24, words(state), size=15, weight="600", family=SANS)
    if small is not None:
        _thumbnails(_group(root, MARGIN, TITLE), small, cell, state)
    if one is not None:
        _map(_group(root, MARGIN + left, TITLE), one, tokens, label, state)
    return ET.tostring(root, encoding="unicode")


def _thumbnails(group: ET.Element, values: NDArray[np.uint8], cell: float, state: Any) -> None:
    table = diverging() if state.thumbs.get("signed") else viridis()
    n_layers, n_heads, edge = values.shape[:3]
    wide, high = cell * n_heads, cell * n_layers
    mosaic = values.swapaxes(1, 2).reshape(n_layers * edge, n_heads * edge)
    _image(group, _png(table[mosaic]), GUTTER, GUTTER, wide, high)
    for layer in range(n_layers + 1):
        at = GUTTER + cell * layer - 1
        _box(group, GUTTER - 1, at - 1, wide + 2, 2, fill="#fff")
        if layer < n_layers:
            _number(group, GUTTER / 2, at + 1 + cell / 2, layer, cell)
    for head in range(n_heads + 1):
        at = GUTTER + cell * head - 1
        _box(group, at - 1, GUTTER - 1, 2, high + 2, fill="#fff")
        if head < n_heads:
            _number(group, at + 1 + cell / 2, GUTTER / 2, head, cell)
    if "head" in state.map:
        layer, head = Head.parse(state.map["head"])
        x, y = GUTTER + cell * head - 2, GUTTER + cell * layer - 2
        _frame(group, x, y, cell + 2, PICKED, 2.5)


def _map(
    group: ET.Element, values: NDArray[np.float32], tokens: list[str], label: float, state: Any
) -> None:
    signed = bool(state.map.get("signed"))
    _image(group, _png(colours(values, signed=signed)), label, label, MAP, MAP)
    _frame(group, label, label, MAP, LINE, 1)
    for i in range(0, len(tokens), -(-len(tokens) // MOST_LABELS) or 1):
        at = label + MAP * (i + 0.5) / len(tokens)
        _text(group, label - 6, at + 4, tokens[i], anchor="end")
        turn = f"rotate(-90 {at + 4:.1f} {label - 6:.1f})"
        _text(group, at + 4, label - 6, tokens[i], transform=turn)


def _described(state: Any, tokens: list[str], one: NDArray[np.float32] | None) -> str:
    if one is None:
        return words(state)
    shown = " ".join(tokens[:60]) + (" …" if len(tokens) > 60 else "")  # noqa: PLR2004
    return f"{words(state)}. Rows are queries, columns are keys, in the order of: {shown}"


def _root(width: float, height: float, title: str, about: str) -> ET.Element:
    size = {"width": f"{width:.0f}", "height": f"{height:.0f}"}
    root = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {size['width']} {size['height']}",
            "role": "img",
            "aria-labelledby": "title about",
            **size,
        },
    )
    ET.SubElement(root, "title", id="title").text = visible(title)
    ET.SubElement(root, "desc", id="about").text = visible(about)
    ET.SubElement(root, "rect", {**size, "fill": "#fff"})
    return root


def _group(root: ET.Element, x: float, y: float) -> ET.Element:
    return ET.SubElement(root, "g", transform=f"translate({x:.1f} {y:.1f})")


def _number(group: ET.Element, x: float, y: float, number: int, cell: float) -> None:
    if number % max(1, -(-18 // int(max(cell, 1)))) == 0:
        _text(group, x, y + 4, str(number), anchor="middle", family=SANS, fill=_css(QUIET))


def _text(
    parent: ET.Element,
    x: float,
    y: float,
    text: str,
    *,
    size: int = 11,
    anchor: str = "start",
    family: str = MONO,
    **more: str,
) -> None:
    """Add a text, which `visible` has left without controls and direction marks."""
    style = {"font-family": family, "font-size": str(size), "text-anchor": anchor}
    weight = {"font-weight": more.pop("weight")} if "weight" in more else {}
    place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "fill": _css(INK)}
    ET.SubElement(parent, "text", {**place, **style, **weight, **more}).text = visible(text)


def _css(ink: tuple[int, int, int]) -> str:
    return "rgb({},{},{})".format(*ink)


def _frame(parent: ET.Element, x: float, y: float, side: float, ink: Any, width: float) -> None:
    line = {"fill": "none", "stroke": _css(ink), "stroke-width": str(width)}
    _box(parent, x, y, side, side, **line)


def _box(parent: ET.Element, x: float, y: float, width: float, height: float, **look: str) -> None:
    ET.SubElement(parent, "rect", {**_place(x, y, width, height), **look})


def _image(parent: ET.Element, png: bytes, x: float, y: float, width: float, height: float) -> None:
    place = _place(x, y, width, height)
    look = {"preserveAspectRatio": "none", "style": "image-rendering: pixelated"}
    href = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    ET.SubElement(parent, "image", {**place, **look, "href": href})


def _place(x: float, y: float, width: float, height: float) -> dict[str, str]:
    return {"x": f"{x:.1f}", "y": f"{y:.1f}", "width": f"{width:.1f}", "height": f"{height:.1f}"}


def _png(rgb: NDArray[np.uint8]) -> bytes:
    out = BytesIO()
    Image.fromarray(rgb).save(out, "PNG", optimize=True)
    return out.getvalue()
