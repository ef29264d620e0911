"""Sentences, made to be read: a head of rare words, one of pieces of words, and decoys."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from fake_engine import FakeEngine, back, current_token, induction, mix, previous_token, sink
from made_tasks import table
from planted.plant import Plant, named
from tasks.tokenizers import every_word_tokenizer

from headwidgets.model.text import Text
from headwidgets.taxonomy.asked import ask
from headwidgets.taxonomy.measure import Measure
from headwidgets.taxonomy.pieces import cut
from headwidgets.taxonomy.random_tokens import random_rows

SEEDS = 5


@cache
def spelling():
    """Read with a tokenizer of whole words and letters."""
    return Text.of(every_word_tokenizer())


class Reader(FakeEngine):
    """Reads text, and answers the prompts in `answers` rightly."""

    def __init__(self, layers, answers=None, **options):
        super().__init__(layers, d_vocab=spelling().d_vocab, bos=None, **options)
        self.text = spelling()
        self.answers = answers or {}

    def patterns(self, ids, visit, **edits):
        logits = super().patterns(ids, visit, **edits)
        for row, one in enumerate(ids.tolist()):
            logits[row, self.answers.get(tuple(one), 0)] = 1.0
        return logits


def once(head):
    """Draw each row's attention the first time only."""
    kept = {}

    def drawn(ids, first):
        if (key := tuple(ids)) not in kept:
            kept[key] = head(ids, first)
        return kept[key]

    drawn.__name__ = head.__name__
    return drawn


def dirty(head, seed, share=0.05):
    """Mix a share of random attention in."""
    generator = torch.Generator().manual_seed(seed)

    def noise(ids, _first):
        drawn = torch.rand(len(ids), len(ids), generator=generator).tril()
        return drawn / drawn.sum(-1, keepdim=True)

    return mix(1 - share, head, noise) if share else head


def looks_at(keys_of):
    """Attention shared among ``keys_of(ids, i)``; outside the row where there are none."""

    def head(ids, _first):
        out = torch.zeros(len(ids), len(ids))
        for i in range(len(ids)):
            keys = [k for k in keys_of(ids, i) if k <= i]
            out[i, keys] = 1 / max(1, len(keys))
        return out

    head.__name__ = keys_of.__name__
    return once(head)


# ---------------------------------------------------------------------- the rare word


@cache
def sentences(seed=0):
    """Return the task's prompts."""
    return ask(Reader([[sink]]), "rare words", seed=seed)


@cache
def nouns():
    """Return of each prompt the places of its six nouns, the rare one first."""
    found = {}
    for asked in map(sentences, range(SEEDS)):
        rare = asked.prompts.roles["RARE"]
        for row, ids in enumerate(asked.rows):
            some = [i for i, one in enumerate(ids) if one in asked.options[row]]
            found[ids] = (rare[row], *(i for i in some if i != rare[row]))
    return found


def rare(ids, i):
    place = nouns()[tuple(ids)][0]
    return [place] if i > place else []


def rare_at_the_end(ids, i):
    return rare(ids, i) if i == len(ids) - 1 else []


def last_noun(ids, i):
    seen = [k for k in nouns()[tuple(ids)] if k <= i]
    return [max(seen)] if seen else []


def third_noun(ids, i):
    return [sorted(nouns()[tuple(ids)])[2]]


def common(ids, i):
    return [k for k in nouns()[tuple(ids)][1:] if k < i][-1:]


RARE_HEADS = [
    [looks_at(rare), looks_at(rare_at_the_end), looks_at(last_noun), looks_at(third_noun)],
    [looks_at(common), once(previous_token), once(induction), once(sink)],
]


def rare_table(heads, *, right=True, seed=0, **options):
    """Return how heads score on a model that says the rare word, or another."""
    asked = sentences(seed)
    answers = dict(zip(asked.rows, asked.answer if right else asked.foil, strict=True))
    engine = Reader(heads, answers)
    measure = Measure(engine, random_rows(engine, rows=2, length=4), seed=seed, **options)
    return table(measure, "rare words")


# ---------------------------------------------------------------------- pieces


@cache
def sizes_of(ids):
    return np.array(cut(spelling(), ids))


def merges(ids, i):
    sizes = sizes_of(tuple(ids))
    starts = np.cumsum(sizes) - sizes
    word = int(np.searchsorted(starts, i, side="right")) - 1
    return list(range(starts[word], i))


def crosses(ids, i):
    """The token before a word of several pieces, from its first piece."""
    sizes = sizes_of(tuple(ids))
    starts = np.cumsum(sizes) - sizes
    return [i - 1] if i in starts[sizes > 1] and i else []


def two_back(ids, first):
    return back(2)(ids, first)


def merges_a_little(ids, first):
    return mix(0.2, MERGES, sink)(ids, first)


MERGES = looks_at(merges)
PIECE_HEADS = [
    [MERGES, once(previous_token), once(two_back), looks_at(crosses)],
    [once(current_token), once(induction), once(sink), once(merges_a_little)],
]


# ---------------------------------------------------------------------- as a report asks


def rare_words(seed, noise, *, proved=False, draws=999):
    """Return how the heads score on rare words."""
    heads = [[dirty(head, seed, noise) for head in some] for some in RARE_HEADS]
    return rare_table(heads, seed=seed, draws=draws)


def subword_merge(seed, noise, *, proved=False, draws=999):
    """Return how the heads score on pieces."""
    engine = Reader([[dirty(head, seed, noise) for head in some] for some in PIECE_HEADS])
    measure = Measure(engine, random_rows(engine, rows=2, length=4), draws=draws, seed=seed)
    return table(measure, "subword merge")


PLANTS = [
    Plant("rare words", "0.0", named(RARE_HEADS), rare_words),
    Plant("subword merge", "0.0", named(PIECE_HEADS), subword_merge),
]
