"""Multiple-choice questions, made: heads of letters and options, and decoys that share one half."""

from __future__ import annotations

from contextlib import contextmanager
from unittest.mock import patch

import numpy as np
from made_tasks import LETTERS, drawn, measuring, options, table
from planted.plant import Plant, named
from planting import everyone, places

from headwidgets.taxonomy import letters
from headwidgets.taxonomy.ending import Ending
from headwidgets.taxonomy.seen import Seen

OPTIONS = options()


def sink(*_):
    return {}, {}


def even(_, __, ___, length):
    return dict.fromkeys(range(length), 1 / length), {}


def constant(places, *_):
    return dict.fromkeys(places, 0.2), {}


def everywhere(places, contents, *_):
    return dict.fromkeys((*places, *contents), 0.12), {}


def leaning(places, _, right, __):
    return {p: 0.4 if k == right else 0.15 for k, p in enumerate(places)}, {}


def single(places, *_):
    return {places[1]: 0.8}, {}


def slot(places, *_):
    return {max(places): 0.8}, {}


def slot_and_letter(places, *_):
    if places[1] == max(places):
        return {places[1]: 1.0}, {}
    return {max(places): 0.55, places[1]: 0.45}, {}  # two letters


def correct_letter(places, _, right, __):
    return {places[right]: 0.8}, {(places[right], right): 2.0}


def looks_only(places, _, right, __):
    return {places[right]: 0.8}, {}


def brings_only(_, __, right, length):
    return {}, {(length - 1, right): 2.0}


def highest(places, *_):
    """Of any four tokens it prefers that of the largest id: here D."""
    return {places[3]: 0.8}, {}


def only_b(places, _, right, __):
    return ({places[1]: 1.0}, {(places[1], 1): 2.0}) if right == 1 else ({}, {})


def three_letters(places, _, right, __):
    return ({}, {}) if right == 3 else ({places[right]: 0.8}, {(places[right], right): 2.0})


def gatherer(_, contents, right, __):
    return {contents[right]: 0.8}, {}


def last_content(_, contents, *__):
    return {max(contents): 0.8}, {}


def always_a(places, *_):
    return {places[0]: 0.8}, {(places[0], 0): 3.0}


HEADS = [
    [constant, single, slot, correct_letter, gatherer, brings_only, always_a, sink, even],
    [
        everywhere,
        leaning,
        slot_and_letter,
        looks_only,
        last_content,
        only_b,
        three_letters,
        highest,
        sink,
    ],
]
PLACE = places(HEADS)


def source_of(ids):
    """Return which prompt these are, but for the words in the letters' places."""
    for row, old in enumerate(OPTIONS.rows):
        at = {OPTIONS.prompts.roles[name][row] for name in LETTERS}
        if len(old) == len(ids) and all(
            i in at or a == b for i, (a, b) in enumerate(zip(old, ids, strict=True))
        ):
            return row
    raise LookupError(ids)


def without_letters(engine, looks, *, hooks):
    """Rest without the letters, all heads but the one that has a favorite among any tokens."""
    out = []
    for look in looks:
        assert not {1, 2, 3, 4} & set(look.ids)
        row = source_of(look.ids)
        at = max((OPTIONS.prompts.roles[name][row] for name in LETTERS), key=look.ids.__getitem__)
        shape = engine.facts.n_layers, engine.facts.n_heads, 1, len(look.ids)
        attention = np.zeros(shape, np.float32)
        if shape[1] == len(HEADS[0]):
            attention[1, 7, 0, at] = 0.8
        out.append(Seen(attention, attention, attention))
    return out


@contextmanager
def written(length):
    """Let every head write so long a vector at the end, as a share of the stream."""
    there = np.full((len(OPTIONS.rows), 2, len(HEADS[0])), length, np.float32)
    with patch.object(letters, "ending", lambda *_: Ending(there, there, there)):
        yield


def scored(kind):
    """Return how the heads score as one kind."""

    def scores(seed, noise, *, proved=False, draws=999):
        task = drawn(OPTIONS, HEADS, noise=noise, seed=seed)
        measure = measuring("options", task, draws=draws, seed=seed)
        with patch.object(letters, "see", without_letters), written(0.3):
            return table(measure, kind, everyone(HEADS) if proved else {})

    return scores


def _plant(kind, rule, *also):
    besides = tuple(PLACE[one] for one in also)
    return Plant(kind, PLACE[rule], named(HEADS), scored(kind), besides)


PLANTS = [
    _plant("constant", constant),
    _plant("single letter", single, always_a),
    _plant("content gatherer", gatherer),
    _plant("correct letter", correct_letter),
    _plant("correct", correct_letter, brings_only),
]
