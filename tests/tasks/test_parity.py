"""Parity step by step, worked out again by counting ones."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest
from tasks.tokenizers import Everything

from headwidgets.tasks.draw import SPLITS, items
from headwidgets.tasks.registry import find

TASK = find("parity")


def drawn(split, n=500):
    return [item for _, item in islice(items(TASK, Everything(), 0, split), n)]


def read(written):
    """Return the bits and the states as the labels have them, in order."""
    at = {mark: written.text[start:stop] for mark, (start, stop) in written.marks.items()}
    bits = "".join(at[f"X{i}"] for i in range(1, 1 + sum(mark[0] == "X" for mark in at)))
    states = "".join(at[f"S{i}"] for i in range(1, 1 + sum(mark[0] == "S" for mark in at)))
    assert "".join(sign for sign in written.text if sign.isdigit()) == bits + states
    return bits, states


def parities(bits):
    return "".join(str(bits[:t].count("1") % 2) for t in range(1, len(bits) + 1))


@pytest.mark.parametrize("split", SPLITS)
def test_states_answer_and_what_comes_after(split):
    for item in drawn(split):
        bits, states = read(item.clean)
        right = parities(bits)
        after = item.after.removesuffix(".").split()
        assert states + item.answer.strip() + "".join(after) == right
        assert {item.answer, item.foil} == set(item.options) == {" 0", " 1"}
        assert item.learned == tuple(f"S{t}" for t in range(1, len(states) + 1))
        assert item.clean.text.endswith(states[-1])


def test_the_deciding_bit_is_the_one_that_changes():
    for item in drawn("train"):
        (bits, states), (other, same) = read(item.clean), read(item.corrupted)
        assert states == same
        changed = [i for i, (one, two) in enumerate(zip(bits, other, strict=True)) if one != two]
        assert changed == [len(states)]
        assert item.clean.marks["BIT"] == item.clean.marks[f"X{len(states) + 1}"]
        assert f" {parities(other)[len(states)]}" == item.foil


def test_rows_of_every_length_at_every_step():
    seen = Counter()
    for item in drawn("train", 1500):
        bits, states = read(item.clean)
        seen[len(bits), len(states)] += 1
    assert set(seen) == {(n, at) for n in range(3, 9) for at in range(1, n)}


def test_zero_and_one_in_turn_and_bits_that_say_nothing_else():
    found = drawn("train", 3000)
    assert Counter(item.answer for item in found) == {" 0": 1500, " 1": 1500}
    same = sum(item.answer[1] == item.clean.text[-1] for item in found)
    bit = sum(read(item.clean)[0][len(item.learned)] == "1" for item in found)
    for share in (same / 3000, bit / 3000):
        assert abs(share - 0.5) < 4 * 0.5 / 3000**0.5


def test_a_held_out_row_of_bits_is_held_out_at_every_step():
    trained = {read(item.clean)[0] for item in drawn("train", 3000)}
    assert not trained & {read(item.clean)[0] for item in drawn("test")}
