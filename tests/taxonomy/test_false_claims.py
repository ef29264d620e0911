"""What is claimed where nothing is: one model of each sort here, the whole table if it is slow."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import claims
import numpy as np
import pandas as pd
import pytest
from gates import gates_off
from permuted import KINDS as BY_ANSWER
from permuted import permuted
from planted_kinds import PLANTS

from headwidgets.errors import NotMeasurable
from headwidgets.model.engine import Engine
from headwidgets.taxonomy import all_kinds, in_words, on_task, score
from headwidgets.taxonomy import asked as asking
from headwidgets.taxonomy.verdict import NO, NOT_MEASURABLE
from headwidgets.zoo.bundled import bundled

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def bundled_engine():
    return Engine(bundled(), name="bundled")


@pytest.fixture
def report(monkeypatch):
    """The script of the report, importable as `make verify` runs it."""
    monkeypatch.syspath_prepend(ROOT / "scripts")
    return import_module("report_false_claims")


# ------------------------------------------------------------------ one model of each sort


def refuse(found):
    """No claim at all; and nearly every kind has a number."""
    for one in found:
        assert one.some == one.claimed == 0, one
        assert one.kept
    return {one.kind for one in found if one.asked}


def test_a_random_model_claims_nothing_though_its_gates_are_off():
    found = claims.counts(claims.random_models("llama", seeds=[0]))
    assert [one.kind for one in found] == [k.name for k in all_kinds() if k.name in PLANTS]
    measured = refuse(found)
    assert {"constant", "single letter", "negative", "iteration", "amplification"} <= measured
    assert {one.kind for one in found if one.open} < measured, "gates are shut at chance"


@pytest.mark.slow
def test_with_nothing_planted_nothing_is_claimed():
    measured = refuse(claims.counts(claims.nothing_planted(seeds=[1])))
    assert {"previous token", "induction", "associative memories"} <= measured


@pytest.mark.slow
def test_permuted_answers_leave_nothing_that_goes_by_them():
    measured = refuse(claims.counts(claims.permuted_answers(seeds=[0]), BY_ANSWER))
    assert {"content gatherer", "rare words", "iteration", "syntactic"} <= measured


@pytest.mark.slow
def test_the_whole_table_keeps_its_bars(report):
    for part in report.report.once("false_claims", report.populations):
        for one in part["counts"]:
            count = claims.Count(**one)
            assert count.models in (claims.SEEDS, claims.SEEDS * len(claims.SHAPES))
            assert count.kept, (part["name"], count)


# ------------------------------------------------------------------ the gate


def test_the_gate_is_off_inside_and_on_again_after(bundled_engine):
    task = asking.ask(bundled_engine, "ioi", seed=0, n=20)
    with gates_off() as refused:
        on_task.require_skill(task, 0.5)
        in_words.require_skill(task, 0.99)
        assert refused == {task.prompts.name}
    with pytest.raises(NotMeasurable, match="at chance"):
        on_task.require_skill(task, 0.5)


# ------------------------------------------------------------------ permuted answers

TASKS = {
    "options": (),
    "memory context": (),
    "lre": (),
    "key value": ("VALUE", "VALUE2", "VALUE3", "VALUE4"),
    "ioi": (),
    "rare words": ("RARE",),
    "parity": ("BIT",),
    "acronyms": ("W1", "W2", "W3"),
    "syntactic arcs": ("SUBJECT", "DISTRACTOR"),
}
"""The roles whose places are permuted, where it is not the answers."""


@pytest.mark.parametrize("name", TASKS)
def test_what_is_right_is_permuted_and_the_prompts_stay(bundled_engine, name):
    real = asking.ask(bundled_engine, name, seed=0)
    with permuted(3):
        found, same = (on_task.ask(bundled_engine, name, seed=0) for _ in range(2))
        assert found == same
        assert in_words.ask(bundled_engine, name, seed=0) == found
    assert on_task.ask(bundled_engine, name, seed=0) is real
    assert found.rows == real.rows
    for role, places in found.prompts.roles.items():
        both = zip(places, real.prompts.roles[role], strict=True)
        moved = np.mean([a != b for a, b in both if b is not None])
        assert (moved > 0.3) == (role in TASKS[name]), role
    pairs = zip(found.answer, real.answer, strict=True)
    wrong = np.mean([a != b for a, b in pairs])
    assert wrong == 0 if TASKS[name] else wrong > 0.3
    if name == "ioi":
        both = (zip(task.answer, task.foil, strict=True) for task in (found, real))
        assert list(map(set, next(both))) == list(map(set, next(both)))
        assert 0.3 < wrong < 0.7
    elif not TASKS[name]:
        assert sorted(found.answer) == sorted(real.answer)


def test_labels_fall_on_what_may_bear_them(bundled_engine):
    with permuted(1):
        rare, bits = (on_task.ask(bundled_engine, n, seed=0) for n in ("rare words", "parity"))
    for row, ids in enumerate(rare.rows):
        assert ids[rare.prompts.roles["RARE"][row]] in rare.options[row]
        inputs = [bits.prompts.roles[f"X{i}"][row] for i in range(1, 9)]
        assert bits.prompts.roles["BIT"][row] in inputs


def test_a_real_head_is_a_real_head_until_the_answers_are_permuted(bundled_engine):
    """The best content gatherer of the bundled model, whichever it is."""
    real = score(bundled_engine, "content gatherer")["score"].max()
    with permuted(0), gates_off():
        none = score(bundled_engine, "content gatherer")
    assert none["score"].max() < 0.2 < real
    assert set(none["verdict"]) == {NO}


# ------------------------------------------------------------------ counts


def frame(claimed, *, unproved=0, measured=True, opened=True):
    """Ten heads of one model, so many of them claimed."""
    return pd.DataFrame(
        {
            "kind": "induction",
            "verdict": NO if measured else NOT_MEASURABLE,
            "claimed": [i < claimed for i in range(10)],
            "unproved": [i < unproved for i in range(10)],
            "open": opened,
        }
    )


def test_counts_by_hand():
    frames = [frame(0, opened=False), frame(2, unproved=1), frame(0, measured=False)]
    (one,) = claims.counts(frames, ("induction",))
    assert one.plain() == {
        "kind": "induction",
        "models": 3,
        "open": 1,
        "asked": 2,
        "some": 1,
        "claimed": 2,
        "heads": 20,
        "unproved": 1,
    }
    (twice,) = claims.added([[one], [one]])
    assert (twice.models, twice.claimed, twice.heads) == (6, 4, 40)


@pytest.mark.parametrize(
    ("some", "each", "kept"),
    [(0, 0, True), (5, 1, True), (6, 1, False), (5, 2, True), (5, 3, False)],
)
def test_both_bars_count(some, each, kept):
    """A hundred models of ten heads: five may have a claim, and ten heads in all."""
    (one,) = claims.counts([frame(each if i < some else 0) for i in range(100)], ("induction",))
    assert one.kept == kept


def test_a_broken_bar_is_in_the_report_and_fails_it(report, monkeypatch, tmp_path, capsys):
    good = claims.Count("iteration", 20, 0, 20, 1, 1, 240, 0)
    bad = claims.Count("constant", 20, 3, 20, 2, 2, 240, 5)
    made = [
        {"name": name, "counts": [good.plain(), bad.plain()]}
        for name in ("random", "nothing", "permuted")
    ]
    monkeypatch.setattr(report.report, "once", lambda *_: made)
    monkeypatch.setattr(report.report, "ROOT", tmp_path)
    monkeypatch.setattr(report.report, "REPORTS", tmp_path)
    monkeypatch.setattr(report, "load", lambda: claims)
    assert report.main() == 1
    text = (tmp_path / "false_claims.md").read_text(encoding="utf-8")
    assert "| iteration | 0 of 20 | 20 | 1 | 1 of 240 (0.4%) | none | kept |" in text
    assert "| constant | 3 of 20 | 20 | 2 | 2 of 240 (0.8%) | 5 | BROKEN |" in text
    assert "no less true: associative memories, constant, single letter, negative" in text
    assert capsys.readouterr().err.count("broken: ") == 3
