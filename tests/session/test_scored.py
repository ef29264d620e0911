"""Scores, proofs and passports of a session: what goes into what, and for how long it holds."""

from __future__ import annotations

from dataclasses import replace

import pytest

import headwidgets as hw
from headwidgets.errors import Cancelled, InputError
from headwidgets.heads import Head
from headwidgets.model.work import checkpoint
from headwidgets.session import scored
from headwidgets.session.scored import PROOF
from headwidgets.taxonomy import all_kinds, registry
from headwidgets.taxonomy.confirmed import Confirmed
from headwidgets.taxonomy.registry import EXPLORATORY
from headwidgets.taxonomy.verdict import CANDIDATE, CONSISTENT, NO, NOT_MEASURABLE

KIND = "attributed induction"


@pytest.fixture
def attributed(planted, monkeypatch):
    """The induction score, as if it were of a class that needs a proof."""
    made = replace(
        registry.find("induction"), name=KIND, title=KIND, aliases=(), evidence="direct attribution"
    )
    monkeypatch.setitem(registry._REGISTRY, KIND, made)
    return planted


def verdict(frame, head):
    layer, number = map(int, head.split("."))
    row = frame[(frame["layer"] == layer) & (frame["head"] == number)]
    return row["verdict"].item(), row["reason"].item()


def test_a_proof_is_one_row_that_says_what_was_done(planted):
    frame = planted.confirm("induction", "L1H0", n=30)
    assert tuple(frame.columns) == PROOF
    assert len(frame) == 1
    row = frame.iloc[0]
    assert (row["layer"], row["head"], row["kind"]) == (1, 0, "induction")
    assert 15 <= row["n"] <= 30  # those that another has the length of
    assert row["passed"]
    assert row["share"] == pytest.approx(-row["effect"] / row["clean"])
    assert 0 < row["se"] < abs(row["effect"])
    assert frame.attrs["measured_on"].endswith(f"n = {row['n']}")
    assert frame.attrs["matched"] == ["0.0", "0.1", "0.2", "1.1", "1.2"]
    assert frame.attrs["depends_on"] == ["weights"]
    assert planted.frames["confirm: induction 1.0 (n = 30, seed 1)"].equals(frame)
    assert not planted.is_stale(frame)


def test_a_proof_goes_into_the_next_verdict(attributed):
    before, reason = verdict(attributed.score(KIND), "1.0")
    assert before == CANDIDATE
    assert "the proving intervention has not run" in reason
    assert KIND not in attributed.badges().get("1.0", ())
    attributed.confirm(KIND, "1.0", n=20)
    assert attributed.proofs() == {(KIND, hw.Head(1, 0)): True}
    after, reason = verdict(attributed.score(KIND), "1.0")
    assert after == CONSISTENT
    assert "proving" not in reason
    assert KIND in attributed.badges()["1.0"]


def test_a_proof_that_failed_is_taken_in_as_well(attributed, monkeypatch):
    real = scored.confirm
    monkeypatch.setattr(
        scored, "confirm", lambda *a, **more: replace(real(*a, **more), passed=False)
    )
    attributed.confirm(KIND, "1.0", n=20)
    found, reason = verdict(attributed.score(KIND), "1.0")
    assert found == CANDIDATE
    assert "the proving intervention failed" in reason


def test_a_proof_makes_nothing_of_a_head_whose_score_says_no(attributed):
    attributed.confirm(KIND, "0.0", n=20)  # without it the task is lost
    assert attributed.proofs()[KIND, hw.Head(0, 0)]
    assert verdict(attributed.score(KIND), "0.0")[0] == NO


def test_a_proof_counts_for_its_own_kind_only(attributed):
    attributed.confirm("induction", "1.0", n=20)
    assert verdict(attributed.score(KIND), "1.0")[0] == CANDIDATE


@pytest.mark.parametrize("failed", [0, 1])
def test_every_try_counts_and_one_that_failed_is_not_mended_by_another(
    attributed, monkeypatch, failed
):
    real, outcomes = scored.confirm, [True, True]
    outcomes[failed] = False
    for n, passed in zip((20, 30), outcomes, strict=True):
        made = lambda *a, passed=passed, **more: replace(real(*a, **more), passed=passed)  # noqa: E731
        monkeypatch.setattr(scored, "confirm", made)
        attributed.confirm(KIND, "1.0", n=n)
    assert attributed.proofs() == {(KIND, hw.Head(1, 0)): False}
    tried = attributed.proofs_tried()
    assert sorted(tried["passed"]) == [False, True]
    assert tried["p_corrected"].to_list() == [2 * tried["p"].min()] * 2


def test_scores_under_edits_do_not_replace_those_of_the_model(attributed):
    clean = attributed.score("previous token")
    held = attributed.badges()
    attributed.edits = [hw.zero("0.0")]
    edited = attributed.score("previous token", run="edited")
    assert attributed.frames["score: previous token"].equals(clean)
    assert attributed.frames["score: previous token (edited)"].equals(edited)
    attributed.edits = []
    assert attributed.badges() == held


def test_a_kind_is_asked_for_by_name(planted):
    with pytest.raises(InputError, match="None"):
        planted.score(None)
    assert not planted.frames


def test_other_weights_undo_a_proof(attributed):
    frame = attributed.confirm(KIND, "1.0", n=20)
    attributed.prompts = ["the cat sat on the mat"]
    attributed.edits = [hw.zero("0.1")]
    assert not attributed.is_stale(frame)  # neither prompts nor edits have a part in it
    attributed.edits = []
    attributed.refresh()
    assert attributed.is_stale(frame)
    assert attributed.proofs() == {}
    assert verdict(attributed.score(KIND), "1.0")[0] == CANDIDATE


def test_a_proof_is_of_the_unedited_model(attributed):
    """The session's edits are no part of it, and a score under edits does not take it in."""
    attributed.edits = [hw.zero("0.1")]
    frame = attributed.confirm(KIND, "1.0", n=20)
    attributed.edits = []
    assert frame["clean"].item() == attributed.confirm(KIND, "1.0", n=20)["clean"].item()
    attributed.edits = [hw.zero("0.1")]
    edited = attributed.score(KIND, run="edited")
    attributed.edits = []
    assert verdict(edited, "1.0")[0] != CONSISTENT


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("inductoin", "1.0"), "did you mean 'induction'"),
        (("induction", "9.9"), "no head 9.9"),
        (("induction", 1.5), "write it as a string"),
    ],
)
def test_what_cannot_be_proved_leaves_no_frame(planted, asked, message):
    with pytest.raises(InputError, match=message):
        planted.confirm(*asked)
    assert not planted.frames
    with pytest.raises(InputError, match="expected n as a whole number"):
        planted.confirm("induction", "1.0", n=0)
    assert planted.proofs() == {}


def test_a_passport_has_one_row_a_kind(planted):
    frame = planted.passport("1.0", causal=True)
    assert list(frame["kind"]) == [one.name for one in all_kinds()]
    assert len(planted.passport("1.0")) == sum(one.work is None for one in all_kinds())
    assert set(frame["layer"]) == {1}
    assert set(frame["head"]) == {0}
    assert list(frame.index) == list(range(len(frame)))
    roles = frame.set_index("kind")["verdict"]
    assert roles["induction"] == CONSISTENT
    assert roles["previous token"] == NO
    assert roles["name mover"] == NOT_MEASURABLE
    exploratory = [one.name for one in all_kinds() if one.claim == EXPLORATORY]
    assert roles["associative memories"] == CANDIDATE  # its OV circuit is a perfect copier
    whole = planted.frames["scores"]
    verdicts = whole[whole["kind"].isin(exploratory)]["verdict"]
    assert CONSISTENT not in set(verdicts)


@pytest.mark.parametrize("by", ["cancelled", "interrupted"])
def test_what_is_stopped_keeps_the_kinds_that_were_done(planted, monkeypatch, by):
    """The kinds before it stay, as if each had been scored by itself; an earlier table too."""
    before = planted.scores(length=10)
    rows = planted.state
    rows.need_kinds()
    names = [one.name for one in all_kinds() if one.evidence != "causal"]
    stop = names.index("induction")

    def stopping(_measure):
        if by == "interrupted":
            raise KeyboardInterrupt
        planted.cancel()
        checkpoint()

    made = replace(registry.find("induction"), function=stopping)
    monkeypatch.setitem(registry._REGISTRY, "induction", made)
    with pytest.raises(KeyboardInterrupt if by == "interrupted" else Cancelled):
        planted.scores(length=12)
    assert planted.frames["scores"].equals(before)
    kept = [name for name in planted.frames if name.startswith("score: ")]
    assert kept == [f"score: {name}" for name in names[:stop]]
    frame = planted.frames["score: previous token"]
    assert "2 × 12" in frame.attrs["measured_on"]
    assert not planted.is_stale(frame)
    assert planted.badges()["0.0"] == ("previous token", "positional")
    shown = rows.roles["kinds"]
    assert "2 × 12" in shown["previous token"]["measured_on"]
    assert "2 × 10" in shown["induction"]["measured_on"], "not reached again: the earlier one"
    planted.prompts = ["the cat sat on the mat"]
    assert planted.is_stale(frame), "it was to be measured beside the prompts"


@pytest.mark.parametrize("head", ["2.0", "0.3", "one", 1.0])
def test_a_passport_of_no_head_is_refused_before_anything_runs(planted, head, monkeypatch):
    monkeypatch.setattr(type(planted), "scores", lambda *_: pytest.fail("it ran"))
    with pytest.raises(InputError):
        planted.passport(head)


@pytest.mark.parametrize("model", [None, "no such model", 7])
def test_an_unknown_model_is_refused_before_anything_runs(planted, model, monkeypatch):
    monkeypatch.setattr(type(planted), "scores", lambda *_: pytest.fail("it ran"))
    with pytest.raises(InputError, match=r"the atlas has no published head|expected the name"):
        planted.compare_with_atlas(model)


def test_a_model_of_another_shape_is_refused(planted):
    with pytest.raises(InputError, match="expected a table of all heads of"):
        planted.compare_with_atlas("gpt2")


def test_many_proofs_are_corrected_for_their_number(planted, monkeypatch):
    """Alone p = .004 is enough; with two more tried it is .012, and the smallest alone remains."""
    found = iter([("induction", "1.0", 0.004), ("previous token", "0.0", 0.001)])

    def one(_engine, _kind, _head, **_options):
        kind, head, p = next(found)
        numbers = {"effect": -1.0, "se": 0.1, "clean": 2.0, "share": 0.5, "p": p, "n": 9}
        said = {"task": "t", "matched": (), "passed": True, "reason": "r"}
        return Confirmed(kind=kind, head=Head.parse(head), **numbers, **said)

    monkeypatch.setattr(scored, "confirm", one)
    planted.confirm("induction", "1.0")
    assert planted.proofs() == {("induction", Head(1, 0)): True}
    found = iter([("previous token", "0.0", 0.001), ("positional", "0.0", 0.5)])
    planted.confirm("previous token", "0.0")
    assert all(planted.proofs().values())
    found = iter([("positional", "0.0", 0.006)])
    planted.confirm("positional", "0.0")
    assert planted.proofs() == {
        ("induction", Head(1, 0)): True,
        ("previous token", Head(0, 0)): True,
        ("positional", Head(0, 0)): True,
    }
    found = iter([("duplicate token", "0.1", 0.5)])
    planted.confirm("duplicate token", "0.1")
    corrected = planted.proofs()
    assert corrected["previous token", Head(0, 0)]
    assert not corrected["induction", Head(1, 0)], "0.004 × 3 is above .01"
    assert not corrected["positional", Head(0, 0)]
