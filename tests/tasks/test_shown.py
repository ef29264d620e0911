"""Few-shot pairs: one task a set; shuffled answers show nothing, and none is right by chance."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest
from tasks.tokenizers import Everything

from headwidgets.errors import InputError
from headwidgets.tasks import task
from headwidgets.tasks.draw import items
from headwidgets.tasks.few_shot import KINDS
from headwidgets.tasks.registry import find
from headwidgets.tasks.shown import MAPPINGS, ROLES, SHOWN, SORTINGS

KIND = {word: kind for kind, members in KINDS.items() for word in members}


def drawn(kind, n=120):
    name = f"few-shot pairs: {kind}" if kind else "few-shot pairs"
    return [item for _, item in islice(items(find(name), Everything(), 0, "train"), n)]


def said(prompt):
    return {mark: prompt.text[start:stop] for mark, (start, stop) in prompt.marks.items()}


@pytest.mark.parametrize("kind", MAPPINGS)
def test_a_mapping_shows_right_pairs_and_then_none(kind):
    pairs = set(MAPPINGS[kind])
    for item in drawn(kind):
        clean, shuffled = said(item.clean), said(item.corrupted)
        assert (clean["ASKED"], item.answer.strip()) in pairs
        for i, role in enumerate(ROLES, 1):
            assert (clean[f"X{i}"], clean[role]) in pairs
            assert (clean[f"X{i}"], shuffled[role]) not in pairs
        assert sorted(clean[role] for role in ROLES) == sorted(shuffled[role] for role in ROLES)
        assert item.answer.strip() not in [clean[role] for role in ROLES]


@pytest.mark.parametrize("kind", SORTINGS)
def test_a_sorting_shows_each_label_twice_and_then_neither(kind):
    kinds, labels = SORTINGS[kind]
    label = dict(zip(kinds, labels, strict=True))
    right = Counter()
    for item in drawn(kind):
        clean, shuffled = said(item.clean), said(item.corrupted)
        assert item.answer.strip() == label[KIND[clean["ASKED"]]]
        right[item.answer] += 1
        words = [clean[f"X{i}"] for i in range(1, 5)]
        assert Counter(KIND[word] for word in words) == dict.fromkeys(kinds, 2)
        assert clean["ASKED"] not in words
        assert [clean[role] for role in ROLES] == [label[KIND[word]] for word in words]
        given = {(KIND[w], shuffled[role]) for w, role in zip(words, ROLES, strict=True)}
        assert given == {(one, other) for one in kinds for other in labels}
    assert max(right.values()) == min(right.values())


def test_a_task_has_its_labels_exchanged_beside_it():
    names = list(SORTINGS)
    for one, other in zip(names[::2], names[1::2], strict=True):
        assert SORTINGS[one].kinds == SORTINGS[other].kinds
        assert SORTINGS[one].labels == SORTINGS[other].labels[::-1]


def test_the_whole_task_takes_them_in_turn():
    assert len({item.key[0] for item in drawn("", len(SHOWN))}) == len(SHOWN)


def test_a_part_is_a_task_of_its_own():
    one = find("few-shot pairs: capital")
    assert one is find("few-shot pairs: capital")
    assert (one.name, one.title) == ("few-shot pairs: capital", "Few-shot pairs, capital")
    assert task("few-shot pairs: capital").task is one
    with pytest.raises(InputError, match="expected a task"):
        find("few-shot pairs: colours of the wind")
    with pytest.raises(InputError, match="expected a task"):
        find("ioi: names")
