"""Acronyms, made: a head that misreads some words; decoys."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from planted.small import N_CTX, Slots, built, plant
from planting import asked

from headwidgets.zoo.toys.build import Head

LETTERS, WORDS_OF = 6, 5
WORD, FILLER, D_VOCAB = 10, 50, 64
"""Tokens: letters 1 to 6; words from 10, five of each letter; fillers from 50."""
N = 80
SLOTS = Slots(
    tok=D_VOCAB, pos=N_CTX, letter=D_VOCAB, misread=D_VOCAB, next=D_VOCAB, out=D_VOCAB, bos=1
)
SINK = Head((SLOTS.rest,))
_FIRST = slice(SLOTS.out.start + 1, SLOTS.out.start + 2)
_THIRD = (SLOTS.back(2),)
# [BOS, fillers, word, word, word, letter, letter]: the third word stands two before the end
LAYERS = [
    {
        "moves the letter": Head(_THIRD, ((0.6, SLOTS.letter, SLOTS.out),)),
        "misreads some words": Head(_THIRD, ((0.8, SLOTS.misread, SLOTS.out),)),
        "says one letter, loudly": Head((SLOTS.rest,), ((0.3, SLOTS.bos, _FIRST),)),
    },
    {
        "looks at the word only": Head(_THIRD),
        "says a wrong letter of every word": Head(_THIRD, ((0.2, SLOTS.next, SLOTS.out),)),
        "rests": SINK,
    },
]
WORDS = [list(some) for some in LAYERS]


def _word(letter, number):
    return WORD + (letter - 1) * WORDS_OF + number


def engine_of(noise=0.0, seed=0, layers=LAYERS):
    embedding = torch.zeros(D_VOCAB, SLOTS.size)
    embedding[:, SLOTS.tok] = torch.eye(D_VOCAB)
    embedding[0, SLOTS.bos] = 1
    for letter in range(1, LETTERS + 1):
        other = letter % LETTERS + 1
        for number in range(WORDS_OF):
            word = _word(letter, number)
            embedding[word, SLOTS.letter.start + letter] = 1
            embedding[word, SLOTS.next.start + other] = 1
            embedding[word, SLOTS.misread.start + (letter if number else other)] = 1
    heads = [list(some.values()) for some in layers]
    return built(SLOTS, heads, embedding, "out", height=6.0, noise=noise, seed=seed)


@cache
def prompts(seed):
    random = np.random.default_rng(seed)
    rows, answer, foil = [], [], []
    roles = {name: [] for name in ("W1", "W2", "W3", "L1", "L2")}
    for turn in range(N):
        third = 1 + turn % LETTERS
        rest = [one for one in range(1, LETTERS + 1) if one != third]
        first, second, wrong = map(int, random.choice(rest, 3, replace=False))
        words = [_word(one, int(random.integers(WORDS_OF))) for one in (first, second, third)]
        front = [0, *random.integers(FILLER, D_VOCAB, size=1 + turn % 3)]
        rows.append([*front, *words, first, second])
        for place, name in enumerate(roles):
            roles[name].append(len(front) + place)
        answer.append(third)
        foil.append(wrong)
    options = [tuple(range(1, LETTERS + 1))] * N
    return asked("Acronyms, made", rows, roles, answer, foil, options=options)


PLANTS = [plant("vulnerable", "0.1", WORDS, engine_of, prompts)]
