from __future__ import annotations

import asyncio
import threading

import pytest

from headwidgets import home as home_module
from headwidgets.errors import InputError
from headwidgets.home import HomeLoop
from headwidgets.model.work import checkpoint
from headwidgets.widgets import dispatch
from headwidgets.widgets.dispatch import Dispatcher
from headwidgets.widgets.envelope import Answer


class Home:
    """A home loop whose turn a test decides."""

    def __init__(self):
        self.work = []

    def submit(self, work):
        self.work.append(work)

    def run(self):
        while self.work:
            self.work.pop(0)()


class Desk:
    """A dispatcher with some handlers, and what it sent."""

    def __init__(self, home=None, **handlers):
        self.sent = []
        self.home = home or Home()
        self.changes = 0
        known = {"echo": Answer, **handlers}
        at_once = {"cancel": self._cancel}
        self.dispatcher = Dispatcher(
            known,
            lambda content, buffers: self.sent.append((content, buffers)),
            self.home,
            changed=self._changed,
            at_once=at_once,
        )

    def _cancel(self, _body):
        self.dispatcher.cancel()
        return Answer({})

    def _changed(self):
        self.changes += 1

    def ask(self, name="echo", *, key=None, body=None, **parts):
        message = {"v": 1, "kind": "req", "id": "1", "name": name, "key": key, "body": body or {}}
        self.dispatcher.receive({**message, **parts})

    def cancel(self, request):
        self.dispatcher.receive({"v": 1, "kind": "cancel", "id": request})

    def kinds(self, request):
        return [content["kind"] for content, _ in self.sent if content["id"] == request]

    def replies(self, request):
        found = [c for c, _ in self.sent if c["kind"] == "res" and c["id"] == request]
        assert all(content["v"] == 1 for content in found)
        return found

    def status(self, request):
        (reply,) = self.replies(request)  # exactly one
        return reply["status"]


def raising(error):
    def handler(_body):
        raise error

    return handler


def test_a_request_is_acknowledged_at_once_and_answered_at_home():
    desk = Desk(array=lambda _: Answer({"n": 1}, [b"xyz"]))
    desk.ask("array")
    assert desk.sent == [({"v": 1, "kind": "ack", "id": "1"}, [])]
    assert desk.dispatcher.activity.busy
    desk.home.run()
    assert desk.sent[1] == (
        {"v": 1, "kind": "res", "id": "1", "status": "ok", "body": {"n": 1}, "buffers": 1},
        [b"xyz"],
    )
    assert not desk.dispatcher.activity.busy


def test_requests_are_answered_in_order():
    desk = Desk()
    for name in "abc":
        desk.ask(id=name)
    desk.home.run()
    assert [c["id"] for c, _ in desk.sent if c["kind"] == "res"] == ["a", "b", "c"]


def test_a_newer_request_of_the_same_key_cancels_one_that_waits():
    ran = []
    desk = Desk(note=lambda body: ran.append(body["n"]) or Answer({}))
    desk.ask("note", id="old", key="map", body={"n": 1})
    desk.ask("note", id="other", key="else", body={"n": 2})
    desk.ask("note", id="none", body={"n": 3})
    desk.ask("note", id="new", key="map", body={"n": 4})
    assert desk.status("old") == "cancelled"
    desk.home.run()
    assert [desk.status(i) for i in ("other", "none", "new")] == ["ok"] * 3
    assert desk.status("old") == "cancelled"
    assert ran == [2, 3, 4]


def test_a_newer_request_of_the_same_key_cancels_one_that_runs():
    desk = Desk()

    def slow(body):
        if body.get("first"):
            desk.ask("slow", id="new", key="map")  # arrives meanwhile
            assert desk.replies("old") == []
        checkpoint()
        return Answer({})

    desk.dispatcher._handlers["slow"] = slow
    desk.ask("slow", id="old", key="map", body={"first": True})
    desk.home.run()
    assert desk.status("old") == "cancelled"
    assert desk.status("new") == "ok"


def test_cancel_reaches_work_in_the_middle():
    desk = Desk()
    after = []

    def slow(_body):
        desk.cancel("1")
        checkpoint()
        after.append("not stopped")
        return Answer({})

    desk.dispatcher._handlers["slow"] = slow
    desk.ask("slow")
    desk.home.run()
    assert desk.status("1") == "cancelled"
    assert after == []


def test_work_that_never_looks_is_answered_cancelled_and_sends_no_buffers():
    desk = Desk()
    desk.dispatcher._handlers["deaf"] = lambda _: desk.cancel("1") or Answer({}, [b"large"])
    desk.ask("deaf")
    desk.home.run()
    assert desk.status("1") == "cancelled"
    assert all(not buffers for _, buffers in desk.sent)


def test_cancel_of_one_that_waits_is_answered_at_once_and_it_never_runs():
    ran = []
    desk = Desk(note=lambda _: ran.append(1) or Answer({}))
    desk.ask("note")
    desk.cancel("1")
    assert desk.status("1") == "cancelled"
    desk.home.run()
    assert ran == []
    assert desk.status("1") == "cancelled"


def test_cancel_of_what_is_answered_or_unknown_says_nothing():
    desk = Desk()
    desk.ask()
    desk.home.run()
    before = list(desk.sent)
    desk.cancel("1")
    desk.cancel("never asked")
    assert desk.sent == before


def test_cancel_everything_does_not_wait_behind_the_queue():
    desk = Desk()
    desk.ask(id="a")
    desk.ask(id="b")
    desk.ask("cancel", id="stop")
    assert [desk.status(i) for i in ("a", "b", "stop")] == ["cancelled", "cancelled", "ok"]


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        (InputError("no head 9.9"), "InputError", "error"),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError", "error"),
        (MemoryError(), "MemoryError", "error"),
        (KeyboardInterrupt(), None, "cancelled"),
    ],
)
def test_a_handler_that_raises_is_answered(error, kind, status):
    desk = Desk(bad=raising(error))
    desk.ask("bad")
    desk.home.run()
    (reply,) = desk.replies("1")
    assert reply["status"] == status
    assert reply.get("error", {}).get("type") == kind
    if kind is not None:
        assert reply["error"]["message"]
        assert desk.dispatcher.activity.error == reply["error"]["message"]


def test_even_the_end_of_the_kernel_is_answered():
    desk = Desk(end=raising(SystemExit(1)))
    desk.ask("end")
    with pytest.raises(SystemExit):
        desk.home.run()
    assert desk.status("1") == "error"


def test_the_next_success_clears_the_error():
    desk = Desk(bad=raising(InputError("no")))
    desk.ask("bad")
    desk.home.run()
    desk.ask(id="2")
    desk.home.run()
    assert desk.dispatcher.activity == dispatch.Activity()


@pytest.mark.parametrize(
    ("message", "answers"),
    [
        (None, None),
        ("req", None),
        ([], None),
        ({}, None),
        ({"kind": "req"}, None),
        ({"v": 2, "kind": "req", "id": "1", "name": "echo"}, "1"),
        ({"v": 1, "kind": "please", "id": "1"}, "1"),
        ({"v": 1, "kind": ["req"], "id": "1"}, "1"),
        ({"v": 1, "kind": "req", "id": 1, "name": "echo"}, None),
        ({"v": 1, "kind": "req", "id": "", "name": "echo"}, None),
        ({"v": 1, "kind": "req", "id": "x" * 201, "name": "echo"}, None),
        ({"v": 1, "kind": "req", "id": {"a": 1}, "name": "echo"}, None),
        ({"v": 1, "kind": "req", "id": "1"}, "1"),
        ({"v": 1, "kind": "req", "id": "1", "name": "ecko"}, "1"),
        ({"v": 1, "kind": "req", "id": "1", "name": "x" * 10**6}, "1"),
        ({"v": 1, "kind": "req", "id": "1", "name": None}, "1"),
        ({"v": 1, "kind": "req", "id": "1", "name": "echo", "body": [1]}, "1"),
        ({"v": 1, "kind": "req", "id": "1", "name": "echo", "key": 7}, "1"),
        ({"v": 1, "kind": "cancel"}, None),
        ({"v": 1, "kind": "cancel", "id": None}, None),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_absurd_messages_are_answered_with_an_error(message, answers):
    desk = Desk()
    desk.dispatcher.receive(message)
    desk.home.run()
    ((reply, buffers),) = desk.sent
    assert (reply["kind"], reply["id"], reply["status"]) == ("res", answers, "error")
    assert reply["error"]["type"] == "InputError"
    assert "expected" in reply["error"]["message"]
    assert len(reply["error"]["message"]) < 500
    assert buffers == []


def test_an_error_never_speaks_for_a_request_that_is_alive():
    desk = Desk()
    desk.ask()
    desk.ask()  # the same id
    desk.dispatcher.receive({"v": 1, "kind": "please", "id": "1"})
    assert desk.replies("1") == []
    assert [r["status"] for r in desk.replies(None)] == ["error", "error"]
    desk.home.run()
    assert desk.status("1") == "ok"


def test_a_flood_is_refused_and_the_rest_still_answered(monkeypatch):
    monkeypatch.setattr(dispatch, "MOST_WAITING", 3)
    desk = Desk()
    for i in range(5):
        desk.ask(id=str(i))
    desk.home.run()
    assert [desk.status(str(i)) for i in range(5)] == ["ok", "ok", "ok", "error", "error"]


def test_progress_comes_at_most_ten_times_a_second(monkeypatch):
    now = iter(range(10**6))
    monkeypatch.setattr(dispatch.time, "monotonic", lambda: next(now) * 0.04)

    def slow(_body):
        for i in range(26):  # one second
            checkpoint(i, 26, "rows")
        return Answer({})

    desk = Desk(slow=slow)
    desk.ask("slow")
    desk.home.run()
    steps = [c for c, _ in desk.sent if c["kind"] == "progress"]
    assert steps[0] == {
        "v": 1,
        "kind": "progress",
        "id": "1",
        "done": 0,
        "total": 26,
        "label": "rows",
    }
    assert 8 <= len(steps) <= 11
    assert desk.kinds("1")[-1] == "res"
    assert desk.dispatcher.activity.progress == 0.0


def test_an_answer_that_cannot_be_sent_becomes_an_error():
    desk = Desk()
    keep = desk.dispatcher._send

    def refuse_large(content, buffers):
        if content.get("status") == "ok":
            message = "not JSON serializable"
            raise TypeError(message)
        keep(content, buffers)

    desk.dispatcher._send = refuse_large
    desk.ask()
    desk.home.run()
    assert desk.status("1") == "error"


def test_a_comm_that_is_gone_is_survived():
    desk = Desk()
    desk.dispatcher._send = raising(OSError("closed"))
    desk.dispatcher._send = lambda *_: raising(OSError("closed"))(None)
    desk.ask()
    desk.home.run()
    assert not desk.dispatcher.activity.busy


def test_a_status_line_that_fails_does_not_cost_the_answer():
    desk = Desk()
    desk._changed = raising(ValueError("no"))
    desk.dispatcher._watcher = lambda: raising(ValueError("no"))(None)
    desk.ask()
    desk.home.run()
    assert desk.status("1") == "ok"


def test_closing_cancels_what_waits_and_refuses_what_comes():
    desk = Desk()
    desk.ask(id="a")
    desk.dispatcher.close()
    desk.ask(id="b")
    desk.home.run()
    assert (desk.status("a"), desk.status("b")) == ("cancelled", "error")


def test_without_a_loop_work_runs_inline_one_at_a_time():
    inside = threading.Semaphore(1)
    threads = set()

    def alone(_body):
        assert inside.acquire(blocking=False), "two at once"
        threads.add(threading.get_ident())
        inside.release()
        return Answer({})

    desk = Desk(home=HomeLoop(), alone=alone)
    asking = [
        threading.Thread(target=desk.ask, args=("alone",), kwargs={"id": str(i)}) for i in range(20)
    ]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert [desk.status(str(i)) for i in range(20)] == ["ok"] * 20
    assert threading.get_ident() not in threads


def test_work_asked_for_on_another_thread_runs_on_the_loop_that_made_the_session():
    ran = []

    async def notebook():
        answered = asyncio.Event()
        loop = asyncio.get_running_loop()
        desk = Desk(
            home=HomeLoop(), where=lambda _: ran.append(threading.get_ident()) or Answer({})
        )
        desk.dispatcher._watcher = lambda: loop.call_soon_threadsafe(
            lambda: desk.replies("1") and answered.set()
        )
        arriving = threading.Thread(target=desk.ask, args=("where",))
        arriving.start()
        arriving.join()  # the loop is busy all this time, as in a synchronous cell
        assert ran == []
        assert desk.kinds("1") == ["ack"]
        await asyncio.wait_for(answered.wait(), 10)
        assert desk.status("1") == "ok"

    asyncio.run(notebook())
    assert ran == [threading.get_ident()]


def test_messages_that_wait_on_the_same_thread_are_read_before_work_begins(monkeypatch):
    """As over a kernel's main shell: one message a turn of the loop, work between turns."""
    monkeypatch.setattr(home_module, "PAUSE", 0.3)

    async def notebook():
        answered = asyncio.Event()
        desk = Desk(home=HomeLoop())
        desk.dispatcher._watcher = lambda: desk.replies("new") and answered.set()
        desk.ask(id="old", key="map")
        desk.ask(id="unwanted")
        for _ in range(5):
            await asyncio.sleep(0)
        desk.ask(id="new", key="map")
        desk.cancel("unwanted")
        await asyncio.wait_for(answered.wait(), 10)
        return [desk.status(request) for request in ("old", "unwanted", "new")]

    assert asyncio.run(notebook()) == ["cancelled", "cancelled", "ok"]


def test_work_that_raises_does_not_stop_what_waits_behind_it():
    async def notebook():
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        home, done = HomeLoop(), asyncio.Event()
        home.submit(lambda: raising(ZeroDivisionError())(None))
        home.submit(done.set)
        await asyncio.wait_for(done.wait(), 10)

    asyncio.run(notebook())


def test_a_loop_that_has_ended_means_inline():
    async def make():
        return HomeLoop()

    home = asyncio.run(make())
    ran = []
    home.submit(lambda: ran.append(1))
    assert ran == [1]


def test_every_request_of_many_threads_gets_exactly_one_reply():
    """Asked, superseded, cancelled and run at the same time from six threads."""

    def slow(_body):
        for i in range(3):
            checkpoint(i, 3, "")
        return Answer({})

    desk = Desk(home=HomeLoop(), slow=slow)

    def client(who):
        for i in range(100):
            desk.ask("slow", id=f"{who}-{i}", key=f"key {i % 3}")
            desk.cancel(f"{(who + 1) % 6}-{i}")

    clients = [threading.Thread(target=client, args=(who,)) for who in range(6)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    for who in range(6):
        for i in range(100):
            assert desk.status(f"{who}-{i}") in ("ok", "cancelled")
    assert not desk.dispatcher.activity.busy
