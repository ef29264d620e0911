"""Values as Python literals."""

from __future__ import annotations


def literal(value: object) -> str:
    """Write text, or a container of it, as a literal that no HTML page reads as its own end.

    ``repr`` escapes quotes, line ends, controls, lone surrogates and the marks that turn
    the direction of writing.
    """
    return repr(value).replace("</", "\\x3c/").replace("<!", "\\x3c!")
