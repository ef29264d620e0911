"""A picture with a table behind it: shown in a notebook, saved as PNG or SVG."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from headwidgets.errors import InputError
from headwidgets.widgets import vector
from headwidgets.widgets.save import write as write_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def require_frame(frame: Any, columns: Sequence[str], of: str) -> pd.DataFrame:
    """Return a frame that has rows and some columns.

    Parameters
    ----------
    of : str
        What makes such a frame: ``"s.matrix(...)"``.

    Raises
    ------
    InputError
        If it is another one.
    """
    if not isinstance(frame, pd.DataFrame) or any(name not in frame for name in columns):
        message = f"expected a frame of {of}, got {frame!r:.80}"
        raise InputError(message)
    if not len(frame):
        message = f"expected a frame of {of} with rows, got none"
        raise InputError(message)
    return frame


class Figure:
    """A picture of a frame; what it draws is `_draw`, what it says in a line its repr.

    Parameters
    ----------
    frame : DataFrame
    about : str
        Of which model, and on what.
    """

    def __init__(self, frame: pd.DataFrame, about: str) -> None:
        self._frame, self.about = frame, about

    def _draw(self) -> Any:
        """Return the picture, a PIL image."""
        raise NotImplementedError

    def to_frame(self) -> pd.DataFrame:
        """Return the numbers behind it."""
        return self._frame.copy()

    def save(self, path: str | Path) -> Path:
        """Write the figure as ``.png`` or ``.svg``.

        Raises
        ------
        InputError
            If the suffix is another.
        """
        target = Path(path).expanduser()
        png = self._png()
        content = {".png": lambda: png, ".svg": lambda: vector.around(png, repr(self))}
        if target.suffix.lower() not in content:
            message = f"expected a path that ends in .png or .svg, got {str(path)!r:.200}"
            raise InputError(message)
        write_file(target, content[target.suffix.lower()]())
        return target

    def _repr_mimebundle_(self, **_options: object) -> Mapping[str, object]:
        return {"text/plain": repr(self), "image/png": self._png()}

    def _png(self) -> bytes:
        out = BytesIO()
        self._draw().save(out, "PNG", optimize=True)
        return out.getvalue()
