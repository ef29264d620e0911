"""What holds of every prompt: in a vocabulary of words, in a small one, in SentencePiece's."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from tasks.drawing import NAMES, TOKENIZERS, drawn, refusal

from headwidgets.tasks.draw import SPLITS
from headwidgets.tasks.item import Spelled, Written

FEW = 5  # options that count as labels


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "tokenizer",
    [pytest.param(one, marks=[pytest.mark.slow] if one == "planted" else []) for one in TOKENIZERS],
)
def test_prompts(name, tokenizer):
    why = refusal(name, tokenizer)
    if why is not None:
        assert tokenizer != "every word", why
        assert re.search(r"' ?[^']+' \(\d+\)|one token|spells only \d+", why), why
        return
    for split in SPLITS:
        found = drawn(name, tokenizer, split)
        assert len(found.rows) == len(found.prompts) >= 20
        for i in range(0, len(found.rows), 3):
            labels_name_their_tokens(found, i)
            clean_and_corrupted_align(found, i)
            answers_are_single_tokens(found, i)
        for row in found.rows:
            options_hold_the_answer(row)
        labels_are_balanced(found)
        chance_is_a_guess(found)


def labels_name_their_tokens(found, i):
    row, prompts = found.rows[i], found.prompts
    clean = row.item.clean
    assert set(row.places) == set(clean.marks) >= set(row.item.learned)
    shift = int(found.text.prepend_bos)
    pieces = found.text.pieces(row.ids)
    for mark, (start, stop) in row.places.items():
        if isinstance(clean, Spelled):
            begin, end = clean.marks[mark]
            assert (start, stop) == (begin + shift, end + shift)
        else:
            begin, end = clean.marks[mark]
            assert "".join(pieces[start:stop]).strip() == clean.text[begin:end] != ""
        assert prompts.roles[mark][i] == stop - 1 < len(row.ids)
        if mark in prompts.spans:
            assert prompts.spans[mark][i] == (start, stop)
        else:
            assert stop - start == 1
    assert all(prompts.roles[mark][i] is None for mark in set(prompts.roles) - set(row.places))


def clean_and_corrupted_align(found, i):
    row, prompts = found.rows[i], found.prompts
    sides = [(row.item.clean, row.ids, prompts.clean[i])]
    if row.item.corrupted is not None:
        assert len(row.other) == len(row.ids)
        assert row.other != row.ids
        sides.append((row.item.corrupted, row.other, prompts.corrupted[i]))
    for prompt, ids, shown in sides:
        if isinstance(prompt, Written):
            assert found.text.encode(shown) == list(ids)
        else:
            assert shown == ids
            assert ids[len(ids) - len(prompt.ids) :] == prompt.ids


def answers_are_single_tokens(found, i):
    row, item = found.rows[i], found.rows[i].item
    for said, token in zip(
        (item.answer, item.foil, *item.options), (row.answer, row.foil, *row.options), strict=True
    ):
        if isinstance(said, str):
            assert found.text.encode(
                found.text.decode(row.ids[found.text.prepend_bos :]) + said
            ) == [
                *row.ids,
                token,
            ]
        else:
            assert token == said < found.text.d_vocab
    assert (found.prompts.answer[i], found.prompts.foil[i]) == (item.answer, item.foil)


def options_hold_the_answer(row):
    assert row.answer != row.foil
    if row.options:
        assert {row.answer, row.foil} <= set(row.options)
        assert len(set(row.options)) == len(row.options)


def labels_are_balanced(found):
    """Where the options are a few labels, each is right equally often; none is right too often."""
    sets = Counter(tuple(sorted(row.options)) for row in found.rows)
    for options, n in sets.items():
        if 2 <= len(options) <= FEW and n >= 40:
            of_set = [row for row in found.rows if tuple(sorted(row.options)) == options]
            right = Counter(row.answer for row in of_set)
            for label in options:
                assert abs(right[label] / n - 1 / len(options)) <= bound(1 / len(options), n), right
    n, (answer, most) = len(found.rows), Counter(r.answer for r in found.rows).most_common(1)[0]
    chance = found.prompts.chance
    assert most / n <= chance + bound(max(chance, 1 / 20), n), (answer, most)


def bound(p, n):
    """Four standard deviations of a share."""
    return 4 * (p * (1 - p) / n) ** 0.5


def chance_is_a_guess(found):
    guesses = [
        1 / max(1, len(row.options)) if row.item.chance is None else row.item.chance
        for row in found.rows
    ]
    assert 0 < found.prompts.chance < 1
    assert found.prompts.chance == pytest.approx(sum(guesses) / len(guesses))


def test_what_the_small_tokenizers_can_spell():
    """So that a list of words that shrinks is noticed."""

    planted = {name for name in NAMES if refusal(name, "planted") is None}
    assert {"ioi", "rare words", "subword pieces", "few-shot labels"} <= planted
    assert refusal("subword pieces", "stories260k") is None
