"""Facts, made: heads that bring the answer from the subject's tokens, the relation's, or both."""

from __future__ import annotations

import numpy as np
import torch
from planted.plant import Plant, named
from planting import Weighted, asked, copiers, drawn, everyone, measuring, places, table

from headwidgets.taxonomy import sources

N, STOP, RELATIONS, LEAD = 100, 99, 10, 4.0


def _task():
    """An example in front of every second prompt; then R R S S R and the last word."""
    random = np.random.default_rng(0)
    spans, rows, answer, foil, options = [], [], [], [], []
    for turn in range(N):
        relation = turn % RELATIONS
        own = tuple(range(100 + 5 * relation, 105 + 5 * relation))
        example = [*random.integers(10, 60, size=3), STOP] if turn % 2 else []
        front = [0, *example, *random.integers(60, 80, size=1 + turn % 3)]
        spans.append((len(front), len(front) + 2))
        rows.append([*front, *random.integers(10, 60, size=2), *random.integers(60, 80, size=2), 9])
        answer.append(own[turn // RELATIONS % 5])
        foil.append(own[(turn // RELATIONS + 1) % 5])
        options.append(own)
    roles = {"S": [b - 1 for _, b in spans]}
    return asked("Facts, made", rows, roles, answer, foil, spans={"S": spans}, options=options)


TASK = _task()


def subject_of(row):
    return range(*TASK.prompts.spans["S"][row])


def relation_of(row):
    first, after = TASK.prompts.spans["S"][row]
    stop = max((i for i, one in enumerate(TASK.rows[row]) if one == STOP), default=0)
    return [*range(stop + 1, first), *range(after, len(TASK.rows[row]) - 1)]


def spread(keys, worth):
    keys = list(keys)
    looks = dict.fromkeys(keys, 0.8 / len(keys))
    return looks, {(key, 0): worth / len(keys) for key in keys}


def both(row, from_subject, from_relation):
    looks, brings = spread(subject_of(row), from_subject)
    more, others = spread(relation_of(row), from_relation)
    return {k: v / 2 for k, v in (looks | more).items()}, brings | others


def subject(row, _):
    return spread(subject_of(row), 1.0)


def relation(row, _):
    return spread(relation_of(row), 1.0)


def mixed(row, _):
    return both(row, 0.6, 0.4)


def leaning(row, _):
    """Most from the subject, and too much from the relation to be a subject head."""
    return both(row, 0.8, 0.2)


def everywhere(row, _):
    return spread(range(1, len(TASK.rows[row])), 1.0)


def next_to_nothing(row, _):
    return spread(subject_of(row), 0.02 * LEAD)


def little_of_both(row, _):
    return both(row, 0.01 * LEAD, 0.01 * LEAD)


def last_token(row, _):
    return spread([len(TASK.rows[row]) - 1], 1.0)


def the_example(row, _):
    return spread(range(1, 4), 1.0) if row % 2 else ({}, {})


def against(row, _):
    return spread(subject_of(row), -1.0)


def raises_all(row, _):
    """Whatever it looks at: the answer, and those of other relations as much."""
    key = subject_of(row)[0]
    return {key: 0.8}, {(key, token): 2.0 for token in range(9)}


def looks_only(row, _):
    return spread(subject_of(row), 0.0)


def sink(*_):
    return {}, {}


HEADS = [
    [subject, relation, mixed, leaning, everywhere, next_to_nothing, sink],
    [little_of_both, last_token, the_example, against, raises_all, looks_only, sink],
]
PLACE = places(HEADS)


def logits_of(lead=LEAD):
    out = np.zeros((N, 200))
    out[np.arange(N), list(TASK.answer)] = lead
    return out


def made(noise=0.0, heads=HEADS, logits=None, task=TASK, *, seed=0, draws=300):
    """Return a measure that has seen the heads on facts."""
    values = logits_of() if logits is None else logits
    seen = drawn(task, heads, values, sources.rivals, noise=noise, seed=seed)
    signs = [[1] * len(heads[0])] * len(heads)
    engine = Weighted(torch.eye(200, 16), torch.eye(16, 200), copiers(signs, 16))
    engine.text.label = lambda token: "." if token == STOP else f" {token}"
    return measuring("lre", seen, sources.rivals, engine, seed=seed, draws=draws)


def scored(kind):
    """Return how the heads score as one kind."""

    def scores(seed, noise, *, proved=False, draws=999):
        measure = made(noise, seed=seed, draws=draws)
        return table(measure, kind, everyone(HEADS) if proved else ())

    return scores


PLANTS = [
    Plant("subject", PLACE[subject], named(HEADS), scored("subject")),
    Plant("relation", PLACE[relation], named(HEADS), scored("relation")),
    Plant("mixed", PLACE[mixed], named(HEADS), scored("mixed")),
]
