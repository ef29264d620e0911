"""How text from models and people is written where others read it."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_SIGNS = {"\n": "⏎", "\t": "⇥"}
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def model_name(facts: Mapping[str, Any]) -> str:
    """Return a model's name; of a folder on this machine, the last part alone."""
    name = str(facts.get("name", "?"))
    path = Path(name)
    try:
        here = path.is_absolute() or path.exists()
    except (OSError, ValueError):  # no path at all
        here = False
    return path.name if here else name


def visible(token: str, longest: int | None = None) -> str:
    """Return a token on one line, with what cannot be seen written out.

    A space at either end is a dot, a break is an arrow; controls, zero-width and direction
    marks and lone surrogates are their code points, ‹200f›.
    """
    ends = [i for i in {0, len(token) - 1} if token[i : i + 1] == " "]
    seen = ["·" if i in ends else _seen(c) for i, c in enumerate(token)]
    if longest is not None and len(seen) > longest:
        seen = [*seen[: longest - 1], "…"]
    return "".join(seen)


def line(text: str) -> str:
    """Return a text on one line, as `visible` writes it, spaces kept."""
    return "".join(map(_seen, text))


def _seen(char: str) -> str:
    return _SIGNS.get(char) or (codepoint(char) if _hidden(char) else char)


def codepoint(char: str) -> str:
    """Return a character's number, as ‹4e2d›."""
    return f"‹{ord(char):x}›"


def _hidden(char: str) -> bool:
    return unicodedata.category(char) in _HIDDEN
