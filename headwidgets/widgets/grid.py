"""Layers × heads, one number a head: a score, a sweep, or any frame.

Synced to the browser only: table and table_data (see `grid_table`), choices, grid (this
widget's name), score, stale. Synced both ways: sort, find, only. The selection, the edits
and the kind of edit that Space makes are the session's.
"""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING, Any, ClassVar

import traitlets as t

from headwidgets.errors import InputError
from headwidgets.widgets import grid_face, grid_table
from headwidgets.widgets.base import HeadWidget, refuse_unknown
from headwidgets.widgets.measured import SWEEPS, choices, describe, read_score, room
from headwidgets.widgets.tables import TableState

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pandas import DataFrame

_KEYWORDS = ("session", "score", "value", "on", "run", "draws", "rows", "seed", "direction", "at")
_OF_A_SWEEP = ("over", "direction", "at")
_OPTIONS = ("on", "run", "ids", "length", "rows", "seed", "draws", *_OF_A_SWEEP)
_NUMBER = itertools.count(1)


class HeadGrid(HeadWidget):
    """All heads of a model as a grid of one number each; click selects, Space toggles an edit.

    Parameters
    ----------
    session : Session or DataFrame
        A session; or a frame with the columns layer, head and a value: then there is no
        model.
    score : str or DataFrame
        A kind of `hw.kinds`, such as ``"induction"``; a sweep: ``"patch"``, ``"zero"``,
        ``"mean"``; or a frame of your own.
    value : str, optional
        The column to show.
    **options
        Those of `Session.score` or `Session.sweep`: on, run, draws, direction, at …

    Raises
    ------
    InputError
        For a score that does not exist, a frame that lacks a column, or a head that the
        model does not have.

    Examples
    --------
    >>> import headwidgets as hw, pandas as pd
    >>> frame = pd.DataFrame({"layer": [0, 0], "head": [0, 1], "score": [0.2, 0.9]})
    >>> hw.HeadGrid(frame)
    <HeadGrid: score · 2 heads · highest 0.1 (0.9)>
    """

    view = t.Unicode("grid", read_only=True).tag(sync=True)
    BUNDLES: ClassVar[tuple[str, ...]] = ("tools",)
    BROWSER_S: ClassVar[tuple[str, ...]] = ("sort", "find", "only")
    MIRRORED: ClassVar[tuple[str, ...]] = (
        *("selection", "edits", "edit_kind", "model", "published"),
        *("revision", "status", "message"),
    )
    grid = t.Unicode("", read_only=True).tag(sync=True)
    score = t.Unicode("").tag(sync=True)
    choices = t.List(t.Dict(), read_only=True).tag(sync=True, echo_update=False)
    table = t.Dict(read_only=True).tag(sync=True, echo_update=False)
    table_data = t.Bytes(b"", read_only=True).tag(sync=True, echo_update=False)
    badges = t.Dict(read_only=True).tag(sync=True, echo_update=False)
    stale = t.Bool(default_value=False, read_only=True).tag(sync=True)
    sort = t.Enum(("grid", "value"), "grid").tag(sync=True)
    find = t.Unicode("").tag(sync=True)
    only = t.Unicode("").tag(sync=True)

    _of: Any = None  # the session, if there is one
    _frame: Any = None
    _value: str | None = None
    _unsubscribe: Any = None

    def __init__(
        self, session: Any = None, score: Any = None, *, value: str | None = None, **options: Any
    ) -> None:
        asked = {name: options.pop(name) for name in _OPTIONS if name in options}
        refuse_unknown(type(self).__name__, options, _KEYWORDS)
        self._of = session if hasattr(session, "engine") else None
        given = score if hasattr(score, "columns") else session if self._of is None else None
        if given is not None and not hasattr(given, "columns"):
            message = (
                "expected a session, or a frame with the columns layer, head and a value, got "
                f"{type(given).__name__}: hw.HeadGrid(s, score='induction')"
            )
            raise InputError(message)
        if given is not None and (asked or not (score is None or score is given)):
            unused = [*asked, *([] if score is None or score is given else ["score"])]
            message = f"a frame is shown as it is: it takes no {', '.join(unused)}"
            raise InputError(message)
        if self._of is None and given is None:
            message = "expected a session or a frame: hw.HeadGrid(s, score='induction')"
            raise InputError(message)
        self._value, self._asked = value, asked
        self._taking = True
        self._first(given, score)
        state = self._of.state if self._of is not None else self._no_session()
        if self._of is not None or "model" in self.table:
            state.need_published()
        super().__init__(session=state, **options)
        self._taking = False

    def _first(self, given: Any, score: Any) -> None:
        """Have the first table before the comm opens, so that it is in the first message."""
        self.set_trait("grid", f"grid-{next(_NUMBER)}")
        if given is not None:
            self._take("", given)
            return
        self.set_trait("choices", choices())
        self._measure(read_score("induction" if score is None else score), fresh=False)

    def measure(self, score: str | None = None, *, fresh: bool = True) -> None:
        """Show a score; measured again, or as it was measured before.

        Parameters
        ----------
        score : str, optional
            By default the one on screen.
        fresh : bool
            False: what was measured before is shown again while it still holds.
        """
        if self._of is None:
            message = "there is no session to measure with: this grid shows a frame"
            raise InputError(message)
        name = read_score(self.score if score is None else score)
        self._value = None if name != self.score else self._value
        self._measure(name, fresh=fresh)
        for other in list(room(self._of).grids):
            if other is not self and other.stale and other._same(self):  # noqa: SLF001 - of this class
                other._measure(name, fresh=False)  # noqa: SLF001 - as above

    def _same(self, other: HeadGrid) -> bool:
        return self.score == other.score and repr(self._asked) == repr(other._asked)

    def to_frame(self) -> DataFrame:
        """Return the frame behind the picture, exact."""
        return self._frame.copy()

    def values(self) -> NDArray[np.float32]:
        """Return what the cells show: [layer, head], NaN where there is nothing."""
        values: NDArray[np.float32] = grid_table.unpack(self.table, self.table_data)["value"]
        return values

    def open(self) -> None:
        """Open the comm, and follow the session."""
        if self._of is not None and self._unsubscribe is None:
            room(self._of).grids.add(self)
            self._unsubscribe = self._of.subscribe(self._changed)
        super().open()

    def close(self) -> None:
        """Close the grid; a session lives on."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
            room(self._of).grids.discard(self)
        super().close()

    def __repr__(self) -> str:
        """Say what is shown, in a line."""
        return f"<{type(self).__name__}: {grid_face.words(self)}>"

    def _no_session(self) -> TableState:
        n_layers, n_heads = self.table["arrays"][0]["shape"][1:]
        return TableState(n_layers, n_heads, str(self.table.get("model", "table")))

    @t.observe("score")
    def _asked_for(self, change: t.Bunch) -> None:
        """Measure what a cell asks for by the trait; a browser asks by `measured.answer`."""
        if self._taking:
            return
        try:
            self.measure(change.new, fresh=False)
        except Exception:
            self._show({"score": change.old})
            raise

    def _measure(self, score: str, *, fresh: bool) -> None:
        """Show a score, asked with those of the options that are its own."""
        sweep = score in SWEEPS
        options = {k: v for k, v in self._asked.items() if (k in _OF_A_SWEEP) == sweep}
        arrived = None if self.comm is None else functools.partial(self._take, score)
        try:
            frame = room(self._of).frame(score, options, fresh=fresh, arrived=arrived)
        except BaseException as error:
            partial = getattr(error, "partial", None)
            if partial is not None and (partial["n"] > 0).any():
                self._take(score, partial)  # what was done before it was stopped
            raise
        self._take(score, frame)

    def _take(self, score: str, frame: DataFrame) -> None:
        """Show a frame."""
        facts = None if self._of is None else self._of.facts
        shape = None if facts is None else (facts.n_layers, facts.n_heads)
        about = describe(score) if score else {}
        picture = grid_table.pack(frame, self._value, shape, **about)
        self._frame = frame.copy()
        table = {"table_data": picture.data, "table": picture.header}
        stale, badges = self._is_stale(), self._badges(score)
        self._show({**table, "score": score, "stale": stale, "badges": badges})

    def _show(self, values: dict[str, Any]) -> None:
        """Set traits, as one message."""
        before, self._taking = self._taking, True
        try:
            with self.hold_sync():
                for name, value in values.items():
                    self.set_trait(name, value)
        finally:
            self._taking = before

    def _is_stale(self) -> bool:
        if self._of is None or not isinstance(self._frame.attrs.get("revision"), int):
            return False
        return bool(self._of.is_stale(self._frame))

    def _badges(self, score: str) -> dict[str, list[str]]:
        """Return what heads are known to be by other scores than the one that is shown."""
        known = {} if self._of is None else self._of.badges()
        others = {head: [one for one in kinds if one != score] for head, kinds in known.items()}
        return {head: kinds for head, kinds in others.items() if kinds}

    def _changed(self, aspects: frozenset[str]) -> None:
        if aspects == {"selection"}:
            return  # no number and no badge depends on the head that is shown
        self._show({"stale": self._is_stale(), "badges": self._badges(self.score)})

    def _png(self) -> bytes:
        return grid_face.draw(self)

    def _picture(self) -> bytes:
        return grid_face.draw(self, most=None)
