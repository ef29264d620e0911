"""Work in a thread of its own that can be paused, gone on with and cancelled."""

from __future__ import annotations

import atexit
import contextlib
import threading
import weakref
from typing import TYPE_CHECKING, Any

from headwidgets.errors import Cancelled
from headwidgets.model.work import Work, doing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headwidgets.model.work import Progress

_SLICE = 8
_PATIENCE = 10.0  # seconds; a step takes some milliseconds
_begun: weakref.WeakSet[Background] = weakref.WeakSet()


class Background:
    """What `Run` has of control; the subclass has ``plan``, ``step`` and ``advance``."""

    plan: Any
    step: int

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.state = "ready"
        self.error: BaseException | None = None
        self._go = threading.Event()
        self._work = Work()
        self._thread: threading.Thread | None = None
        self._told: Callable[[], None] | None = None
        self._listeners: list[Callable[[], None]] = []

    def advance(self, steps: int = 1) -> Any:
        """Do some steps."""
        raise NotImplementedError

    def listen(self, told: Callable[[], None]) -> Callable[[], None]:
        """Have `told` called with nothing whenever there may be news; return what ends that.

        It is called in the thread that does the work, and must be quick.
        """
        self._listeners.append(told)

        def end() -> None:
            with contextlib.suppress(ValueError):
                self._listeners.remove(told)

        return end

    def _tell(self) -> None:
        for told in list(self._listeners):
            told()

    def start(
        self, told: Callable[[], None] | None = None, progress: Progress | None = None
    ) -> None:
        """Go on in the background, from where it stands; a second call while it runs does nothing.

        Parameters
        ----------
        told : callable, optional
            Called with nothing, in the thread of the work, after each few steps and at the end.
        progress : callable, optional
            Called as ``progress(done, total, "steps")``.
        """
        ending = self._thread if self._work.cancelled else None
        if ending is not None and ending is not threading.current_thread():
            ending.join()
        with self.lock:
            self._told = told or self._told
            self._go.set()
            alive = self._thread is not None and self._thread.is_alive()
            self.state = "running" if alive or self.step < self.plan.steps else "done"
            if not alive and self.state == "running":
                self.error, self._work = None, Work(progress)
                _begun.add(self)
                self._thread = threading.Thread(target=self._run, name="emergence", daemon=True)
                self._thread.start()
        self._tell()

    def pause(self) -> None:
        """Stop after the step under way; `start` goes on."""
        self._go.clear()
        with self.lock:
            if self.state == "running":
                self.state = "paused"
        self._tell()

    def cancel(self) -> None:
        """End the work after the step under way; what was done stays, and `start` goes on."""
        self._work.cancel()
        self._go.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end, at most `timeout` seconds; return whether it has come."""
        if self._thread is not None:
            self._thread.join(timeout)
        return self._thread is None or not self._thread.is_alive()

    def _run(self) -> None:
        try:
            with doing(self._work), _one_thread():
                while self.step < self.plan.steps:
                    self._go.wait()
                    if self._work.cancelled:
                        self.state = "cancelled"
                        return
                    self.advance(_SLICE)
                    if self._told is not None:
                        self._told()
            self.state = "done"
        except Cancelled:
            self.state = "cancelled"
        except BaseException as error:  # noqa: BLE001 - it is told, by whoever asks
            self.state, self.error = "failed", error
        finally:
            if self._told is not None:
                self._told()
            self._tell()


@atexit.register
def _end_all() -> None:
    """End what is under way with the interpreter: torch, torn down within a step, aborts it."""
    there = list(_begun)
    for one in there:
        one.cancel()
    for one in there:
        one.wait(_PATIENCE)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Let torch use one thread: the matrices are small, and other work needs the others."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
