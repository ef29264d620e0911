"""Equations 4 and 5 on numbers that can be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from headwidgets.errors import InputError
from headwidgets.methods.survey_scores import (
    both_orders,
    negative_attention_score,
    retrieval_score,
    teacher_forced_retrieval,
)


def random_pattern(n, *heads):
    rng = np.random.default_rng(0)
    return np.tril(rng.random((*heads, n, n)) + 0.01)


@pytest.mark.parametrize(
    ("copied", "needle", "score"),
    [
        ([], "ab", 0.0),
        ("ab", "ab", 1.0),
        ("aab", "abcd", 0.5),
        ("aaaaaa", "ab", 0.5),  # counted once: never above 1
        ("xyz", "ab", 0.0),
        ([1, 2], [2, 2, 3], 0.5),
    ],
)
def test_retrieval_is_a_share_of_sets(copied, needle, score):
    assert retrieval_score(copied, needle) == score


HOLDERS = [list, tuple, np.array, torch.tensor, lambda x: [torch.tensor(i) for i in x]]


@pytest.mark.parametrize("copied", HOLDERS)
@pytest.mark.parametrize("needle", HOLDERS)
def test_numbers_are_equal_whatever_holds_them(copied, needle):
    assert retrieval_score(copied([3, 4, 9]), needle([3, 4, 5, 6])) == 0.5


@pytest.mark.parametrize("bad", [3, torch.tensor(3), [[1, 2]], np.eye(2)])
def test_what_is_no_row_is_refused(bad):
    with pytest.raises(InputError, match="expected copied as"):
        retrieval_score(bad, [1, 2])
    with pytest.raises(InputError, match="expected needle as"):
        retrieval_score([1, 2], bad)


def test_a_needle_must_have_tokens():
    for none in ([], torch.tensor([])):
        with pytest.raises(InputError, match="needle"):
            retrieval_score("a", none)


def test_teacher_forced_retrieval():
    ids = [0, 11, 12, 13, 5, 11, 12, 13, 12]  # the needle at 1 to 3, the answer at 5 to 7
    patterns = np.zeros((2, 2, 9, 9))
    patterns[..., 0] = 0.1
    for query, key in ((4, 1), (5, 2), (6, 3)):
        patterns[0, 0, query, key] = 1  # copies all
        patterns[0, 1, query, key - 1] = 1  # looks at the needle, at a wrong token
        patterns[1, 0, query, query] = 1  # looks elsewhere
    patterns[1, 1, 4, 1] = 1  # copies one
    patterns[1, 1, 5, 8 - 2] = 1  # the right token, outside the needle
    score = teacher_forced_retrieval(patterns, ids, [1, 2, 3], [5, 6, 7])
    assert score.tolist() == [[1.0, 0.0], [0.0, pytest.approx(1 / 3)]]
    places = [torch.tensor(x) for x in (ids, [1, 2, 3], [5, 6, 7])]
    tensor = torch.tensor(patterns, dtype=torch.bfloat16, requires_grad=True)
    assert np.array_equal(teacher_forced_retrieval(tensor, *places), score)
    with pytest.raises(InputError, match="needle as whole numbers, got 1"):
        teacher_forced_retrieval(patterns, ids, [1.5], [5])
    twice = teacher_forced_retrieval(patterns, [*ids[:8], 11], [1], [5, 5])
    assert twice[0, 0] == 1.0


@pytest.mark.parametrize(
    ("shape", "needle", "answer", "words"),
    [
        ((1, 1, 3, 3), [0], [1], r"\[layer, head, 4, 4\]"),
        ((1, 4, 4), [0], [1], "patterns"),
        ((1, 1, 4, 4), [4], [1], "needle from 0 to 3, got 4"),
        ((1, 1, 4, 4), [0], [0], "answer from 1 to 3, got 0"),
        ((1, 1, 4, 4), [], [1], "got none"),
    ],
)
def test_places_must_be_there(shape, needle, answer, words):
    with pytest.raises(InputError, match=words):
        teacher_forced_retrieval(np.zeros(shape), [1, 2, 3, 4], needle, answer)


def test_the_worked_number():
    pattern = np.zeros((4, 4))
    pattern[3, 1], pattern[3, 2] = 0.1, 0.2
    score = negative_attention_score(pattern, 1, 2)
    assert score == pytest.approx(0.3 * math.log(2), abs=1e-6)
    assert round(float(score), 4) == 0.2079


def test_only_queries_after_both_count():
    pattern = random_pattern(6)
    score = negative_attention_score(pattern, 1, 3)
    expected = sum(
        (pattern[i, 1] + pattern[i, 3]) * math.log(pattern[i, 3] / pattern[i, 1]) for i in (4, 5)
    )
    assert score == pytest.approx(expected, rel=1e-6)


def test_swapping_the_words_turns_the_sign():
    patterns = random_pattern(7, 3, 2)
    patterns[0, 0, :, 4] = 0  # the guard is at work
    score = negative_attention_score(patterns, 2, 4)
    assert score.shape == (3, 2)
    assert np.array_equal(score, -negative_attention_score(patterns, 4, 2))
    assert np.isfinite(score).all()
    assert np.abs(score).min() > 1e-3


def test_equal_attention_is_zero():
    pattern = random_pattern(5)
    pattern[:, 3] = pattern[:, 1]
    assert negative_attention_score(pattern, 1, 3) == 0
    assert negative_attention_score(np.zeros((5, 5)), 1, 3) == 0


def test_both_orders_cancel_what_the_place_does():
    pattern = random_pattern(6)  # it looks at places, whatever word is there
    assert both_orders(pattern, (1, 3), pattern, (3, 1)) == 0
    other = random_pattern(6)[::1] ** 2
    mean = (negative_attention_score(pattern, 1, 3) + negative_attention_score(other, 3, 1)) / 2
    assert both_orders(pattern, (1, 3), other, (3, 1)) == pytest.approx(mean)
    assert mean != 0


@pytest.mark.parametrize(("yes", "no"), [(1, 1), (-1, 2), (1, 4), (0, 9)])
def test_words_need_two_places_and_a_query(yes, no):
    with pytest.raises(InputError, match=f"yes={yes} and no={no}"):
        negative_attention_score(np.ones((5, 5)), yes, no)


@pytest.mark.parametrize("bad", [1.0, True, "1", None, torch.tensor(1.0)])
def test_a_place_is_a_whole_number(bad):
    for places in ((bad, 2), (2, bad)):
        with pytest.raises(InputError, match="expected two different places"):
            negative_attention_score(np.ones((5, 5)), *places)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_tensors_are_read_as_they_come_out_of_a_model(dtype):
    pattern = torch.tensor(random_pattern(6), dtype=dtype, requires_grad=True)
    plain = pattern.detach().double().numpy()
    score = negative_attention_score(pattern, torch.tensor(1), np.int64(3))
    assert score == negative_attention_score(plain, 1, 3) != 0


def test_attention_has_two_axes():
    with pytest.raises(InputError, match="array of numbers"):
        negative_attention_score([["a", "b"]], 0, 1)
    with pytest.raises(InputError, match="query, key"):
        negative_attention_score(np.ones(5), 0, 1)
