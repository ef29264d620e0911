"""Two languages, made: a head that keeps the answer in one of them; decoys."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from planted.small import N_CTX, Slots, built, plant
from planting import asked

from headwidgets.zoo.toys.build import Head

THINGS = 20
FRENCH, FILLER, D_VOCAB = 21, 50, 64
"""Tokens: English words 1 to 20, their French ones, fillers from 50."""
N = 60
SLOTS = Slots(tok=D_VOCAB, pos=N_CTX, tongue=D_VOCAB, both=D_VOCAB, out=D_VOCAB, bos=1)
SINK = Head((SLOTS.rest,))
# [BOS, fillers, word, partner, word, partner, word asked for]
LAYERS = [
    {
        "keeps to the language": Head((SLOTS.back(1),), ((1.0, SLOTS.tongue, SLOTS.out),)),
        "reads the language only": Head((SLOTS.back(1),), ((1.0, SLOTS.tongue, SLOTS.tongue),)),
        "says the thing in both": Head((SLOTS.back(0),), ((1.0, SLOTS.both, SLOTS.out),)),
    },
    {
        "repeats the last word": Head((SLOTS.back(0),), ((0.2, SLOTS.tok, SLOTS.out),)),
        "looks only": Head((SLOTS.back(1),)),
        "rests": SINK,
    },
]
WORDS = [list(some) for some in LAYERS]


def engine_of(noise=0.0, seed=0, layers=LAYERS):
    embedding = torch.zeros(D_VOCAB, SLOTS.size)
    embedding[:, SLOTS.tok] = torch.eye(D_VOCAB)
    embedding[0, SLOTS.bos] = 1
    for thing in range(THINGS):
        pair = [1 + thing, FRENCH + thing]
        for word in pair:
            embedding[word, SLOTS.both][pair] = 1
            first = 1 if word < FRENCH else FRENCH
            embedding[word, SLOTS.tongue][first : first + THINGS] = 1
    heads = [list(some.values()) for some in layers]
    return built(SLOTS, heads, embedding, "out", height=6.0, noise=noise, seed=seed)


@cache
def prompts(seed):
    random = np.random.default_rng(seed)
    rows, answer, foil = [], [], []
    roles = {name: [] for name in ("E1", "F1", "E2", "F2", "ASKED")}
    for turn in range(N):
        one, two, three, other = map(int, random.choice(THINGS, 4, replace=False))
        front = [0, *random.integers(FILLER, D_VOCAB, size=1 + turn % 3)]
        shown = [1 + one, FRENCH + one, 1 + two, FRENCH + two, 1 + three]
        rows.append([*front, *shown])
        for place, name in enumerate(roles):
            roles[name].append(len(front) + place)
        answer.append(FRENCH + three)
        foil.append(FRENCH + other)
    return asked("Pairs, made", rows, roles, answer, foil)


PLANTS = [plant("coherence", "0.0", WORDS, engine_of, prompts)]
