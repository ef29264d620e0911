"""Key and value: the statement about the one who is asked for has the answer."""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice

import pytest
from tasks.tokenizers import Everything

from headwidgets.tasks.draw import SPLITS, items
from headwidgets.tasks.lists import COLOURS, NAMES
from headwidgets.tasks.registry import find

TASK = find("key value")
NAME, COLOR = (re.compile(rf"\b({'|'.join(words)})\b") for words in (NAMES, COLOURS))


def drawn(split, n=720):
    return [item for _, item in islice(items(TASK, Everything(), 0, split), n)]


def read(text):
    """Return who has which color, in order, and who is asked for."""
    *said, question = text.split(". ")
    pairs = [(NAME.search(one).group(), COLOR.search(one).group()) for one in said]
    return pairs, NAME.search(question).group()


@pytest.mark.parametrize("split", SPLITS)
def test_the_answer_is_what_the_statement_says(split):
    for item in drawn(split, 300):
        pairs, asked = read(item.clean.text)
        names, colors = zip(*pairs, strict=True)
        assert len(set(names)) == len(set(colors)) == len(pairs)
        assert item.answer == " " + dict(pairs)[asked]
        assert set(item.options) == {f" {color}" for color in colors}
        assert item.foil in item.options
        assert item.key == tuple(sorted(f" {name}" for name in names))


def test_two_keys_change_places_and_the_foil_is_right():
    for item in drawn("train", 300):
        (clean, asked), (other, same) = read(item.clean.text), read(item.corrupted.text)
        assert asked == same
        assert " " + dict(other)[asked] == item.foil
        assert [color for _, color in clean] == [color for _, color in other]
        assert sorted(clean) != sorted(other)
        assert sum(one != two for one, two in zip(clean, other, strict=True)) == 2


def test_every_place_among_the_statements_is_asked_for():
    """Counted over whole rounds of 3 numbers of people times their places."""
    places = Counter()
    for item in drawn("train"):
        pairs, asked = read(item.clean.text)
        places[len(pairs), [name for name, _ in pairs].index(asked)] += 1
    for n in (2, 3, 4):
        assert [places[n, at] for at in range(n)] == [240 // n] * n


def test_every_other_statement_may_be_the_foil():
    foils = Counter()
    for item in drawn("train"):
        pairs, asked = read(item.clean.text)
        names, colors = zip(*pairs, strict=True)
        foils[len(pairs), names.index(asked), colors.index(item.foil.strip())] += 1
    assert len(foils) == 2 * 1 + 3 * 2 + 4 * 3
    assert min(foils.values()) > 5


def test_labels():
    for item in drawn("train", 100):
        pairs, asked = read(item.clean.text)
        text, marks = item.clean
        at = {mark: text[start:stop] for mark, (start, stop) in marks.items()}
        assert at["KEY"] == at["ASKED"] == asked
        assert marks["KEY"] < marks["ASKED"]
        assert f" {at['VALUE']}" == item.answer
        assert f" {at['VALUE2']}" == item.foil
        labelled = {(at[f"KEY{i}"], at[f"VALUE{i}"]) for i in ["", *range(2, len(pairs) + 1)]}
        assert labelled == set(pairs)
