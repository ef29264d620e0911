"""Comparison: the numbers are read from the text and compared as numbers."""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice

import pytest
from tasks.tokenizers import Everything

from headwidgets.tasks.draw import SPLITS, items
from headwidgets.tasks.lists import NAMES
from headwidgets.tasks.registry import find

TASK = find("comparison")
WHO = re.compile(rf"\b({'|'.join(NAMES)}) \w+ (\d+)")


def drawn(split, n=400):
    return [item for _, item in islice(items(TASK, Everything(), 0, split), n)]


def read(text):
    """Return who has how many, in order."""
    (one, n), (two, m) = WHO.findall(text)
    return [(one, int(n)), (two, int(m))]


@pytest.mark.parametrize("split", SPLITS)
def test_the_answer_has_more(split):
    for item in drawn(split):
        had = dict(read(item.clean.text))
        assert len(had) == 2
        assert had[item.answer.strip()] > had[item.foil.strip()]
        assert item.options == (item.answer, item.foil)


def test_the_numbers_change_places():
    for item in drawn("train"):
        (one, n), (two, m) = read(item.clean.text)
        assert read(item.corrupted.text) == [(one, m), (two, n)]


def test_first_and_second_have_more_in_turn():
    places = [read(item.clean.text)[0][0] == item.answer.strip() for item in drawn("train")]
    assert places == [True, False] * 200


def test_numbers_from_1_to_99():
    seen = Counter(number for item in drawn("train", 3000) for _, number in read(item.clean.text))
    assert set(seen) == set(range(1, 100))


def test_a_pair_of_numbers_is_held_out_whoever_has_them():
    trained = {frozenset(dict(read(item.clean.text)).values()) for item in drawn("train", 3000)}
    tested = {frozenset(dict(read(item.clean.text)).values()) for item in drawn("test")}
    assert not trained & tested


def test_labels():
    for item in drawn("train", 60):
        text, marks = item.clean
        at = {mark: text[start:stop] for mark, (start, stop) in marks.items()}
        assert (f" {at['MORE']}", f" {at['LESS']}") == (item.answer, item.foil)
        assert {at["MORE"]: int(at["HIGH"]), at["LESS"]: int(at["LOW"])} == dict(read(text))
