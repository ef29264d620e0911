"""Weightings, means over the set, tiles and exact values: what the browser sees and asks."""

from __future__ import annotations

import numpy as np
import pytest

import headwidgets as hw
from headwidgets.widgets.pictures import MAP_EDGE, pack_windows, unpack
from headwidgets.widgets.serve import stamped
from headwidgets.widgets.tiles import SERVED
from headwidgets.widgets.wire import RELATIVE_BOUND, decode

CLEAN = "When Mary and John went to the store, John gave a drink to"
SWAPPED = "When John and Mary went to the store, Mary gave a drink to"


def triangle(n, heads=2):
    draw = np.random.Generator(np.random.PCG64(0)).random((heads, n, n), np.float32) + 1e-3
    draw = np.tril(draw)
    return draw / draw.sum(-1, keepdims=True)


def asked(session, name, **body):
    answer = stamped(session, SERVED)[name](body)
    return answer.body, decode(answer.body["array"], answer.buffers[0]), len(answer.buffers[0])


@pytest.fixture
def view(wire, planted):
    planted.prompts = hw.Prompts(clean=[CLEAN, SWAPPED], corrupted=[SWAPPED, CLEAN])
    planted.selection = "1.0"
    view = hw.AttentionView(planted)
    yield view
    view.close()


def near(state, expected):
    error = np.abs(unpack(state.map, state.map_data) - expected).max()
    return error <= RELATIVE_BOUND * state.map["array"]["scale"] * 1.01


@pytest.mark.parametrize("over", ["pair", "set"])
@pytest.mark.parametrize("run", ["clean", "edited", "difference"])
@pytest.mark.parametrize("weighting", ["raw", "no bos", "value"])
def test_map_frame_value_and_difference_agree(planted, view, weighting, run, over):
    planted.edits = [hw.scale("0.0", 0.5)]
    state = planted.state
    state.run, state.weighting, state.over = run, weighting, over

    def one(which):
        return planted.attention("1.0", which, weighting=weighting, over=over)

    expected = one("edited") - one("clean") if run == "difference" else one(run)
    assert near(state, expected)
    about = {"head": "1.0", "run": run, "weighting": weighting, "over": over}
    assert {name: state.map[name] for name in about} == about
    _, exact, _ = asked(planted, "value", query=14, key=7, **about)
    assert exact.dtype == np.float32
    assert exact.tolist() == [expected[14, 7]]
    frame, first = view.to_frame(), int(weighting == "no bos")
    assert frame["key"].min() == first
    assert np.array_equal(frame["weight"].to_numpy().reshape(15, 15 - first), expected[:, first:])
    assert {name: frame.attrs[name] for name in about} == about


def test_thumbnails_say_how_they_are_weighted(planted, view):
    state = planted.state
    for weighting, said in [("no bos", "no bos"), ("value", "raw"), ("raw", "raw")]:
        state.weighting = weighting
        assert state.thumbs["weighting"] == said
        small = unpack(state.thumbs, state.thumbs_data)
        assert np.array_equal(small, planted.thumbnails(bos=said == "raw"))


def test_the_tokens_of_a_mean_are_those_that_all_prompts_share(planted, view):
    planted.state.over = "set"
    tokens = planted.state.map["tokens"]
    assert planted.state.map["prompts"] == 2
    assert tokens[:4] == ["<bos>", "When", "[2]", " and"]
    assert view.to_frame()["key_token"].iloc[2] == "[2]"


def test_the_tokens_of_a_mean_have_their_role_s_name(planted, view):
    planted.prompts = hw.Prompts(clean=[CLEAN, SWAPPED], roles={"IO": [2, 2], "S1": [4, 4]})
    planted.state.over = "set"
    assert planted.state.map["tokens"][2:5] == ["[IO]", " and", "[S1]"]


@pytest.mark.parametrize(
    ("prompts", "why"),
    [([CLEAN, "Mary and John"], "differ in length: 4, 15 tokens"), ([CLEAN], "one prompt")],
)
def test_where_there_is_no_mean_the_map_says_why(planted, view, prompts, why):
    planted.prompts = prompts
    assert why in planted.state.map["no_mean"]
    if len(prompts) > 1:
        planted.state.over = "set"
        assert why in planted.state.map["error"]


def test_a_value_is_refused_for_what_is_not_there(planted, view):
    good = {"head": "1.0", "query": 3, "key": 2}
    bad = [
        ({"query": 15}, "from 0 to 14"),
        ({"key": -1}, "from 0 to 14"),
        ({"key": True}, "whole number"),
        ({"query": 1.5}, "whole number"),
        ({"head": "9.9"}, "9.9"),
        ({"run": "tomorrow"}, "'run' to be one of"),
        ({"weighting": []}, "'weighting' to be one of"),
        ({"over": None}, "'over' to be one of"),
        ({"edge": 3}, "no fields but"),
    ]
    for change, reason in bad:
        with pytest.raises(hw.InputError, match=reason):
            asked(planted, "value", **good | change)


@pytest.mark.parametrize("edge", [0, -1, 513, 10**9, "512", None, 2.0])
def test_a_tile_of_an_absurd_size_is_refused(planted, view, edge):
    with pytest.raises(hw.InputError, match="'edge' to be a whole number from 1 to 512"):
        asked(planted, "tile", head="1.0", query=0, key=0, edge=edge)


@pytest.mark.parametrize("n", [700, 1500])
def test_tiles_of_a_long_map_are_exact_and_flat(n):
    given = triangle(n)
    state = hw.AttentionView(given, ["x"] * n).session
    for query, key in [(0, 0), (n - 512, 100), (n - 3, n - 3)]:
        body, values, size = asked(state, "tile", head="0.1", query=query, key=key, edge=MAP_EDGE)
        wanted = given[1, query : query + 512, key : key + 512]
        assert values.shape == wanted.shape
        bound = RELATIVE_BOUND * body["array"]["scale"] * 1.01
        assert np.abs(values - wanted).max() <= bound
        assert size <= 2 * MAP_EDGE**2 <= 600_000


def test_an_overview_of_8192_tokens_is_read_in_windows_and_never_whole():
    windows = []

    def read(queries, keys):
        windows.append(queries[1] - queries[0])
        rows, columns = np.ogrid[slice(*queries), slice(*keys)]
        return (rows == columns).astype(np.float32)

    picture = pack_windows(read, 8192)
    assert max(windows) <= 512
    assert len(picture.data) <= 600_000
    assert np.array_equal(unpack(*picture), np.eye(512))


def test_arrays_have_no_values_to_weigh_by(wire):
    given = triangle(6)
    view = hw.AttentionView(given, list("abcdef"))
    state = view.session
    state.set_state({"weighting": "value"})
    assert state.weighting == "raw"
    assert "needs the model" in state.message
    with pytest.raises(hw.InputError, match="needs the model"):
        state.weighting = "value"
    wire.clear()
    state.set_state({"weighting": "no bos"})
    assert state.map["weighting"] == state.thumbs["weighting"] == "no bos"
    assert np.abs(unpack(state.map, state.map_data)[:, 1:] - given[0][:, 1:]).max() <= 1e-3
    assert (unpack(state.map, state.map_data)[:, 0] == 0).all()
    assert (unpack(state.thumbs, state.thumbs_data)[..., 0] == 0).all()
    assert view.to_frame()["key"].min() == 1
    _, exact, _ = asked(state, "value", head="0.1", weighting="no bos", query=4, key=2)
    assert exact.tolist() == [given[1, 4, 2]]
    assert np.array_equal(state.pattern[0], given)


@pytest.mark.parametrize("apart", [False, True])
def test_buffers_come_in_a_trait_where_messages_carry_none(planted, view, wire, apart):
    widget = view if apart else planted.state
    if apart:
        view.set_state({"apart": True})
    body = {"head": "1.0", "query": 3, "key": 0}
    request = {"v": 1, "kind": "req", "name": "value", "body": body}
    wire.clear()
    for number, via in [("1", {}), ("2", {"via": "traits"}), ("3", {"via": "pigeon"})]:
        content = {"data": {"method": "custom", "content": {**request, "id": number, **via}}}
        widget._handle_msg({"content": content, "buffers": []})
    replies = [(d["content"], b) for _, d, b in wire if d.get("method") == "custom"]
    plain, carried, refused = [(c, b) for c, b in replies if c["kind"] == "res"]
    assert plain[0]["buffers"] == len(plain[1]) == 1
    assert carried[0]["carried"] == 1
    assert carried[1] == []
    assert widget.carried["id"] == "2"
    assert widget.carried["buffers"] == plain[1]
    paths = [d["buffer_paths"] for _, d, _ in wire if "carried" in d.get("state", {})]
    assert [["carried", "buffers", 0]] in paths
    assert "via 'traits'" in refused[0]["error"]["message"]
