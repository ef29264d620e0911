"""Text as a Python literal."""

from __future__ import annotations


def literal(text: str) -> str:
    """Write text as a Python literal that no HTML page reads as its own end.

    ``repr`` escapes quotes, line ends, controls, lone surrogates and the marks that turn
    the direction of writing.
    """
    return repr(text).replace("</", "\\x3c/").replace("<!", "\\x3c!")
