"""Sentences with a subject far from its verb, made: a head that finds it, and decoys by place."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from made_tasks import measuring, table
from planted.plant import Plant, named

from headwidgets.taxonomy.asked import END, Asked
from headwidgets.taxonomy.on_task import OnTask
from headwidgets.taxonomy.seen import Seen

LENGTHS = (7, 7, 10, 8, 11, 8)
SUBJECTS = (3, 3, 3, 3, 4, 4)
BETWEEN = (6, 6, 6, 7, 7, 7)


def arcs(n=102):
    """Sentences as the task has them, BOS first: lengths, places of subject and noun between."""
    roles = {"SUBJECT": [], "DISTRACTOR": []}
    rows = []
    order = np.random.default_rng(1).integers(len(LENGTHS), size=n)
    for kind in order:
        roles["SUBJECT"].append(SUBJECTS[kind])
        roles["DISTRACTOR"].append(BETWEEN[kind])
        rows.append((0, *range(10, 9 + LENGTHS[kind])))
    prompts = SimpleNamespace(name="Arcs, made", roles=roles, spans={})
    return Asked(prompts, tuple(rows), (1,) * n, (2,) * n, ((1, 2),) * n)


def subject(row, _):
    return row["subject"]


def noun_between(row, _):
    return row["between"]


def most_frequent_distance(row, _):
    return row["end"] - 3


def most_frequent_place(*_):
    return 3


def either_noun(row, turn):
    return row["subject" if turn % 2 else "between"]


def itself(row, _):
    return row["end"]


def anywhere(row, turn):
    return 1 + turn % row["end"]


def sink(*_):
    return 0


ARC_HEADS = [
    [subject, noun_between, most_frequent_distance, most_frequent_place],
    [either_noun, itself, anywhere, sink],
]


def arcs_seen(noise, seed):
    """Return the task as the heads see it; noise makes a look go anywhere."""
    asked = arcs()
    random = np.random.default_rng(seed)
    seen = []
    for turn, ids in enumerate(asked.rows):
        places = {
            "subject": asked.prompts.roles["SUBJECT"][turn],
            "between": asked.prompts.roles["DISTRACTOR"][turn],
            "end": len(ids) - 1,
        }
        attention = np.zeros((2, 4, 1, len(ids)), np.float32)
        for layer, some in enumerate(ARC_HEADS):
            for head, rule in enumerate(some):
                place = rule(places, turn)
                if random.random() < noise:
                    place = int(random.integers(1, len(ids)))
                attention[layer, head, 0, place] = 0.4
                attention[layer, head, 0, 0] += 0.6
        seen.append(Seen(attention, np.zeros((2, 4, 1, len(ids), 0)), np.zeros(200)))
    return OnTask(asked, tuple(seen), (END,), 0.98)


def scored(seed, noise, *, proved=False, draws=999):
    """Return how the heads score."""
    measure = measuring("syntactic arcs", arcs_seen(noise, seed), draws=draws, seed=seed)
    return table(measure, "syntactic")


PLANTS = [Plant("syntactic", "0.0", named(ARC_HEADS), scored)]
