"""Tasks shown by examples, made: a head that says at the end which it is; decoys."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from planted.small import N_CTX, Slots, built, plant
from planting import asked

from headwidgets.errors import NotMeasurable
from headwidgets.tasks.shown import MAPPINGS, ROLES
from headwidgets.zoo.toys.build import Head

NAMES = tuple(MAPPINGS)[:5]
THINGS = 10
ANSWER, FILLER, D_VOCAB = 11, 61, 76
"""Tokens: words 1 to 10; each task's answers to them, task by task; fillers from 61."""
N = 40
SLOTS = Slots(
    tok=D_VOCAB, pos=N_CTX, word=THINGS, of=THINGS, one=1, ok=1, task=D_VOCAB, fits=D_VOCAB,
    first=D_VOCAB, out=D_VOCAB, bos=1,
)  # fmt: skip
SINK = Head((SLOTS.rest,))
_BOTH = (1.5, SLOTS.always, SLOTS["bos"])
_SHOWN = ((1.0, SLOTS.always, SLOTS["ok"]), SLOTS.rest)
# [BOS, fillers, word, answer, ... four of them, word asked for]
LAYERS = [
    {
        "sees whether an answer is right": Head(
            ((1.0, SLOTS["of"], SLOTS["word"]), SLOTS.back(1), _BOTH), ((1.0, SLOTS.one, SLOTS.ok),)
        ),
        "says the word's answers of all tasks": Head(
            (SLOTS.back(0),), ((1.0, SLOTS.fits, SLOTS.out),)
        ),
        "rests": SINK,
    },
    {
        "says the task": Head(_SHOWN, ((1.0, SLOTS.task, SLOTS.out),)),
        "says one task, whatever is shown": Head((SLOTS.rest,), ((0.5, SLOTS.first, SLOTS.out),)),
        "looks at right answers only": Head(_SHOWN),
    },
]
WORDS = [list(some) for some in LAYERS]


def engine_of(noise=0.0, seed=0, layers=LAYERS):
    embedding = torch.zeros(D_VOCAB, SLOTS.size)
    embedding[:, SLOTS.tok] = torch.eye(D_VOCAB)
    embedding[0, SLOTS.bos] = 1
    embedding[0, SLOTS.first][ANSWER : ANSWER + THINGS] = 1
    for thing in range(THINGS):
        embedding[1 + thing, SLOTS.word.start + thing] = 1
        embedding[1 + thing, SLOTS.one] = 1
        for task in range(len(NAMES)):
            answer = ANSWER + task * THINGS + thing
            embedding[1 + thing, SLOTS.fits.start + answer] = 1
            embedding[answer, SLOTS.of.start + thing] = 1
            first = SLOTS.task.start + ANSWER + task * THINGS
            embedding[answer, first : first + THINGS] = 1
    heads = [list(some.values()) for some in layers]
    return built(SLOTS, heads, embedding, "out", height=6.0, noise=noise, seed=seed)


@cache
def prompts(seed, name, n=N):
    """Draw prompts of one task; the corrupted ones have the answers go round."""
    task = name.split(": ")[-1]
    if task not in NAMES:
        message = f"{task} is not made"
        raise NotMeasurable(message)
    first = ANSWER + NAMES.index(task) * THINGS
    random = np.random.default_rng([seed, first])
    rows, other, answer, foil = [], [], [], []
    roles = {role: [] for role in (*ROLES, "X1", "ASKED")}
    for turn in range(n):
        *shots, query = map(int, random.choice(THINGS, 5, replace=False))
        front = [0, *random.integers(FILLER, D_VOCAB, size=1 + turn % 3)]
        for into, shown in ((rows, shots), (other, [*shots[1:], shots[0]])):
            pairs = zip(shots, shown, strict=True)
            body = [token for x, y in pairs for token in (1 + x, first + y)]
            into.append([*front, *body, 1 + query])
        for i, role in enumerate(ROLES):
            roles[role].append(len(front) + 1 + 2 * i)
        roles["X1"].append(len(front))
        roles["ASKED"].append(len(rows[-1]) - 1)
        answer.append(first + query)
        foil.append(first + shots[0])
    corrupted = tuple(map(tuple, other))
    return asked(task, rows, roles, answer, foil, corrupted=corrupted)


PLANTS = [plant("function vector", "1.0", WORDS, engine_of, prompts)]
