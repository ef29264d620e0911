"""What a sweep is asked, and what it says of itself: bounds, heads, seeds, partners, a stop."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from swept import METRIC, session_of

import headwidgets as hw
from headwidgets.errors import InputError
from headwidgets.methods import sweep_cost, sweep_replay

IDS = [list(range(10, 21)), list(range(40, 51)), list(range(70, 81))]
CORRUPTED = [[*ids[:4], 300, 301, *ids[6:]] for ids in IDS]


@pytest.fixture
def session(shaped_bridges):
    made = session_of(shaped_bridges("llama"))
    yield made
    made.close()


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("patch", {"metric": "logit"}, "expected metric= as a metric .* got 'logit'"),
        ("patch", {"metric": hw.KL}, "expected metric= as a metric"),
        ("patch", {"memory": "1"}, "expected memory= as gigabytes"),
        ("patch", {"memory": float("nan")}, "expected memory= as gigabytes"),
        ("patch", {"memory": float("inf")}, "expected memory= as gigabytes"),
        ("patch", {"memory": -1}, "expected memory= as gigabytes"),
        ("patch", {"most": "3"}, "expected most= as a number"),
        ("patch", {"most": float("nan")}, "expected most= as a number"),
        ("patch", {"most": True}, "expected most= as a number"),
        ("patch", {"arrived": 3}, "expected arrived= as a function"),
        ("patch", {"heads": 3}, "expected a head such as"),
        ("resample", {"seed": "x"}, "expected seed= as a whole number from 0, got 'x'"),
        ("resample", {"seed": -1}, "expected seed= as a whole number from 0, got -1"),
        ("resample", {"seed": 1.5}, "expected seed= as a whole number"),
        ("resample", {"seed": None}, "expected seed= as a whole number"),
    ],
)
def test_values_of_a_wrong_type_are_refused(session, kind, options, words):
    with pytest.raises(InputError, match=words):
        session.sweep(kind, **options)


def test_numbers_of_numpy_are_numbers(session):
    options = {"memory": np.float32(1), "most": np.int64(9000), "seed": np.int64(3)}
    assert len(session.sweep("resample", heads=["0.1"], **options)) == 1


@pytest.mark.parametrize("one", ["1.0", "L1H0", (1, 0), hw.Head(1, 0)])
def test_one_head_needs_no_list(session, one):
    listed = ["1.0"]
    assert np.array_equal(session.sweep(heads=one), session.sweep(heads=listed), equal_nan=True)
    effects = session.head_effects(one)
    assert list(effects["layer"]) == [1]
    assert effects["total"].tolist() == session.head_effects(listed)["total"].tolist()
    tokens = session.attribution("source token", heads=one)
    assert set(zip(tokens["layer"], tokens["head"], strict=True)) == {(1, 0)}


def test_the_memory_that_is_suggested_is_enough(session):
    for ask in (lambda **more: session.sweep("zero", **more), session.attribution_patching):
        with pytest.raises(InputError, match=r"memory=0\.0001 allows less") as caught:
            ask(memory=0.0001)
        need, suggested = re.search(
            r"about (\S+) GB .* memory=(0\.\d+)", str(caught.value)
        ).groups()
        assert 0 < float(need) <= float(suggested) * 1.01
        assert len(ask(memory=float(suggested))) == 12


@pytest.mark.parametrize("number", [0.00123401, 0.999999, 1.0, 12.3456, 0.1])
def test_rounding_up_never_goes_below(number):
    assert number <= float(sweep_cost.rounded_up(number)) <= number * 1.01


def test_a_set_where_some_have_a_partner(session):
    session.use(hw.Prompts(clean=IDS[:2], corrupted=CORRUPTED[:2]))
    metric = _wide(session)
    session.metric = metric
    both = session.sweep("zero", heads="1.0")
    assert both.attrs["notes"] == []
    assert both.attrs["normalised_n"] == 2
    session.use(hw.Prompts(clean=IDS, corrupted=[*CORRUPTED[:2], None]), metric)
    frame = session.sweep("zero", heads="1.0")
    assert frame["n"].tolist() == [3]
    assert frame.attrs["normalised_n"] == 2
    mean = frame.attrs["clean_paired"]
    whose = "of the 2 of 3 prompts that have a partner"
    assert frame.attrs["notes"] == [
        f"corrupted and normalised are {whose}; clean is {mean:.4g} on those"
    ]
    assert mean == pytest.approx(both.attrs["clean"]) != pytest.approx(frame.attrs["clean"])
    assert frame.attrs["corrupted"] == pytest.approx(both.attrs["corrupted"])
    assert frame["normalised"].tolist() == pytest.approx(both["normalised"].tolist())
    assert np.isfinite(frame["normalised"]).all()


def test_a_stopped_sweep_blames_no_logit(session, monkeypatch):
    for module in (sweep_replay, sweep_cost):
        monkeypatch.setattr(module, "TOKENS", 30)

    def stop(_table):
        raise hw.Cancelled

    session.metric = _wide(session)
    assert np.isfinite(session.sweep()["normalised"]).all()
    with pytest.raises(hw.Cancelled) as caught:
        session.sweep(arrived=stop)
    part = caught.value.partial
    assert part["effect"].isna().any()
    assert part["normalised"].notna().any()
    assert part.attrs["normalised"] == ""
    assert part.attrs["incomplete"].startswith("stopped: ")


def _wide(session):
    """A logit difference on which the two runs differ in all prompts, one way."""
    gaps = []
    for pair in session.snapshot().pairs:
        both = [session.engine.run(torch.tensor([ids]))[0] for ids in (pair.clean, pair.corrupted)]
        gaps.append(both[0] - both[1])
    least, most = torch.stack(gaps).amax(0), torch.stack(gaps).amin(0)
    return hw.LogitDiff(int(most.argmax()), int(least.argmin()))


def test_the_same_prompt_twice_is_no_other(session):
    session.use(hw.Prompts(clean=[IDS[0], IDS[0]]), METRIC)
    with pytest.raises(InputError, match=r"all 2 of the set with 11 tokens are the same prompt"):
        session.sweep("resample")
    session.use(hw.Prompts(clean=IDS[:1]), METRIC)
    with pytest.raises(InputError, match=r"only one of the set has 11 tokens \(n = 1\)"):
        session.sweep("resample")


def test_unknown_options_are_refused(session):
    with pytest.raises(InputError, match="head effects have no option 'seed'"):
        session.head_effects(seed=3)
    with pytest.raises(InputError, match="attribution patching has no option 'metric'"):
        session.attribution_patching(metric=METRIC)


def test_the_alignment_that_was_tried_is_named(session):
    session.use(hw.Prompts(clean=[[7, 8, 9, 10]], corrupted=[[7, 8, 9]]), METRIC)
    for ask in (session.sweep, session.head_effects, session.attribution_patching):
        with pytest.raises(InputError, match=r"4 and 3 tokens.*they first differ at position 3"):
            ask()
