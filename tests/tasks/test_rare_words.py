"""Rare words: what is asked for is the one word that comes once, wherever it stands."""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice

from tasks.tokenizers import Everything

from headwidgets.tasks.draw import items
from headwidgets.tasks.registry import find


def _drawn(n=300, split="train"):
    return [item for _, item in islice(items(find("rare words"), Everything(), 0, split), n)]


def test_the_answer_comes_once_and_its_rivals_more_often():
    for item in _drawn():
        counts = Counter(f" {word}" for word in re.findall(r"\w+", item.clean.text))
        assert [counts[option] == 1 for option in item.options] == [True, False, False]
        counts = Counter(f" {word}" for word in re.findall(r"\w+", item.corrupted.text))
        assert counts[item.answer] == 0
        assert counts[item.foil] == 3


def test_labels_are_the_rare_word_and_the_last_of_the_foil():
    for item in _drawn():
        start, stop = item.clean.marks["RARE"]
        assert item.clean.text[start:stop] == item.answer.strip()
        assert item.clean.marks["COMMON"][0] == item.clean.text.rindex(item.foil) + 1


def test_the_rare_word_stands_everywhere_equally_often():
    """Counted by how many of the five common words stand in front of it."""
    places = Counter()
    for item in _drawn(600):
        front = item.clean.text[: item.clean.marks["RARE"][0]].split()
        places[sum(f" {word.strip('.,')}" in item.options for word in front)] += 1
    assert places == dict.fromkeys(range(6), 100)
