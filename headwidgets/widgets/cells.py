"""Which cells show which views: a cell that runs again lets its older views rest.

A widget lives in ipywidgets' registry until it is closed, so a cell that makes a view would
leave one more, with its comm and its pictures, at each run. A view whose only place was an
earlier run of the cell rests: its comm is closed, the object is kept, and shown anywhere
again it wakes. Where the host does not say which cell runs, nothing rests.
"""

from __future__ import annotations

import sys
import weakref
from typing import TYPE_CHECKING, Any, NamedTuple

from ipywidgets.widgets.widget import _instances

if TYPE_CHECKING:
    from headwidgets.widgets.base import HeadWidget


class Place(NamedTuple):
    """A cell, and which run of it."""

    cell: str
    run: str


_made: weakref.WeakKeyDictionary[Any, Place | None] = weakref.WeakKeyDictionary()
_shown: weakref.WeakKeyDictionary[Any, dict[str, str]] = weakref.WeakKeyDictionary()
ELSEWHERE = Place("", "")


def here() -> Place | None:
    """Return the cell that is running; None outside of one, or where nobody says."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    try:
        parent = shell.get_parent()  # type: ignore[union-attr]
        header = parent["header"]
        cell = parent["metadata"]["cellId"]
    except (AttributeError, KeyError, TypeError, LookupError):
        return None
    if header.get("msg_type") != "execute_request":
        return None
    return Place(str(cell), str(header["msg_id"]))


def made(view: HeadWidget) -> None:
    """Note that a view was made here."""
    place = here()
    _made[view] = place
    if place:
        _let_rest(place)


def shown(view: HeadWidget) -> None:
    """Note that a view is shown here."""
    place = here()
    if place and _captured(place):
        place = None
    cell, run = place or ELSEWHERE
    _shown.setdefault(view, {})[cell] = run
    if place:
        _let_rest(place)


def _let_rest(now: Place) -> None:
    for view in list(_made):
        if _only_before(view, now) and not _contained(view):
            _shown.pop(view, None)
            view._rest()  # noqa: SLF001 - its own half of this


def _only_before(view: HeadWidget, now: Place) -> bool:
    """Whether all that a view was for is an earlier run of this cell."""
    made_in = _made[view]
    places = _shown.get(view) or (dict([made_in]) if made_in else {})
    return bool(places) and all(c == now.cell and run != now.run for c, run in places.items())


def _contained(view: HeadWidget) -> bool:
    """Whether another widget, a box say, holds it."""
    return any(view in getattr(other, "children", ()) for other in list(_instances.values()))


def _captured(place: Place) -> bool:
    """Whether an Output widget takes what this cell shows, and may show it anywhere."""
    return any(getattr(other, "msg_id", None) == place.run for other in list(_instances.values()))
