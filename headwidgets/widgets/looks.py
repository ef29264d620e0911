"""How a session's attention is painted: the selected head's map and all heads' thumbnails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwidgets.errors import InputError
from headwidgets.widgets.painter import Product, View
from headwidgets.widgets.pictures import Picture, difference, pack_map, pack_thumbs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from headwidgets.widgets.protocol import SessionLike


def _about(session: SessionLike, view: View) -> dict[str, Any]:
    """Say what the thumbnails belong to; the revision is read first, so it is never too new."""
    return {"revision": session.revision, "run": view.run}


def _about_map(session: SessionLike, view: View) -> dict[str, Any]:
    return {**_about(session, view), "head": shown_head(session)}


def _map(session: SessionLike, _view: View, about: dict[str, Any]) -> Picture:
    values, more = attention(session, about["head"], about["run"])
    return pack_map(values, **about, **more)


def _thumbs(session: SessionLike, _view: View, about: dict[str, Any]) -> Picture:
    run = about["run"]
    if run != "difference":
        return pack_thumbs(session.thumbnails(run), **about)
    after, before = compared(session)
    change = difference(session.thumbnails(after), session.thumbnails(before))
    return pack_thumbs(change, signed=True, **about)


MAP = Product(_about_map, _map)
THUMBS = Product(_about, _thumbs)


def shown_head(session: SessionLike) -> str:
    """Return the selected head, or the first where none is selected."""
    return str(session.selection or "0.0")


def compared(session: SessionLike) -> tuple[str, str]:
    """Return the two runs whose difference is shown: (minuend, subtrahend)."""
    if session.edits:
        base = "corrupted" if any(edit.into == "corrupted" for edit in session.edits) else "clean"
        pair = "edited", base
    elif session.corrupted_prompt is not None:
        pair = "corrupted", "clean"
    else:
        message = "nothing to compare: there are no edits and there is no corrupted prompt"
        raise InputError(message)
    lengths = [len(session.tokens_of(run)) for run in pair]
    if lengths[0] != lengths[1]:
        message = f"cannot subtract {lengths[0]} and {lengths[1]} tokens"
        raise InputError(message)
    return pair


def attention(
    session: SessionLike, head: str, run: str
) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """Return one head's values in a run or in the difference, and what is to be said of them."""
    more: dict[str, Any] = {"signed": run == "difference"}
    if run == "difference":
        after, before = compared(session)
        values = session.attention(head, after) - session.attention(head, before)
        more["of"] = f"{after} − {before}"
        run = after
    else:
        values = session.attention(head, run)
    tokens = session.tokens_of(run)
    return values, more if tokens == session.tokens else {**more, "tokens": list(tokens)}
