"""What views of the emergence lab look at: runs, and what of them is looked at.

Synced both ways: look (see `emergence_look`). Synced to the browser only: settled and moving (runs
by name, see `emergence_data`: those that rest, and those that are trained just now, which are sent
again a few times a second), order (of all names), shipped (what can be added), opened (the
session that was made last), message.
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

import traitlets as t

from headwidgets.errors import HeadwidgetsError, InputError
from headwidgets.home import HomeLoop
from headwidgets.widgets import emergence_data as packed
from headwidgets.widgets import emergence_look, emergence_serve
from headwidgets.widgets.dispatch import Dispatcher
from headwidgets.widgets.emergence_runs import free, under_way
from headwidgets.widgets.envelope import reason
from headwidgets.widgets.looked_at import LookedAt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headwidgets.widgets.dispatch import Carry, Send

log = logging.getLogger(__name__)
INTERVAL, BYTES_A_SECOND = 0.3, 1e6
"""Seconds between two looks at a run that is trained, and what is added for many bytes."""
SETTABLE = ("look", "layout", "tabbable", "tooltip")


class EmergenceState(LookedAt):
    """Runs by name, their curves and patterns, and what is looked at.

    Parameters
    ----------
    runs : mapping of str to Run or Finished
    asked : mapping
        What is looked at first.
    defaults : mapping
        Options of a run that the browser starts.
    """

    look = t.Dict().tag(sync=True)
    settled = t.Dict(read_only=True).tag(sync=True, echo_update=False)
    moving = t.Dict(read_only=True).tag(sync=True, echo_update=False)
    order = t.List(t.Unicode(), read_only=True).tag(sync=True, echo_update=False)
    shipped = t.List(t.Unicode(), read_only=True).tag(sync=True, echo_update=False)
    opened = t.Dict(read_only=True).tag(sync=True, echo_update=False)
    message = t.Unicode("", read_only=True).tag(sync=True)

    def __init__(
        self, runs: Mapping[str, Any], asked: Mapping[str, Any], defaults: Mapping[str, Any]
    ) -> None:
        from headwidgets.labs.emergence import finished_runs  # loads torch

        self.runs = dict(runs)
        self.defaults = dict(defaults)
        self.session: Any = None
        self._home = HomeLoop()
        self._door, self._packing = threading.Lock(), threading.RLock()
        self._due, self._next, self._heavy = False, 0.0, 0
        self._ends: dict[str, Callable[[], None]] = {}
        self._own: set[str] = set()  # runs that the browser, or `train`, has begun
        self._parts: dict[str, tuple[Any, packed.Part]] = {}
        began = {"run": next(iter(self.runs)), **asked}
        self.set_trait("look", emergence_look.read(emergence_look.FIRST, began, self.runs))
        self.set_trait("shipped", finished_runs())
        super().__init__()
        self._listen()
        self.push()

    # ------------------------------------------------------------------ runs

    def add(self, name: str, run: Any, *, own: bool = False) -> str:
        """Show another run beside those that are there, and look at it; return its name."""
        name = free(name, self.runs)
        self.runs[name] = run
        if own:
            self._own.add(name)
        self._listen()
        self.push()
        # every line, once there are several: the parts of one would hide the others
        part = {} if self.look["part"] != emergence_look.ALL else {"part": ""}
        self.look = {"run": name, "step": emergence_look.LATEST, **part}
        return name

    def remove(self, name: str) -> None:
        """Take a run away; what `train` began is cancelled.

        Raises
        ------
        InputError
            If there is none of that name, or it is the only one.
        """
        if name not in self.runs or len(self.runs) == 1:
            message = f"expected one of several runs ({', '.join(self.runs)}), got {name!r:.80}"
            raise InputError(message)
        self._end(name)
        run = self.runs.pop(name)
        self._parts.pop(name, None)  # another run may come to have its name
        if name in self._own:
            self._own.discard(name)
            run.cancel()
        if self.look["run"] == name:
            self.look = {"run": next(iter(self.runs)), "step": emergence_look.LATEST}
        self.push()

    def trainable(self, name: object) -> Any:
        """Return a run that can be trained.

        Raises
        ------
        InputError
            If there is none of that name.
        """
        run = self.runs.get(name) if isinstance(name, str) else None
        if run is None or not under_way(run):
            there = ", ".join(n for n, one in self.runs.items() if under_way(one)) or "none"
            message = f"expected a run that can be trained ({there}), got {name!r:.80}"
            raise InputError(message)
        return run

    def begin(self, name: object) -> None:
        """Train a run on, in the background; unless it was under way, it ends with this widget.

        Raises
        ------
        InputError
            If there is none of that name that can be trained.
        """
        run = self.trainable(name)
        if run.state != "running":
            self._own.add(str(name))
        run.start()

    # ------------------------------------------------------------------ news

    def _listen(self) -> None:
        """Hear of news; a run does not keep alive whoever looks at it."""
        for name, run in self.runs.items():
            if under_way(run) and name not in self._ends:
                self._ends[name] = _listening(self, run)

    def _end(self, name: str) -> None:
        if name in self._ends:
            self._ends.pop(name)()

    def _heard(self) -> None:
        """Note, on any thread, that a run has news: sent from home, not more often than is seen."""
        moving = any(getattr(run, "state", "") == "running" for run in list(self.runs.values()))
        now = time.monotonic()
        with self._door:
            if self._due or (moving and now < self._next):
                return
            self._due, self._next = True, now + INTERVAL + self._heavy / BYTES_A_SECOND
        self._home.submit(self._news)

    def _news(self) -> None:
        with self._door:
            self._due = False
        try:
            self.push()
        except Exception:
            log.exception("the news of a run could not be shown")

    def push(self) -> None:
        """Bring the traits up to date: what has no news is not packed again."""
        with self._packing:
            self._push()

    def _push(self) -> None:
        settled: dict[str, Any] = {}
        moving: dict[str, Any] = {}
        for name, run in list(self.runs.items()):
            stamp = packed.stamp(run)
            before = self._parts.get(name)
            if before is None or before[0] != stamp:
                self._parts[name] = before = stamp, packed.pack(name, run)
            (moving if before[1]["state"] == "running" else settled)[name] = before[1]
        self._heavy = sum(packed.size(one) for one in moving.values())
        with self.hold_sync():
            for trait, value in (("settled", settled), ("moving", moving)):
                if not _same(getattr(self, trait), value):
                    self.set_trait(trait, value)
            self.set_trait("order", list(self.runs))

    def close(self) -> None:
        """Stop listening; runs that were begun here are cancelled, what they did stays."""
        for name in [*self._ends]:
            self._end(name)
        for name in self._own:
            if self.runs[name].state in ("running", "paused"):
                self.runs[name].cancel()
        super().close()

    def open(self) -> None:
        """Open the comm, and listen."""
        if self.order:  # it was closed: there may be news
            self._listen()
            self.push()
        super().open()

    # ------------------------------------------------------------------ the browser

    def dispatcher(self, send: Send, carry: Carry | None = None) -> Dispatcher:
        """Return who answers the requests; pausing and cancelling do not wait for a cell's end."""
        queued, at_once = emergence_serve.handlers(self)
        return Dispatcher(queued, send, self._home, at_once=at_once, carry=carry)

    @t.validate("look")
    def _check(self, proposal: t.Bunch) -> dict[str, Any]:
        now = self._trait_values.get("look") or emergence_look.FIRST
        found: dict[str, Any] = emergence_look.read(now, proposal.value, self.runs)
        return found

    def _read(self, name: str, value: Any) -> Any:
        """Return what a trait is to be; while a state is taken traitlets itself checks nothing."""
        if name not in SETTABLE:
            message = f"{name!r:.80} is read-only: it follows from the runs"
            raise InputError(message)
        if name == "look":
            return emergence_look.read(self.look, _mapping(value), self.runs)
        return value

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what came from the browser; put back what cannot be, and say why."""
        if not isinstance(sync_data, dict):
            return
        for name, value in sync_data.items():
            try:
                super().set_state({name: self._read(name, value)})
                if name == "look":
                    self.set_trait("message", "")
            except (HeadwidgetsError, t.TraitError) as error:
                self.set_trait("message", reason(error))
                if name in self.keys:
                    self.send_state([name])


def _listening(state: EmergenceState, run: Any) -> Callable[[], None]:
    """Have a run tell a state of news, for as long as it lives; return what ends that."""
    method = weakref.WeakMethod(state._heard)  # noqa: SLF001 - its own half of this

    def heard() -> None:
        told = method()
        if told is not None:
            told()

    end = weakref.finalize(state, run.listen(heard))
    end.atexit = False
    return end


def _mapping(value: object) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    message = f"expected what is looked at as names and values, got {value!r:.80}"
    raise InputError(message)


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return list(one) == list(other) and all(one[name] is other[name] for name in one)
