"""Names, made: who came twice is told to a name mover's query; another mover stands by; decoys."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import torch
from planted.small import N_CTX, Slots, built, plant
from planting import asked

from headwidgets.zoo.toys.build import Head

NAMES, FILLERS, END, D_VOCAB = 20, 42, 62, 64
N = 40
SLOTS = Slots(
    tok=D_VOCAB, pos=N_CTX, told=D_VOCAB, moved=D_VOCAB, out=D_VOCAB, name=1, end=1, bos=1
)
_NAMES = (1.0, SLOTS["end"], SLOTS["name"])
_NOT_TOLD = (-2.0, SLOTS["told"], SLOTS["tok"])
_NOT_MOVED = (-3.0, SLOTS["moved"], SLOTS["tok"])
_MOVED = (1.0, SLOTS["moved"], SLOTS["tok"])
HEIGHT = 8.0


def _says(gain):
    return (gain, SLOTS.tok, SLOTS.out)


SINK = Head((SLOTS.rest,))
LAYERS = [
    {
        "tells who came twice": Head((SLOTS.back(2),), ((1.0, SLOTS.tok, SLOTS.told),)),
        "looks at the repeated name only": Head((SLOTS.back(2),)),
        "tells the word before": Head((SLOTS.back(1),), ((1.0, SLOTS.tok, SLOTS.told),)),
        "rests": SINK,
    },
    {
        "moves the name": Head(
            (_NAMES, _NOT_TOLD, SLOTS.rest), (_says(1.0), (1.0, SLOTS.tok, SLOTS.moved))
        ),
        "says every name": Head((_NAMES, SLOTS.rest), (_says(0.2),)),
        "looks at the name only": Head((_NAMES, _NOT_TOLD, SLOTS.rest)),
        "rests": SINK,
    },
    {
        "stands by": Head((_NAMES, _NOT_TOLD, _NOT_MOVED, SLOTS.rest), (_says(0.8),)),
        "adds a little, always": Head((_NAMES, _NOT_TOLD, SLOTS.rest), (_says(0.05),)),
        "lowers what was moved": Head((_MOVED, SLOTS.rest), (_says(-0.3),)),
        "rests": SINK,
    },
]
WORDS = [list(some) for some in LAYERS]


@cache
def prompts(seed):
    """Draw names in both orders behind one to three fillers; the second comes again or not."""
    random = np.random.default_rng(seed)
    roles = {"IO": [], "S1": [], "S2": []}
    rows, corrupted, answer, foil = [], [], [], []
    for turn in range(N):
        io, subject, third = random.choice(np.arange(1, NAMES + 1), 3, replace=False)
        front = [0, *random.integers(NAMES + 1, FILLERS, size=1 + turn // 2 % 3)]
        both = (subject, io) if turn % 2 else (io, subject)
        middle = random.integers(NAMES + 1, FILLERS, size=3)
        roles["IO"].append(len(front) + 2 * (turn % 2))
        roles["S1"].append(len(front) + 2 * (1 - turn % 2))
        roles["S2"].append(len(front) + 4)
        row = [*front, both[0], middle[0], both[1], middle[1], subject, middle[2], END]
        rows.append(row)
        corrupted.append(tuple(int(one) for one in (*row[:-3], third, *row[-2:])))
        answer.append(io)
        foil.append(subject)
    made = asked("IOI, made", rows, roles, answer, foil)
    return replace(made, corrupted=tuple(corrupted))


def engine_of(noise=0.0, seed=0, layers=LAYERS):
    embedding = torch.zeros(D_VOCAB, SLOTS.size)
    embedding[:, SLOTS.tok] = torch.eye(D_VOCAB)
    embedding[0, SLOTS.tok] = 0
    embedding[0, SLOTS.bos] = 1
    embedding[1 : NAMES + 1, SLOTS.name] = 1
    embedding[END, SLOTS.end] = 1
    heads = [list(some.values()) for some in layers]
    return built(SLOTS, heads, embedding, "out", height=HEIGHT, noise=noise, seed=seed)


PLANTS = [
    plant("s-inhibition", "0.0", WORDS, engine_of, prompts),
    plant("backup name mover", "2.0", WORDS, engine_of, prompts),
]
