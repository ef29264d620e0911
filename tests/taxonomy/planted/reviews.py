"""Reviews, made: a neutral token sums up the adjective, a head reads it there; decoys."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import torch
from planted.small import N_CTX, Slots, built, plant
from planting import asked

from headwidgets.zoo.toys.build import Head

PRAISE, BLAME, GREAT, POOR, FILLER, COMMA, END, D_VOCAB = 1, 11, 21, 22, 30, 62, 63, 64
"""Tokens: ten words of praise and ten of blame, the two verdicts, fillers, a comma, the last."""
N = 80
SLOTS = Slots(tok=D_VOCAB, pos=N_CTX, mood=2, word=D_VOCAB, out=D_VOCAB, comma=1, bos=1)
_VERDICTS = slice(SLOTS.out.start + GREAT, SLOTS.out.start + POOR + 1)


def _says(gain, slot):
    return (gain, slot, _VERDICTS)


_GREAT = slice(_VERDICTS.start, _VERDICTS.start + 1)
SINK = Head((SLOTS.rest,))
# A row is BOS, fillers, the adjective, a comma, a filler, END.
LAYERS = [
    {
        "sums up at the comma": Head((SLOTS.back(1),), ((1.0, SLOTS.mood, SLOTS.mood),)),
        "reads the adjective": Head((SLOTS.back(3),), (_says(0.6, SLOTS.mood),)),
        "tells the word, not its mood": Head((SLOTS.back(1),), ((1.0, SLOTS.tok, SLOTS.word),)),
        "rests": SINK,
    },
    {
        "reads the summary": Head((SLOTS.back(2),), (_says(1.0, SLOTS.mood),)),
        "looks at the comma only": Head((SLOTS.back(2),)),
        "says great at a comma": Head((SLOTS.back(2),), ((0.8, SLOTS.comma, _GREAT),)),
        "sums up once more, at the end": Head((SLOTS.back(2),), ((0.2, SLOTS.mood, SLOTS.mood),)),
    },
]
WORDS = [list(some) for some in LAYERS]


@cache
def prompts(seed):
    random = np.random.default_rng(seed)
    rows, corrupted, answer, foil, spans = [], [], [], [], []
    for turn in range(N):
        which = turn // 2 % 10
        good = turn % 2
        front = [0, *random.integers(FILLER, COMMA, size=1 + turn // 2 % 3)]
        filler = int(random.integers(FILLER, COMMA))
        row, other = (
            (*map(int, front), first + which, COMMA, filler, END)
            for first in ((PRAISE, BLAME) if good else (BLAME, PRAISE))
        )
        rows.append(row)
        corrupted.append(other)
        spans.append((len(front), len(front) + 1))
        answer.append(GREAT if good else POOR)
        foil.append(POOR if good else GREAT)
    made = asked("Reviews, made", rows, {}, answer, foil, spans={"ADJ": spans})
    return replace(made, corrupted=tuple(corrupted))


def engine_of(noise=0.0, seed=0):
    embedding = torch.zeros(D_VOCAB, SLOTS.size)
    embedding[:, SLOTS.tok] = torch.eye(D_VOCAB)
    embedding[0, SLOTS.bos] = 1
    embedding[COMMA, SLOTS.comma] = 1
    embedding[PRAISE:BLAME, SLOTS.mood][:, 0] = 1
    embedding[BLAME:GREAT, SLOTS.mood][:, 1] = 1
    heads = [list(some.values()) for some in LAYERS]
    return built(SLOTS, heads, embedding, "out", height=5.0, noise=noise, seed=seed)


PLANTS = [
    plant("summary reader", "1.0", WORDS, engine_of, prompts),
    plant("sentiment summarizer", "0.0", WORDS, engine_of, prompts),
]
