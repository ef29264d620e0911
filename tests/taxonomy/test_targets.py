"""Where heads should look, on repeated tokens and on text."""

from __future__ import annotations

import numpy as np
import pytest

from headwidgets.taxonomy import targets


def pairs(target, ids, first=1):
    found = target.find(np.array(ids), first)
    return list(zip(found.query.tolist(), found.key.tolist(), strict=True))


def test_on_a_repeated_block():
    ids = [0, 7, 8, 9, 7, 8, 9]
    assert pairs(targets.previous, ids) == [(2, 1), (3, 2), (4, 3), (5, 4), (6, 5)]
    assert pairs(targets.earlier_same, ids) == [(4, 1), (5, 2), (6, 3)]
    # The last token of the first copy was followed by the first of the second: it counts.
    assert pairs(targets.after_earlier_same, ids) == [(4, 2), (5, 3), (6, 4)]


def test_on_text_every_earlier_copy_counts_and_nothing_looks_at_itself():
    ids = [0, 5, 5, 6, 5]
    assert pairs(targets.earlier_same, ids) == [(2, 1), (4, 1), (4, 2)]
    assert pairs(targets.after_earlier_same, ids) == [(4, 2), (4, 3)]
    assert targets.earlier_same.find(np.array(ids), 1).n_queries == 2


def test_without_bos_position_0_counts():
    assert pairs(targets.previous, [4, 5, 4], first=0) == [(1, 0), (2, 1)]
    assert pairs(targets.earlier_same, [4, 5, 4], first=0) == [(2, 0)]


def test_a_bos_in_the_middle_of_a_row_is_no_copy_of_the_first():
    assert pairs(targets.earlier_same, [0, 5, 0]) == []


def test_a_row_without_repeats_has_no_target():
    assert pairs(targets.after_earlier_same, [0, 1, 2, 3]) == []


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("target", targets.ALL, ids=lambda t: t.name)
def test_a_moved_target_stays_visible_off_the_diagonal_and_off_bos(target, first):
    block = [3, 4, 5, 6, 7, 8, 9]
    found = target.find(np.array([0] * first + block + block), first)
    shifts = [shift for shift in range(-20, 21) if shift]
    moved = found.moved(shifts)
    assert moved.min() >= first
    assert np.all(moved < found.query)
    room = found.query - first
    same = moved == found.key
    assert np.array_equal(same, np.abs(np.array(shifts))[:, None] % room == 0)
    assert np.array_equal(found.moved([0])[0], found.key)


def test_shifts_that_stay_inside_are_plain():
    found = targets.earlier_same.find(np.array([0, 7, 8, 9, 7, 8, 9]), 1)
    assert np.array_equal(found.moved([1, 2])[:, 0], [2, 3])
    assert np.array_equal(found.moved([-1])[0][1:], [1, 2])


def test_shifts_are_named():
    block = list(range(3, 13))
    ids = np.array([0, *block, *block])
    dup, ind = targets.earlier_same, targets.after_earlier_same
    assert dup.describe(1, dup.find(ids, 1)) == "the token after its earlier copy"
    assert dup.describe(-1, dup.find(ids, 1)) == "the token before its earlier copy"
    assert dup.describe(9, dup.find(ids, 1)) == "the previous token"
    assert ind.describe(-1, ind.find(ids, 1)) == "its earlier copy"
    assert ind.describe(8, ind.find(ids, 1)) == "the previous token"
    assert targets.previous.describe(-2, targets.previous.find(ids, 1)) == "the token 3 back"
