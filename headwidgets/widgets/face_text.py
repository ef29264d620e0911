"""Text on pictures, in any script: the fonts of this machine, else the code point.

Pillow brings one font, of Latin letters. Other characters are drawn with the first font of
this machine that has them. A character that no font has is written as its number, ‹4e2d›,
and our own signs in Latin letters, so that no box ever stands for one silently.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import ImageFont, features

from headwidgets.widgets.naming import codepoint

if TYPE_CHECKING:
    from PIL import ImageDraw

_NAMES = (
    *(
        "DejaVuSans",
        "NotoSans-Regular",
        "NotoSans[",
        "LiberationSans-Regular",
        "SegoeUI",
        "segoeui",
    ),
    *("NotoSansCJK-Regular", "NotoSansSC", "NotoSansJP", "SourceHanSans", "DroidSansFallback"),
    *("wqy-", "PingFang", "Hiragino Sans", "msyh", "YuGoth", "msgothic", "malgun", "AppleSDGothic"),
    *("NotoSansArabic", "NotoSansHebrew", "NotoSansDevanagari", "NotoSansThai", "NotoSans"),
    *("Nirmala", "Arial Unicode", "Unifont", "unifont", "FreeSans", "arial", "Symbola"),
)
"""How the files of fonts with many scripts begin, the best first."""
_SUFFIXES = {".ttf", ".ttc", ".otf"}
_MOST_FILES, _MOST_FONTS = 20_000, 40
_PLAIN = {"−": "-", "×": "x", "μ": "m", "∞": "inf"}
"""Our own signs, as they are spelled where no font has them."""
_NOWHERE = "\U0010ffff"
"""A character that no font has."""


def folders() -> list[Path]:
    """Return where a machine keeps its fonts."""
    home = Path.home()
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    if sys.platform == "win32":
        return [Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts"]
    data = [home / ".local/share", *map(Path, ("/usr/local/share", "/usr/share"))]
    return [home / ".fonts", *(folder / "fonts" for folder in data)]


@cache
def found() -> list[Path]:
    """Return the machine's fonts that may help, the best first."""
    seen = []
    for folder in folders():
        for place, _, names in os.walk(folder):
            seen += [Path(place) / name for name in names]
            if len(seen) > _MOST_FILES:
                break
    ranked = [(_rank(path), path.name, path) for path in seen if path.suffix.lower() in _SUFFIXES]
    known = [entry for entry in ranked if entry[0] < len(_NAMES)]
    return [path for _, _, path in sorted(known)][:_MOST_FONTS]


def _rank(path: Path) -> int:
    name = path.name
    if any(style in name for style in ("Bold", "Italic", "Oblique", "Mono", "Condensed", "Light")):
        return len(_NAMES)
    return next((i for i, stem in enumerate(_NAMES) if name.startswith(stem)), len(_NAMES))


@cache
def _open(at: int, size: int) -> Any:
    """Return Pillow's own font (0) or one of the machine's; None if it cannot be read."""
    try:
        return ImageFont.truetype(found()[at - 1], size) if at else ImageFont.load_default(size)
    except OSError:
        return None


@cache
def _box(at: int) -> tuple[Any, bytes]:
    """Return what a font draws for what it does not have."""
    mask = _open(at, 16).getmask(_NOWHERE)
    return mask.size, bytes(mask)


@cache
def has(at: int, char: str) -> bool:
    """Whether a font has a character."""
    font = _open(at, 16)
    if font is None:
        return False
    mask = font.getmask(char)
    return char.isspace() or bool(mask.size[0] and (mask.size, bytes(mask)) != _box(at))


def runs(text: str) -> list[tuple[int, str]]:
    """Split a text into pieces and the font of each, in the order in which they are drawn."""
    fonts = range(len(found()) + 1)
    whole = next((at for at in fonts if all(has(at, char) for char in text)), None)
    known = []
    for char in text:
        at = next((at for at in fonts if has(at, char)), None) if whole is None else whole
        known.append((0, _PLAIN.get(char) or codepoint(char)) if at is None else (at, char))
    pieces = [(at, "".join(c for _, c in group)) for at, group in groupby(known, lambda k: k[0])]
    if features.check("raqm"):
        return pieces
    return [(at, piece[::-1] if _leftward(piece) else piece) for at, piece in pieces]


def _leftward(piece: str) -> bool:
    return any(unicodedata.bidirectional(char) in {"R", "AL"} for char in piece)


def width(text: str, size: int) -> float:
    """Return how wide a text is drawn, in pixels."""
    return float(sum(_open(at, size).getlength(piece) for at, piece in runs(text)))


def write(
    pen: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    ink: Any,
    *,
    size: int,
    anchor: str = "lm",
) -> None:
    """Draw a text; `anchor` as in Pillow: l, m or r across, a, m or s down."""
    x, y = place
    x -= {"l": 0.0, "m": 0.5, "r": 1.0}[anchor[0]] * width(text, size)
    for at, piece in runs(text):
        font = _open(at, size)
        pen.text((x, y), piece, ink, font=font, anchor="l" + anchor[1])
        x += font.getlength(piece)
