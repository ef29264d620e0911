"""Letters that lead, made: a head that raises them further, and decoys that lack one part."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import numpy as np
import torch
from made_tasks import drawn, measuring, options, table
from planted.plant import Plant, named
from planting import everyone

from headwidgets.taxonomy import amplifying
from headwidgets.taxonomy.ending import Ending

OPTIONS = options()
N = len(OPTIONS.rows)
WIDTH = 8
READ = torch.eye(WIDTH)[:, :4]  # the letters read four directions of the stream


@contextmanager
def planted(adds, looks, *, noise=0.0, seed=0, draws=300):
    """Yield a measure of one layer and what it holds; `adds` are functions (held, random)."""
    random = np.random.default_rng(seed)
    held = random.standard_normal((N, 4)).astype(np.float32)
    held += 2 * np.eye(4)[np.array(OPTIONS.answer) - 1]
    rules = [(lambda _p, _c, _r, length, at=at: at(length)) for at in looks]
    task = drawn(OPTIONS, [rules], noise=noise)
    z = random.standard_normal((N, 1, len(adds), WIDTH)).astype(np.float32)
    for head, add in enumerate(adds):
        added = add(held, random) + noise * random.standard_normal((N, 4))
        for row, seen in enumerate(task.seen):
            seen.brought[0, head, 0] = 0
            seen.brought[0, head, 0, -1, 2:] = added[row]
    z[..., :4] += held[:, None, None]
    made = Ending(held[:, None].astype(np.float32), z, np.ones((N, 1, len(adds)), np.float32))
    with ExitStack() as stack:
        stack.enter_context(patch.object(amplifying, "ending", lambda *_: made))
        stack.enter_context(patch.object(amplifying, "unembedding", lambda *_: READ))
        yield measuring("options", task, draws=draws, seed=seed), held


def last(length):
    return {length - 1: 0.5, length - 2: 0.3}, {}


def elsewhere(_length):
    return {1: 0.8}, {}


def raises_what_leads(held, _):
    return 0.5 * held


def looks_elsewhere(held, _):
    return 0.5 * held


def holds_back_what_leads(held, _):
    return -0.5 * held


def always_a(held, _):
    return np.tile([3.0, 0, 0, 0], (len(held), 1))


def follows_another_letter(held, random):
    return random.permuted(held, axis=1)


def adds_nothing(held, _):
    return np.zeros_like(held)


def next_to_nothing(held, _):
    return 0.005 * held


ADDS = [
    raises_what_leads,
    looks_elsewhere,
    holds_back_what_leads,
    always_a,
    follows_another_letter,
    adds_nothing,
    next_to_nothing,
]
LOOKS = [last, elsewhere, last, last, last, last, last]


def scored(seed, noise, *, proved=False, draws=999):
    """Return how the heads score; noise drowns the one that adds next to nothing."""
    adds = ADDS[:-1] if noise else ADDS
    with planted(adds, LOOKS[: len(adds)], noise=noise, seed=seed, draws=draws) as (measure, _):
        return table(measure, "amplification", everyone([adds]) if proved else {})


PLANTS = [Plant("amplification", "0.0", named([ADDS]), scored)]
