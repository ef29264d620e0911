"""Acronyms: first letters, each of them asked for equally often."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest
from tasks.tokenizers import Everything

from headwidgets.tasks.draw import SPLITS, items
from headwidgets.tasks.lists import NAMES
from headwidgets.tasks.registry import find
from headwidgets.tasks.words import CutWordsError

TASK = find("acronyms")
INITIALS = {name[0] for name in NAMES}


def drawn(split, n=400):
    return [item for _, item in islice(items(TASK, Everything(), 0, split), n)]


def labelled(written):
    return {mark: written.text[start:stop] for mark, (start, stop) in written.marks.items()}


@pytest.mark.parametrize("split", SPLITS)
def test_letters_are_the_first_ones_of_the_words(split):
    for item in drawn(split):
        at = labelled(item.clean)
        first, second, third = (at[f"W{i}"][0] for i in (1, 2, 3))
        assert len({first, second, third, item.foil.strip()}) == 4
        assert (at["L1"], at["L2"]) == (first, second)
        assert item.clean.text.endswith(f" {first} {second}")
        assert item.answer == f" {third}"
        assert item.learned == ("L1", "L2")


def test_another_third_word_begins_with_the_foil():
    for item in drawn("train"):
        clean, other = labelled(item.clean), labelled(item.corrupted)
        assert {mark for mark in clean if clean[mark] != other[mark]} == {"W3"}
        assert item.foil == f" {other['W3'][0]}"


def test_each_letter_is_the_answer_equally_often():
    n = 30 * len(INITIALS)
    assert Counter(item.answer for item in drawn("train", n)) == {
        f" {letter}": 30 for letter in INITIALS
    }
    one = drawn("train", 1)[0]
    assert sorted(one.options) == sorted(f" {letter}" for letter in INITIALS)


def test_a_letter_that_is_cut_is_left_out():
    class Without(Everything):
        def count(self, word):
            return 2 if word in (" M", " John") else 1

    found = [item for _, item in islice(items(TASK, Without(), 0, "train"), 200)]
    assert all(" M" not in item.options for item in found)
    assert not any(" John" in item.clean.text for item in found)
    assert {item.answer for item in found} == {f" {letter}" for letter in INITIALS - {"M"}}


def test_three_letters_are_too_few():
    class Few(Everything):
        def count(self, word):
            one = word.strip()
            few = one in ("A", "B", "C") or (len(one) > 1 and one[0] in "ABCX")
            self.split |= {} if few else {word: 2}
            return 1 if few else 2

    with pytest.raises(CutWordsError, match=r"at least 4 of these words"):
        next(items(TASK, Few(), 0, "train"))
