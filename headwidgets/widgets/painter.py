"""Keeps a session's pictures up to date, where somebody looks.

After a change the pictures are painted on the session's home loop; a newer change cancels
a painting that is under way. What needs no run, because its numbers are kept, may be painted
where the change arrives, also while a cell is busy. The first ones are painted at once, so
that a notebook that is saved right away holds them. What there is to paint is listed in
`products`.
"""

from __future__ import annotations

import logging
import threading
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from headwidgets.errors import Cancelled, HeadwidgetsError
from headwidgets.model.work import NotKept, Work, checkpoint, doing, kept_only
from headwidgets.widgets.pictures import Picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from headwidgets.home import HomeLoop
    from headwidgets.widgets.protocol import SessionLike

log = logging.getLogger(__name__)


class View(NamedTuple):
    """How the session is looked at: the traits that every view of it shares."""

    run: str = "clean"
    weighting: str = "raw"
    over: str = "pair"


@dataclass(frozen=True)
class Product:
    """Something that is painted from a session.

    Parameters
    ----------
    about : callable
        ``about(session, view)`` says in plain JSON what the picture will belong to; while
        that stays the same, nothing is painted. ``revision`` is in it, read first.
    make : callable
        ``make(session, view, about)`` paints; may raise, may take long, is cancelled at
        checkpoints.
    """

    about: Callable[[SessionLike, View], dict[str, Any]]
    make: Callable[[SessionLike, View, dict[str, Any]], Picture]


class Painter:
    """Paints what the viewers of a session want.

    Parameters
    ----------
    session : Session
    home : HomeLoop
        Where it paints, but for the first time.
    products : mapping of str to Product
        What can be wanted, in the order in which it is painted.
    view : callable
        Says how the session is looked at now.
    show : callable
        ``show(name, picture)`` takes what was painted.
    """

    def __init__(
        self,
        session: SessionLike,
        home: HomeLoop,
        products: Mapping[str, Product],
        view: Callable[[], View],
        show: Callable[[str, Picture], object],
    ) -> None:
        self._session, self._home, self._products = session, home, products
        self._view, self._show = view, show
        self._viewers: weakref.WeakKeyDictionary[Any, frozenset[str]] = weakref.WeakKeyDictionary()
        self._work = Work()
        self._showing = threading.RLock()
        self._painted: dict[str, object] = {}

    def want(self, viewer: object, names: Iterable[str]) -> None:
        """Paint these from now on, for `viewer`; at once if something is missing."""
        self._viewers[viewer] = frozenset(names)
        self._paint(Work())

    def leave(self, viewer: object) -> frozenset[str]:
        """Paint no longer for `viewer`; return what it wanted."""
        return self._viewers.pop(viewer, frozenset())

    def ask(self, *, kept: bool = False) -> None:
        """Paint soon what is out of date; a painting under way is out of date itself.

        Parameters
        ----------
        kept : bool
            Paint here and now what can be painted without a run.
        """
        if not self._viewers:
            return
        self._work.cancel()
        self._work = work = Work()
        if kept:
            try:
                with kept_only():
                    self._paint(work)
            except NotKept:
                log.debug("a picture needs a run")
            else:
                return
        self._home.submit(lambda: self._paint(work))

    def close(self) -> None:
        """Stop painting."""
        self._viewers.clear()
        self._work.cancel()

    def _paint(self, work: Work) -> None:
        wanted = frozenset[str]().union(*list(self._viewers.values()))
        try:
            with doing(work):
                for name in self._products:
                    if name in wanted:
                        checkpoint()
                        self._paint_one(name, self._products[name])
        except NotKept:
            raise
        except Cancelled:
            log.debug("a picture was superseded")

    def _paint_one(self, name: str, product: Product) -> None:
        view = self._view()
        about = product.about(self._session, view)
        if self._painted.get(name) == about:
            return
        picture = _or_reason(product, self._session, view, about)
        with self._showing:  # an older picture on another thread finds itself cancelled here
            checkpoint()
            self._painted[name] = about
            self._show(name, picture)


def _or_reason(
    product: Product, session: SessionLike, view: View, about: dict[str, Any]
) -> Picture:
    """Paint, or say in the picture's place why there is none."""
    try:
        return product.make(session, view, about)
    except Cancelled:
        raise
    except HeadwidgetsError as error:
        return Picture({**about, "error": str(error)})
    except Exception as error:
        log.exception("a picture could not be painted")
        return Picture({**about, "error": f"{type(error).__name__}: {error}"})
