"""Work that can be watched and stopped between two steps.

The stop button of a notebook does not reach work that a widget started, so long work
stops itself: it calls `checkpoint` between two chunks, wherever it is in the code, and
whoever holds the `Work` may cancel it from any thread.
"""

from __future__ import annotations

import contextlib
import contextvars
import threading
from collections.abc import Callable, Iterator

from headwidgets.errors import Cancelled

Progress = Callable[[int, int, str], None]


class Work:
    """One piece of work: may be cancelled from any thread, may report progress.

    Parameters
    ----------
    progress : callable, optional
        Called as ``progress(done, total, label)`` at each checkpoint that has a total.
    """

    def __init__(self, progress: Progress | None = None) -> None:
        self.progress = progress
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Ask the work to stop at its next checkpoint."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled.is_set()


class NotKept(Cancelled):
    """What was asked for would need a run; see `kept_only`."""


_current: contextvars.ContextVar[Work | None] = contextvars.ContextVar("work", default=None)
_kept: contextvars.ContextVar[bool] = contextvars.ContextVar("kept", default=False)


@contextlib.contextmanager
def doing(work: Work) -> Iterator[Work]:
    """Make `work` the current work of this context."""
    token = _current.set(work)
    try:
        yield work
    finally:
        _current.reset(token)


@contextlib.contextmanager
def kept_only() -> Iterator[None]:
    """Let nothing run here: what needs a run raises `NotKept`. For threads that must not wait."""
    token = _kept.set(True)
    try:
        yield
    finally:
        _kept.reset(token)


def require_runs() -> None:
    """Stop here if nothing may run in this context.

    Raises
    ------
    NotKept
    """
    if _kept.get():
        message = "this needs a run"
        raise NotKept(message)


def current() -> Work | None:
    """Return the work in progress in this context, if any."""
    return _current.get()


@contextlib.contextmanager
def keeping(table: Callable[[], object]) -> Iterator[None]:
    """Give what is done to whatever stops the work in here, as its ``partial``.

    Parameters
    ----------
    table : callable
        Returns what there is; None where that is nothing.
    """
    try:
        yield
    except BaseException as error:
        done = table()
        if done is not None:
            error.partial = done  # type: ignore[attr-defined] # whoever stops it may keep it
        raise


def checkpoint(done: int = 0, total: int = 0, label: str = "") -> None:
    """Stop here if the current work was cancelled; else report how far it is.

    Raises
    ------
    Cancelled
        If the current work was cancelled.
    """
    work = _current.get()
    if work is None:
        return
    if work.cancelled:
        message = f"cancelled{f' during {label}' if label else ''}"
        raise Cancelled(message)
    if total and work.progress is not None:
        work.progress(done, total, label)
