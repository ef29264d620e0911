"""A page of a head as HTML: no script, no network; what came from models is never markup."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from headwidgets.errors import InputError
from headwidgets.taxonomy.verdict import CANDIDATE, CONSISTENT
from headwidgets.widgets import head_circuits, head_looks
from headwidgets.widgets import head_parts as parts
from headwidgets.widgets.head_style import STYLE
from headwidgets.widgets.markup import Markup, escaped, h
from headwidgets.widgets.naming import model_name
from headwidgets.widgets.save import write

if TYPE_CHECKING:
    from headwidgets.session.head_page import HeadPage

_FILE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>:root {{ color-scheme: light dark; }} body {{ margin: 0; padding: 24px; }}
.hw-head {{ margin: 0 auto; }}</style>
</head>
<body>{page}</body>
</html>
"""


def html_of(page: HeadPage) -> str:
    """Return a page as HTML that stands in a notebook's output."""
    read_on = str(page.attrs["measured_on"])
    grid = h(
        "div",
        "hw-grid",
        parts.roles(page.roles, str(page.head)),
        parts.effects(page.effects),
        head_circuits.ov(page.ov),
        head_circuits.qk(page.qk),
        head_looks.offsets(page.offsets, read_on),
        head_looks.contexts(page.contexts, read_on),
    )
    style = Markup(f"<style>{STYLE}</style>")
    return h("article", "hw-head", style, _header(page), grid, _footer(page))


def save(page: HeadPage, path: str | Path) -> Path:
    """Write a page as one file.

    Raises
    ------
    InputError
        If the suffix is not ``.html``, or there is no such folder.
    """
    target = Path(path).expanduser()
    if target.suffix.lower() != ".html":
        message = f"expected a path that ends in .html, got {str(path)!r:.200}"
        raise InputError(message)
    if not target.parent.is_dir():
        message = f"there is no folder {str(target.parent)!r:.200}: make it first, then save again"
        raise InputError(message)
    title = escaped(f"head {page.head} of {model_name({'name': page.attrs['model']})}")
    write(target, _FILE.format(title=title, page=html_of(page)).encode())
    return target


def _header(page: HeadPage) -> Markup:
    badges = [
        h("span", kind, f"{parts.MARKS[verdict]} {name}")
        for verdict, kind in ((CONSISTENT, "hw-badge hw-is"), (CANDIDATE, "hw-badge"))
        for name in page.roles.loc[page.roles["verdict"] == verdict, "kind"]
    ]
    model = h("span", "hw-quiet", f"of {model_name({'name': page.attrs['model']})}")
    return h("header", "", h("h2", "", f"Head {page.head}"), model, h("div", "hw-badges", *badges))


def _footer(page: HeadPage) -> Markup:
    about = page.attrs
    words = [
        f"layer {page.head.layer}, head {page.head.head}, counted from 0",
        f"{about['numerics']} weights, {about['dtype']}",
    ]
    if about["edits"]:
        words.append(f"the session's edits are put aside: {', '.join(about['edits'])}")
    return h("footer", "hw-small hw-quiet", " · ".join(words))
