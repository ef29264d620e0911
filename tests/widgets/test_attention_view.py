"""AttentionView over a session: pictures follow the state, and belong to it."""

from __future__ import annotations

import asyncio
import gc

import numpy as np
import pytest

import headwidgets as hw
from headwidgets.home import HomeLoop
from headwidgets.widgets.painter import Painter, View
from headwidgets.widgets.pictures import ZERO, unpack
from headwidgets.widgets.products import PRODUCTS

CLEAN = "When Mary and John went to the store, John gave a drink to"
OTHER = "When Mary and John went to the store, Mary gave a drink to"


def browser_sets(state, **traits):
    content = {"data": {"method": "update", "state": traits, "buffer_paths": []}}
    state._handle_msg({"content": content, "buffers": []})


def sent(wire):
    """The states that were sent, with the names of their buffers among them."""
    found = []
    for kind, data, _ in wire:
        if kind == "comm_msg" and data.get("method") == "update":
            found.append({*data["state"], *(path[0] for path in data["buffer_paths"])})
    return found


def shown(state):
    return unpack(state.map, state.map_data)


@pytest.fixture
def view(wire, planted):
    planted.prompt, planted.corrupted_prompt = CLEAN, OTHER
    planted.selection = "1.0"
    view = hw.AttentionView(planted)
    yield view
    view.close()


def test_the_first_pictures_are_there_at_once(planted, view):
    state = planted.state
    assert view.session is state
    assert (state.map["head"], state.map["run"], state.map["revision"]) == (
        "1.0",
        "clean",
        planted.revision,
    )
    assert np.abs(shown(state) - planted.attention("1.0")).max() <= 2**-11
    assert np.array_equal(unpack(state.thumbs, state.thumbs_data), planted.thumbnails())


def test_a_head_switch_sends_the_map_alone(planted, view, wire):
    wire.clear()
    browser_sets(planted.state, selection="0.0")
    assert str(planted.selection) == "0.0"
    pictures = [names for names in sent(wire) if names & {"map", "thumbs"}]
    assert pictures == [{"map", "map_data"}]
    assert np.abs(shown(planted.state) - planted.attention("0.0")).max() <= 2**-11


def test_bytes_that_are_there_already_are_not_sent_again(planted, view, wire):
    wire.clear()
    planted.metric = hw.LogitDiff(" Mary", " John")
    pictures = [names for names in sent(wire) if names & {"map", "thumbs"}]
    assert pictures == [{"map"}, {"thumbs"}]
    assert planted.state.map["revision"] == planted.state.thumbs["revision"] == planted.revision


def test_the_edited_run_and_the_difference(planted, view):
    state = planted.state
    planted.edits = [hw.zero("0.0")]
    browser_sets(state, run="edited")
    edited = planted.attention("1.0", run="edited")
    assert np.abs(shown(state) - edited).max() <= 2**-11
    state.run = "difference"
    change = edited - planted.attention("1.0")
    assert np.abs(change).max() > 0.5
    assert np.abs(shown(state) - change).max() <= 2**-11
    assert (state.map["of"], state.map["signed"], state.thumbs["signed"]) == (
        "edited − clean",
        True,
        True,
    )
    small = unpack(state.thumbs, state.thumbs_data)
    assert (small[0, 1] == ZERO).all()
    assert (small[1, 0] != ZERO).any()
    frame = view.to_frame()
    assert np.array_equal(frame["weight"].to_numpy().reshape(change.shape), change)


def test_the_corrupted_run_has_its_own_tokens(planted, view):
    planted.state.run = "corrupted"
    assert planted.state.map["tokens"] == planted.tokens_of("corrupted")
    assert planted.state.map["tokens"] != planted.tokens
    assert view.to_frame()["query_token"].unique().tolist() == list(
        dict.fromkeys(planted.tokens_of("corrupted"))
    )


@pytest.mark.parametrize(
    ("run", "reason"), [("corrupted", "no corrupted prompt"), ("difference", "nothing to compare")]
)
def test_a_run_that_is_not_there_says_so_in_the_picture_s_place(planted, view, run, reason):
    planted.corrupted_prompt = None
    planted.state.run = run
    assert reason in planted.state.map["error"]
    assert planted.state.map_data == b""
    assert reason in repr(view)
    assert view._png()
    planted.state.run = "clean"
    assert "error" not in planted.state.map


def test_lengths_that_differ_are_not_subtracted(planted, view):
    planted.corrupted_prompt = "Mary"
    planted.state.run = "difference"
    assert "cannot subtract" in planted.state.map["error"]


@pytest.mark.parametrize("name", ["map", "thumbs", "map_data"])
def test_a_browser_cannot_set_a_picture(planted, view, wire, name):
    before = getattr(planted.state, name)
    wire.clear()
    browser_sets(planted.state, **{name: b"" if name == "map_data" else {}})
    assert getattr(planted.state, name) == before
    assert "read-only" in planted.state.message
    assert any(name in names for names in sent(wire))


def test_an_unknown_run_is_refused(planted, view):
    browser_sets(planted.state, run="tomorrow")
    assert planted.state.run == "clean"


def test_nothing_is_painted_where_nobody_looks(planted, wire):
    view = hw.AttentionView(planted)
    view.close()
    del view
    gc.collect()
    before = planted.state.map
    planted.prompt = "Mary and John"
    assert planted.state.map is before


def test_a_second_view_sends_no_picture(planted, view, wire):
    wire.clear()
    hw.AttentionView(planted)
    assert not [names for names in sent(wire) if names & {"map", "thumbs"}]
    opened = [(data["state"], buffers) for kind, data, buffers in wire if kind == "comm_open"]
    assert not any(buffers for _, buffers in opened)
    assert not any("tokens" in state for state, _ in opened)


def test_a_host_without_the_session_s_model_gets_a_copy_on_the_view(planted, view, wire):
    assert view.mirrored == {}
    wire.clear()
    browser_sets(view, apart=True)
    assert view.mirrored["map"]["head"] == "1.0"
    assert any(["mirrored", "map_data"] in d.get("buffer_paths", []) for _, d, _ in wire)
    browser_sets(view, wish={"selection": "0.1", "wishes": 1})
    assert str(planted.selection) == "0.1"
    assert view.mirrored["map"]["head"] == "0.1"
    browser_sets(view, wish={"selection": "9.9", "wishes": 2})
    assert view.mirrored["selection"] == "0.1"
    planted.selection = "1.2"
    assert view.mirrored["selection"] == "1.2"


def test_a_newer_change_supersedes_a_painting_that_waits(session):
    painted, asked = [], []
    done = asyncio.Event()
    whole = session.attention
    session.attention = lambda head, *_, **__: asked.append(head) or whole(head)

    def show(name, picture):
        painted.append((name, picture.header))
        done.set()

    async def cells():
        painter = Painter(session, HomeLoop(), PRODUCTS, View, show)
        end = session.subscribe(lambda _changed: painter.ask())
        painter.want(session, ["map", "thumbs"])
        for record in (painted, asked, done):
            record.clear()
        for head in ("0.1", "1.1", "1.3"):
            session.selection = head
        await done.wait()
        end()

    asyncio.run(asyncio.wait_for(cells(), 20))
    assert asked == ["1.3"]
    assert [(name, header["head"]) for name, header in painted] == [("map", "1.3")]


def test_a_picture_that_a_change_overtook_is_not_shown(session):
    shown_heads = []
    painter = Painter(
        session,
        HomeLoop(),
        PRODUCTS,
        View,
        lambda name, p: shown_heads.append(p.header.get("head", name)),
    )
    painter.want(session, ["map", "thumbs"])
    shown_heads.clear()
    whole = session.attention

    def overtaken(head, *_, **__):
        if str(head) == "0.1":
            session.selection = "0.2"  # while 0.1 is being computed
            painter.ask()
        return whole(head)

    session.attention = overtaken
    session.selection = "0.1"
    painter.ask()
    assert shown_heads == ["0.2"]


def test_a_session_brings_its_own_tokens(planted):
    with pytest.raises(hw.InputError, match="a session has its own"):
        hw.AttentionView(planted, ["a"])
