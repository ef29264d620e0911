"""Why nothing changed: one case, one sentence; and silence where something did."""

from __future__ import annotations

import math

import pytest

import headwidgets as hw
from headwidgets.errors import InputError
from headwidgets.session.compared import first_difference

CLEAN = "Mary took the red apple and John took the red"
CORRUPTED = "Mary took the red book and John took the red"


@pytest.fixture
def asked(planted):
    planted.prompts = hw.Prompts(
        clean=[CLEAN], corrupted=[CORRUPTED], answer=[" apple"], foil=[" book"]
    )
    return planted


def reason(session, *edits):
    session.edits = list(edits)
    return session.compare(3).attrs["why"]


def test_it_is_silent_where_the_logits_moved(asked):
    assert reason(asked, hw.zero("1.0")) == ""
    assert reason(asked, hw.scale("1.0", 1), hw.zero("1.0")) == ""


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ([], "no edits yet"),
        ([hw.scale("1.0", 1)], "a factor of 1 changes nothing"),
        ([hw.patch("0.0", at=2)], "the two prompts do not differ before position 5"),
        ([hw.patch("1.1")], "both runs have the same activation there"),
        ([hw.zero("1.2"), hw.zero("1.2")], "zero 1.2: its z is zero already"),
        ([hw.mean("1.1")], "it equals its mean already"),
        ([hw.zero("1.2")], "nothing after it reads what is written there"),
        ([hw.zero("1.0", at=3)], "no layer after 1 carries it to position 10"),
        ([hw.scale("1.0", 2), hw.scale("1.0", 0.5)], "the edits undo each other"),
        ([hw.patch("1.0"), hw.patch("1.1", into="corrupted")], "into one run"),
    ],
    ids=str,
)
def test_each_reason_has_its_sentence(asked, edits, words):
    found = reason(asked, *edits)
    assert words in found
    assert not edits or len(edits) > 1 or found.startswith(str(edits[0]))


def test_two_edits_have_a_sentence_each(asked):
    both = reason(asked, hw.scale("1.0", 1), hw.zero("1.2"))
    assert "scale 1.0 × 1: a factor of 1" in both
    assert "zero 1.2: the activation moved" in both


def test_the_same_prompt_twice(asked):
    asked.corrupted_prompt = CLEAN
    assert "the two prompts are the same" in reason(asked, hw.patch("1.0"))
    assert first_difference(asked.snapshot()) is None


def test_an_edit_that_waits_leaves_the_other_runs(asked):
    asked.corrupted_prompt = CORRUPTED + " red"
    assert "waiting: 11 and 12 tokens" in reason(asked, hw.patch("1.0"))
    frame = asked.compare(3)
    assert frame["edited"].isna().all()
    assert frame[["clean", "corrupted"]].notna().all(axis=None)
    measured = asked.intervals()
    assert math.isnan(measured.loc["edited", "value"])
    assert "waiting" in measured.loc["edited", "note"]
    assert measured.loc["clean", "value"] == pytest.approx(40, abs=1e-4)
    asked.corrupted_prompt = None
    assert "no corrupted prompt" in reason(asked, hw.patch("1.0"))
    assert asked.compare(3)["corrupted"].isna().all()


def test_a_post_norm_cancels_a_common_factor(shaped_bridges):
    session = hw.Session(shaped_bridges("gemma2"))
    assert session.facts.post_norm
    n = session.facts.n_heads
    found = reason(session, *(hw.scale((0, head), 2) for head in range(n)))
    assert "the norm after the attention cancels a common factor" in found
    assert reason(session, hw.scale("0.0", 2)) == ""
    session.close()


def test_the_runs_are_side_by_side(asked):
    asked.edits = [hw.zero("1.0")]
    frame = asked.compare(4)
    for run in ("clean", "corrupted", "edited"):
        there = frame[run].to_numpy()
        assert frame[f"p_{run}"].sum() <= 1 + 1e-6
        assert (there[frame["token"].to_numpy() == " apple"] <= 40.001).all()
    assert frame["change"].equals(frame["edited"] - frame["clean"])
    asked.edits = [hw.patch("1.0", into="corrupted")]
    frame = asked.compare(4)
    assert frame["change"].equals(frame["edited"] - frame["corrupted"])
    exact = asked.logits(4)
    shared = frame.index.intersection(exact.index)
    assert len(shared) >= 4
    assert frame.loc[shared, "edited"].to_numpy() == pytest.approx(
        exact.loc[shared, "edited"].to_numpy()
    )
    with pytest.raises(InputError, match="expected k from 1"):
        asked.compare(0)


def test_the_interval_is_student_s(planted):
    planted.prompts = hw.Prompts(
        clean=[CLEAN, "Tom saw a blue door and Anna saw a green", "the red apple and the red"],
        answer=[" apple", " door", " apple"],
        foil=[" book", " key", " book"],
    )
    plain, wide = planted.effect(), planted.intervals()
    half = wide["high"] - wide["value"]
    assert half["clean"] == pytest.approx(4.303 * plain.loc["clean", "se"], rel=1e-3)
    assert half["clean"] > 0
    assert wide.loc["clean", "n"] == 3
