"""What every widget is: a view of a session's model, with a static face.

Synced: session (a reference to the model that all views share) and view (which one to
draw). For a host where a view cannot reach that model: apart (the browser says so), code, tools,
taxonomy, succession and emergence (the bundles), mirrored (a copy of what the model says) and wish
(what the browser wants to set there); then requests come over the view's own comm.
"""

from __future__ import annotations

import base64
import difflib
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
import traitlets as t

from headwidgets.errors import InputError
from headwidgets.widgets import cells
from headwidgets.widgets.bundles import BundleTraits, bundle
from headwidgets.widgets.carried import CarriedTraits

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LAYOUT = ("layout",)
"""Keywords that every ipywidget takes."""
HOST_S = (*LAYOUT, "tabbable", "tooltip")
"""Traits that every ipywidget lets a browser set."""


class HeadWidget(BundleTraits, CarriedTraits, anywidget.AnyWidget):
    """A view of a session's model.

    Parameters
    ----------
    session : LookedAt
        The model that it shows.
    """

    _esm = bundle("view")
    MIRRORED: ClassVar[tuple[str, ...]] = ()
    BUNDLES: ClassVar[tuple[str, ...]] = ()  # the further ones that its view is in
    OPENS: ClassVar[tuple[str, ...]] = ()  # those of what it shows when a person opens it
    BROWSER_S: ClassVar[tuple[str, ...]] = ()  # its own traits that a browser may set
    _requests: Any = None
    _lent: tuple[str, ...] = LAYOUT  # companions that somebody else made
    _resting: tuple[str, ...] | None = None  # what it wanted of its session, while it rests

    session = anywidget.WidgetTrait().tag(sync=True)
    apart = t.Bool(default_value=False).tag(sync=True)
    code = t.Unicode("", read_only=True).tag(sync=True, echo_update=False)
    mirrored = t.Dict(read_only=True).tag(sync=True, echo_update=False)
    wish = t.Dict().tag(sync=True, echo_update=False)

    def __init__(self, **traits: Any) -> None:
        self._lent = tuple(name for name in LAYOUT if name in traits)
        super().__init__(**traits)
        self.session.need_code(*self.BUNDLES)
        self.session.met(self)
        cells.made(self)

    def close(self) -> None:
        """Close the view; the session lives on."""
        self._resting = None
        if self.session is not None:
            self.session.leave(self)
        if self.apart and self.comm is not None:
            self.session.unobserve(self._copy, self._copied())
            self.session.unobserve(self._copy_code, self._further())
        if self._requests is not None:
            self._requests.close()
        super().close()
        for widget in self._companions():
            widget.close()

    def _companions(self) -> list[Any]:
        """Return the widgets that live and die with this one."""
        alone = self.session if self.session is not None and self.session.OF_ONE_VIEW else None
        layouts = [None if self._lent else self, alone]
        layouts = [widget._trait_values.get("layout") for widget in layouts if widget]  # noqa: SLF001
        return [widget for widget in (*layouts, alone) if widget is not None]

    def _rest(self) -> None:
        """Close the comms, keep the object; `_wake` undoes it."""
        if self.comm is None:
            return
        wanted = self.session.leave(self)
        companions = self._companions()
        self.close()
        self.apart, self._requests, self._resting = False, None, tuple(wanted)
        for widget in (self, *companions):
            vars(widget).pop("_repr_mimebundle_", None)  # which ipywidgets puts out of use

    def _wake(self) -> None:
        if self._resting is None:
            return
        wanted, self._resting = self._resting, None
        for widget in (*self._companions(), self):
            widget.open()
        if wanted:
            self.session.want(self, *wanted)

    @t.observe("apart")
    def _mirror(self, change: t.Bunch) -> None:
        """Tell this view itself what the session says, since it cannot look there."""
        if change.new:
            self.session.observe(self._copy, self._copied())
            self._copy()
            self.set_trait("code", self.session._esm)  # noqa: SLF001 - anywidget's own name
            self.session.observe(self._copy_code, self._further())
            self._copy_code()
            self._requests = self.session.dispatcher(self.send, self._carry)
            self.on_msg(lambda _widget, content, _buffers: self._requests.receive(content))

    def _copied(self) -> list[str]:
        return [name for name in self.MIRRORED if self.session.has_trait(name)]

    def _copy(self, _change: object = None) -> None:
        self.set_trait("mirrored", {name: getattr(self.session, name) for name in self._copied()})

    def _further(self) -> list[str]:
        return [*self.BUNDLES, *self.OPENS]

    def _copy_code(self, _change: object = None) -> None:
        for name in self._further():
            self.set_trait(name, getattr(self.session, name))

    @t.observe("wish")
    def _grant(self, change: t.Bunch) -> None:
        if change.new:
            self.session.set_state({k: v for k, v in change.new.items() if k in self.MIRRORED})
            self._copy()

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what came from the browser; put back what only Python may set."""
        if not isinstance(sync_data, dict):
            return
        allowed = (*self.BROWSER_S, "apart", "wish", *HOST_S)
        taken = {name: value for name, value in sync_data.items() if name in allowed}
        back = [name for name in sync_data if name not in taken and name in self.keys]
        try:
            super().set_state(taken)
        except Exception:  # noqa: BLE001 - the browser gets an answer, whatever it sent
            back += taken
        if back:
            self.send_state(back)

    def save(self, path: str | Path) -> Path:
        """Write what is shown to a file that needs neither a kernel nor a network.

        Parameters
        ----------
        path : str or Path
            Ends in ``.html`` (one page, at most 2 MB, still linked), ``.png`` or ``.svg``.

        Returns
        -------
        Path
            Where it was written: whole, or not at all.

        Raises
        ------
        InputError
            If it ends in anything else, its folder is missing, or the page would be larger.
        """
        from headwidgets.widgets.save import save

        self._wake()
        return save(self, path)

    def _png(self) -> bytes | None:
        """Return the static face: small, for each display carries it."""
        return None

    def _picture(self) -> bytes | None:
        """Return the picture that is saved: as good as it gets."""
        return self._png()

    def _svg(self) -> str | None:
        """Return a drawing; None: the picture, in one."""
        return None

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return the live view, a line of text, and a picture for where there is no kernel."""
        self._wake()
        bundle = super()._repr_mimebundle_()
        if bundle is None:
            return None
        cells.shown(self)
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
