"""Iteration heads: the input that comes next, by nothing but which one it is."""

from __future__ import annotations

import numpy as np
import pytest
from planted.chain import (
    HEADS,
    PARITY,
    PLACE,
    all_inputs,
    at,
    either,
    five_back,
    inputs,
    last_input,
    next_input,
    parity_measure,
)
from planting import claimed, table

from headwidgets.taxonomy.verdict import CANDIDATE, NO


@pytest.fixture(params=[(0, 0.0), *((seed, 0.05) for seed in range(3))], ids=str, scope="module")
def found(request):
    seed, noise = request.param
    return table(parity_measure(noise, seed=seed), "iteration")


def test_the_head_at_the_next_input_is_found_and_no_decoy(found):
    own = PLACE[next_input]
    assert claimed(found) == {own}
    assert found["score"].idxmax() == own
    assert found["score"][own] == pytest.approx(0.8, abs=0.05)
    assert claimed(found, CANDIDATE) == {PLACE[either]}  # beyond chance, and below one half
    assert set(found["verdict"].drop([own, PLACE[either]])) == {NO}
    assert set(found["n"]) == {len(PARITY.rows)}


def test_a_distance_is_right_where_the_rows_have_one_length():
    """The trap of the card: five back is the next input wherever there are five bits."""
    found = table(parity_measure(), "iteration")
    fives = [row for row in range(len(PARITY.rows)) if len(inputs(row)) == 5]
    right = [len(PARITY.rows[row]) - 6 == at("BIT", row) for row in fives]
    assert all(right)
    assert found["score"][PLACE[five_back]] == pytest.approx(0.8 / 6, abs=1e-5)


def test_the_null_is_any_other_input_of_the_row():
    scores = table(parity_measure(), "iteration")
    even = np.mean([0.8 / len(inputs(row)) for row in range(len(PARITY.rows))])
    for rule in (next_input, all_inputs, last_input):
        assert scores["null_mean"][PLACE[rule]] == pytest.approx(even, abs=0.02)
    assert scores["score"][PLACE[all_inputs]] == pytest.approx(even, abs=1e-5)
    assert len(HEADS) * len(HEADS[0]) == len(scores)
