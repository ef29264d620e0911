"""What a stale page, a hostile page or a careless cell may send: each is answered, none breaks."""

from __future__ import annotations

import gc
import json
import threading
import weakref
from base64 import b64encode

import numpy as np
import pandas as pd
import pytest
from ipywidgets.widgets.widget import _instances

import headwidgets as hw
from headwidgets.widgets import face_ink, grid_face, measured
from headwidgets.widgets.envelope import LONGEST_REASON
from headwidgets.widgets.explore import read_table
from headwidgets.widgets.grid_read import MOST_HEADS
from headwidgets.widgets.serve import handlers

START = "When Mary and John went to the store,"
TABLE = {
    "clean": [f"{START} Mary"],
    "corrupted": [f"{START} John"],
    "answer": [" and"],
    "foil": [" went"],
}
VIEWS = {
    "view": hw.AttentionView,
    "grid": lambda s: hw.HeadGrid(s, "patch"),
    "panel": hw.PatchPanel,
    "explore": lambda s: s.explore(),
    "taxonomy": lambda s: (s.score("induction"), hw.TaxonomyView(s))[1],
    "succession": hw.SuccessionLab,
}
ABSURD = (
    *(None, True, -1, 2**63, 10**400, 1.5, float("nan"), "", "x", "9.9", "\ud800", "\x00"),
    *([], [[1]], [None], {}, {"a": {"b": [1]}}, "0.-1", [0, 10**30], ["end"], "mlp 0"),
)
SWEEP = {"kind": "zero", "over": "heads", "direction": "denoise", "at": None}
GOOD = {
    "attention": {"head": "0.0", "run": "clean"},
    "thumbnails": {"run": "clean"},
    "logits": {"k": 3, "at": "end"},
    "effect": {"x": 1},
    "score": {"kind": "induction"},
    "generate": {"n": 1},
    "measure": {"grid": "grid-0", "score": "induction", "fresh": False},
    "tile": {"head": "0.0", "run": "clean", "weighting": "raw", "over": "pair"}
    | {"query": 0, "key": 0, "edge": 4},
    "value": {"head": "0.0", "run": "clean", "weighting": "raw", "over": "pair"}
    | {"query": 0, "key": 0},
    "set_prompt": {"which": "corrupted", "prompt": "x"},
    "replace_token": {"at": 2, "text": "Tom"},
    "use_table": {"text": "x"},
    "as_python": {"grid": None},
    "sweep_cost": SWEEP,
    "sweep": {"panel": "panel-0"} | SWEEP,
    "sweep_python": {"panel": "panel-0"},
    "kinds": {"x": 1},
    "score kind": {"kind": "induction"},
    "score kinds": {"x": 1},
    "confirm kind": {"kind": "induction", "head": "1.0"},
    "walk": {"walk": "ioi"},
    "break walk": {"walk": "ioi", "steps": ["name mover"]},
    "walk python": {"walk": "ioi", "steps": []},
    "hand over": {"task": "ioi", "candidates": False},
    "succession scores": {},
    "succession text": {"source": "pair", "set": "days", "member": "Monday"},
}


def frame(**columns):
    return pd.DataFrame({"layer": [0, 0, 1], "head": [0, 1, 0], "score": [0.1, 0.2, 0.3]} | columns)


def browser_sets(widget, **traits):
    content = {"data": {"method": "update", "state": traits, "buffer_paths": []}}
    widget._handle_msg({"content": content, "buffers": []})


def sent_back(wire):
    return {name for _, data, _ in wire for name in (data or {}).get("state", {})}


@pytest.fixture
def paired(planted, wire):
    planted.use(hw.Prompts(**TABLE))
    return planted


# ------------------------------------------------------------------ requests


def test_every_request_takes_anything(paired):
    serving = handlers(paired)
    assert set(serving) == set(GOOD)  # a new one is tried here too
    for name, good in GOOD.items():
        for part in good:
            for value in ABSURD:
                try:
                    serving[name]({**good, part: value})
                except hw.HeadwidgetsError as error:
                    assert len(str(error)) < LONGEST_REASON, (name, part)  # noqa: PT017


@pytest.mark.parametrize(
    ("name", "part"), [("attention", "head"), ("score", "kind"), ("measure", "score")]
)
def test_what_is_quoted_is_cut(paired, name, part):
    grid = hw.HeadGrid(paired)
    body = {**GOOD[name], part: "1" * 1_000_000}
    if name == "measure":
        body["grid"] = grid.grid
    with pytest.raises(hw.InputError) as error:
        handlers(paired)[name](body)
    assert len(str(error.value)) < LONGEST_REASON


def test_a_reason_on_the_wire_is_short(paired, wire):
    _ = paired.state
    wire.clear()
    browser_sets(paired.state, index="7" * 100_000, nonsense="x", revision="9" * 100_000)
    assert 0 < len(paired.state.message) <= 3 * LONGEST_REASON
    assert sum(len(json.dumps(data)) for _, data, _ in wire) < 10 * LONGEST_REASON


def test_a_huge_table_is_refused_at_once(paired):
    with pytest.raises(hw.InputError, match="at most"):
        handlers(paired)["use_table"]({"text": "a b\n" * 2_000_000})


# ------------------------------------------------------------------ traits


@pytest.mark.parametrize("name", ["_esm", "tools", "taxonomy", "carried", "_model_name"])
def test_a_browser_cannot_set_the_session_s_code(paired, name):
    state = paired.state
    state.need_code("tools", "taxonomy")
    before = getattr(state, name)
    browser_sets(state, **{name: {"id": "x", "buffers": []} if name == "carried" else "evil()"})
    assert getattr(state, name) == before
    assert "read-only" in state.message


@pytest.mark.parametrize("kind", VIEWS)
def test_a_browser_cannot_set_what_a_view_is(paired, wire, kind):
    view = VIEWS[kind](paired)
    names = ("_esm", "session", "view", "code", "tools", "taxonomy", "mirrored", "carried")
    before = {name: getattr(view, name) for name in names}
    for name in names:
        for value in (None, "x", {}, {"a": 1}):
            wire.clear()
            browser_sets(view, **{name: value})
            assert name in sent_back(wire)
    assert {name: getattr(view, name) for name in names} == before


def test_an_array_s_code_is_its_own(wire):
    state = hw.AttentionView([[1.0, 0.0], [0.5, 0.5]], ["a", "b"]).session
    before = state._esm
    browser_sets(state, _esm="evil()", tools="evil()", taxonomy="x", nonsense=1, _nonsense=1)
    assert (state._esm, state.tools, state.taxonomy) == (before, "", "")


def test_a_value_that_a_view_cannot_hold_is_put_back(paired, wire):
    grid = hw.HeadGrid(paired)
    for traits in ({"sort": 5}, {"find": None}, {"layout": "x"}, {"layout": "IPY_MODEL_none"}):
        wire.clear()
        browser_sets(grid, **traits)
        assert set(traits) <= sent_back(wire)
    assert (grid.sort, grid.find) == ("grid", "")
    browser_sets(grid, sort="value", find="9.")
    assert (grid.sort, grid.find) == ("value", "9.")


# ------------------------------------------------------------------ what stays


@pytest.mark.parametrize("kind", VIEWS)
def test_a_closed_view_is_gone(paired, kind):
    _ = paired.state
    VIEWS[kind](paired).close()
    gc.collect()
    held, threads = len(_instances), threading.active_count()
    listening = len(paired._listeners)
    refs = []
    for i in range(6):
        view = VIEWS[kind](paired)
        view.apart = bool(i % 2)
        view._repr_mimebundle_()
        refs.append(weakref.ref(view))
        view.close()
    del view
    gc.collect()
    assert [ref() for ref in refs] == [None] * 6
    assert len(_instances) == held
    assert len(paired._listeners) == listening
    assert threading.active_count() == threads
    assert not paired.state._painter._viewers
    assert not measured.room(paired).grids


def test_a_closed_session_is_gone_with_its_views(wire):
    def opened_and_closed():
        session = hw.Session("planted")
        views = [make(session) for make in (hw.AttentionView, hw.HeadGrid, hw.PatchPanel)]
        refs = [weakref.ref(one) for one in (session, session.engine, session.state, *views)]
        session.close()
        return refs

    opened_and_closed()
    gc.collect()
    held = len(_instances)
    refs = opened_and_closed()
    gc.collect()
    assert [ref() for ref in refs] == [None] * 6
    assert len(_instances) == held


def test_what_is_closed_still_answers_in_python(paired, tmp_path):
    for kind, make in VIEWS.items():
        view = make(paired)
        view.close()
        assert len(view.to_frame())
        assert kind
        assert view.save(tmp_path / "x.html").stat().st_size
        view.close()


# ------------------------------------------------------------------ saving


@pytest.mark.parametrize("suffix", ["html", "png", "svg"])
@pytest.mark.parametrize("kind", VIEWS)
def test_every_widget_saves_as_everything(paired, tmp_path, kind, suffix):
    path = VIEWS[kind](paired).save(tmp_path / f"x.{suffix}")
    assert 500 < path.stat().st_size < 2_000_000


# ------------------------------------------------------------------ size


@pytest.mark.parametrize("kind", ["view", "grid", "panel"])
def test_a_second_view_is_light(shaped_bridges, wire, kind):
    session = hw.Session(shaped_bridges("gpt2"))
    rng = np.random.default_rng(0)
    ids = [0, *(int(i) for i in rng.integers(1, 500, 100))]
    session.use(hw.Prompts(clean=[ids], corrupted=[[*ids[:3], 7, *ids[4:]]]))
    wide = pd.DataFrame([(i, h, rng.normal()) for i in range(12) for h in range(12)])
    wide.columns = ["layer", "head", "effect"]
    session.explore()
    wire.clear()
    view = VIEWS[kind](session)
    size = sum(len(json.dumps(data)) + sum(map(len, more)) for _, data, more in wire)
    size += len(json.dumps(view._repr_mimebundle_()))
    face = b64encode(hw.HeadGrid(wide)._png())  # 144 numbers without any order
    assert size <= 20_000
    assert len(face) <= 11_000
    session.close()


def test_a_small_face_keeps_the_largest_numbers_and_the_colours(wire):
    rng = np.random.default_rng(0)
    wide = pd.DataFrame([(i, h, rng.normal()) for i in range(12) for h in range(12)])
    wide.columns = ["layer", "head", "effect"]
    grid = hw.HeadGrid(wide)
    worth = grid_face._worth(grid.values(), 12)
    assert worth.sum() == 12
    assert np.abs(grid.values()[worth]).min() > np.abs(grid.values()[~worth]).max()
    grid.session.selection = "1.1"
    pixels = grid_face.Image.open(grid_face.BytesIO(grid._png())).convert("RGB")
    colours = {colour for _, colour in pixels.getcolors(4096)}
    assert face_ink.PICKED in colours  # the ring
    ends = grid_face.diverging()
    assert {tuple(map(int, ends[0])), tuple(map(int, ends[-1]))} <= colours


# ------------------------------------------------------------------ frames


@pytest.mark.parametrize(
    "columns",
    [
        {"layer": [0.0, 0.0, 1.0]},
        {"verdict": [None, np.nan, "</script>"], "reason": [None, 3, "<b>"]},
        {"verdict": pd.array(["a", None, "b"], dtype="string")},
        {"p": ["x", 1, 2]},
        {"se": [0.1, 0.1, 0.1], "n": ["a", 1, 2]},
        {"score": [np.inf, -np.inf, np.nan]},
        {"score": [1e300, -1e300, 1e-320]},
    ],
)
def test_an_odd_frame_is_shown(columns, tmp_path, wire):
    grid = hw.HeadGrid(frame(**columns))
    json.dumps(grid.table, allow_nan=False)
    assert grid.save(tmp_path / "x.html").stat().st_size
    assert "3 heads" in repr(grid)
    assert "nan" not in repr(grid)
    assert len(grid.to_frame()) == 3


@pytest.mark.parametrize(
    "attrs",
    [
        {"notes": None, "revision": 10**400, "threshold": float("inf")},
        {"notes": 5, "metric": object(), "title": 5},
        {"notes": "one </script>", "measured_on": "\u202e\n'"},
    ],
)
def test_odd_attrs_are_left_out(attrs, tmp_path, wire):
    made = frame()
    made.attrs |= attrs
    grid = hw.HeadGrid(made)
    json.dumps(grid.table, allow_nan=False)
    assert grid.table["notes"] == ([attrs["notes"]] if isinstance(attrs["notes"], str) else [])
    assert grid.save(tmp_path / "x.html").stat().st_size


def test_a_frame_that_is_no_model_is_refused(paired):
    twice = pd.DataFrame([[0, 0, 1.0, 2.0]], columns=["layer", "head", "score", "score"])
    with pytest.raises(hw.InputError, match="each column once, got 'score'"):
        hw.HeadGrid(twice)
    with pytest.raises(hw.InputError, match=f"up to {MOST_HEADS:,}, got 1,000,000"):
        hw.HeadGrid(frame(layer=[999, 0, 0], head=[0, 999, 1]))
    with pytest.raises(hw.InputError, match="takes no direction"):
        hw.HeadGrid(frame(), direction="noise")
    with pytest.raises(hw.InputError, match="takes no score"):
        hw.HeadGrid(frame(), "patch")


def test_a_name_cannot_write_to_the_terminal(wire):
    grid = hw.HeadGrid(frame().rename(columns={"score": "\x1b[31m\n\u202e"}))
    assert repr(grid).isprintable()


def test_half_a_character_is_a_token_too(wire, tmp_path):
    view = hw.AttentionView(np.eye(2, dtype=np.float32), ["\ud800", "</script>\x00"])
    assert view.to_frame()["query_token"].tolist()[0] == "\ud800"
    for suffix in ("html", "png", "svg"):
        assert view.save(tmp_path / f"x.{suffix}").stat().st_size


# ------------------------------------------------------------------ tables and keywords


def test_a_table_in_a_file_is_read_however_it_was_written(tmp_path):
    text = "clean;corrupted;answer;foil\n" + ";".join(f'"{v[0]}"' for v in TABLE.values()) + "\n"
    expected = hw.Prompts(**TABLE)
    for name, written in {
        "a.csv": text,
        "b.csv": "\ufeff" + text.replace(";", ","),
        "c.txt": text.replace(";", "\t"),
    }.items():
        (tmp_path / name).write_text(written, encoding="utf-8")
        assert read_table(str(tmp_path / name)) == expected
    (tmp_path / "d.csv").write_bytes('clean\n"café"\n'.encode("latin-1"))
    with pytest.raises(hw.InputError, match="save it as UTF-8"):
        read_table(tmp_path / "d.csv")
    with pytest.raises(hw.InputError, match="answer of prompt 1"):
        read_table({"clean": ["a", "b"], "answer": [" x", None], "foil": [" y", " z"]})


def test_an_unknown_keyword_is_named(paired):
    with pytest.raises(hw.InputError, match="'ovr': it has over, at, metric, direction"):
        paired.sweep("patch", ovr="heads")
    with pytest.raises(hw.InputError, match="leave at= out"):
        paired.sweep("patch", over="heads x positions", at="end")
    with pytest.raises(hw.InputError, match="is it 'device'"):
        hw.explore(None, None, devic="cpu")


def test_an_explorer_has_its_session(paired):
    assert hw.explore(paired).of is paired
