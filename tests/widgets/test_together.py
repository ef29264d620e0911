"""Walks and hand-over in the traits of a session, on the wire and in a saved page."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from test_grid import ask

import headwidgets as hw
from headwidgets.errors import InputError
from headwidgets.taxonomy.registry import STAGES
from headwidgets.widgets.together import PARTS, pack_hand_over, pack_walk

HEADS = {"s-inhibition": ["0.3"], "name mover": ["3.1", "3.2"]}


@pytest.fixture(scope="module")
def session():
    made = hw.Session()
    made.walk("parity", n=20)
    made.hand_over("ioi", HEADS, n=6)
    return made


def test_what_is_packed_is_what_was_walked(session):
    frame = session.frames["walk: parity"]
    told = pack_walk(frame)
    json.dumps(told, allow_nan=False)  # a browser takes no NaN
    steps = {step["step"]: step for step in told["steps"]}
    row = frame.set_index("step").loc["iteration"]
    for name in ("head", "attention", "qk", "cost", "before_here", "breaks"):
        assert steps["iteration"][name] == row[name]
    for side in ("query", "key"):
        parts = steps["iteration"]["sides"][side]
        assert len(parts) == PARTS + 1
        assert sum(value for _, value in parts) == pytest.approx(row["qk"], abs=1e-3)
    assert steps["mover"]["cost"] is None
    assert steps["mover"]["here"] is None
    assert not steps["mover"]["broken"]
    assert len(steps["iteration"]["looks"]) == len(told["tokens"])


def test_what_is_packed_is_what_was_handed_over(session):
    frame = session.frames["hand-over"]
    told = pack_hand_over(frame)
    json.dumps(told, allow_nan=False)
    matrix = session.hand_over_by_stage()
    assert told["stages"] == list(STAGES)
    shown = np.array([[np.nan if v is None else v for v in row] for row in told["effect"]])
    np.testing.assert_array_equal(shown, matrix.to_numpy())
    assert told["pairs"][0]["effect"] == frame["effect"].iloc[0]
    assert told["heads"]["0.3"] == ["s-inhibition"]
    assert told["skipping"]["reason"]


def test_every_view_has_what_a_cell_has_found(session):
    view = hw.TaxonomyView(session, part="walks", walk="parity")
    assert set(session.state.together["walks"]) == {"parity"}
    session.walk("parity", n=24)
    assert session.state.together["walks"]["parity"]["measured_on"].endswith("n = 24")
    assert "hand_over" in session.state.together
    view.close()


def test_a_browser_asks_for_a_walk_a_break_and_a_hand_over(session):
    found = ask(session, "break walk", walk="parity", steps=["iteration"])[-1]
    row = session.frames["walk: parity"].set_index("step").loc["iteration"]
    assert found["status"] == "ok"
    assert found["body"]["after"] == pytest.approx(row["after"])
    assert found["body"]["steps"] == ["iteration"]
    found = ask(session, "walk python", walk="parity", steps=["iteration"])[-1]
    assert found["body"]["python"] == session.walk_as_python("parity", "iteration")
    for name, body in {
        "walk": {"walk": "sums"},
        "break walk": {"walk": "parity", "steps": "iteration"},
        "walk python": {"walk": "parity", "steps": ["nobody"]},
        "hand over": {"task": "ioi"},
    }.items():
        found = ask(session, name, **body)[-1]
        assert found["status"] == "error", name
        assert "expected" in found["error"]["message"]


def test_options_are_checked_at_the_door(session):
    with pytest.raises(InputError, match="expected part to be one of kinds, walks, hand-over"):
        hw.TaxonomyView(session, part="sums")
    with pytest.raises(InputError, match="expected walk to be one of ioi, multiple choice"):
        hw.TaxonomyView(session, walk="sums")


def test_a_saved_page_holds_the_walk_and_the_matrix(session, tmp_path):
    view = hw.TaxonomyView(session, part="hand-over")
    text = view.save(tmp_path / "page.html").read_text(encoding="utf-8")
    assert '"iteration"' in text
    assert '"hand_over"' in text
    view.close()


def test_a_walk_that_was_saved_is_shown_and_asked_for_anew(session, tmp_path):
    session.save(tmp_path / "kept")
    again = hw.load(tmp_path / "kept")
    assert isinstance(again.frames["walk: parity"], pd.DataFrame)
    view = hw.TaxonomyView(again, part="walks", walk="parity")
    assert set(again.state.together["walks"]) == {"parity"}
    assert again.hand_over_by_stage().shape == (4, 4)
    with pytest.raises(InputError, match="take it again"):
        again.break_walk("parity", "iteration")
    view.close()


def test_the_static_face_is_of_the_part_that_is_open(session, tmp_path):
    kinds, walks, over = (
        hw.TaxonomyView(session, part=part, walk="parity")
        for part in ("kinds", "walks", "hand-over")
    )
    assert "walk parity: iteration 3.0" in repr(walks)
    assert "hand-over: 0.3 → 3." in repr(over)
    sizes = {}
    for name, view in {"kinds": kinds, "walks": walks, "over": over}.items():
        path = view.save(tmp_path / f"{name}.png")
        sizes[name] = Image.open(path).size
        assert len(view._png()) <= 24_000
        view.close()
    assert len(set(sizes.values())) == 3
    not_taken = hw.TaxonomyView(session, part="walks", walk="ioi")
    assert "not taken yet" in repr(not_taken)
    assert not_taken._png()
    not_taken.close()
