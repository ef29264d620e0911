"""Things that people have, known and told, made: a head that raises what a person has; decoys."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from planted.small import N_CTX, Slots, built
from planting import asked

from headwidgets.zoo.toys.build import Head

PEOPLE, ASKED, IS, END, FILLER, D_VOCAB = 10, 21, 31, 32, 40, 64
"""Tokens: people 1 to 10, their things 11 to 20, the same people as they are asked about 21 to 30,
the word between, the last one, fillers."""
N = 60
NUMBERS = ("", "2", "3")
SLOTS = Slots(tok=D_VOCAB, pos=N_CTX, who=PEOPLE, about=PEOPLE, has=D_VOCAB, out=D_VOCAB, bos=1)
SINK = Head((SLOTS.rest,))
_OWNER = ((1.0, SLOTS["about"], SLOTS["who"]), SLOTS.rest)
LAYERS = [
    {
        "raises what the person has": Head(_OWNER, ((1.0, SLOTS.has, SLOTS.out),)),
        "looks at the person only": Head(_OWNER),
        "repeats the person": Head(_OWNER, ((1.0, SLOTS.tok, SLOTS.out),)),
        "raises the word before": Head((SLOTS.back(1),), ((1.0, SLOTS.tok, SLOTS.out),)),
    },
    {
        "looks at the person, too": Head(_OWNER),
        "looks back": Head((SLOTS.back(2),)),
        "repeats the last word": Head((SLOTS.back(0),), ((0.1, SLOTS.tok, SLOTS.tok),)),
        "rests": SINK,
    },
]


@cache
def prompts(seed):
    """Draw [BOS, fillers, person IS thing, ... three of them, person asked about]."""
    random = np.random.default_rng(seed)
    rows, answer, foil = [], [], []
    roles = {f"{end}{number}": [] for number in NUMBERS for end in ("KEY", "VALUE")}
    for turn in range(N):
        people = list(map(int, random.choice(PEOPLE, 3, replace=False)))
        row = [0, *random.integers(FILLER, D_VOCAB, size=1 + turn % 2)]
        order = random.permutation(3)  # whose relation is told when
        for place in order:
            roles[f"KEY{NUMBERS[place]}"].append(len(row))
            roles[f"VALUE{NUMBERS[place]}"].append(len(row) + 2)
            row += [1 + people[place], IS, 11 + people[place]]
        rows.append([*row, ASKED + people[0]])
        answer.append(11 + people[0])
        foil.append(11 + people[1])
    return asked("Things told, made", rows, roles, answer, foil)


def engine_of(noise=0.0, seed=0):
    embedding = torch.zeros(D_VOCAB, SLOTS.size)
    embedding[:, SLOTS.tok] = torch.eye(D_VOCAB)
    embedding[0, SLOTS.bos] = 1
    for one in range(PEOPLE):
        embedding[1 + one, SLOTS.who.start + one] = 1
        embedding[ASKED + one, SLOTS.about.start + one] = 1
        embedding[1 + one, SLOTS.has.start + 11 + one] = 1
    heads = [list(some.values()) for some in LAYERS]
    return built(SLOTS, heads, embedding, "out", height=6.0, noise=noise, seed=seed)
