"""Options: the letter of what the sentence says, in every order of the letters."""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice, permutations

import pytest
from tasks.tokenizers import Everything

from headwidgets.tasks.draw import SPLITS, items
from headwidgets.tasks.registry import find

TASK = find("options")
OPTION = re.compile(r" ([ABCD]):? (\w+)")


def drawn(split, n=480):
    return [item for _, item in islice(items(TASK, Everything(), 0, split), n)]


def read(text):
    """Return what each letter stands for, in order, and what the sentence says."""
    said = re.search(r"(?: a| is) (\w+)\.", text).group(1)
    pairs = OPTION.findall(text)
    assert len(pairs) == 4
    return pairs, said


@pytest.mark.parametrize("split", SPLITS)
def test_the_letter_stands_for_what_is_said(split):
    for item in drawn(split):
        pairs, said = read(item.clean.text)
        of = {content: letter for letter, content in pairs}
        assert len(of) == 4
        assert item.answer == f" {of[said]}"
        assert item.key == tuple(sorted(f" {content}" for content in of))
        assert item.clean.text.endswith("The answer is")


def test_only_what_is_said_changes_and_the_foil_is_right():
    for item in drawn("train"):
        (pairs, said), (same, other) = read(item.clean.text), read(item.corrupted.text)
        assert pairs == same
        assert item.corrupted.text.replace(other, said, 1) == item.clean.text
        assert item.foil == f" { {content: letter for letter, content in pairs}[other] }"


def test_every_order_with_every_place():
    """96 items in turn, whatever their templates."""
    seen = Counter()
    for item in drawn("train", 96):
        order = "".join(letter for letter, _ in read(item.clean.text)[0])
        seen[order, order.index(item.answer.strip())] += 1
    orders = {"".join(order) for order in permutations("ABCD")}
    assert seen == {(order, place): 1 for order in orders for place in range(4)}


def test_every_few_items_have_letters_in_every_place():
    """A set of 20 is not the first orders of the alphabet."""
    first = [read(item.clean.text)[0][0][0] for item in drawn("train", 20)]
    assert set(first) == set("ABCD")


def test_any_other_option_may_be_the_foil():
    letters, places = Counter(), Counter()
    for item in drawn("train", 1200):
        order = [letter for letter, _ in read(item.clean.text)[0]]
        pair = item.answer.strip(), item.foil.strip()
        letters[pair] += 1
        places[tuple(map(order.index, pair))] += 1
    assert set(letters) == set(permutations("ABCD", 2))
    assert set(places) == set(permutations(range(4), 2))
    assert min(*letters.values(), *places.values()) > 60


def test_labels():
    for item in drawn("train", 120):
        text, marks = item.clean
        at = {mark: text[start:stop] for mark, (start, stop) in marks.items()}
        pairs, said = read(text)
        assert [(letter, at[f"OPTION_{letter}"]) for letter, _ in pairs] == pairs
        assert all(at[letter] == letter for letter in "ABCD")
        places = [marks[letter] for letter, _ in pairs]
        assert places == sorted(places)
        assert at["OPTION"] == at["SAID"] == said
        assert marks["OPTION"] == marks[f"OPTION_{at['LABEL']}"]
        assert marks["LABEL"] == marks[item.answer.strip()]
