"""HeadGrid: any score, sweep or frame; compact on the wire; follows its session."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import headwidgets as hw
from headwidgets.widgets import measured
from headwidgets.widgets.grid_table import REASON_BYTES, pack, unpack

START = "When Mary and John went to the store,"
PAIR = {"clean": [f"{START} Mary"], "corrupted": [f"{START} John"]}
ANSWERS = {"answer": [" and"], "foil": [" went"]}


def frame(n_layers=2, n_heads=3, **columns):
    heads = [(i, h) for i in range(n_layers) for h in range(n_heads)]
    made = pd.DataFrame(heads, columns=["layer", "head"])
    made["score"] = np.linspace(0, 1, len(made))
    return made.assign(**columns)


def scored(n_layers, n_heads):
    rng = np.random.default_rng(0)
    made = frame(n_layers, n_heads)
    made = made.assign(p=rng.random(len(made)), null_mean=0.1, se=0.01, n=16)
    made["verdict"] = np.where(made["score"] > 0.9, "consistent with", "no")
    made["reason"] = [
        f"{s:.3f} is below 0.4; p = {p:.3f} is above 0.01"
        for s, p in zip(made["score"], made["p"], strict=True)
    ]
    return made


def browser_sets(widget, **traits):
    content = {"data": {"method": "update", "state": traits, "buffer_paths": []}}
    widget._handle_msg({"content": content, "buffers": []})


def ask(session, name, **body):
    """What the dispatcher answers to a request, run to its end."""
    sent = []
    done = asyncio.Event()

    def send(content, buffers=None):
        sent.append(content)
        if content["kind"] == "res":
            done.set()

    async def cells():
        dispatcher = session.state.dispatcher(send)
        dispatcher.receive({"v": 1, "kind": "req", "id": "1", "name": name, "body": body})
        await done.wait()

    asyncio.run(asyncio.wait_for(cells(), 20))
    return sent


@pytest.fixture
def paired(planted):
    planted.use(hw.Prompts(**PAIR, **ANSWERS))
    return planted


# ------------------------------------------------------------------ the table


def test_what_is_packed_is_what_was_in_the_frame():
    made = scored(2, 3)
    made.loc[2, "score"], made.loc[3, "score"] = np.nan, np.inf
    picture = pack(made, shape=(2, 3))
    found = unpack(picture.header, picture.data)
    for name, column in {"value": "score", "p": "p", "null_mean": "null_mean"}.items():
        assert np.array_equal(
            found[name].reshape(-1), made[column].to_numpy(np.float32), equal_nan=True
        )
    half = found["high"][0, 1] - found["value"][0, 1]
    assert half == pytest.approx(0.01 * 2.131, abs=1e-4)  # Student's t, 15 degrees
    assert [picture.header["verdicts"][code] for code in found["verdict"].reshape(-1)] == made[
        "verdict"
    ].tolist()
    assert "{value} is below 0.4; p = {p} is above 0.01" in picture.header["reasons"]


def test_five_thousand_heads_fit():
    picture = pack(scored(80, 64))
    assert len(picture.data) + len(json.dumps(picture.header)) <= 150_000
    wild = scored(80, 64)
    wild["reason"] = [f"looks {i} places back, and never anywhere else" for i in range(5120)]
    packed = pack(wild)
    assert len(json.dumps(packed.header)) <= REASON_BYTES + 5000
    found = unpack(packed.header, packed.data)
    assert packed.header["reasons"][found["reason"][-1, -1]].startswith("looks 5119 places")


def test_heads_that_the_frame_lacks_are_said_to_be_absent():
    picture = pack(frame().iloc[[0, 4]], shape=(2, 3))
    found = unpack(picture.header, picture.data)
    assert np.isnan(found["value"]).sum() == 4
    words = [picture.header["verdicts"][code] for code in found["verdict"].reshape(-1)]
    assert words == ["", *["not in the table"] * 3, "", "not in the table"]


def test_a_value_is_chosen_by_name():
    made = frame().assign(other=1.0)
    assert pack(made).header["column"] == "score"
    assert pack(made, "other").header["column"] == "other"
    assert pack(made.drop(columns="score")).header["column"] == "other"


@pytest.mark.parametrize(
    ("made", "value", "message"),
    [
        (frame().drop(columns="head"), None, "columns layer, head and a value"),
        (frame(), "scor", "is it 'score'"),
        (frame().rename(columns={"score": "a"}).assign(b=1.0), None, "say value="),
        (frame().assign(layer=[0, 0, 0, 1, 1, 7]), None, "no head 7.2"),
        (frame().assign(layer=-1), None, "from 0 in every row"),
        (frame().assign(layer=0), None, "one row a head, got 2 for head 0.0"),
        (frame().iloc[:0], None, "at least one head"),
        (frame().assign(score="x"), None, "one column of numbers"),
    ],
)
def test_a_frame_that_cannot_be_shown_is_refused(made, value, message):
    with pytest.raises(hw.InputError, match=message):
        pack(made, value, (2, 3))


# ------------------------------------------------------------------ over a session


def test_a_score_is_measured_and_drawn(planted, wire):
    grid = hw.HeadGrid(planted, "induction")
    whole = planted.score("induction")
    assert np.array_equal(grid.values().reshape(-1), whole["score"].to_numpy(np.float32))
    pd.testing.assert_frame_equal(grid.to_frame(), whole)
    assert grid.table["revision"] == planted.revision
    assert "induction · 6 heads · highest 1.0" in repr(grid)
    opened = [d["state"] for kind, d, _ in wire if kind == "comm_open" and "grid" in d["state"]]
    assert opened[0]["table"]["column"] == "score"  # there in the first message


def test_a_sweep_is_the_causal_map(paired, wire):
    grid = hw.HeadGrid(paired, "patch", direction="noise")
    expected = paired.sweep("patch", direction="noise")["effect"].to_numpy(np.float32)
    assert np.array_equal(grid.values().reshape(-1), expected)
    assert grid.table["signed"]
    grid.score = "zero"  # has no direction
    assert np.array_equal(
        grid.values().reshape(-1), paired.sweep("zero")["effect"].to_numpy(np.float32)
    )


def test_heads_bear_what_other_scores_found(planted, wire):
    """Also what a cell finds while the grid stands there; an old score says nothing."""
    grid = hw.HeadGrid(planted, score="induction")
    assert planted.badges() == {"1.0": ("induction",)}
    assert grid.badges == {}, "what is shown needs no badge"
    planted.scores()
    first, second = ("previous token", "positional"), ("duplicate token", "global retrieval")
    third = ("induction", "global retrieval")  # in the order in which they were measured
    others = {"0.0": list(first), "0.1": list(second), "1.0": ["global retrieval"]}
    assert planted.badges() == {"0.0": first, "0.1": second, "1.0": third}
    assert grid.badges == others
    grid.measure("previous token")
    assert grid.badges == {"0.0": ["positional"], "0.1": list(second), "1.0": list(third)}
    grid.measure("induction")
    held = dict(grid.badges)
    planted.edits = [hw.zero("0.0")]
    edited = planted.scores(run="edited")
    assert "consistent with" not in set(edited[edited["kind"] == "induction"]["verdict"])
    assert grid.badges == held, "what edits do to a head is not what the head is"
    planted.edits = []
    assert grid.badges == held


def test_a_frame_of_ones_own_on_a_session(planted, wire):
    grid = hw.HeadGrid(planted, frame())
    assert (grid.score, grid.table["column"]) == ("", "score")
    assert hw.HeadGrid(frame(), value="score").session.model["n_heads"] == 3
    with pytest.raises(hw.InputError, match=r"no head 2\.0"):
        hw.HeadGrid(planted, frame(3, 1))
    with pytest.raises(hw.InputError, match="no session to measure with"):
        hw.HeadGrid(frame()).measure("induction")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("inducton",), "did you mean 'induction'"),
        (("pach",), "did you mean 'patch'"),
        ((7,), "name of a kind"),
    ],
)
def test_an_unknown_score_names_the_nearest(planted, arguments, message):
    with pytest.raises(hw.InputError, match=message):
        hw.HeadGrid(planted, *arguments)


@pytest.mark.parametrize("given", [None, 3, [[0.1]]])
def test_what_is_neither_session_nor_frame_is_refused(given):
    with pytest.raises(hw.InputError, match="expected a session"):
        hw.HeadGrid(given)
    with pytest.raises(hw.InputError, match="has no 'vale'; is it 'value'"):
        hw.HeadGrid(frame(), vale="score")


def test_a_number_goes_stale_with_what_it_depends_on(paired, wire):
    grid = hw.HeadGrid(paired, "patch")
    paired.edits = [hw.zero("0.0")]
    assert not grid.stale  # a sweep puts edits aside
    paired.metric = hw.LogitDiff(" went", " and")
    assert grid.stale
    before = grid.values()
    grid.measure()
    assert not grid.stale
    assert np.allclose(grid.values(), -before, atol=1e-5)


def test_the_same_score_is_measured_once(paired, wire, monkeypatch):
    calls = []
    sweep = type(paired).sweep
    monkeypatch.setattr(
        type(paired), "sweep", lambda self, *a, **k: calls.append(a) or sweep(self, *a, **k)
    )
    one, two = hw.HeadGrid(paired, "patch"), hw.HeadGrid(paired, "zero")
    two.score = "patch"
    assert len(calls) == 2
    assert np.array_equal(one.values(), two.values())
    one.measure()
    assert len(calls) == 3


def test_a_score_that_fails_leaves_the_grid_as_it_was(planted, wire):
    grid = hw.HeadGrid(planted, "induction")
    before = grid.table
    with pytest.raises(hw.InputError, match="corrupted prompt"):
        grid.score = "patch"
    assert (grid.score, grid.table) == ("induction", before)


# ------------------------------------------------------------------ the browser


def test_the_browser_asks_for_a_score(paired, wire):
    grid = hw.HeadGrid(paired, "induction")
    wire.clear()
    sent = ask(paired, "measure", grid=grid.grid, score="patch", fresh=False)
    assert sent[-1]["status"] == "ok"
    assert grid.score == "patch"
    updates = [d["state"] for k, d, _ in wire if k == "comm_msg" and d["method"] == "update"]
    tables = [state for state in updates if "table" in state]
    assert len(tables) == 1  # header, bytes and name in one message
    assert tables[0]["score"] == "patch"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"grid": "grid-0", "score": "patch"}, "run its cell again"),
        ({"grid": None, "score": "inducton"}, "did you mean 'induction'"),
        ({"grid": None, "score": "patch", "heads": 1}, "expected grid, score and fresh"),
        ({"grid": None, "score": "patch", "fresh": "yes"}, "expected grid, score and fresh"),
    ],
)
def test_a_request_that_cannot_be_meant_is_refused(paired, wire, body, message):
    grid = hw.HeadGrid(paired, "induction")
    sent = ask(paired, "measure", **{**body, "grid": body["grid"] or grid.grid})
    assert sent[-1]["status"] == "error"
    assert message in sent[-1]["error"]["message"]
    assert grid.score == "induction"


def test_the_kind_of_edit_is_the_session_s(planted, wire):
    state = planted.state
    assert state.edit_kind == "mean"
    browser_sets(state, edit_kind="zero")
    assert state.edit_kind == "zero"
    browser_sets(state, edit_kind="break")
    assert state.edit_kind == "zero"


def test_a_browser_cannot_set_the_table(planted, wire):
    grid = hw.HeadGrid(planted, "induction")
    before = grid.table
    wire.clear()
    browser_sets(grid, table={}, score="previous token", find="9.")
    assert (grid.table, grid.score, grid.find) == (before, "induction", "9.")
    assert any({"table", "score"} <= set(d["state"]) for k, d, _ in wire if "state" in d)


def test_a_frame_s_own_model_takes_a_selection_and_nothing_else(wire):
    state = hw.HeadGrid(frame()).session
    browser_sets(state, selection="1.2")
    assert state.selection == "1.2"
    browser_sets(state, selection="9.9")
    assert state.selection == "1.2"
    assert "no head 9.9" in state.message
    browser_sets(state, edits=[{"kind": "zero"}], model={})
    assert (state.edits, state.model["n_heads"]) == ([], 3)


def test_closing_a_grid_leaves_nothing_behind(planted, wire):
    listening = len(planted._listeners)
    grid = hw.HeadGrid(planted, "induction")
    assert grid in measured.room(planted).grids
    assert len(planted._listeners) > listening
    grid.close()
    assert grid not in measured.room(planted).grids
    _ = planted.state
    kept = len(planted._listeners)
    for _again in range(3):
        hw.HeadGrid(planted, "induction").close()
    assert len(planted._listeners) == kept


# ------------------------------------------------------------------ without a kernel


@pytest.mark.parametrize("n_heads", [3, 12, 64])
def test_the_picture_shows_every_head(n_heads, tmp_path):
    made = frame(4, n_heads)
    made.loc[1, "score"], made.loc[2, "score"] = np.nan, -np.inf
    grid = hw.HeadGrid(made)
    grid.session.selection = "1.1"
    path = grid.save(tmp_path / "grid.png")
    picture = np.asarray(Image.open(path).convert("RGB"))
    assert (np.abs(picture.astype(int) - (213, 94, 0)).sum(-1) < 40).any()  # the ring
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 10
    small = Image.open(BytesIO(grid._png()))
    assert small.size == Image.open(path).size


def test_a_frame_is_shown_without_torch():
    code = (
        "import sys, pandas as pd, headwidgets as hw\n"
        "g = hw.HeadGrid(pd.DataFrame({'layer': [0], 'head': [0], 'score': [1.0]}))\n"
        "g._png(); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
