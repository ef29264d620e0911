"""Stories against what is known, made: a context head, a memory head, and suppressors."""

from __future__ import annotations

import numpy as np
import torch
from planted.plant import Plant, named
from planting import Weighted, asked, copiers, drawn, everyone, measuring, places, table

from headwidgets.taxonomy import conflict

N, STOP, SO = 100, 90, 91
UNKNOWN = (18, 19)
"""Subjects whose answers the model does not know."""


def memory_of(subject):
    return subject - 10


def _task():
    """Subjects 11 to 19, answers 1 to 9; what the story says, then the question alone."""
    random = np.random.default_rng(0)
    roles = {"SUBJECT": [], "CONTEXT": [], "ASKED": []}
    rows, answer, foil = [], [], []
    for turn in range(N):
        subject = 11 + turn % 9
        memory = memory_of(subject)
        context = int(random.choice([one for one in range(1, 10) if one != memory]))
        front = [0, *random.integers(100, 120, size=2 + turn % 3)]
        between = [STOP] if turn % 2 else [STOP, SO]
        start = len(front)
        roles["SUBJECT"].append(start)
        roles["CONTEXT"].append(start + 2)
        roles["ASKED"].append(start + 3 + len(between) + 1)
        rows.append([*front, subject, 80, context, *between, 81, subject, 82])
        answer.append(context)
        foil.append(memory)
    return asked("Memory against context, made", rows, roles, answer, foil)


TASK = _task()
KNOWN = np.array([11 + turn % 9 not in UNKNOWN for turn in range(N)])


class Knowing(Weighted):
    """Asked without the context it gives what it remembers, but of two subjects."""

    def __init__(self, heads, known=lambda subject: subject not in UNKNOWN):
        n = len(heads[0])
        super().__init__(
            torch.eye(200, 16), torch.eye(16, 200), copiers([[1] * n] * len(heads), 16)
        )
        self.known = known
        self.text.label = lambda token: {STOP: ".", SO: " so"}.get(token, " word")

    def answer(self, ids):
        out = torch.zeros(len(ids), 200)
        for logits, (bos, the, subject, verb) in zip(out, ids.tolist(), strict=True):
            assert (bos, the, verb) == (0, 81, 82)  # the question alone
            known = self.known(subject)
            logits[memory_of(subject) if known else memory_of(subject) % 9 + 1] = 1.0
        return out


def at(role, row):
    return TASK.prompts.roles[role][row]


def context(row, _):
    said = at("CONTEXT", row)
    return {said: 0.6}, {(said, 0): 1.5}


def memory(row, _):
    subject = at("SUBJECT", row)
    looks = {subject: 0.3, at("ASKED", row): 0.3}
    return looks, {(subject, 1): 1.2}


def suppressor(row, _):
    """As 10.7 of GPT-2 small: it looks at the context's answer and lowers it."""
    said = at("CONTEXT", row)
    return {said: 0.6}, {(said, 0): -0.9}


def suppressor_at_subject(row, _):
    asked = at("ASKED", row)
    return {asked: 0.6}, {(asked, 0): -0.9}


def looks_only(row, _):
    return {at("CONTEXT", row): 0.8}, {}


def whatever(row, _):
    """Both answers alike."""
    said, asked = at("CONTEXT", row), at("ASKED", row)
    return {said: 0.4, asked: 0.4}, {(said, 0): 1.5, (asked, 1): 1.5}


def from_afar(_, __):
    return {}, {(0, 0): 0.9}


def lowers_memory(row, _):
    """It looks at the context's answer, and only the other one falls."""
    said = at("CONTEXT", row)
    return {said: 0.6}, {(said, 1): -0.9}


def where_unknown(row, _):
    said = at("CONTEXT", row)
    return {said: 0.8}, {} if KNOWN[row] else {(said, 0): 9.0}


def next_to_nothing(row, _):
    said = at("CONTEXT", row)
    return {said: 0.9}, {(said, 0): 0.05}


def sink(*_):
    return {}, {}


HEADS = [
    [context, memory, suppressor, looks_only, whatever, sink],
    [suppressor_at_subject, from_afar, lowers_memory, where_unknown, next_to_nothing, sink],
]
PLACE = places(HEADS)
SIZE = 3.0


def logits():
    """Where the context wins and where memory does, the two are as far apart."""
    out = np.zeros((N, 200))
    for row, (said, known) in enumerate(zip(TASK.answer, TASK.foil, strict=True)):
        out[row, known if row % 5 == 0 else said] = SIZE
    return out


def made(noise=0.0, task=TASK, heads=HEADS, *, seed=0, draws=300, **more):
    """Return a measure that has seen the heads, of a model that knows most facts."""
    seen = drawn(task, heads, logits(), conflict._tokens, noise=noise, seed=seed)
    options = {"seed": seed, "draws": draws}
    return measuring("memory context", seen, conflict._tokens, Knowing(heads, **more), **options)


def scored(kind):
    """Return how the heads score as one kind."""

    def scores(seed, noise, *, proved=False, draws=999):
        measure = made(noise, seed=seed, draws=draws)
        return table(measure, kind, everyone(HEADS) if proved else ())

    return scores


PLANTS = [
    Plant("memory", PLACE[memory], named(HEADS), scored("memory")),
    Plant("context", PLACE[context], named(HEADS), scored("context")),
]
