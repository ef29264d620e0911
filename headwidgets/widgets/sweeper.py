"""A widget that runs sweeps and shows their cells as they arrive.

Synced: what `HeadWidget` says; panel (its name among the session's panels), found and
found_data (the last sweep, see `panel_sweep`) and found_stale.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import traitlets as t

from headwidgets.widgets import panel_sweep
from headwidgets.widgets.base import HeadWidget
from headwidgets.widgets.measured import now_and_then, room

if TYPE_CHECKING:
    from pandas import DataFrame

_NUMBER = itertools.count(1)


class Sweeper(HeadWidget):
    """A view of a session with a sweep of its own.

    Attributes
    ----------
    swept : DataFrame or None
        The last sweep that was run here.
    """

    panel = t.Unicode("", read_only=True).tag(sync=True)
    found = t.Dict(read_only=True).tag(sync=True, echo_update=False)
    found_data = t.Bytes(b"", read_only=True).tag(sync=True, echo_update=False)
    found_stale = t.Bool(default_value=False, read_only=True).tag(sync=True)

    swept: Any = None
    _of: Any = None
    _unfollow: Any = None

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
            self._aged(frozenset())

    def _aged(self, _aspects: frozenset[str]) -> None:
        signed = self.swept is not None and isinstance(self.swept.attrs.get("revision"), int)
        self.set_trait("found_stale", bool(signed and self._of.is_stale(self.swept)))

    def open(self) -> None:
        """Open the comm, and follow the session."""
        if self._unfollow is None:
            self.set_trait("panel", self.panel or f"panel-{next(_NUMBER)}")
            room(self._of).panels.add(self)
            self._unfollow = self._of.subscribe(self._aged)
        super().open()

    def close(self) -> None:
        """Close the widget; the session lives on."""
        if self._unfollow is not None:
            self._unfollow()
            self._unfollow = None
            room(self._of).panels.discard(self)
        super().close()
