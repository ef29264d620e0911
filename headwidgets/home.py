"""The one place where a session's work runs, whichever thread asked for it."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

PAUSE = 0.002
"""Seconds without anything new, before a piece of work is begun: where messages come over
the same thread, this is when the loop reads a newer request or a cancel that waits."""
QUIET = 0.05
"""Seconds without any work, after which the next piece is begun at once."""
LONGEST = 10
"""The most pauses that work waits for while news keeps coming."""


class HomeLoop:
    """Runs work on the loop it was made on; where there is none, at once, one at a time.

    Parameters
    ----------
    loop : asyncio loop, optional
        Default: the running loop of the calling thread, if any. In a notebook that is
        the loop that runs the cells, so work never overlaps a synchronous cell.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        if loop is None:
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:  # a script, a test, Pyodide
                loop = None
        self._loop = loop
        self._inline = threading.RLock()
        self._waiting: deque[tuple[contextvars.Context, Callable[[], None]]] = deque()
        self._scheduled = False  # these are touched on the loop only
        self._news = False
        self._paused = 0
        self._ended = -QUIET

    def submit(self, work: Callable[[], None]) -> None:
        """Run `work` on the home loop, soon; inline under a lock where no loop runs."""
        loop = self._loop
        if loop is not None and loop.is_running():
            entry = (contextvars.copy_context(), work)
            self._waiting.append(entry)
            try:
                loop.call_soon_threadsafe(self._schedule, loop)
            except RuntimeError:  # closed between the question and the call
                log.debug("the home loop closed; running inline")
                self._waiting.remove(entry)
            else:
                return
        with self._inline:
            work()

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        self._news = True
        if self._waiting and not self._scheduled:
            self._scheduled, self._news, self._paused = True, False, 0
            quiet = loop.time() - self._ended > QUIET
            loop.call_later(0 if quiet else PAUSE, self._turn, loop)

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        """Do one piece of work, in the context it was asked in; the next after a pause."""
        if self._news and self._paused < LONGEST:
            self._news = False
            self._paused += 1
            loop.call_later(PAUSE, self._turn, loop)
            return
        context, work = self._waiting.popleft()
        try:
            context.run(work)
        finally:
            self._scheduled = False
            self._ended = loop.time()
            self._schedule(loop)
