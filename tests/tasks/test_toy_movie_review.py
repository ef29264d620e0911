"""Reviews: adjective and verb agree, and turn over together."""

from __future__ import annotations

from itertools import islice

import pytest
from tasks.tokenizers import Everything

from headwidgets.tasks.draw import SPLITS, items
from headwidgets.tasks.lists import words
from headwidgets.tasks.registry import find

GOOD = set(
    words("""
        good wonderful lovely funny beautiful nice fantastic excellent
        loved liked enjoyed admired praised
    """)
)
BAD = set(
    words("""
        bad awful ugly boring horrible poor stupid dull
        hated disliked despised mocked rejected
    """)
)


def drawn(split, n):
    return [item for _, item in islice(items(find("toy movie review"), Everything(), 0, split), n)]


def words_of(prompt):
    return {word.strip(".,:") for word in prompt.text.split()}


@pytest.mark.parametrize("split", SPLITS)
def test_the_verdict_is_what_the_words_say(split):
    for item in drawn(split, 200):
        said = words_of(item.clean)
        kind, other = (GOOD, BAD) if item.answer == " great" else (BAD, GOOD)
        assert len(said & kind) == 2
        assert not said & other
        turned = words_of(item.corrupted)
        assert len(turned & other) == 2
        assert not turned & kind
        assert {item.answer, item.foil} == {" great", " terrible"}
        assert not {item.answer.strip(), item.foil.strip()} & said, "an answer to copy"


def test_praise_and_blame_come_in_turn():
    answers = [item.answer for item in drawn("train", 100)]
    assert answers.count(" great") == 50


def test_every_word_is_trained_on_and_pairs_of_them_are_held_out():
    train, test = drawn("train", 3000), drawn("test", 600)
    assert set().union(*(words_of(item.clean) for item in train)) >= GOOD | BAD
    pairs = {split: {item.key for item in some} for split, some in (("a", train), ("b", test))}
    assert not pairs["a"] & pairs["b"]
    assert {adjective.strip() in GOOD for adjective, _ in pairs["b"]} == {True, False}
