"""Walks on the bundled model: what it says of itself, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import headwidgets as hw
from headwidgets.errors import Cancelled, InputError
from headwidgets.model.work import Work, doing


@pytest.fixture(scope="module")
def session():
    return hw.Session()


def test_a_walk_scores_what_it_needs_and_keeps_it(session):
    before = session.engine.hooks_left()
    frame = session.walk("parity", n=20)
    assert session.engine.hooks_left() == before
    assert "score: iteration" in session.frames
    row = frame.set_index("step").loc["iteration"]
    scores = session.frames["score: iteration"]
    assert f"{row['head']}" in {f"{r.layer}.{r.head}" for r in scores.itertuples() if r.score > 0.3}
    assert row["cost"] > 1, "without its path the answer is worth less"
    rows = session.walk_sides("parity", "iteration")
    for side in ("query", "key"):
        assert rows.loc[rows["side"] == side, "value"].sum() == pytest.approx(row["qk"], abs=1e-3)
    both = session.break_walk("parity", "iteration")
    assert both["after"] == pytest.approx(row["after"], abs=1e-4)
    assert session.break_walk("parity")["cost"] == 0
    assert not session.edits, "the session's own edits are left alone"
    assert "walk: parity" in session.frames
    assert not session.is_stale(frame)


def test_your_own_prompts_are_walked_and_broken(session):
    prompts = hw.task("parity", n=12, seed=3, split="test").prompts(session.engine.text)
    frame = session.walk("parity", prompts, index=4)
    assert frame.attrs["index"] == 4
    assert frame["n"].max() == 12
    found = session.break_walk("parity", "iteration")
    assert found["n"] == 12
    row = frame.set_index("step").loc["iteration"]
    assert found["after_here"] == pytest.approx(row["after_here"], abs=1e-4)


def test_what_cannot_be_walked_is_refused(session):
    with pytest.raises(InputError, match="'multiple choice'"):
        session.walk("ioy")
    bare = hw.Prompts(clean=["a b c"], answer=[" Mary"], foil=[" John"])
    with pytest.raises(InputError, match="prompt 0 lacks IO, S1, S2, OBJECT"):
        session.walk("ioi", bare)
    with pytest.raises(InputError, match="from 0 to 39"):
        session.walk("parity", index=99)
    fresh = hw.Session("planted")
    with pytest.raises(InputError, match=r"s\.walk\('ioi'\) first"):
        fresh.walk_sides("ioi", "name mover")
    session.walk("parity", n=20)
    with pytest.raises(InputError, match="with a head"):
        session.break_walk("parity", "nobody")


@pytest.mark.slow
def test_the_names_are_walked_and_the_order_differs(session):
    frame = session.walk("ioi", n=20).set_index("step")
    told, moved = frame.loc["s-inhibition"], frame.loc["name mover"]
    assert told["here"] < moved["here"], "here it tells before the mover moves"
    assert told["place"] > moved["place"], "the survey has it behind"
    assert "name mover" in told["differs"]
    assert told["cost"] > 1
    assert moved["cost"] > 1
    rows = session.walk_sides("ioi", "name mover")
    assert rows[rows["side"] == "query"]["part"].iloc[0] == told["head"]
    lacking = frame[frame["heads"] == ""]
    assert lacking["reason"].str.startswith("no head was found").all()
    assert np.isnan(lacking["cost"]).all()


def test_what_was_walked_is_kept_and_can_be_broken(session):
    session.walk("multiple choice", n=20)
    work = Work()

    def stop(done, _total, label):
        if label.startswith("walking") and done == 2:
            work.cancel()

    work.progress = stop
    with doing(work), pytest.raises(Cancelled):
        session.walk("multiple choice", n=24)
    frame = session.frames["walk: multiple choice"]
    assert frame.attrs["incomplete"] == "stopped: 2 of 3 steps done"
    assert session.break_walk("multiple choice", "gather")["n"] == 24
    with pytest.raises(InputError, match="with a head"):
        session.break_walk("multiple choice", "letter")


def test_claimed_heads_hand_over(session):
    heads = {"s-inhibition": ["0.3"], "name mover": ["3.1", "3.2"]}
    left = session.engine.hooks_left()
    frame = session.hand_over("ioi", heads, n=8)
    assert session.engine.hooks_left() == left
    assert set(frame["from"]) == {"0.3"}
    assert frame.attrs["measured_on"].endswith("n = 8")
    matrix = session.hand_over_by_stage()
    assert matrix.loc["latent reasoning", "in-context identification"] < -1
    assert frame.attrs["skipping"]["reason"]
    with pytest.raises(InputError, match="heads by kind"):
        session.hand_over("ioi", ["0.3", "3.1"])
    with pytest.raises(InputError, match="no option 'seeds'"):
        session.hand_over("ioi", heads, seeds=3)
    fresh = hw.Session("planted")
    with pytest.raises(InputError, match="no head is claimed by scores"):
        fresh.hand_over()
    with pytest.raises(InputError, match=r"call s\.hand_over\(\) first"):
        fresh.hand_over_by_stage()
