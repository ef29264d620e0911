"""A ratio of means is taken where the two runs differ, and else the reason adds up."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

import headwidgets as hw
from headwidgets.methods.effects import Measured, normalised
from headwidgets.methods.ratio import ratio

ONE = np.ones(1)


def test_one_prompt_needs_a_tenth_of_a_logit():
    edited = 1.9 * ONE
    value, se, why = normalised(Measured(3.219716 * ONE, 3.219106 * ONE, edited, edited, ()))
    assert math.isnan(value)
    assert math.isnan(se)
    assert why == (
        "clean and corrupted differ by 0.00061: under 0.1, the least that a ratio is taken of"
    )
    value, _, why = normalised(Measured(3.0 * ONE, 2.8 * ONE, 2.9 * ONE, edited, ()))
    assert (value, why) == (pytest.approx(0.5), "")
    found = ratio(np.array([[0.26]]), 0.27 * ONE, 0.25 * ONE, least=hw.Prob.least_gap)
    assert found.value == pytest.approx(0.5)  # of a probability a hundredth will do


@pytest.mark.parametrize("scale", [1.0, 1 - 1e-6])
def test_the_reason_has_the_digits_that_it_needs(scale):
    gaps = np.array([1.0, -1.0, 1.0, -1.0])
    se = gaps.std(ddof=1) / 2
    clean = gaps + 2 * se * scale - 1e-9
    why = ratio(clean[None], clean, np.zeros(4), least=0.1).why
    found = re.fullmatch(
        r"clean and corrupted differ by (\S+): under two standard errors \((\S+)\)", why
    )
    assert found, why
    assert float(found[1]) < float(found[2])


def test_what_was_not_run_lacks_no_reason():
    edited = np.array([[1.0, 2.0], [math.nan, math.nan], [math.nan, 1.0]])
    clean, corrupted = np.array([4.0, 4.5]), np.array([1.0, 1.5])
    ran = np.array([[True, True], [False, False], [True, True]])
    found = ratio(edited[:2], clean, corrupted, least=0.1, ran=ran[:2])
    assert found.why == ""
    assert np.isnan(found.value[1])
    assert found.value[0] == pytest.approx((1.5 - 1.25) / 3)
    lost = ratio(edited[1:2], clean, corrupted, least=0.1)
    assert lost.why == "the logits are not finite"
    assert ratio(edited, clean, corrupted * math.nan, least=0.1).why == "no corrupted prompt"


def test_the_last_reason_of_a_session_s_effect_is_the_sweep_s(planted):
    start = "When Mary and John went to the store,"
    planted.use(hw.Prompts(clean=[f"{start} Mary"], corrupted=[f"{start} John"]))
    planted.metric = hw.LogitDiff(" and", " went")
    wide = planted.sweep("zero", heads="1.0")
    assert np.isfinite(wide["normalised"]).all()
    planted.corrupted_prompt = f"{start} Mary"
    frame = planted.sweep("zero", heads="1.0")
    assert frame.attrs["normalised"] == planted.effect().loc["normalised", "note"]
    assert "under 0.1" in frame.attrs["normalised"]
