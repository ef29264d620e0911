"""Few-shot labels: the examples alone say what a label stands for."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest
from tasks.tokenizers import Everything

from headwidgets.tasks.draw import items
from headwidgets.tasks.few_shot import KINDS, LABELS
from headwidgets.tasks.registry import find

KIND = {word: kind for kind, members in KINDS.items() for word in members}


def _drawn(split="train", n=1200):
    return [item for _, item in islice(items(find("few-shot labels"), Everything(), 0, split), n)]


def _said(prompt):
    return {mark: prompt.text[start:stop] for mark, (start, stop) in prompt.marks.items()}


def test_a_word_is_of_one_kind():
    assert len(KIND) == sum(map(len, KINDS.values()))
    assert not set(KIND) & {label for pair in LABELS for label in pair}


@pytest.mark.parametrize("split", ["train", "test", "templates"])
def test_the_examples_say_it(split):
    for item in _drawn(split, 200):
        for prompt, label in ((item.clean, item.answer), (item.corrupted, item.foil)):
            said = _said(prompt)
            meant = {KIND[said[f"X{i}"]]: said[f"L{i}"] for i in range(1, 5)}
            assert len(meant) == len(set(meant.values())) == 2
            assert all(meant[KIND[said[f"X{i}"]]] == said[f"L{i}"] for i in range(1, 5))
            assert label == f" {meant[KIND[said['ASKED']]]}"
            assert len({said[f"X{i}"] for i in range(1, 5)} | {said["ASKED"]}) == 5
            assert set(Counter(said[f"L{i}"] for i in range(1, 5)).values()) == {2}


def test_a_label_is_learned_once_its_kind_had_one():
    for item in _drawn(n=200):
        said = _said(item.clean)
        seen, follows = set(), []
        for i in range(1, 5):
            if said[f"L{i}"] in seen:
                follows.append(f"L{i}")
            seen.add(said[f"L{i}"])
        assert list(item.learned) == follows
        assert len(follows) == 2


def test_neither_label_kind_nor_place_tells_the_answer():
    """Each label of a pair is right equally often, and so is the last example's."""
    drawn = _drawn()
    by_pair = Counter(tuple(sorted(item.options)) for item in drawn)
    right = Counter(item.answer for item in drawn)
    assert {tuple(f" {word}" for word in sorted(pair)) for pair in LABELS} <= set(by_pair)
    for pair, n in by_pair.items():
        named = sum(m for other, m in by_pair.items() if other != pair and set(other) & set(pair))
        if not named:  # no label in common with another pair
            assert abs(right[pair[0]] / n - 0.5) <= 2 / n**0.5
    last = sum(item.answer == f" {_said(item.clean)['L4']}" for item in drawn)
    assert abs(last / len(drawn) - 0.5) <= 2 / len(drawn) ** 0.5


def test_the_kinds_own_names_are_labels_too_as_often_wrong_as_right():
    named = [item for item in _drawn() if item.answer.strip() in KINDS]
    wrong = sum(item.answer.strip() != KIND[_said(item.clean)["ASKED"]] for item in named)
    assert len(named) > 60
    assert abs(wrong / len(named) - 0.5) <= 2 / len(named) ** 0.5
