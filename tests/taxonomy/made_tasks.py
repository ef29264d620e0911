"""Tasks whose heads were drawn by hand: rules in, what every head does on each prompt out."""

from __future__ import annotations

from itertools import permutations
from types import SimpleNamespace

import numpy as np
from fake_engine import FakeEngine, uniform

from headwidgets.taxonomy import find
from headwidgets.taxonomy.asked import END, Asked
from headwidgets.taxonomy.frame import frame
from headwidgets.taxonomy.measure import Measure
from headwidgets.taxonomy.on_task import OnTask, answers
from headwidgets.taxonomy.random_tokens import random_rows
from headwidgets.taxonomy.seen import Seen

LETTERS = ("A", "B", "C", "D")
ORDERS = tuple(permutations(range(4)))


def options(n=100, d_vocab=200):
    """Four letters (tokens 1 to 4) in permuted places, a word after each, lengths mixed."""
    random = np.random.default_rng(0)
    roles = {name: [] for name in (*LETTERS, *(f"OPTION_{name}" for name in LETTERS))}
    rows, right = [], []
    for turn in range(n):
        order = ORDERS[turn // 4 * 7 % len(ORDERS)]
        right.append(order[turn % 4])
        row = [0, *random.integers(5, d_vocab, size=5 + turn % 3)]
        for letter in order:
            roles[LETTERS[letter]].append(len(row))
            roles[f"OPTION_{LETTERS[letter]}"].append(len(row) + 1)
            row += [letter + 1, int(random.integers(5, d_vocab))]
        rows.append(tuple(int(one) for one in (*row, *random.integers(5, d_vocab, size=4))))
    return Asked(
        SimpleNamespace(name="Options, made", roles=roles, spans={}),
        tuple(rows),
        tuple(one + 1 for one in right),
        tuple((one + 1) % 4 + 1 for one in right),
        ((1, 2, 3, 4),) * n,
    )


def drawn(asked, heads, *, noise=0.0, seed=0):
    """Return the task as `heads` see it, lists of rules by layer.

    A rule takes (letter places, content places, right letter, length) and returns attention
    ``{key: share}``, the rest going to position 0, and ``{(key, letter): logits}``.
    """
    random = np.random.default_rng(seed)
    shape = len(heads), len(heads[0])
    seen = []
    for row, ids in enumerate(asked.rows):
        letters = [asked.prompts.roles[name][row] for name in LETTERS]
        contents = [asked.prompts.roles[f"OPTION_{name}"][row] for name in LETTERS]
        right = asked.answer[row] - 1
        attention = np.zeros((*shape, 1, len(ids)), np.float32)
        brought = np.zeros((*shape, 1, len(ids), 6), np.float32)
        for layer, some in enumerate(heads):
            for head, rule in enumerate(some):
                looks, brings = rule(letters, contents, right, len(ids))
                for key, share in looks.items():
                    attention[layer, head, 0, key] += share
                attention[layer, head, 0, 0] += 1 - sum(looks.values())
                for (key, letter), logits in brings.items():
                    brought[layer, head, 0, key, 2 + letter] += logits
        spread = random.dirichlet(np.ones(len(ids)), size=(*shape, 1))
        attention = (1 - noise) * attention + noise * spread
        brought += noise * random.standard_normal(brought.shape) / np.sqrt(len(ids))
        logits = np.zeros(200)
        logits[right + 1] = 4.0
        seen.append(Seen(attention.astype(np.float32), brought.astype(np.float32), logits))
    return OnTask(asked, tuple(seen), (END,), 0.97)


def measuring(name, task, **options):
    """Return a measure that has run the task."""
    layers, heads = task.seen[0].attention.shape[:2]
    engine = FakeEngine([[uniform] * heads] * layers)
    measure = Measure(engine, random_rows(engine, rows=2, length=4), **options)
    measure._tasks[name, (END,), answers] = task
    return measure


def table(measure, kind, proved=()):
    """Score a kind: the frame, with the names of heads as its index; `proved` as a mapping."""
    found = find(kind)
    measure = measure.using(found.threshold)
    scores = found.function(measure)
    scores.proved |= dict(proved)
    out = frame(measure, found, scores)
    out.index = [f"{a}.{b}" for a, b in zip(out["layer"], out["head"], strict=True)]
    return out
