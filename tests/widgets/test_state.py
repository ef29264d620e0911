from __future__ import annotations

import threading
import time

import ipywidgets
import numpy as np
import pytest
import traitlets
from fake_session import FakeSession

from headwidgets.errors import InputError
from headwidgets.heads import Head
from headwidgets.methods.edits import Edit
from headwidgets.methods.metrics import LogitDiff
from headwidgets.widgets.state import SessionState
from headwidgets.widgets.wire import RELATIVE_BOUND, decode

ZERO = {"kind": "zero", "target": "1.3", "at": None}


@pytest.fixture
def state(wire, session):
    state = SessionState(session)
    yield state
    wire.clear()
    state.close()


def browser_sets(state, **traits):
    content = {"data": {"method": "update", "state": traits, "buffer_paths": []}}
    state._handle_msg({"content": content, "buffers": []})


def browser_asks(state, name, **body):
    request = {"v": 1, "kind": "req", "id": "1", "name": name, "body": body}
    browser_sends(state, request)


def browser_sends(state, message):
    content = {"data": {"method": "custom", "content": message}}
    state._handle_msg({"content": content, "buffers": []})


def updates(wire):
    """What the browser was told, message by message (echoes apart)."""
    return [d["state"] for t, d, _ in wire if t == "comm_msg" and d["method"] == "update"]


def browser_sees(wire):
    """Every trait as a browser has it that took all messages in order."""
    seen = {}
    for kind, data, _ in wire:
        if kind == "comm_open" or (kind == "comm_msg" and data["method"] != "custom"):
            seen |= data["state"]
    return seen


def answers(wire):
    out = [(d["content"], b) for t, d, b in wire if t == "comm_msg" and d["method"] == "custom"]
    assert [c["kind"] for c, _ in out].count("res") == 1
    return out


def agrees(state, session):
    return (
        state.prompt == session.prompt
        and state.index == session.index
        and state.tokens == session.tokens
        and state.revision == session.revision
        and state.edits == [e.to_json() for e in session.edits]
        and state.selection == ("" if session.selection is None else str(session.selection))
    )


def test_the_comm_opens_with_the_whole_state_in_it(wire, session):
    SessionState(session)
    opened = wire[-1]  # after its layout's
    assert opened[0] == "comm_open"
    assert (
        opened[1]["state"].items()
        >= {
            "prompt": "one two",
            "corrupted_prompt": None,
            "index": 0,
            "n_prompts": 3,
            "selection": "",
            "edits": [],
            "metric": None,
            "model": {"name": "fake", "numerics": "raw", "n_layers": 2, "n_heads": 4},
            "tokens": ["<bos>", "one", "two"],
            "status": "ready",
            "message": "",
            "progress": 0.0,
            "revision": 1,
        }.items()
    )
    assert "value" not in opened[1]["state"]


@pytest.mark.usefixtures("state")
def test_a_change_of_the_session_is_one_message_with_the_revision_last(session, wire):
    session.index = 2
    (update,) = updates(wire)
    assert list(update) == ["index", "prompt", "tokens", "revision"]
    assert update == {
        "index": 2,
        "prompt": "four five six",
        "tokens": ["<bos>", "four", "five", "six"],
        "revision": 2,
    }


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("prompt", "seven", lambda s: s.prompt == "seven"),
        ("prompt", [1, 2], lambda s: s.prompt == [1, 2]),
        ("corrupted_prompt", "eight", lambda s: s.corrupted_prompt == "eight"),
        ("index", 1, lambda s: s.index == 1),
        ("selection", "1.3", lambda s: s.selection == Head(1, 3)),
        ("edits", [ZERO], lambda s: s.edits == [Edit("zero", "1.3")]),
        (
            "metric",
            {"answer": " a", "foil": " b"},
            lambda s: s.metric == LogitDiff(" a", " b"),
        ),
    ],
)
@pytest.mark.parametrize("where", ["browser", "python"])
def test_setting_a_trait_sets_the_session(name, value, read, where, wire):
    session = FakeSession()
    state = SessionState(session)
    try:
        if where == "browser":
            browser_sets(state, **{name: value})
        else:
            setattr(state, name, value)
        assert read(session)
        assert session.revision == state.revision
        assert state.status == "ready"
        assert browser_sees(wire)["revision"] == session.revision
    finally:
        state.close()


def test_what_the_browser_sent_is_not_sent_back(state, session, wire):
    browser_sets(state, index=1)
    (update,) = updates(wire)
    assert list(update) == ["prompt", "tokens", "revision"]
    assert agrees(state, session)


def test_another_spelling_comes_back_as_the_session_has_it(state, wire):
    browser_sets(state, selection="L1H3")
    assert state.selection == "1.3"
    assert updates(wire) == [{"selection": "1.3"}]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("index", 99, "expected an index from 0 to 2, got 99"),
        ("index", -1, "index"),
        ("index", "one", "int"),
        ("index", None, "int"),
        ("prompt", "", "at least one token"),
        ("prompt", {"a": 1}, "prompt"),
        ("prompt", [1.5], "prompt"),
        ("selection", "9.9", "no head 9.9"),
        ("selection", "4.1.1", "expected a head"),
        ("edits", [{"kind": "zap", "target": "0.0"}], "zero, mean, patch, scale"),
        ("edits", "zero", "list"),
        ("edits", [1], "dict"),
        ("metric", {"answer": " a"}, "LogitDiff"),
        ("revision", 7, "read-only"),
        ("tokens", ["x"], "read-only"),
        ("status", "busy", "read-only"),
        ("message", "hello", "read-only"),
        ("model", {}, "read-only"),
    ],
)
def test_what_the_browser_may_not_set_is_put_back_with_the_reason(
    name, value, reason, state, session, wire
):
    before = state.get_state(name)[name]
    observed = []
    state.observe(observed.append, name)
    browser_sets(state, **{name: value})
    assert agrees(state, session)
    assert session.revision == 1
    assert state.status == "error" or name == "status"
    assert reason in state.message
    assert browser_sees(wire)[name] == state.get_state(name)[name]
    assert {name: before}.items() <= {
        k: v for u in updates(wire) for k, v in u.items()
    }.items() or (name in ("status", "message"))
    assert observed == [] or name in ("status", "message")


def test_of_one_message_what_can_be_taken_is_taken(state, session, wire):
    browser_sets(state, index=1, selection="9.9", prompt="seven eight")
    assert (session.index, session.prompt, session.selection) == (1, "seven eight", None)
    assert agrees(state, session)
    assert browser_sees(wire)["selection"] == ""
    browser_sets(state, selection="0.1")
    assert (state.status, state.message) == ("ready", "")


@pytest.mark.parametrize("state_sent", [None, 5, [], {"no such trait": 1}, {}])
def test_absurd_updates_change_nothing(state_sent, state, session, capsys):
    content = {"data": {"method": "update", "state": state_sent}}
    state._handle_msg({"content": content, "buffers": []})
    assert agrees(state, session)
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("index", 99, InputError),
        ("selection", "9.9", InputError),
        ("index", "one", traitlets.TraitError),
        ("revision", 3, traitlets.TraitError),
        ("value", {}, traitlets.TraitError),
    ],
)
def test_a_cell_that_sets_nonsense_is_told_and_nothing_changes(name, value, error, state, session):
    before = state.get_state()
    with pytest.raises(error):
        setattr(state, name, value)
    assert state.get_state() == before
    assert agrees(state, session)


def test_a_trait_can_be_set_back_to_what_it_was(state, session):
    for value in (1, 0, 1, 2, 0):
        state.index = value
        assert session.index == value
        assert agrees(state, session)


def test_observers_see_a_session_that_has_already_changed(state, session):
    seen = []
    state.observe(lambda change: seen.append((change.new, session.tokens)), "index")
    browser_sets(state, index=1)
    state.index = 2
    session.index = 0
    assert seen == [
        (1, ["<bos>", "three"]),
        (2, ["<bos>", "four", "five", "six"]),
        (0, ["<bos>", "one", "two"]),
    ]


def test_an_observer_may_change_the_session_again(state, session, wire):
    state.observe(lambda change: setattr(session, "selection", (0, change.new)), "index")
    session.index = 2
    assert state.selection == "0.2"
    assert agrees(state, session)
    assert browser_sees(wire)["selection"] == "0.2"


def test_interactive_output_runs_again_at_each_change(state, session):
    seen = []
    ipywidgets.interactive_output(lambda **all_: seen.append(all_["state"]), {"state": state})
    session.index = 1
    browser_sets(state, selection="1.2")
    assert [s["index"] for s in seen] == [0, 1, 1]
    assert seen[-1]["selection"] == "1.2"
    assert "status" not in seen[-1]


def test_links_hold_in_python_and_can_be_made_for_the_browser(state, session):
    slider = ipywidgets.IntSlider(max=2)
    ipywidgets.link((state, "index"), (slider, "value"))
    slider.value = 2
    assert session.index == 2
    session.index = 1
    assert slider.value == 1
    link = ipywidgets.jslink((state, "index"), (slider, "value"))
    assert link.source == (state, "index")


def test_the_bundle_is_a_line_of_text_and_a_view(state, session):
    session.selection = "1.3"
    data, _ = state._repr_mimebundle_()
    assert set(data) == {"text/plain", "application/vnd.jupyter.widget-view+json"}
    assert data["text/plain"] == ("<headwidgets session: fake, 3 tokens, head 1.3, revision 1>")


def test_closing_ends_listening_and_asking(wire, session):
    state = SessionState(session)
    state.close()
    assert session._callbacks == []
    before = len(wire)
    session.index = 1
    assert len(wire) == before


def table_of(body, buffers):
    """A frame as the browser reads it."""
    left = iter(buffers)
    return {
        c["name"]: c["texts"] if "texts" in c else decode(c["array"], next(left)).tolist()
        for c in body["columns"]
    }


def test_attention_is_sent_in_halves_within_its_bound(state, session, wire):
    browser_asks(state, "attention", head="1.3", run="edited")
    (_, _), (reply, buffers) = answers(wire)
    body = reply["body"]
    assert (body["head"], body["run"], body["revision"]) == ("1.3", "edited", 1)
    pattern = decode(body["pattern"], buffers[0])
    error = np.abs(pattern - session.attention("1.3"))
    assert error.max() <= RELATIVE_BOUND * body["pattern"]["scale"]


def test_thumbnails_are_bytes(state, session, wire):
    browser_asks(state, "thumbnails")
    (_, _), (reply, buffers) = answers(wire)
    assert np.array_equal(decode(reply["body"]["thumbnails"], buffers[0]), session.thumbnails())


def test_frames_are_sent_by_column(state, wire):
    browser_asks(state, "logits", k=2)
    (_, _), (reply, buffers) = answers(wire)
    assert table_of(reply["body"], buffers) == {"token": ["a", "b"], "clean": [0.0, 0.5]}
    assert reply["body"]["attrs"] == {"at": "end", "numerics": "raw"}
    assert reply["body"]["rows"] == 2


def test_what_has_no_value_stays_so_on_the_wire(state, wire):
    browser_asks(state, "effect")
    (_, _), (reply, buffers) = answers(wire)
    table = table_of(reply["body"], buffers)
    assert table["run"] == ["clean", "edited"]
    assert np.isnan(table["value"][1])
    assert table["n"] == [3, 3]


@pytest.mark.parametrize(
    ("name", "body"), [("score", {"kind": "induction"}), ("generate", {"n": 3})]
)
def test_scores_and_texts_are_served(name, body, state, wire):
    browser_asks(state, name, **body)
    (_, _), (reply, _) = answers(wire)
    assert reply["status"] == "ok"


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        ("attention", {}, "expected a head"),
        ("attention", {"head": "9.9"}, "no head 9.9"),
        ("attention", {"head": "1.1", "run": "dirty"}, "clean, corrupted, edited"),
        ("attention", {"head": "1.1", "rnu": "clean"}, "rnu"),
        ("logits", {"k": 0}, "1 to 1000"),
        ("logits", {"k": True}, "1 to 1000"),
        ("generate", {"n": 1e9}, "1 to 1000"),
        ("score", {"kind": 3}, "induction"),
        ("score", {"kind": "broken"}, "broken on purpose"),
        ("effect", {"x": 1}, "'x'"),
        ("no such request", {}, "attention, break walk, cancel, confirm kind, effect"),
    ],
)
def test_requests_that_cannot_be_served_say_why(name, body, reason, state, wire, capsys):
    browser_asks(state, name, **body)
    (reply, buffers) = answers(wire)[-1]
    assert reply["status"] == "error"
    assert reason in reply["error"]["message"]
    assert buffers == []
    assert (state.status, state.message) == ("error", reply["error"]["message"])
    assert "Traceback" not in capsys.readouterr().err


def test_work_shows_in_the_status_and_can_be_stopped(state, session, wire):
    session.steps = 5
    asking = threading.Thread(target=browser_asks, args=(state, "score"), kwargs={"kind": "slow"})
    asking.start()
    assert session.started.wait(10)
    assert browser_sees(wire)["status"] == "busy"
    browser_sends(state, {"v": 1, "kind": "req", "id": "2", "name": "cancel"})
    session.go_on.set()
    asking.join(10)
    replies = {
        d["content"]["id"]: d["content"]["status"]
        for t, d, _ in wire
        if t == "comm_msg" and d["method"] == "custom" and d["content"]["kind"] == "res"
    }
    assert replies == {"1": "cancelled", "2": "ok"}
    assert session.cancels == 1
    assert (state.status, state.progress) == ("ready", 0.0)


def test_a_prompt_typed_while_work_runs_reaches_the_session_at_once(state, session):
    session.steps = 2
    asking = threading.Thread(target=browser_asks, args=(state, "score"), kwargs={"kind": "slow"})
    asking.start()
    assert session.started.wait(10)
    browser_sets(state, prompt="typed meanwhile")
    assert session.prompt == "typed meanwhile"
    assert state.tokens == ["<bos>", "typed", "meanwhile"]
    session.go_on.set()
    asking.join(10)
    assert state.status == "ready"


def test_fifty_rapid_changes_from_two_sides_end_equal(state, session, wire):
    """The browser and a cell set the index at the same time; both end where the session is."""

    def browser():
        for i in range(50):
            browser_sets(state, index=i % 3, selection=f"{i % 2}.{i % 4}")

    def cell():
        for i in range(50):
            session.index = (i + 1) % 3
            state.prompt = f"prompt {i}"

    sides = [threading.Thread(target=side) for side in (browser, cell)]
    for side in sides:
        side.start()
    for side in sides:
        side.join()
    deadline = time.monotonic() + 10
    while not agrees(state, session) and time.monotonic() < deadline:
        time.sleep(0.001)
    assert agrees(state, session)
    seen = browser_sees(wire)
    assert {k: seen[k] for k in ("index", "prompt", "selection", "revision")} == {
        "index": session.index,
        "prompt": session.prompt,
        "selection": str(session.selection),
        "revision": session.revision,
    }
