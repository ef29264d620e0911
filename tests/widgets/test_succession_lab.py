"""SuccessionLab: what is asked and found as traits, exact numbers, requests, faces, bad input."""

from __future__ import annotations

import json
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from test_grid import ask, browser_sets

import headwidgets as hw
from headwidgets.errors import InputError, NotMeasurable
from headwidgets.labs.arithmetic import arithmetic, edited
from headwidgets.labs.succession import KIND, VARIANTS, matrix, scores
from headwidgets.widgets.bundles import bundle
from headwidgets.widgets.serve import handlers
from headwidgets.widgets.succession_data import MOST_CASES, STRENGTHS, best
from headwidgets.widgets.succession_face import array

MAY = {"set": "months", "member": "May", "residue": 8}


@pytest.fixture(scope="module")
def made():
    """Open the numerals model once; its lab is the same for all."""
    session = hw.Session("numerals")
    yield session
    session.close()


@pytest.fixture
def lab(made, wire):
    made.selection = None
    return hw.SuccessionLab(made, **MAY, strength=1.0)


def test_scores_of_every_variant_travel_exactly(lab, made):
    part = lab.session.lab_scores
    table = array(part)
    for at, variant in enumerate(VARIANTS):
        frame = scores(made, variant, draws=0)
        for column, name in enumerate(("micro", "macro", "copying")):
            expected = frame[name].to_numpy(np.float32)
            np.testing.assert_array_equal(table[at, column], expected)
    assert part["variants"] == list(VARIANTS)
    assert part["kind"] == KIND == "head-normed"
    assert part["n"] == sum(n for _, n in part["sets"]) == 290
    assert part["best"] == best(lab.session.need_lab()) == "1.0"


def test_the_matrix_and_the_slide_are_what_python_has(lab, made):
    state = lab.session
    frame = matrix(made, "1.0", "months")
    np.testing.assert_array_equal(array(state.lab_matrix), frame.to_numpy(np.float32))
    assert state.lab_matrix["members"] == list(frame.index)
    assert state.lab_matrix["following"] == [*range(1, 12), 0]
    slide = array(state.lab_slide)
    assert slide.shape == (len(STRENGTHS), 12)
    for strength in (0.0, 1.0, 2.35):
        own = edited(made, "1.0", "months", "May", 8, strength)["after"].to_numpy()
        np.testing.assert_allclose(slide[STRENGTHS.index(strength)], own, atol=1e-6)
    assert state.lab_slide["wanted"] == "September"
    assert state.lab_slide["own"] == 5


def test_another_head_and_set_are_shown_when_they_are_asked_for(lab, made):
    state = lab.session
    lab.look("1.1", set="days")
    assert (state.lab_matrix["head"], state.lab_matrix["set"]) == ("1.1", "days")
    assert state.lab["member"] == "Monday", "the set's first"
    assert str(made.selection) == "1.1"
    made.selection = "1.0"
    assert state.lab_matrix["head"] == state.lab_slide["head"] == "1.0"
    browser_sets(state, lab={**state.lab, "set": "letters"})
    assert state.lab_matrix["set"] == "letters"
    assert state.lab_slide["member"] == "A"


def test_what_a_browser_may_not_ask_changes_nothing(lab):
    state = lab.session
    before = dict(state.lab)
    for wrong in ({"set": "weeks"}, {"residue": 11}, {"strength": 9}, {"other": 1}, {"member": 3}):
        browser_sets(state, lab={**before, **wrong})
        assert state.lab == before, wrong
    browser_sets(state, lab_scores={"error": "x"})
    assert "error" not in state.lab_scores


def test_text_is_read_by_request_with_progress(lab, made, wire):
    messages = ask(made, "succession text", source="pair", set="days", member="Friday")
    assert messages[-1]["status"] == "ok"
    assert messages[-1]["body"]["wins"] >= 4
    assert "progress" in [one["kind"] for one in messages]
    part = lab.session.lab_cases
    assert part["rows"][0]["class"] == "successorship"
    row = next(one for one in part["rows"] if one["because"] == "Friday")
    assert row["next"] == " Saturday"
    assert len(row["tokens"]) == len(row["shares"])
    assert row["tokens"][int(np.argmax(row["shares"]))].strip() == "Friday"
    json.dumps({k: v for k, v in part.items() if k != "data"}, allow_nan=False)
    ask(made, "succession text", source="text", text="from 20 to 30")
    assert lab.session.lab_cases["rows"][0]["class"] == "greater-than"
    assert lab.to_frame("text")["class"][0] == "greater-than"
    ask(made, "succession text", source="lists")
    assert lab.session.lab_cases["of"].startswith("numbered lists: 64 of 64")


def test_cases_that_are_not_sent_are_counted(lab, made):
    """Of many, the largest effects are listed; the frame has all and says how many are."""
    frame = lab.read([f"In order: {day} {day}" for day in ("Monday", "Friday")] * 110)
    part = lab.session.lab_cases
    assert len(frame) == part["wins"] > MOST_CASES == 200
    assert len(part["rows"]) == part["listed"] == lab.to_frame("text").attrs["listed"] == 200
    assert part["rows"][0]["effect"] == frame["effect"].max()
    few = lab.read("from 20 to 30")
    assert few.attrs["listed"] == lab.session.lab_cases["listed"] == len(few)


def test_every_edit_of_the_set_is_counted_beside_the_papers_share(lab, made):
    edits = lab.session.lab_matrix["edits"]
    frame = arithmetic(made, "1.0", "months")
    assert (edits["n"], edits["n_within"]) == (78, 68)
    assert edits["right"] == frame["right"].sum()
    assert edits["right_within"] == frame[~frame["beyond"]]["right"].sum()
    assert edits["paper"] == "the paper: .53"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"source": "web"}, "expected a source"),
        ({"source": "text", "text": " "}, "expected a text"),
        ({"source": "text", "text": 3}, "expected a text"),
        ({"source": "pair", "set": "days", "member": "A"}, "expected a set and one of its"),
        ({"source": "pair", "set": "letters", "member": "Z"}, "nothing follows"),
    ],
)
def test_what_cannot_be_read_is_told(lab, made, body, message):
    with pytest.raises(InputError, match=message):
        handlers(made)["succession text"](body)


def test_frames_are_those_of_the_labs(lab, made):
    pd.testing.assert_frame_equal(lab.to_frame("matrix"), matrix(made, "1.0", "months"))
    assert lab.to_frame("arithmetic").loc[1.0].idxmax() == "September"
    assert lab.to_frame()["micro"].tolist() == scores(made, draws=0)["micro"].tolist()
    with pytest.raises(InputError, match="expected a step"):
        lab.to_frame("all")


def test_a_second_view_costs_little_and_a_tab_nothing(lab, made, wire):
    wire.clear()
    hw.SuccessionLab(made)
    assert sum(len(json.dumps(d, default=str)) for _, d, _ in wire) <= 20_000
    fresh = hw.Session("numerals")
    explorer = fresh.explore()
    assert (fresh.state.succession, fresh.state.lab_scores) == ("", {})
    explorer.tab = "succession"
    assert fresh.state.succession == bundle("succession")
    assert fresh.state.lab_scores == {}, "the browser asks for them, with progress"
    ask(fresh, "succession scores")
    assert fresh.state.lab_scores["best"] == "1.0"
    fresh.close()


def test_its_faces_say_the_same(lab, tmp_path):
    assert repr(lab).startswith("<SuccessionLab: 290 pairs · head 1.0 right on 0.94, copies 0.00")
    small, large = lab._png(), lab._picture()
    assert len(small) <= 16_000
    assert Image.open(BytesIO(small)).size == Image.open(BytesIO(large)).size
    page = lab.save(tmp_path / "lab.html").read_text(encoding="utf-8")
    assert "succession" in page
    assert len(page) < 400_000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"set": "weeks"}, "expected set to be one of"),
        ({"member": "Friday", "set": "months"}, "expected a member of 'months'"),
        ({"residue": 10}, "expected a residue"),
        ({"strength": -1}, "expected a strength from 0 to 4"),
        ({"strength": float("nan")}, "expected a strength"),
        ({"variant": "other"}, "expected variant to be"),
        ({"head": "9.9"}, "9.9"),
        ({"member_": "May"}, "has no 'member_'"),
    ],
)
def test_bad_options_are_refused(made, options, message, wire):
    with pytest.raises(InputError, match=message):
        hw.SuccessionLab(made, **options)


def test_models_that_cannot_be_asked_say_why(planted, wire, stories_path):
    """Attention only: what an MLP would write cannot be asked, the stream can."""
    lab = hw.SuccessionLab(planted)
    assert planted.state.lab["variant"] == "stream"
    assert "no MLP" in planted.state.lab_scores["why"]["normed"]
    assert "right on 0." in repr(lab)
    assert "nothing found" in repr(lab)
    planted.state.lab = {"variant": "normed"}
    assert planted.state.lab["variant"] == "stream"
    nothing = hw.Session("planted")
    nothing.engine.text.ids_after = lambda _word: [1, 2]
    with pytest.raises(NotMeasurable, match="cuts the members of all eight sets"):
        hw.SuccessionLab(nothing)
    assert "cuts" in nothing.state.lab_scores["error"]
    nothing.close()
    with pytest.raises(InputError, match="expected a session"):
        hw.SuccessionLab(3)
    small = hw.Session(stories_path)
    lab = hw.SuccessionLab(small)
    assert "3 pairs" in repr(lab)
    assert "too few to say" in repr(lab)
    small.close()


def test_a_tokenizer_that_cuts_numbers_leaves_the_other_steps(wire):
    """As Llama's: one token a digit. Last digits cannot be learned from 1 to 9, the rest stands."""
    session = hw.Session("numerals")
    text = session.engine.text
    whole = text.ids_after
    cut = lambda word: [1, 2] if len(word) > 2 and word.strip().isdigit() else whole(word)  # noqa: E731 - one line
    text.ids_after = cut
    lab = hw.SuccessionLab(session, set="months", member="May", residue=8)
    assert dict(session.state.lab_scores["sets"])["numbers"] == 8
    assert "residue 0" in session.state.lab_slide["error"]
    assert "residue 0" in session.state.lab_matrix["edits"]["why"]
    assert session.state.lab_matrix["set"] == "months"
    assert lab.read("In order: Monday Tuesday")["class"][0] == "successorship"
    assert lab._png()
    with pytest.raises(NotMeasurable, match="residue 0"):
        lab.to_frame("arithmetic")
    session.close()
