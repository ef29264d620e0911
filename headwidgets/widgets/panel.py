"""Edits as toggles, and what they do: clean, corrupted and edited side by side.

Synced: what `HeadWidget` says; off (edits that are switched off, each with its place in
the list) and continued (the last continuation), both set by the browser; panel (its name),
found and found_data (the last sweep, see `panel_sweep`) and found_stale. Numbers belong to
the session's model: its traits panel and effect.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, ClassVar

import traitlets as t

from headwidgets.errors import InputError
from headwidgets.widgets import panel_face, panel_sweep
from headwidgets.widgets.base import HeadWidget, refuse_unknown
from headwidgets.widgets.measured import now_and_then, room

if TYPE_CHECKING:
    from pandas import DataFrame

_NUMBER = itertools.count(1)


class PatchPanel(HeadWidget):
    """The prompts, the edits as toggles, and the three runs side by side.

    Parameters
    ----------
    session : Session
        Edits that are switched on are the session's; prompts typed here are its prompts.

    Attributes
    ----------
    off : list of dict
        Edits that are switched off: ``{"at": place in the list, "edit": {...}}``.
    continued : dict
        The last continuation: ``revision``, ``clean`` and ``edited`` texts.
    swept : DataFrame or None
        The last sweep that was run here.

    Raises
    ------
    InputError
        If `session` is none.

    Examples
    --------
    >>> import headwidgets as hw
    >>> s = hw.Session()
    >>> hw.PatchPanel(s).to_frame().columns[:5].tolist()
    ['token', 'clean', 'corrupted', 'edited', 'change']
    """

    view = t.Unicode("panel", read_only=True).tag(sync=True)
    off = t.List(t.Dict()).tag(sync=True)
    continued = t.Dict().tag(sync=True)
    panel = t.Unicode("", read_only=True).tag(sync=True)
    found = t.Dict(read_only=True).tag(sync=True, echo_update=False)
    found_data = t.Bytes(b"", read_only=True).tag(sync=True, echo_update=False)
    found_stale = t.Bool(default_value=False, read_only=True).tag(sync=True)
    TOOLS: ClassVar[bool] = True
    BROWSER_S: ClassVar[tuple[str, ...]] = ("off", "continued")
    MIRRORED: ClassVar[tuple[str, ...]] = (
        *("panel", "effect", "prompt", "corrupted_prompt", "index", "n_prompts"),
        *("edits", "edit_kind", "selection", "tokens", "metric"),
        *("model", "status", "message", "progress", "revision"),
    )

    swept: Any = None
    _unsubscribe: Any = None

    def __init__(self, session: Any = None, **options: Any) -> None:
        refuse_unknown(type(self).__name__, options, ("session",))
        if not hasattr(session, "compare"):
            message = f"expected a session: hw.PatchPanel(s), got {type(session).__name__}"
            raise InputError(message)
        self._of = session
        self.set_trait("panel", f"panel-{next(_NUMBER)}")
        super().__init__(session=session.state, **options)
        session.state.want(self, "panel", "effect")

    def __repr__(self) -> str:
        """Say what is shown, in a line."""
        return f"<{type(self).__name__}: {panel_face.words(self.session)}>"

    def sweep(self, kind: str = "patch", **options: Any) -> DataFrame:
        """Run a sweep and show it under "sweep", cell after cell as they arrive.

        Parameters
        ----------
        kind : {"patch", "zero", "mean", "resample"}
        **options
            over, direction, at; see `Session.sweep`.

        Returns
        -------
        DataFrame
            What `Session.sweep` returns; also kept as `swept`.

        Raises
        ------
        Cancelled
            If it was stopped; what was done stays on screen.
        """
        at = options.get("at")
        show = now_and_then(lambda frame: self._find(frame, at))
        try:
            frame = self._of.sweep(kind, **options, arrived=show)
        except BaseException as error:
            partial = getattr(error, "partial", None)
            if partial is not None and (partial["n"] > 0).any():
                self._find(partial, at)
            raise
        self._find(frame, at)
        return frame

    def _find(self, frame: DataFrame, at: object) -> None:
        """Show a sweep, whole or so far."""
        picture = panel_sweep.pack(frame, self._of, at)
        self.swept = frame
        with self.hold_sync():
            self.set_trait("found_data", picture.data)
            self.set_trait("found", picture.header)
            self._changed(frozenset())

    def _changed(self, _aspects: frozenset[str]) -> None:
        signed = self.swept is not None and isinstance(self.swept.attrs.get("revision"), int)
        self.set_trait("found_stale", bool(signed and self._of.is_stale(self.swept)))

    def open(self) -> None:
        """Open the comm, and follow the session."""
        if self._unsubscribe is None:
            room(self._of).panels.add(self)
            self._unsubscribe = self._of.subscribe(self._changed)
        super().open()

    def close(self) -> None:
        """Close the panel; the session lives on."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
            room(self._of).panels.discard(self)
        super().close()

    def to_frame(self) -> DataFrame:
        """Return the top tokens of the three runs; see `Session.compare`."""
        frame: DataFrame = self._of.compare()
        return frame

    def _png(self) -> bytes:
        return panel_face.draw(self.session)
