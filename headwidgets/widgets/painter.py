"""Keeps a session's pictures up to date, where somebody looks.

After a change the pictures are painted on the session's home loop; a newer change cancels
a painting that is under way. The first ones are painted at once, so that a notebook that
is saved right away holds them.
"""

from __future__ import annotations

import logging
import weakref
from typing import TYPE_CHECKING, Any

from headwidgets.errors import Cancelled, HeadwidgetsError, InputError
from headwidgets.model.work import Work, checkpoint, doing
from headwidgets.widgets.pictures import Picture, difference, pack_map, pack_thumbs

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from headwidgets.session.home import HomeLoop
    from headwidgets.widgets.protocol import SessionLike

log = logging.getLogger(__name__)


class Painter:
    """Paints the thumbnails and the selected head's map of a session.

    Parameters
    ----------
    session : Session
    home : HomeLoop
        Where it paints, but for the first time.
    run : callable
        Says which run is to be shown.
    show : callable
        ``show(name, picture)`` takes ``"map"`` or ``"thumbs"``.
    """

    def __init__(
        self,
        session: SessionLike,
        home: HomeLoop,
        run: Callable[[], str],
        show: Callable[[str, Picture], object],
    ) -> None:
        self._session, self._home, self._run, self._show = session, home, run, show
        self._viewers: weakref.WeakSet[Any] = weakref.WeakSet()
        self._work = Work()
        self._painted: dict[str, object] = {}

    def want(self, viewer: object) -> None:
        """Paint from now on, for `viewer`; at once if something is missing."""
        self._viewers.add(viewer)
        self._paint(Work())

    def leave(self, viewer: object) -> None:
        """Paint no longer for `viewer`."""
        self._viewers.discard(viewer)

    def ask(self) -> None:
        """Paint soon what is out of date; a painting under way is out of date itself."""
        if not self._viewers:
            return
        self._work.cancel()
        self._work = work = Work()
        self._home.submit(lambda: self._paint(work))

    def close(self) -> None:
        """Stop painting."""
        self._viewers.clear()
        self._work.cancel()

    def _paint(self, work: Work) -> None:
        try:
            with doing(work):
                for name, make in (("map", self._map), ("thumbs", self._thumbs)):
                    checkpoint()
                    about = self._about(name)
                    if self._painted.get(name) == about:
                        continue
                    picture = _or_reason(make, about)
                    checkpoint()
                    self._painted[name] = about
                    self._show(name, picture)
        except Cancelled:
            log.debug("a picture was superseded")

    def _about(self, name: str) -> dict[str, Any]:
        """Say what a picture belongs to; the revision is read first, so it is never too new."""
        about: dict[str, Any] = {"revision": self._session.revision, "run": self._run()}
        return about | ({"head": shown_head(self._session)} if name == "map" else {})

    def _map(self, about: dict[str, Any]) -> Picture:
        values, more = attention(self._session, about["head"], about["run"])
        return pack_map(values, **about, **more)

    def _thumbs(self, about: dict[str, Any]) -> Picture:
        session, run = self._session, about["run"]
        if run != "difference":
            return pack_thumbs(session.thumbnails(run), **about)
        after, before = compared(session)
        change = difference(session.thumbnails(after), session.thumbnails(before))
        return pack_thumbs(change, signed=True, **about)


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


def _or_reason(make: Callable[[dict[str, Any]], Picture], about: dict[str, Any]) -> Picture:
    """Paint, or say in the picture's place why there is none."""
    try:
        return make(about)
    except Cancelled:
        raise
    except HeadwidgetsError as error:
        return Picture({**about, "error": str(error)})
    except Exception as error:
        log.exception("a picture could not be painted")
        return Picture({**about, "error": f"{type(error).__name__}: {error}"})
