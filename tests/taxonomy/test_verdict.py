"""One rule for all kinds: p by the maximum over heads, and four words."""

from __future__ import annotations

import numpy as np
import pytest

from headwidgets.taxonomy.verdict import (
    CANDIDATE,
    CONSISTENT,
    NO,
    NOT_MEASURABLE,
    Remark,
    decide,
    p_values,
)

NAN = float("nan")


def test_p_is_the_share_of_draws_whose_largest_head_reaches_the_score():
    null = np.zeros((999, 3))
    null[:9, 1] = 0.5  # nine draws in which another head reaches .5
    p = p_values(np.array([0.6, 0.4, 0.0]), null)
    assert p == pytest.approx([1 / 1000, 10 / 1000, 1.0])


def test_a_tie_reaches_and_a_rounding_error_is_a_tie():
    null = np.full((200, 1), 0.3)
    assert p_values(np.array([0.3]), null)[0] == 1
    assert p_values(np.array([0.3 * (1 + 1e-8)]), null)[0] == 1
    assert p_values(np.array([0.3001]), null)[0] == pytest.approx(1 / 201)


def test_nan_heads_have_no_p_and_spoil_no_draw():
    null = np.zeros((200, 2))
    null[:, 1] = NAN
    p = p_values(np.array([0.5, NAN]), null)
    assert p[0] == pytest.approx(1 / 201)
    assert np.isnan(p[1])


def test_too_few_draws_are_refused():
    with pytest.raises(ValueError, match="at least 200 draws, got 199"):
        p_values(np.array([1.0]), np.zeros((199, 1)))


@pytest.mark.parametrize(
    ("score", "p", "verdict"),
    [
        (0.5, 0.001, CONSISTENT),
        (0.4, 0.01, CONSISTENT),
        (0.5, 0.02, CANDIDATE),
        (0.3, 0.001, CANDIDATE),
        (0.3, 0.02, NO),
        (NAN, NAN, NOT_MEASURABLE),
    ],
)
@pytest.mark.parametrize("evidence", ["attention", "weights"])
def test_threshold_and_null(score, p, verdict, evidence):
    assert decide(score, p, threshold=0.4, evidence=evidence)[0] == verdict


@pytest.mark.parametrize("evidence", ["direct attribution", "causal", "probe"])
@pytest.mark.parametrize(
    ("proved", "verdict"), [(True, CONSISTENT), (False, CANDIDATE), (None, CANDIDATE)]
)
def test_other_evidence_needs_the_intervention(evidence, proved, verdict):
    given, reason = decide(0.9, 0.001, threshold=0.4, evidence=evidence, proved=proved)
    assert given == verdict
    assert ("intervention" in reason) == (verdict == CANDIDATE)


def test_remarks_only_lower():
    def verdict(score, at_most, p=0.001):
        remarks = (Remark("because", at_most),)
        return decide(score, p, threshold=0.4, evidence="attention", remarks=remarks)

    assert verdict(0.9, None) == (CONSISTENT, "0.900 reaches 0.4; p = 0.001; because")
    assert verdict(0.9, CANDIDATE)[0] == CANDIDATE
    assert verdict(0.9, NO)[0] == NO
    assert verdict(0.1, CANDIDATE, p=0.5) == (NO, "0.100 is below 0.4; p = 0.500 is above 0.01")
    assert verdict(0.1, NO, p=0.5)[1].endswith("; because")  # what rules it out is said anyway
    assert verdict(0.9, NOT_MEASURABLE) == (NOT_MEASURABLE, "because")


def test_no_is_no_whatever_the_order_of_remarks():
    both = (Remark("a", NO), Remark("b", CANDIDATE))
    for remarks in (both, both[::-1]):
        assert decide(1.0, 0.001, threshold=0.4, evidence="attention", remarks=remarks)[0] == NO
