"""Stories of moods, read again sentence by sentence."""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice

import pytest
from tasks.tokenizers import Everything

from headwidgets.tasks.draw import SPLITS, items
from headwidgets.tasks.registry import find

LIKES = {"loves": True, "hates": False, "likes": True, "dislikes": False}
LIKES |= {"enjoys": True, "avoids": False}
SAYS = re.compile(rf"(\w+) ({'|'.join(LIKES)})\b")


def drawn(split, n):
    return [item for _, item in islice(items(find("toy mood story"), Everything(), 0, split), n)]


def mood(text, asked):
    """Return what the person feels, from the sentences alone."""
    told = {name: LIKES[verb] for name, verb in SAYS.findall(text)}
    assert len(told) == 2
    return " happy" if told[asked] else " sad"


@pytest.mark.parametrize("split", SPLITS)
def test_who_meets_what_they_love_is_happy(split):
    for item in drawn(split, 200):
        asked = item.clean.text[slice(*item.clean.marks["Q"])]
        assert item.answer == mood(item.clean.text, asked)
        assert item.foil == mood(item.corrupted.text, asked)
        assert {item.answer, item.foil} == {" happy", " sad"}


def test_who_loves_and_who_is_asked_for_are_balanced():
    seen = Counter()
    for item in drawn("train", 200):
        clean = item.clean
        asked, first = (clean.text[slice(*clean.marks[mark])] for mark in ("Q", "N1"))
        seen[item.answer, asked == first] += 1
    assert set(seen.values()) == {50}


def test_the_two_differ_and_are_new_as_a_pair():
    train = {item.key for item in drawn("train", 400)}
    test = {item.key for item in drawn("test", 400)}
    assert not train & test
    assert all(one != other for one, other in train | test)
