"""Labels taught by examples, made: a head that brings the label of the like example; decoys."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from planted.small import N_CTX, Slots, built, plant
from planting import asked

from headwidgets.zoo.toys.build import Head

KINDS, WORDS_OF = 4, 8
LABEL, FILLER, D_VOCAB = 40, 50, 64
"""Tokens: words 1 to 32, eight of a kind; labels 40 to 43; fillers from 50."""
PAIRS = ((40, 41), (42, 43))
N = 64
SLOTS = Slots(tok=D_VOCAB, pos=N_CTX, kind=KINDS, before=KINDS, out=D_VOCAB, label=1, bos=1)
_LABELS = (1.0, SLOTS.always, SLOTS["label"])


def _says(gain):
    return (gain, SLOTS.tok, SLOTS.out)


_FIRST = slice(SLOTS.out.start + LABEL, SLOTS.out.start + LABEL + 1)
_LIKE = (1.0, SLOTS["kind"], SLOTS["before"])
SINK = Head((SLOTS.rest,))
# [BOS, fillers, word, label, word, label, word asked for]
LAYERS = [
    {
        "tells labels whose they are": Head((SLOTS.back(1),), ((1.0, SLOTS.kind, SLOTS.before),)),
        "says the latest label": Head((SLOTS.back(1),), (_says(0.5),)),
        "rests": SINK,
        "says all labels, early": Head((_LABELS, SLOTS.rest), (_says(0.5),)),
    },
    {
        "brings the label of the like": Head((_LIKE, SLOTS.rest), (_says(1.0),)),
        "says all labels": Head((_LABELS, SLOTS.rest), (_says(0.8),)),
        "looks at the like only": Head((_LIKE, SLOTS.rest)),
        "always says the same": Head((SLOTS.rest,), ((0.5, SLOTS.bos, _FIRST),)),
    },
]
WORDS = [list(some) for some in LAYERS]


@cache
def prompts(seed):
    random = np.random.default_rng(seed)
    rows, answer, foil, roles = [], [], [], {"L1": [], "L2": [], "L3": [], "L4": []}
    for turn in range(N):
        kinds = random.choice(KINDS, 2, replace=False)
        labels = PAIRS[turn % 2][:: 1 if turn // 2 % 2 else -1]
        own = turn // 4 % 2
        order = (0, 1) if turn // 8 % 2 else (1, 0)
        one, two, third = random.choice(WORDS_OF, 3, replace=False)
        word = {0: 1 + kinds[0] * WORDS_OF + one, 1: 1 + kinds[1] * WORDS_OF + two}
        front = [0, *random.integers(FILLER, D_VOCAB, size=1 + turn % 3)]
        shots = [token for which in order for token in (word[which], labels[which])]
        rows.append([*front, *shots, 1 + kinds[own] * WORDS_OF + third])
        for role, place in zip(roles, (1, 3, None, None), strict=True):
            roles[role].append(None if place is None else len(front) + place)
        answer.append(labels[own])
        foil.append(labels[1 - own])
    return asked("Labels, made", rows, roles, answer, foil)


def engine_of(noise=0.0, seed=0, layers=LAYERS):
    embedding = torch.zeros(D_VOCAB, SLOTS.size)
    embedding[:, SLOTS.tok] = torch.eye(D_VOCAB)
    embedding[0, SLOTS.tok] = 0
    embedding[0, SLOTS.bos] = 1
    for kind in range(KINDS):
        first = 1 + kind * WORDS_OF
        embedding[first : first + WORDS_OF, SLOTS.kind][:, kind] = 1
    embedding[LABEL : LABEL + 4, SLOTS.label] = 1
    heads = [list(some.values()) for some in layers]
    return built(SLOTS, heads, embedding, "out", height=6.0, noise=noise, seed=seed)


PLANTS = [plant("in-context", "1.0", WORDS, engine_of, prompts)]
