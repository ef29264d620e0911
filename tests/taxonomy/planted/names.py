"""Heads that move names, made: a name mover, a negative one, and decoys that have one half."""

from __future__ import annotations

import numpy as np
from planted.plant import Plant, named
from planting import Weighted, asked, codes, copiers, drawn, everyone, measuring, places, table

from headwidgets.taxonomy.on_task import answers

N, LEAD = 100, 4.0


def _ioi():
    """Both orders of two names of twenty, lengths mixed: name, filler, name, filler, S again."""
    random = np.random.default_rng(0)
    roles = {"IO": [], "S1": [], "S2": []}
    rows, answer, foil = [], [], []
    for turn in range(N):
        io, subject = random.choice(np.arange(1, 21), 2, replace=False)
        front = [0, *random.integers(30, 60, size=1 + turn // 2 % 3)]
        both = (subject, io) if turn % 2 else (io, subject)
        roles["IO"].append(len(front) + 2 * (turn % 2))
        roles["S1"].append(len(front) + 2 * (1 - turn % 2))
        roles["S2"].append(len(front) + 4)
        rows.append([*front, both[0], 30, both[1], 31, subject, 32, 33])
        answer.append(io)
        foil.append(subject)
    return asked("IOI, made", rows, roles, answer, foil)


IOI = _ioi()


def at(role, row):
    return IOI.prompts.roles[role][row]


def mover(row, _):
    io = at("IO", row)
    return {io: 0.6}, {(io, 0): 2.0}


def negative(row, _):
    io = at("IO", row)
    return {io: 0.6}, {(io, 0): -1.6}


def lowers_unwritten(row, _):
    """It takes from the name, and its weights do not."""
    io = at("IO", row)
    return {io: 0.6}, {(io, 0): -1.2}


def looks_only(row, _):
    return {at("IO", row): 0.6}, {}


def whatever(row, _):
    """Writes all names that it looks at: as much of the one as of the other."""
    io, s1, s2 = (at(role, row) for role in ("IO", "S1", "S2"))
    return {io: 0.4, s1: 0.2, s2: 0.2}, {(io, 0): 2.0, (s1, 1): 1.0, (s2, 1): 1.0}


def first_name(row, _):
    first = min(at("IO", row), at("S1", row))
    return {first: 0.8}, {(first, int(first != at("IO", row))): 2.0}


def suppresses(row, _):
    """Only makes the other name less likely, and never looks at the right one."""
    return {at("S2", row): 0.6}, {(at("S2", row), 1): -1.2}


def says_subject(row, _):
    return {at("S2", row): 0.6}, {(at("S2", row), 1): 1.2}


def unwritten(row, _):
    io = at("IO", row)
    return {io: 0.6}, {(io, 0): 1.2}


def next_to_nothing(row, _):
    io = at("IO", row)
    return {io: 0.9}, {(io, 0): 0.05}


def sink(*_):
    return {}, {}


HEADS = [
    [mover, negative, looks_only, whatever, first_name, sink],
    [suppresses, unwritten, next_to_nothing, lowers_unwritten, says_subject, sink],
]
SIGNS = [[1, -1, 1, 1, 1, 0], [-1, 0, 1, 0, 1, 1]]
PLACE = places(HEADS)


def logits(task, share=1.0):
    out = np.zeros((N, 200))
    for row, (right, wrong) in enumerate(zip(task.answer, task.foil, strict=True)):
        good = row < share * N
        out[row, right if good else wrong] = LEAD
    return out


def ioi_measure(noise=0.0, task=IOI, heads=HEADS, signs=SIGNS, *, seed=0, draws=300):
    """Return a measure that has seen the heads on both orders of the names."""
    seen = drawn(task, heads, logits(task), answers, noise=noise, seed=seed)
    both = codes(60)
    engine = Weighted(both, both.T, copiers(signs))
    return measuring("ioi", seen, answers, engine, draws=draws, seed=seed)


def scored(kind):
    """Return how the heads score as one kind."""

    def scores(seed, noise, *, proved=False, draws=999):
        measure = ioi_measure(noise, draws=draws, seed=seed)
        return table(measure, kind, everyone(HEADS) if proved else ())

    return scores


PLANTS = [
    Plant("name mover", PLACE[mover], named(HEADS), scored("name mover")),
    Plant("negative name mover", PLACE[negative], named(HEADS), scored("negative name mover")),
]
