"""Other words in the same places: the rule by hand, and how often chance passes it."""

from __future__ import annotations

import numpy as np
import pytest

from headwidgets.taxonomy.measure import Scores
from headwidgets.taxonomy.other_words import SETS, mark

THRESHOLD = 0.3


def marked(own, others):
    """Bounds of heads in one layer: `own` [head], `others` [set, head]."""
    own, others = np.array(own, np.float32), np.array(others, np.float32)[:, None]
    scores = Scores(own[None, None], np.zeros((1, 1, len(own)), np.float32))
    mark(scores, THRESHOLD, others)
    return [
        scores.remarks[0, n][0].at_most if (0, n) in scores.remarks else "-"
        for n in range(len(own))
    ]


def test_a_head_with_a_word_of_its_own_passes():
    rest = np.full((SETS, 2), 0.05)
    assert marked([0.8, 0.1], rest) == [None, "-"]
    assert marked([0.8, 0.8], rest) == [None, None]


def test_one_that_prefers_some_tokens_to_others_does_not_and_hides_no_other():
    always = np.column_stack([np.full(SETS, 0.8), np.full(SETS, 0.02)])
    assert marked([0.8, 0.5], always) == ["no", None]


def test_as_uneven_a_look_in_a_few_sets_leaves_a_candidate():
    few = np.full((SETS, 1), 0.05)
    few[:3] = 0.9
    assert marked([0.8], few) == ["candidate"]
    few[:6] = 0.9
    assert marked([0.8], few) == ["no"]


def test_another_head_that_comes_as_far_beyond_its_taste_leaves_a_candidate():
    both = np.full((SETS, 2), 0.05)
    both[7, 1] = 0.9  # with one set of words, the other head does what this one does with its own
    assert marked([0.8, 0.1], both) == ["candidate", "-"]
    both[7, 1] = 0.29  # below the threshold: it does nothing of the kind
    assert marked([0.8, 0.1], both) == [None, "-"]


def test_nan_hides_no_other():
    with_nan = np.full((SETS, 2), 0.05)
    with_nan[4, 1] = np.nan
    assert marked([0.8, np.nan], with_nan) == [None, "-"]


@pytest.mark.parametrize("heads", [1, 12, 60])
def test_of_models_with_a_taste_in_words_one_in_a_hundred_passes(heads):
    """Heads that differ in how sharp their taste is, and words that none of them looks for."""
    random = np.random.default_rng(heads)
    passed = 0
    for _ in range(300):
        values = np.exp(random.standard_normal((1 + SETS, heads)) * random.random(heads))
        passed += None in marked(values[0], values[1:])
    assert passed <= 9  # three are expected; more than nine, one time in a thousand
