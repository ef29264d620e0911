"""HTML that is safe by how it is made: every text that is put in is escaped, on one line."""

from __future__ import annotations

import html
import math
import re

from headwidgets.widgets.naming import line, visible

_NAME = re.compile(r"[a-z][a-z0-9-]*")


class Markup(str):
    """HTML made by `h` alone; any other text is escaped where it is put in."""

    __slots__ = ()


def h(name: str, kind: str = "", *children: str, **attributes: object) -> Markup:
    """Return an element.

    Parameters
    ----------
    name : str
        Of the element.
    kind : str
        Its class.
    *children : str
        `Markup` as it is; any other text is escaped, what cannot be seen is written out. Those of
        a div stand apart by a space, so that it also reads where no style is let in.
    **attributes
        ``aria_label`` stands for ``aria-label``; what is None or False is left out, True is an
        attribute without a value.
    """
    given = {"class": kind or None, **{k.replace("_", "-"): v for k, v in attributes.items()}}
    for one in (name, *given):
        if not _NAME.fullmatch(one):
            message = f"no name of an element or attribute: {one!r}"
            raise ValueError(message)
    written = "".join(
        f" {key}" if value is True else f' {key}="{escaped(str(value))}"'
        for key, value in given.items()
        if value is not None and value is not False
    )
    inside = (" " if name == "div" else "").join(map(joined, children))
    return Markup(f"<{name}{written}>{inside}</{name}>")


def joined(*children: str) -> Markup:
    """Return some elements and texts one after another."""
    return Markup("".join(c if isinstance(c, Markup) else escaped(c) for c in children))


def escaped(text: str) -> str:
    """Return a text as HTML, also within quotes."""
    return html.escape(line(text))


def token(text: str, kind: str = "hw-token") -> Markup:
    """Return a token in its own direction, with its spaces to be seen."""
    return h("bdi", kind, visible(text))


def number(value: float) -> str:
    """Return a number with about three digits and a true minus; a dash where there is none."""
    value = float(value)
    if not math.isfinite(value):
        return "–"
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2  # noqa: PLR2004 - three digits
    return f"{value:.{digits}f}".replace("-", "−")


def signed(value: float) -> str:
    """Return a number with its sign."""
    text = number(value)
    return text if text[0] in "−–" else f"+{text}"


def chance(p: float) -> str:
    """Return a p-value; the least that can be written is below a thousandth."""
    return "p < 0.001" if p < 0.0005 else f"p = {p:.3f}"  # noqa: PLR2004 - three digits


def percent(value: float) -> str:
    """Return a share of 1 as a length in CSS, within 0 and 100 %."""
    share = float(value) if math.isfinite(value) else 0.0
    return f"{100 * min(1.0, max(0.0, share)):.1f}%"
