"""Facts, made: a head that moves what stands at the subject to the end; decoys."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from planted.small import N_CTX, Slots, built, plant
from planting import asked

from headwidgets.zoo.toys.build import Head

RELATIONS, SUBJECTS = 4, 6
ANSWER, RELATION, FILLER, END, D_VOCAB = 26, 50, 55, 62, 64
"""Tokens: subjects 1 to 24, their answers, relations, fillers, the last one."""
N = 48
SLOTS = Slots(tok=D_VOCAB, pos=N_CTX, has=D_VOCAB, kind=D_VOCAB, seen=D_VOCAB, out=D_VOCAB, bos=1)


SINK = Head((SLOTS.rest,))
# [BOS, fillers, subject, relation, END]: the subject stands two before the end
LAYERS = [
    {
        "brings the subject's to the relation": Head(
            (SLOTS.back(1),), ((1.0, SLOTS.has, SLOTS.seen),)
        ),
        "looks at the subject only": Head((SLOTS.back(2),)),
        "rests": SINK,
    },
    {
        "moves what the subject has": Head((SLOTS.back(2),), ((1.0, SLOTS.has, SLOTS.out),)),
        "says all answers of the relation": Head((SLOTS.back(1),), ((0.3, SLOTS.kind, SLOTS.out),)),
        "moves it from the relation": Head((SLOTS.back(1),), ((0.5, SLOTS.seen, SLOTS.out),)),
    },
]
WORDS = [list(some) for some in LAYERS]


@cache
def prompts(seed):
    random = np.random.default_rng(seed)
    rows, answer, foil, options, spans = [], [], [], [], []
    for turn in range(N):
        relation = turn % RELATIONS
        own, other = 1 + relation * SUBJECTS + random.choice(SUBJECTS, 2, replace=False)
        front = [0, *random.integers(FILLER, END, size=1 + turn // RELATIONS % 3)]
        spans.append((len(front), len(front) + 1))
        rows.append([*front, own, RELATION + relation, END])
        answer.append(own + ANSWER - 1)
        foil.append(other + ANSWER - 1)
        first = ANSWER + relation * SUBJECTS
        options.append(tuple(range(first, first + SUBJECTS)))
    return asked("Facts, made", rows, {}, answer, foil, spans={"S": spans}, options=options)


def engine_of(noise=0.0, seed=0, layers=LAYERS):
    embedding = torch.zeros(D_VOCAB, SLOTS.size)
    embedding[:, SLOTS.tok] = torch.eye(D_VOCAB)
    embedding[0, SLOTS.bos] = 1
    n = RELATIONS * SUBJECTS
    embedding[1 : n + 1, SLOTS.has][:, ANSWER : ANSWER + n] = torch.eye(n)
    for relation in range(RELATIONS):
        first = ANSWER + relation * SUBJECTS
        embedding[RELATION + relation, SLOTS.kind][first : first + SUBJECTS] = 1
    heads = [list(some.values()) for some in layers]
    return built(SLOTS, heads, embedding, "out", height=5.0, noise=noise, seed=seed)


PLANTS = [plant("mover", "1.0", WORDS, engine_of, prompts)]
