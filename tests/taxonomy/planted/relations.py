"""Facts of people, made: a head that looks at a person and raises what they have; decoys."""

from __future__ import annotations

from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
from fake_engine import FakeEngine, uniform
from planted.plant import Plant

from headwidgets.taxonomy import find, relations
from headwidgets.taxonomy.frame import frame
from headwidgets.taxonomy.measure import Measure
from headwidgets.taxonomy.on_task import Asked
from headwidgets.taxonomy.random_tokens import random_rows

IS, LENGTH = 11, 17
NAMES = ("", "2", "3")


def facts_told(n=60):
    """Three statements [name, IS, thing], then words that state nothing."""
    random = np.random.default_rng(0)
    roles = {f"{end}{number}": [] for number in NAMES for end in ("KEY", "VALUE")}
    rows = []
    for _ in range(n):
        names, things = random.permutation(range(20, 60))[:3], random.permutation(range(60, 99))[:3]
        row = [0]
        for number, name, thing in zip(NAMES, names, things, strict=True):
            roles[f"KEY{number}"].append(len(row))
            roles[f"VALUE{number}"].append(len(row) + 2)
            row += [int(name), IS, int(thing)]
        rows.append((*row, *(int(one) for one in random.integers(100, 200, size=LENGTH - 10))))
    prompts = SimpleNamespace(name="Facts, made", roles=roles, spans={}, chance=0.0)
    return Asked(prompts, tuple(rows), (1,) * n, (2,) * n, ())


FACTS = facts_told()
DECOYS = {
    "0.1": "raises what another has",
    "0.2": "raises whatever anybody has",
    "0.3": "looks elsewhere",
}


def looks_at(row, number, *, strong=0.9):
    """Attention of `strong` on one of the prompt's names, the rest even over what is in sight."""
    out = np.tril(np.ones((LENGTH, LENGTH), np.float32))
    out /= out.sum(-1, keepdims=True)
    at = FACTS.prompts.roles[f"KEY{number}"][row]
    out[at:] *= 1 - strong
    out[at:, at] += strong
    return out


def attention(_measure, _asked):
    for row in range(len(FACTS.rows)):
        one = looks_at(row, NAMES[row % 3])
        away = looks_at(row, NAMES[row % 3], strong=0.05)
        yield row, np.stack([one, one, one, away])[None]


def planted(seed, noise, **options):
    """Return the scores of the planted head and the decoys, and their measure."""
    random = np.random.default_rng(seed)

    def raised(_engine, _layer, ids):
        row = FACTS.rows.index(tuple(int(one) for one in ids))
        out = np.zeros((4, LENGTH, LENGTH), np.float32)
        things = [FACTS.prompts.roles[f"VALUE{number}"][row] for number in NAMES]
        out[0, :, things[row % 3]] = 0.8
        out[1, :, things[(row + 1) % 3]] = 0.8
        out[2][:, things] = 1 / 3
        out[3, :, things[row % 3]] = 0.8
        return out + noise * random.random(out.shape, dtype=np.float32)

    engine = FakeEngine([[uniform] * 4])
    measure = Measure(engine, random_rows(engine, rows=2, length=4), seed=seed, **options)
    with (
        patch.object(relations, "told", lambda _measure: FACTS),
        patch.object(relations, "attending", attention),
        patch.object(relations, "raised", raised),
    ):
        return measure, relations.semantic(measure)


def scored(seed, noise, *, proved=False, **options):
    del proved  # its evidence is weights: no proof is asked for
    kind = find("semantic induction")
    measure, scores = planted(seed, noise, **options)
    found = frame(measure.using(kind.threshold), kind, scores)
    found.index = [f"{a}.{b}" for a, b in zip(found["layer"], found["head"], strict=True)]
    return found


PLANTS = (Plant("semantic induction", "0.0", DECOYS, scored),)
