"""A widget as one file: a page that needs no network and stays linked, or a picture."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headwidgets.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from headwidgets.widgets.base import HeadWidget


def save(widget: HeadWidget, path: str | Path) -> Path:
    """Write a widget to a file; the suffix says as what.

    Raises
    ------
    InputError
        If the suffix is another, the folder is missing, or the page would be too large.
    """
    target = _target(path)
    content = _WRITERS[target.suffix.lower()](widget)
    write(target, content)
    return target


def write(target: Path, content: bytes) -> None:
    """Write a whole file or nothing: under another name first, then in its place."""
    draft = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}")
    try:
        with draft.open("xb") as file:
            file.write(content)
        os.replace(draft, target)  # noqa: PTH105 - Path.replace is the same call
    finally:
        draft.unlink(missing_ok=True)


def _target(path: object) -> Path:
    if not isinstance(path, str | os.PathLike) or isinstance(path, bytes):
        message = f"expected a path such as 'view.html', got {type(path).__name__}"
        raise InputError(message)
    target = Path(path).expanduser()
    if target.suffix.lower() not in _WRITERS:
        message = f"expected a path that ends in .html, .png or .svg, got {str(path)!r:.200}"
        raise InputError(message)
    if not target.parent.is_dir():
        message = f"there is no folder {str(target.parent)!r:.200}: make it first, then save again"
        raise InputError(message)
    if target.is_dir():
        message = f"{str(target)!r:.200} is a folder: name a file in it"
        raise InputError(message)
    return target


def _html(widget: HeadWidget) -> bytes:
    from headwidgets.widgets.page import page

    return page(widget)


def _png(widget: HeadWidget) -> bytes:
    return _picture(widget, ".png")


def _svg(widget: HeadWidget) -> bytes:
    from headwidgets.widgets import vector

    text = widget._svg()  # noqa: SLF001 - a widget's own half of this
    return text.encode() if text else vector.around(_picture(widget, ".svg"), words(widget))


def _picture(widget: HeadWidget, suffix: str) -> bytes:
    png = widget._picture()  # noqa: SLF001 - as above
    if png is None:
        message = f"{type(widget).__name__} has no picture for {suffix}: save it as .html"
        raise InputError(message)
    return png


def words(widget: Any) -> str:
    """Return a line of text that stands for a widget."""
    return repr(widget).strip("<>")


_WRITERS: dict[str, Callable[[Any], bytes]] = {".html": _html, ".png": _png, ".svg": _svg}
