"""The state of a real session, on the planted model."""

from __future__ import annotations

import ipywidgets
import numpy as np
import pytest

import headwidgets as hw
from headwidgets.widgets.wire import decode


@pytest.fixture
def state(wire, planted):
    wire.clear()
    return planted.state


def ask(state, wire, name, **body):
    """Ask as a browser does; return the reply and its buffers."""
    wire.clear()
    message = {"v": 1, "kind": "req", "id": "1", "name": name, "body": body}
    content = {"data": {"method": "custom", "content": message}}
    state._handle_msg({"content": content, "buffers": []})
    custom = [(d["content"], b) for t, d, b in wire if t == "comm_msg" and "content" in d]
    ((reply, buffers),) = [(c, b) for c, b in custom if c["kind"] == "res"]
    return reply, buffers


def browser_sets(state, **traits):
    content = {"data": {"method": "update", "state": traits, "buffer_paths": []}}
    state._handle_msg({"content": content, "buffers": []})


def test_there_is_one_state_and_it_says_what_the_session_says(planted, state):
    assert planted.state is state
    assert state.tokens == planted.tokens
    assert state.model == planted.facts.to_json()
    assert state.revision == planted.revision


def test_browser_and_session_agree_on_everything_that_can_be_set(planted, state):
    browser_sets(
        state,
        prompt="a b a b",
        corrupted_prompt="a c a c",
        edits=[{"kind": "scale", "target": "L0H1", "at": "end", "factor": 0.5}],
        selection="L1H0",
        metric={"answer": "b", "foil": "a"},
    )
    assert (state.status, state.message) == ("ready", "")
    assert (planted.prompt, planted.corrupted_prompt) == ("a b a b", "a c a c")
    assert list(planted.edits) == [hw.scale("0.1", 0.5, at="end")]
    assert state.edits == [hw.scale("0.1", 0.5, at="end").to_json()]
    assert (str(planted.selection), state.selection) == ("1.0", "1.0")
    assert planted.metric == hw.LogitDiff("b", "a")
    planted.prompt = planted.token_ids
    planted.edits = []
    assert state.prompt == planted.token_ids
    assert state.edits == []


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("prompt", [10**6], "token ids"),
        ("selection", "7.7", "no head 7.7"),
        ("edits", [{"kind": "zero", "target": "7.7", "at": None}], "no head 7.7"),
        ("edits", [{"kind": "scale", "target": "0.0", "at": None, "factor": "x"}], "finite"),
        ("metric", {"answer": " b a", "foil": " a"}, "token"),
        ("index", 1, "index"),
    ],
)
def test_what_the_session_refuses_is_put_back(name, value, reason, planted, state):
    before, revision = getattr(state, name), planted.revision
    browser_sets(state, **{name: value})
    assert state.status == "error"
    assert reason in state.message
    assert getattr(state, name) == before
    assert planted.revision == revision


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("attention", {"head": "1.0"}),
        ("attention", {"head": "1.0", "run": "edited"}),
        ("thumbnails", {}),
        ("logits", {"k": 5}),
        ("effect", {}),
        ("score", {"kind": "induction"}),
        ("generate", {"n": 3}),
    ],
)
def test_every_request_is_served(name, body, planted, state, wire):
    planted.edits = [hw.zero("0.0")]
    reply, buffers = ask(state, wire, name, **body)
    assert reply["status"] == "ok", reply
    assert reply["body"]["revision"] == planted.revision
    assert state.status == "ready"
    headers = [reply["body"].get(key) for key in ("pattern", "thumbnails")]
    headers += [column.get("array") for column in reply["body"].get("columns", [])]
    arrays = [decode(h, b) for h, b in zip(filter(None, headers), buffers, strict=True)]
    assert all(array.size for array in arrays)


def test_the_edited_map_is_the_edited_one(planted, state, wire):
    planted.prompt = "a b c a b c"
    planted.edits = [hw.zero("0.0")]
    maps = {}
    for run in ("clean", "edited"):
        reply, buffers = ask(state, wire, "attention", head="1.0", run=run)
        maps[run] = decode(reply["body"]["pattern"], buffers[0])
        assert np.abs(maps[run] - planted.attention("1.0", run=run)).max() <= 2**-11
    assert np.abs(maps["clean"] - maps["edited"]).max() > 0.1


def test_the_index_of_a_frame_is_its_first_column(state, wire):
    reply, _ = ask(state, wire, "effect")
    assert reply["body"]["columns"][0] == {
        "name": "run",
        "texts": ["clean", "corrupted", "edited", "change", "normalised", "KL"],
    }


def test_interactive_output_sees_each_revision(planted, state):
    seen = []
    ipywidgets.interactive_output(lambda **all_: seen.append(all_["s"]["revision"]), {"s": state})
    planted.edits = [hw.zero("1.0")]
    assert seen == [planted.revision - 1, planted.revision]


def test_closing_the_session_closes_its_state(planted, state):
    planted.close()
    assert state.comm is None
