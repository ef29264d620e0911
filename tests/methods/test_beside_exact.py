"""Estimates stand beside the exact effects of the same question, and of no other."""

from __future__ import annotations

import numpy as np
import pytest
from swept import METRIC, session_of

import headwidgets as hw
from headwidgets.errors import InputError

CLEAN = [tuple(range(10, 21)), tuple(range(40, 54))]
CORRUPTED = [(*ids[:4], 300, *ids[5:]) for ids in CLEAN]


@pytest.fixture
def session(shaped_bridges):
    made = session_of(shaped_bridges("llama"))
    yield made
    made.close()


@pytest.fixture
def uneven(shaped_bridges):
    """Two lengths; the role "last" is the end of both, "it" the same token as "that" in one."""
    made = hw.Session(shaped_bridges("llama"))
    roles = {"it": [4, 5], "that": [4, 7], "last": [10, 13]}
    made.use(hw.Prompts(clean=CLEAN, corrupted=CORRUPTED, roles=roles), METRIC)
    yield made
    made.close()


OTHERS = {
    "zeroing": (lambda s: s.sweep("zero"), "a sweep of patches, .* got zero"),
    "one place": (lambda s: s.sweep(at="end"), "one at, got"),
    "noising": (lambda s: s.sweep(direction="noise"), "one direction"),
    "positions": (lambda s: s.sweep(over="heads x positions"), "one over"),
    "the stream": (lambda s: s.sweep(over="positions x layers"), "one over"),
    "another metric": (lambda s: s.sweep(metric=hw.Prob(7)), "one metric"),
    "some heads": (lambda s: s.sweep(heads="1.0"), "1 of them shared"),
    "paths": (lambda s: s.paths(direction="denoise"), "a sweep of patches, .* got the paths"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_question_is_refused(session, name):
    other, words = OTHERS[name]
    with pytest.raises(InputError, match=words):
        hw.compare_with_exact(session.attribution_patching(), other(session))


def test_other_prompts_are_refused(session):
    estimate = session.attribution_patching()
    prompts = session.prompts
    session.prompts = hw.Prompts(clean=prompts.clean[:1], corrupted=prompts.corrupted[:1])
    with pytest.raises(InputError, match=r"n = 2' \(estimate\) and 'your prompt, n = 1'"):
        hw.compare_with_exact(estimate, session.sweep())
    session.prompts = hw.Prompts(clean=prompts.clean, corrupted=prompts.corrupted[::-1])
    with pytest.raises(InputError, match="one prompts"):  # as many, but others
        hw.compare_with_exact(estimate, session.sweep())
    session.prompts = prompts
    assert len(hw.compare_with_exact(estimate, session.sweep())) == 12


def test_a_stopped_sweep_is_refused(session):
    def stop(_table):
        raise hw.Cancelled

    estimate = session.attribution_patching()
    with pytest.raises(hw.Cancelled):
        session.sweep(arrived=stop)
    part = session.frames["sweep: patch"]
    part.attrs.setdefault("incomplete", "stopped: 3 of 12 edits done")
    with pytest.raises(InputError, match="a whole sweep"):
        hw.compare_with_exact(estimate, part)


def test_the_same_place_in_other_words_is_the_same(session):
    estimate = session.attribution_patching(at=["end", 4])
    assert len(hw.compare_with_exact(estimate, session.sweep(at=(4, "end")))) == 12


def test_numbers_of_fewer_prompts_are_refused(session):
    estimate, sweep = session.attribution_patching(), session.sweep()
    sweep["n"] = 1
    with pytest.raises(InputError, match=r"n = 2 \(estimate\) and 1 \(sweep\)"):
        hw.compare_with_exact(estimate, sweep)


def test_every_role_is_summed_by_itself(uneven):
    each = uneven.attribution_patching("heads x positions")
    assert list(each["position"][:5]) == ["it", "that", "last", "end", "rest"]
    assert each["estimate"].abs().max() > 1e-3
    for role in ("it", "that", "last", "end"):
        alone = uneven.attribution_patching(at=role)["estimate"]
        rows = each[each["position"] == role]["estimate"]
        assert np.allclose(rows, alone, atol=1e-7), role
    whole = uneven.attribution_patching()["estimate"].to_numpy()
    told = uneven.attribution_patching(at=["it", "that", "end"])["estimate"]  # each token once
    rest = each[each["position"] == "rest"]["estimate"]
    assert np.allclose(rest, whole - told, atol=1e-6)
    assert "2 of 2 prompts a token has several" in each.attrs["notes"][1]


def test_the_rest_has_no_exact_effect_and_is_left_out(uneven):
    each = uneven.attribution_patching("heads x positions")
    sweep = uneven.sweep(over="heads x positions")
    out = hw.compare_with_exact(each, sweep)
    assert len(out) == 12 * 4 == len(sweep)
    assert out.attrs["left_out"] == "12 rows 'rest': a sweep has none"
    assert out.attrs["correlation"] > 0.5
    assert (
        hw.compare_with_exact(uneven.attribution_patching(), uneven.sweep()).attrs["left_out"] == ""
    )
