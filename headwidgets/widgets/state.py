"""One model per session that every view looks at: the session's state as synced traits.

What it says: see `session_traits`.
Pictures of attention, where a widget wants them: see `pictures`; kinds of head: `roles_traits`;
the succession lab: `succession_traits`.
Large or on demand, so not traits but requests: see `serve`.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

import traitlets as t

from headwidgets.errors import HeadwidgetsError, InputError
from headwidgets.home import HomeLoop
from headwidgets.widgets import mirror, pictures, roles_traits, succession_traits
from headwidgets.widgets.bundles import FURTHER
from headwidgets.widgets.dispatch import Dispatcher
from headwidgets.widgets.envelope import Answer, reason
from headwidgets.widgets.looked_at import LookedAt
from headwidgets.widgets.painter import Painter, View
from headwidgets.widgets.products import PRODUCTS
from headwidgets.widgets.roles_traits import RolesTraits
from headwidgets.widgets.serve import handlers
from headwidgets.widgets.session_traits import SessionTraits
from headwidgets.widgets.succession_traits import SuccessionTraits

if TYPE_CHECKING:
    from headwidgets.widgets.dispatch import Carry, Send
    from headwidgets.widgets.protocol import SessionLike

log = logging.getLogger(__name__)
_PYTHON_S = (
    *(*mirror.READ_ONLY, *pictures.NAMES, *roles_traits.NAMES, *succession_traits.NAMES),
    *(*FURTHER, "carried"),
)


class SessionState(SessionTraits, pictures.PictureTraits, RolesTraits, SuccessionTraits, LookedAt):
    """A session's state, as an ipywidget: ``jslink``, ``observe``, ``interactive_output``.

    Setting a trait, in a cell or in the browser, sets the session; a change of the session
    sets the traits, as one message. What the session refuses is put back, and ``message``
    says why.

    Parameters
    ----------
    session : Session
    home : HomeLoop, optional
        Where requests are computed; default: the loop of the calling thread.
    """

    OF_ONE_VIEW: ClassVar[bool] = False

    def __init__(self, session: SessionLike, *, home: HomeLoop | None = None) -> None:
        self._session = session
        self._door = threading.Lock()  # whoever holds it brings the traits up to date
        self._stale = False
        self._taking = threading.local()  # true on a thread that is in set_state
        self._arrived: deque[dict[str, Any]] = deque()
        self._refused = ""
        self._known = mirror.read(session)  # what the session said last
        self._views: weakref.WeakSet[Any] = weakref.WeakSet()
        self._told: dict[str, Any] = {}  # what the browser has
        self._home = home = home or HomeLoop()
        self._painter = Painter(session, home, PRODUCTS, self._view, self._show)
        super().__init__()
        self._unsubscribe = session.subscribe(self._changed)
        self._refresh()  # a change between reading and subscribing

    def open(self) -> None:
        """Open the comm with the state in it."""
        self._refresh()
        super().open()

    def dispatcher(self, send: Send, carry: Carry | None = None) -> Dispatcher:
        """Return who answers the requests that come over a comm, by `send` on that comm."""
        at_once = {"cancel": self._cancel_all}
        serving = handlers(self._session)
        return Dispatcher(
            serving, send, self._home, changed=self._refresh, at_once=at_once, carry=carry
        )

    def met(self, view: object) -> None:
        """Note a view: it closes with the session."""
        self._views.add(view)

    def want(self, viewer: object, *names: str) -> None:
        """Hold the `products` that `viewer` shows, from now on; the first ones at once."""
        self._painter.want(viewer, names)

    def leave(self, viewer: object) -> frozenset[str]:
        """Hold the pictures for the others only; return those that `viewer` wanted."""
        return self._painter.leave(viewer)

    def __repr__(self) -> str:
        """Say the state in a line, as the card does."""
        model = self.model.get("name", "?")
        parts = [f"{len(self.tokens)} tokens", f"head {self.selection}" if self.selection else ""]
        parts += [f"{len(self.edits)} edits" if self.edits else "", f"revision {self.revision}"]
        return f"<headwidgets session: {', '.join([str(model), *filter(None, parts)])}>"

    def set_state(self, sync_data: object) -> None:
        """Take what came from the browser: the session decides, then the traits follow."""
        if not isinstance(sync_data, dict):
            self._refuse([], f"expected a state such as {{'index': 1}}, got {sync_data!r:.80}")
            return
        accepted: dict[str, Any] = {}
        refused: dict[str, str] = {}
        self._taking.now = True
        try:
            for name in sorted(sync_data, key=mirror.order):
                try:
                    accepted[name] = self._take(name, sync_data[name])
                except Exception as error:  # noqa: BLE001 - the browser gets an answer, whatever it sent
                    refused[name] = _reason(error)
        finally:
            self._taking.now = False
        if accepted:
            self._arrived.append(accepted)
        self._refuse(refused, "; ".join(refused.values()))

    def get_state(self, key: object = None, drop_defaults: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002  # as in ipywidgets
        """Return the state to send, ``revision`` last."""
        if isinstance(key, Iterable) and not isinstance(key, str):
            key = sorted(key, key=mirror.order)
        state: dict[str, Any] = super().get_state(key, drop_defaults)
        return state

    def close(self) -> None:
        """Cancel what is asked, stop listening to the session, close its views and the comm."""
        if hasattr(self, "_unsubscribe"):  # else __init__ failed
            self._requests.close()
            self._painter.close()
            self._unsubscribe()
        for view in list(self._views):
            view.close()
        super().close()
        layout = self._trait_values.get("layout")
        if layout is not None:
            layout.close()

    def _take(self, name: str, value: object) -> object:
        """Set the session to a value from the browser; return what the trait is to be."""
        if name.startswith("_") or name in _PYTHON_S:
            message = (
                f"{name[:80]!r} is read-only: it follows from the prompt, the edits and the model"
            )
            raise InputError(message)
        if name in mirror.SETTABLE:
            trait: Any = self.traits()[name]
            value = trait.validate(self, value)
            mirror.assign(self._session, name, value)
        return value

    def _refuse(self, names: Iterable[str], reason: str) -> None:
        """Say why, if at all, and put back the browser's copy, which ipywidgets leaves wrong."""
        self._refused = reason
        names = list(names)
        self._forget(names)
        self._refresh()
        painted = [name for name in names if name in (*pictures.NAMES, *pictures.VIEWED)]
        if painted:
            self.send_state(painted)

    def _forget(self, names: Iterable[str]) -> None:
        """Have the browser told of these again: it may hold another value."""
        for name in names:
            self._told.pop(name, None)

    @t.observe(*mirror.SETTABLE)
    def _set_in_python(self, change: t.Bunch) -> None:
        """Hand a trait that a cell has set to the session; put it back if it is refused."""
        if change.new == self._known.get(change.name):
            return  # it came from the session
        try:
            mirror.assign(self._session, change.name, change.new)
        except InputError:
            self._forget([change.name])
            raise
        finally:
            self._refresh()

    def _should_send_property(self, key: str, value: object) -> bool:
        """Leave our traits to `_follow`: what two threads set is then never lost on the way."""
        ours = key in mirror.NAMES or key in pictures.NAMES
        return not ours and bool(super()._should_send_property(key, value))

    def _changed(self, aspects: frozenset[str]) -> None:
        self._refresh()
        if aspects != {"selection"}:
            self.follow_kinds()
        self._painter.ask(kept=getattr(self._taking, "now", False))

    @t.observe(*pictures.VIEWED)
    def _looked_at_otherwise(self, _change: t.Bunch) -> None:
        self._painter.ask()

    def _view(self) -> View:
        return View(*(str(getattr(self, name)) for name in pictures.VIEWED))

    def _show(self, name: str, picture: pictures.Picture) -> None:
        """Set a picture and send it as one message, without the bytes that are there already."""
        news = self.show(name, picture)
        if news:
            self.send_state(news)

    def _refresh(self) -> None:
        """Bring the traits up to date; whoever is doing so already goes round again.

        No thread ever waits here, so this may be called under any of the session's locks.
        """
        self._stale = True
        if getattr(self._taking, "now", False):
            return  # set_state does so at its end, when it knows what the browser has
        while (self._stale or self._arrived) and self._door.acquire(blocking=False):
            try:
                self._stale = False
                while self._arrived:
                    self._echo(self._arrived.popleft())
                self._follow()
            finally:
                self._door.release()

    def _echo(self, accepted: dict[str, Any]) -> None:
        """Set the traits to what the browser has sent and the session has taken."""
        self._known = {**self._known, **accepted}  # a new one: `value` may be the old
        self._told |= accepted
        try:
            super().set_state(accepted)
        except Exception as error:  # noqa: BLE001 - a trait that is not ours, such as layout
            self._refused = _reason(error)
            self.send_state(list(accepted))

    def _follow(self) -> None:
        """Set the traits that differ from the session; tell the browser in one message."""
        self._known = state = mirror.read(self._session, self._known)
        doing = self._requests.activity
        message = self._refused or doing.error
        status = "busy" if doing.busy else "error" if message else "ready"
        shown = {"status": status, "message": message, "progress": doing.progress}
        everything = {**shown, **state}
        for name, value in everything.items():
            if getattr(self, name) != value:
                self.set_trait(name, value)
        news = [name for name in everything if self._told.get(name, self) != everything[name]]
        self._told |= everything
        if news:
            self.send_state(news)
        if self.value != state:  # after the message has left: its observers may be slow
            self.set_trait("value", state)

    def _cancel_all(self, _body: dict[str, Any]) -> Answer:
        self._requests.cancel()
        self._session.cancel()
        return Answer({})


def _reason(error: Exception) -> str:
    if isinstance(error, HeadwidgetsError | t.TraitError):
        return reason(error)
    log.error("what the browser sent could not be taken", exc_info=error)
    return f"{type(error).__name__}: {reason(error)}"
