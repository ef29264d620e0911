"""Bilingual pairs: every word stands beside its own French one, read from the text."""

from __future__ import annotations

from itertools import islice

import pytest
from tasks.tokenizers import Everything

from headwidgets.tasks.bilingual import PAIRS
from headwidgets.tasks.draw import items
from headwidgets.tasks.registry import find

FRENCH = dict(PAIRS)


def test_a_word_has_one_partner():
    assert len(PAIRS) == len(FRENCH) == len(set(FRENCH.values())) == 20
    assert not set(FRENCH) & set(FRENCH.values())
    assert all(word.isascii() and word.isalpha() for pair in PAIRS for word in pair)


@pytest.mark.parametrize("split", ["train", "test", "templates"])
def test_french_words_are_right(split):
    for _, item in islice(items(find("bilingual pairs"), Everything(), 0, split), 200):
        text, marks = item.clean
        said = {mark: text[start:stop] for mark, (start, stop) in marks.items()}
        assert [FRENCH[said["E1"]], FRENCH[said["E2"]]] == [said["F1"], said["F2"]]
        assert item.answer == f" {FRENCH[said['ASKED']]}"
        other = item.corrupted.text[slice(*item.corrupted.marks["ASKED"])]
        assert item.foil == f" {FRENCH[other]}"
        assert len({said["E1"], said["E2"], said["ASKED"], other}) == 4
        assert item.answer not in text
        assert item.learned == ("F1", "F2")
