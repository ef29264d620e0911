"""How much of a spread lies between groups, where that is known."""

from __future__ import annotations

import numpy as np
import pytest

from headwidgets.methods.between import between


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_a_known_share_is_found(share):
    random = np.random.default_rng(0)
    found = []
    for _ in range(60):
        groups = np.repeat(np.arange(40), 10)
        off = random.standard_normal(40) * np.sqrt(share)
        values = off[groups] + random.standard_normal(400) * np.sqrt(1 - share)
        found.append(between(values, [str(g) for g in groups], draws=19)[0])
    assert np.mean(found) == pytest.approx(share, abs=0.03)


def test_no_share_is_reached_by_shuffles_as_often_as_it_should():
    random = np.random.default_rng(1)
    groups = ["a"] * 8 + ["b"] * 30 + ["c"] * 12  # of unequal sizes
    p = [between(random.standard_normal(50), groups, draws=99, seed=i)[1] for i in range(300)]
    assert np.mean(np.array(p) <= 0.1) == pytest.approx(0.1, abs=0.05)
    assert np.mean(np.array(p) <= 0.01) <= 0.03


def test_by_the_textbook():
    # two groups of three: means 2 and 6, mean squares 24 between and 1 within
    share, p = between(np.array([1.0, 2, 3, 5, 6, 7]), ["a"] * 3 + ["b"] * 3)
    assert share == pytest.approx((24 - 1) / 3 / ((24 - 1) / 3 + 1))
    assert p == pytest.approx(0.1, abs=0.04)  # two of the twenty ways to choose three


def test_what_has_no_groups_has_no_share():
    assert np.isnan(between(np.arange(4.0), ["a"] * 4)).all()
    assert np.isnan(between(np.arange(3.0), ["a", "b", "c"])).all()
    assert between(np.ones(6), ["a", "b"] * 3) == (0.0, 1.0)
