"""The one place where a session's work runs, whichever thread asked for it."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)


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
        self._lock = threading.RLock()

    def submit(self, work: Callable[[], None]) -> None:
        """Run `work` on the home loop, soon; inline under a lock where no loop runs."""
        loop = self._loop
        if loop is not None and loop.is_running():
            try:
                loop.call_soon_threadsafe(work)
            except RuntimeError:  # closed between the question and the call
                log.debug("the home loop closed; running inline")
            else:
                return
        with self._lock:
            work()
