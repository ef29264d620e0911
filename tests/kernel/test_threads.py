"""In a live kernel: the user's own forwards stay exact, and every request is answered once."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.kernel

HEADS = [f"{layer}.{head}" for layer in range(2) for head in range(3)]
"""The planted model's."""


def zero(head):
    return {"kind": "zero", "target": head, "at": None}


def test_a_synchronous_cell_keeps_its_numbers_while_edits_and_requests_arrive(
    kernel, browser, tmp_path
):
    over = tmp_path / "all sent"
    kernel.run("before = s.revision")
    cell = kernel.begin(f"""
wrong = done = 0
while done < 20 or not os.path.exists({str(over)!r}):
    wrong += user_forward_is_wrong()
    done += 1
print(json.dumps([wrong, done, s.revision - before]))
""")
    asked = []
    for head in HEADS:
        browser._send({"method": "update", "state": {"edits": [zero(head)]}, "buffer_paths": []})
        asked.append(browser.ask("logits", k=3))
        asked.append(browser.ask("attention", head=head, run="edited"))
    meanwhile = browser.subshell is not None and kernel.version == "7.0.1"
    if meanwhile:  # messages are handled beside the cell, so these acks come while it runs
        browser.wait(asked[-1], "ack")
    over.touch()
    wrong, done, changes = json.loads(kernel.finish(cell))
    answered = [request for request in asked if browser.messages(request, "res")]
    assert answered == [] or not meanwhile  # the work itself waited for the cell to end
    assert wrong == 0
    assert done >= 20
    assert changes == len(HEADS) or not meanwhile
    assert [browser.wait(request)["status"] for request in asked] == ["ok"] * len(asked)
    assert kernel.run("print(user_forward_is_wrong())") == "False"
    assert len([browser.messages(request, "res") for request in asked]) == len(asked)
    assert all(len(browser.messages(request, "res")) == 1 for request in asked)


def test_another_user_thread_keeps_its_numbers_while_the_session_edits(kernel, browser):
    kernel.run("""
stop, counted = threading.Event(), []
def forwards():
    wrong = done = 0
    while not stop.is_set():
        wrong += user_forward_is_wrong()
        done += 1
    counted.extend([wrong, done])
user = threading.Thread(target=forwards)
user.start()
""")
    kernel.run("moved = []\ns.subscribe(lambda changed: moved.append(changed))")
    for head in HEADS:
        browser.set(edits=[zero(head)])
        asked = [browser.ask("logits", k=3), browser.ask("generate", n=4), browser.ask("effect")]
        assert [browser.wait(request)["status"] for request in asked] == ["ok"] * 3
    wrong, done = json.loads(kernel.run("stop.set(); user.join(); print(json.dumps(counted))"))
    assert wrong == 0
    assert done >= 20
    assert int(kernel.run("print(len(moved))")) >= len(HEADS)
    differ = (
        "print(max(float(abs(s.logits()['change']).max()) for s.edits in [[hw.zero(h)] for h in "
        f"{HEADS}]) > 1e-3)"
    )
    assert kernel.run(differ) == "True"  # the edits did act, in the session alone


def test_a_hook_that_raises_leaves_none_behind(kernel, browser):
    count = "print(json.dumps([count_hooks(s.engine.view), count_hooks(bridge)]))"
    before = kernel.run(count)
    kernel.run("""
def boom(value, hook):
    raise ZeroDivisionError("boom")
def broken(head, run="clean"):
    return s.engine.run(ids, hooks=[("blocks.0.attn.hook_z", boom)])
s.attention = broken
""")
    reply = browser.wait(browser.ask("attention", head="0.0"))
    assert reply["status"] == "error"
    assert "boom" in reply["error"]["message"]
    assert kernel.run(count) == before
    assert kernel.run("del s.attention\nprint(user_forward_is_wrong())") == "False"
    assert browser.wait(browser.ask("attention", head="0.0"))["status"] == "ok"


def test_a_head_whose_map_is_kept_is_shown_while_a_cell_is_busy(kernel, browser, tmp_path):
    if browser.subshell is None or kernel.version != "7.0.1":
        pytest.skip("only there are changes read beside a cell for certain")
    over = tmp_path / "seen"
    kernel.run("v = hw.AttentionView(s)")  # the maps of a short prompt are kept all at once
    wait = f"while not os.path.exists({str(over)!r}): wrong += user_forward_is_wrong()"
    cell = kernel.begin(f"wrong = 0\n{wait}\nprint(wrong)")
    browser._send({"method": "update", "state": {"selection": "1.0"}, "buffer_paths": []})
    kernel.until(lambda _: browser.seen().get("map", {}).get("head") == "1.0", "a kept map")
    over.touch()
    assert kernel.finish(cell) == "0"
    assert kernel.run("v.close(); print(s.selection, state.map['head'])") == "1.0 1.0"


def test_what_waits_behind_a_cell_can_be_superseded_and_cancelled(kernel, browser, tmp_path):
    over = tmp_path / "all sent"
    # over the main shell the first request may else be answered before the second is read
    kernel.run("from headwidgets import home\nhome.PAUSE, home.QUIET = 1, float('inf')")
    cell = kernel.begin(f"while not os.path.exists({str(over)!r}): pass")
    old = browser.ask("logits", key="logits", k=3)
    unwanted = browser.ask("effect")
    new = browser.ask("logits", key="logits", k=4)
    browser.cancel(unwanted)
    over.touch()
    kernel.finish(cell)
    outcomes = [browser.wait(request)["status"] for request in (old, unwanted, new)]
    assert outcomes == ["cancelled", "cancelled", "ok"]
    kernel.run("home.PAUSE, home.QUIET = 0.002, 0.05")
    assert all(len(browser.messages(request, "res")) == 1 for request in (old, unwanted, new))


def test_cancel_in_the_middle_is_answered_cancelled(kernel, browser):
    if browser.subshell is None:
        pytest.skip("over the main shell a cancel is only read between two requests")
    count = "print(json.dumps([count_hooks(s.engine.view), count_hooks(bridge)]))"
    before = kernel.run(count)
    kernel.run("""
from headwidgets.model.work import checkpoint
def slow(n):
    for step in range(100_000):
        checkpoint(step, 100_000, "forwards")
        s.engine.run(ids, hooks=[("blocks.0.attn.hook_z", lambda z, hook: z)])
s.generate = slow
""")
    request = browser.ask("generate", n=5)
    browser.wait(request, "progress")
    browser.cancel(request)
    assert browser.wait(request)["status"] == "cancelled"
    kernel.run("del s.generate")
    assert kernel.run(count) == before
    assert browser.wait(browser.ask("generate", n=2))["status"] == "ok"
    assert len(browser.messages(request, "res")) == 1


def test_fifty_rapid_changes_end_equal_on_both_sides(kernel, browser):
    kernel.run("s.prompts = [f'one two {i}' for i in range(5)]")
    for i in range(50):
        browser.set(index=i % 5, selection=HEADS[i % 6])
    cell = kernel.begin("for i in range(50): s.prompt = f'three {i}'")
    for i in range(10):
        browser.set(index=(i + 1) % 5)
    kernel.finish(cell)
    read = "[x.index, x.prompt, x.revision, str(x.selection), list(x.tokens)]"
    session, traits = (
        json.loads(kernel.run(f"x = {name}; print(json.dumps({read}))")) for name in ("s", "state")
    )
    assert session == traits
    assert session[0] == 0
    assert session[3] == HEADS[49 % 6]
    seen = {**browser.state, **browser.seen()}
    names = ("index", "prompt", "revision", "selection", "tokens")
    assert [seen[name] for name in names] == session
