"""What the grids of a session show: scores and sweeps, measured once and shared by them."""

from __future__ import annotations

import difflib
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any, Protocol

from headwidgets.errors import InputError
from headwidgets.widgets.envelope import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from pandas import DataFrame

SWEEPS = {
    "patch": "causal map: what restoring each head does",
    "zero": "causal map: what zeroing each head does",
    "mean": "causal map: what averaging each head out does",
}
"""Scores that are sweeps, and their headings."""
SECONDS_BETWEEN = 0.25
"""Between two looks at a sweep that runs."""


class Shower(Protocol):
    """A widget that shows a score."""

    grid: str

    def measure(self, score: str | None = None, *, fresh: bool = True) -> None:
        """Show a score, measured again or as it is kept."""


class Measured:
    """The frames that grids have measured on one session, the grids, and the patch panels.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Any) -> None:
        self._session = weakref.ref(session)
        self._frames: dict[tuple[Any, ...], DataFrame] = {}
        self.grids: weakref.WeakSet[Any] = weakref.WeakSet()
        self.panels: weakref.WeakSet[Any] = weakref.WeakSet()

    def frame(
        self,
        score: str,
        options: dict[str, Any],
        *,
        fresh: bool,
        arrived: Callable[[DataFrame], None] | None = None,
    ) -> DataFrame:
        """Return a score's frame: the kept one while it holds, unless `fresh`.

        Parameters
        ----------
        arrived : callable, optional
            Called with the frame so far, now and then, while a sweep runs.
        """
        session: Any = self._session()
        key = (score, tuple(sorted((name, repr(value)) for name, value in options.items())))
        kept = self._frames.get(key)
        if fresh or kept is None or session.is_stale(kept):
            if score not in SWEEPS:
                kept = session.score(score, **options)
            else:
                told = {} if arrived is None else {"arrived": now_and_then(arrived)}
                kept = session.sweep(score, **options, **told)
            self._frames[key] = kept
        return kept


def now_and_then(
    arrived: Callable[[DataFrame], None],
) -> Callable[[Callable[[], DataFrame]], None]:
    """Return what a sweep tells after each step, which lets a few a second through."""
    last = time.monotonic()

    def step(so_far: Callable[[], DataFrame]) -> None:
        nonlocal last
        if time.monotonic() - last < SECONDS_BETWEEN:
            return
        frame = so_far()
        done = frame.attrs.get("incomplete")
        if done:  # it has not been stopped
            frame.attrs["incomplete"] = str(done).replace("stopped: ", "so far ")
            arrived(frame)
        last = time.monotonic()

    return step


_ROOMS: weakref.WeakKeyDictionary[Any, Measured] = weakref.WeakKeyDictionary()
_LOCK = threading.Lock()


def room(session: Any) -> Measured:
    """Return what is measured on a session."""
    with _LOCK:
        return _ROOMS.setdefault(session, Measured(session))


def read_score(score: object) -> str:
    """Return the name of a sweep or of a kind.

    Raises
    ------
    InputError
        If it is neither; near names are given.
    """
    from headwidgets.taxonomy import find

    if isinstance(score, str) and score in SWEEPS:
        return score
    try:
        return find(score).name
    except InputError as error:
        near = difflib.get_close_matches(f"{score!s:.80}", SWEEPS, 1, 0.6)
        if not near:
            raise
        message = f"no score is called {score!r:.80}: did you mean {near[0]!r}?"
        raise InputError(message) from error


def choices() -> list[dict[str, str]]:
    """Return what can be shown: sweeps, then kinds stage by stage; name, title, group."""
    from headwidgets.taxonomy.registry import all_kinds

    sweeps = [
        {"name": name, "title": title.split(": ")[1], "group": "causal map"}
        for name, title in SWEEPS.items()
    ]
    return sweeps + [
        {"name": one.name, "title": f"{one.name} · {one.evidence}", "group": one.stage}
        for one in all_kinds()
    ]


def describe(score: str) -> dict[str, Any]:
    """Return the heading of a score and the class of its evidence."""
    from headwidgets.taxonomy import find

    if score in SWEEPS:
        return {"title": SWEEPS[score], "evidence": "causal"}
    one = find(score)
    return {"title": one.title, "evidence": one.evidence, "says": one.definition}


def answer(session: Any, body: dict[str, Any]) -> Answer:
    """Measure for the browser: ``{"grid", "score", "fresh"}``; the grid's traits follow."""
    grid, score, fresh = (body.get(name) for name in ("grid", "score", "fresh"))
    fresh = fresh is None or fresh
    if set(body) - {"grid", "score", "fresh"} or not isinstance(fresh, bool):
        message = f"expected grid, score and fresh (true or false), got {body!r:.120}"
        raise InputError(message)
    for one in list(room(session).grids):
        if one.grid == grid:
            one.measure(score, fresh=fresh)
            return Answer({"score": one.score})
    message = "this grid is of an older run of the notebook: run its cell again"
    raise InputError(message)
