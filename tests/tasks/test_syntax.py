"""Syntactic arcs: the verb goes by the subject, told here by what the plurals end in."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest
from tasks.tokenizers import Everything

from headwidgets.tasks.draw import items
from headwidgets.tasks.registry import find


def _plural(word):
    return word.endswith(("s", "men"))


@pytest.mark.parametrize("split", ["train", "templates"])
def test_the_verb_agrees_with_the_subject_and_the_day(split):
    met = Counter()
    for _, item in islice(items(find("syntactic arcs"), Everything(), 0, split), 400):
        text, marks = item.clean
        subject, distractor = (text[slice(*marks[m])] for m in ("SUBJECT", "DISTRACTOR"))
        verbs = {"Today": (" is", " are"), "Yesterday": (" was", " were")}[text.split()[0]]
        assert item.answer == verbs[_plural(subject)]
        assert item.foil == verbs[not _plural(subject)]
        assert marks["SUBJECT"] < marks["DISTRACTOR"]
        one, other = text.split(), item.corrupted.text.split()
        (changed,) = [(a, b) for a, b in zip(one, other, strict=True) if a != b]
        assert changed[0] == subject
        assert _plural(changed[1]) != _plural(subject)
        met[_plural(subject), _plural(distractor)] += 1
    assert set(met.values()) == {100}, "the nearer noun says nothing"
