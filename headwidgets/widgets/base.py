"""What every widget is: a view of a session's model, with a static face.

Synced: session (a reference to the model that all views share) and view (which one to
draw). For a host where a view cannot reach that model: apart (the browser says so), code
(the bundle), mirrored (a copy of what the model says) and wish (what the browser wants to
set there); then requests come over the view's own comm.
"""

from __future__ import annotations

import base64
import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
import traitlets as t

from headwidgets.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

STATIC = Path(__file__).parent.parent / "static"
LAYOUT = ("layout",)
"""Keywords that every ipywidget takes."""


class HeadWidget(anywidget.AnyWidget):
    """A view of a session's model.

    Parameters
    ----------
    session : SessionState or ArrayState
        The model that it shows.
    """

    # The text, not the path: a path makes anywidget keep every instance alive for reloads.
    _esm = (STATIC / "view.js").read_text(encoding="utf-8")
    MIRRORED: ClassVar[tuple[str, ...]] = ()
    _requests: Any = None

    session = anywidget.WidgetTrait().tag(sync=True)
    apart = t.Bool(default_value=False).tag(sync=True)
    code = t.Unicode("", read_only=True).tag(sync=True, echo_update=False)
    mirrored = t.Dict(read_only=True).tag(sync=True, echo_update=False)
    wish = t.Dict().tag(sync=True, echo_update=False)

    def close(self) -> None:
        """Close the view; the session lives on."""
        if self.apart and self.comm is not None:
            self.session.unobserve(self._copy, self._copied())
        if self._requests is not None:
            self._requests.close()
        super().close()

    @t.observe("apart")
    def _mirror(self, change: t.Bunch) -> None:
        """Tell this view itself what the session says, since it cannot look there."""
        if change.new:
            self.session.observe(self._copy, self._copied())
            self._copy()
            self.set_trait("code", self.session._esm)  # noqa: SLF001 - anywidget's own name
            self._requests = self.session.dispatcher(self.send)
            self.on_msg(lambda _widget, content, _buffers: self._requests.receive(content))

    def _copied(self) -> list[str]:
        return [name for name in self.MIRRORED if self.session.has_trait(name)]

    def _copy(self, _change: object = None) -> None:
        self.set_trait("mirrored", {name: getattr(self.session, name) for name in self._copied()})

    @t.observe("wish")
    def _grant(self, change: t.Bunch) -> None:
        if change.new:
            self.session.set_state({k: v for k, v in change.new.items() if k in self.MIRRORED})
            self._copy()

    def _png(self) -> bytes | None:
        """Return the static face."""
        return None

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return the live view, a line of text, and a picture for where there is no kernel."""
        bundle = super()._repr_mimebundle_()
        if bundle is None:
            return None
        data, metadata = bundle
        png = self._png()
        picture = {} if png is None else {"image/png": base64.b64encode(png).decode()}
        return {**data, "text/plain": repr(self), **picture}, metadata


def refuse_unknown(widget: str, options: Iterable[str], known: Iterable[str]) -> None:
    """Refuse keywords that a widget does not know: they would change nothing.

    Raises
    ------
    InputError
        If there is one; the message names the nearest that exists.
    """
    for name in options:
        if name in LAYOUT:
            continue
        near = difflib.get_close_matches(name, [*known, *LAYOUT], n=1)
        message = f"{widget} has no {name!r}{f'; is it {near[0]!r}?' if near else ''}"
        raise InputError(message)
