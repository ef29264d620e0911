"""Requests from the browser: taken on any thread, computed on one, answered exactly once.

A widget's messages may arrive on another thread than the notebook's cells (JupyterLab
with ipykernel 7 sends them over subshells). So a request is only validated, acknowledged
and queued where it arrives; its work runs on the loop that made the session, between the
user's cells. Whatever happens, it gets exactly one terminal reply: ok, error or cancelled.
"""

from __future__ import annotations

import logging
import reprlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headwidgets.errors import Cancelled, HeadwidgetsError, InputError
from headwidgets.model.work import Work, doing
from headwidgets.widgets import envelope
from headwidgets.widgets.envelope import Answer, Cancel, Request, failed

if TYPE_CHECKING:
    from headwidgets.home import HomeLoop

log = logging.getLogger(__name__)

MOST_WAITING = 256
SECONDS_BETWEEN_PROGRESS = 0.1

Handler = Callable[[dict[str, Any]], Answer]
Send = Callable[[dict[str, Any], list[bytes]], None]
Carry = Callable[[str, Sequence[bytes]], None]
Outcome = tuple[dict[str, Any], Sequence[bytes]]


@dataclass(frozen=True)
class Activity:
    """What the dispatcher is doing, for a status line."""

    busy: bool = False
    progress: float = 0.0
    error: str = ""


@dataclass(eq=False)
class _Job:
    request: Request
    work: Work = field(default_factory=Work)
    running: bool = False


class Dispatcher:
    """Takes requests on any thread and answers each exactly once.

    Parameters
    ----------
    handlers : mapping of str to callable
        ``handler(body) -> Answer``; runs on `home`, may raise, may call `checkpoint`.
    send : callable
        ``send(content, buffers)`` puts one message on the comm.
    home : HomeLoop
        Where the handlers run.
    changed : callable, optional
        Called, on any thread, when `activity` has changed.
    at_once : mapping of str to callable, optional
        Quick handlers that must not wait behind the queue (to cancel everything, say);
        they run where the message arrives.
    carry : callable, optional
        ``carry(id, buffers)`` puts buffers where a browser finds them that asked for them
        via "traits", because its host's messages carry none.
    """

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        send: Send,
        home: HomeLoop,
        *,
        changed: Callable[[], None] = lambda: None,
        at_once: Mapping[str, Handler] | None = None,
        carry: Carry | None = None,
    ) -> None:
        self._handlers = dict(handlers)
        self._at_once = dict(at_once or {})
        self._send, self._home, self._watcher, self._carry = send, home, changed, carry
        self._lock = threading.Lock()
        self._live: dict[str, _Job] = {}
        self._progress, self._error = 0.0, ""
        self._closed = False

    @property
    def activity(self) -> Activity:
        """Whether anything waits or runs, how far the work is, and the last failure."""
        with self._lock:
            return Activity(bool(self._live), self._progress, self._error)

    def receive(self, content: object) -> None:
        """Take one message of any shape; never raises.

        Parameters
        ----------
        content : object
            A message as in `envelope`; anything else is answered with an error.
        """
        try:
            message = envelope.read(content)
            if isinstance(message, Cancel):
                self.cancel(message.id)
            elif message.name in self._at_once:
                outcome, buffers = _compute(_Job(message), self._at_once[message.name])
                self._post({"kind": "res", "id": message.id, **outcome}, buffers)
            else:
                self._accept(_Job(message))
        except Exception as error:
            if not isinstance(error, InputError):
                log.exception("a message could not be taken")
            self._refuse(envelope.read_id(content), error)

    def cancel(self, request: str | None = None) -> None:
        """Cancel one request by id, or all; unknown or answered ones are left alone."""
        with self._lock:
            jobs = [job for key, job in self._live.items() if request in (None, key)]
        self._cancel(jobs)

    def close(self) -> None:
        """Cancel everything and refuse what comes later."""
        self._closed = True
        self.cancel()

    def _accept(self, job: _Job) -> None:
        request = job.request
        with self._lock:
            self._check_room(request)
            others = [] if request.key is None else list(self._live.values())
            self._live[request.id] = job
            self._progress, self._error = 0.0, ""
        self._cancel([other for other in others if other.request.key == request.key])
        self._post({"kind": "ack", "id": request.id})
        self._changed()
        self._home.submit(lambda: self._run(job))

    def _check_room(self, request: Request) -> None:
        if self._closed:
            message = "this session is closed; make a new one with hw.Session(...)"
        elif request.name not in self._handlers:
            names = ", ".join(sorted({*self._handlers, *self._at_once}))
            message = f"expected a request for one of {names}, got {reprlib.repr(request.name)}"
        elif request.id in self._live:
            message = f"expected a new id, got {request.id!r}, which is still being answered"
        elif len(self._live) >= MOST_WAITING:
            message = f"{MOST_WAITING} requests are waiting already; cancel some, or give them keys"
        else:
            return
        raise InputError(message)

    def _cancel(self, jobs: Sequence[_Job]) -> None:
        """Answer those that wait; those that run are answered at their next checkpoint."""
        for job in jobs:
            job.work.cancel()
            if not job.running:
                self._finish(job, {"status": "cancelled"})

    def _run(self, job: _Job) -> None:
        with self._lock:
            if self._live.get(job.request.id) is not job:
                return  # cancelled or superseded while it waited
            job.running = True
        job.work.progress = _Throttled(lambda *step: self._report(job, *step))
        outcome: Outcome = failed(RuntimeError("the kernel stopped the work")), ()
        try:
            outcome = _compute(job, self._handlers[job.request.name])
        finally:
            self._finish(job, *outcome)

    def _finish(self, job: _Job, outcome: dict[str, Any], buffers: Sequence[bytes] = ()) -> None:
        """Send the one terminal reply; whoever takes the job off the list sends it."""
        request = job.request
        with self._lock:
            if self._live.get(request.id) is not job:
                return
            del self._live[request.id]
        sent = self._deliver(request, outcome, buffers)
        if not sent and outcome["status"] == "ok":
            outcome = failed(RuntimeError(f"the answer to {request.name!r} could not be sent"))
            self._post({"kind": "res", "id": request.id, **outcome})
        with self._lock:
            self._progress = 0.0
            self._error = outcome.get("error", {}).get("message", "")
        self._changed()

    def _deliver(self, request: Request, outcome: dict[str, Any], buffers: Sequence[bytes]) -> bool:
        """Send an outcome, its buffers with it or in a trait before it."""
        content = {"kind": "res", "id": request.id, **outcome}
        if not buffers:
            return self._post(content)
        if request.via is None or self._carry is None:
            return self._post({**content, "buffers": len(buffers)}, buffers)
        try:
            self._carry(request.id, buffers)
        except Exception:
            log.exception("the buffers of a reply could not be carried")
            return False
        return self._post({**content, "carried": len(buffers)})

    def _report(self, job: _Job, done: int, total: int, label: str) -> None:
        step = {"done": done, "total": total, "label": label}
        self._post({"kind": "progress", "id": job.request.id, **step})
        with self._lock:
            self._progress = min(1.0, done / total)
        self._changed()

    def _refuse(self, request: str | None, error: Exception) -> None:
        """Answer a message that was not taken; never in the name of one that was."""
        with self._lock:
            request = None if request in self._live else request
            self._error = envelope.reason(error)
        self._post({"kind": "res", "id": request, **failed(error)})
        self._changed()

    def _changed(self) -> None:
        try:
            self._watcher()
        except Exception:
            log.exception("a status line could not be brought up to date")

    def _post(self, content: dict[str, Any], buffers: Sequence[bytes] = ()) -> bool:
        try:
            self._send({"v": envelope.VERSION, **content}, list(buffers))
        except Exception:
            log.exception("a reply could not be sent")
            return False
        return True


class _Throttled:
    """Lets the first step through, then one each tenth of a second."""

    def __init__(self, report: Callable[[int, int, str], None]) -> None:
        self._report = report
        self._next = 0.0

    def __call__(self, done: int, total: int, label: str) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + SECONDS_BETWEEN_PROGRESS
            self._report(done, total, label)


def _compute(job: _Job, handler: Handler) -> Outcome:
    try:
        with doing(job.work):
            answer = handler(job.request.body)
    except (Cancelled, KeyboardInterrupt):
        return {"status": "cancelled"}, ()
    except Exception as error:
        if not isinstance(error, HeadwidgetsError):
            log.exception("the request %s failed", job.request.name)
        return failed(error), ()
    if job.work.cancelled:
        return {"status": "cancelled"}, ()
    return {"status": "ok", "body": dict(answer.body)}, answer.buffers
