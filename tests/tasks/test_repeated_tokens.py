"""Repeated random tokens: what follows the cue in the first copy is the answer."""

from __future__ import annotations

import random
from collections import Counter
from itertools import islice, pairwise
from types import SimpleNamespace

import pytest
from tasks.tokenizers import Everything

from headwidgets.errors import InputError
from headwidgets.tasks.draw import SPLITS, Draw, items
from headwidgets.tasks.registry import find

TASK = find("repeated random tokens")


def drawn(split, n=600):
    words = Everything()
    return [(template, item) for template, item in islice(items(TASK, words, 0, split), n)]


def halves(template, item):
    length = int(template.split()[3])
    return length, item.clean.ids[:length], item.clean.ids[length:]


@pytest.mark.parametrize("split", SPLITS)
def test_the_second_copy_goes_on_as_the_first_did(split):
    ends = Counter()
    for template, item in drawn(split):
        length, first, second = halves(template, item)
        assert len(set(first)) == length
        assert first[: len(second)] == second
        assert item.answer == first[len(second)]
        ends[len(second) / length] += 1
    assert min(ends) <= 0.25
    assert max(ends) >= 0.75


def test_the_shuffled_copy_has_the_same_tokens_and_the_foil_behind_the_cue():
    places = Counter()
    for template, item in drawn("train"):
        length, first, second = halves(template, item)
        other = item.corrupted.ids
        assert other[length:] == second
        assert sorted(other[:length]) == sorted(first)
        cue = second[-1]
        at = other.index(cue)
        assert at < length - 1
        assert other[at + 1] == item.foil not in (item.answer, cue)
        places[at / (length - 1)] += 1
        kept = set(pairwise(first)) & set(pairwise(other[:length]))
        assert len(kept) < length - 1
    assert len(places) > 20, "the cue may stand anywhere in the shuffled copy"


def test_foils_are_as_often_before_the_cue_as_behind_it():
    """So that a head cannot tell the answer from the foil by where they stand."""
    before = behind = 0
    for template, item in drawn("train", 2000):
        _, first, second = halves(template, item)
        place = first.index(item.foil)
        before += place < len(second) - 1
        behind += place > len(second)
    assert abs(before - behind) < 4 * (before + behind) ** 0.5


def test_labels_and_what_is_learned():
    for template, item in drawn("train", 200):
        length, _, second = halves(template, item)
        ids, marks = item.clean
        at = {mark: ids[start:stop] for mark, (start, stop) in marks.items()}
        assert at["CUE1"] == at["CUE2"] == (second[-1],)
        assert at["ANSWER1"] == (item.answer,)
        assert marks["CUE2"][1] == len(ids)
        if len(second) == 1:
            assert not item.learned
        else:
            assert item.learned == ("COPY",)
            assert marks["COPY"] == (length + 1, len(ids))


def test_held_out_lengths_lie_between_trained_ones():
    trained, held = (
        {int(template.split()[3]) for template in templates}
        for templates in (TASK.templates, TASK.held_out)
    )
    assert min(trained) == 4
    assert max(trained) == 24
    assert all(length - 1 in trained and length + 1 in trained for length in held)


def test_chance_is_one_of_all_the_tokens():
    words = Everything()
    _, item = next(items(TASK, words, 0, "train"))
    assert item.chance == 1 / len(words.ids)
    assert item.options == ()


def test_too_few_tokens_are_refused_with_their_number():
    words = SimpleNamespace(ids=tuple(range(10)))
    with pytest.raises(InputError, match=r"at least 24 tokens .* got 10"):
        TASK.make(Draw(random.Random(0), words, TASK.templates[0], 0))  # noqa: S311
