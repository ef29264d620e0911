"""Yes or no, made: heads that look at no whatever is right, and those that go by place or truth."""

from __future__ import annotations

from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
from made_tasks import measuring, table
from planted.plant import Plant, named

from headwidgets.taxonomy import yes_no
from headwidgets.taxonomy.asked import END, Asked
from headwidgets.taxonomy.on_task import OnTask
from headwidgets.taxonomy.seen import Seen

YES, NEG, TRUE, FALSE = 1, 2, 3, 4


def asked(n=60):
    """Rows of yes and no (tokens 1 and 2) in both orders; token 3 or 4 says what is right."""
    random = np.random.default_rng(0)
    rows, roles = [], {"tYes": [], "tNo": [], "ASKED": []}
    for turn in range(n):
        order = (YES, NEG) if turn // 2 % 2 == 0 else (NEG, YES)
        row = [0, *random.integers(5, 199, size=1 + turn % 3), order[0], 199, order[1]]
        row += [TRUE if turn % 2 == 0 else FALSE, *random.integers(5, 199, size=4)]
        roles["ASKED"].append(len(row) - 1)
        roles["tYes"].append(row.index(YES))
        roles["tNo"].append(row.index(NEG))
        rows.append(tuple(int(one) for one in row))
    answer = tuple(YES if turn % 2 == 0 else NEG for turn in range(n))
    foil = tuple(YES + NEG - one for one in answer)
    prompts = SimpleNamespace(name="Yes or no, made", roles=roles, spans={})
    return Asked(prompts, tuple(rows), answer, foil, ((YES, NEG),) * n)


def negative(yes, no, _right):
    return {no: 0.4, yes: 0.1}


def weak(yes, no, _right):
    return {no: 0.1, yes: 0.05}


def positive(yes, no, _right):
    return {yes: 0.4, no: 0.1}


def equal(yes, no, _right):
    return {yes: 0.4, no: 0.4}


def nearer(yes, no, _right):
    return {max(yes, no): 0.7, min(yes, no): 0.01}


def nearer_and_no(yes, no, _right):
    return {yes: 0.5, no: 0.05} if yes > no else {no: 0.8, yes: 0.05}


def follows_truth(yes, no, right):
    return {right: 0.5, yes + no - right: 0.1}


def only_where_no(yes, no, right):
    return {no: 0.6, yes: 0.1} if right == no else {}


def larger(yes, no, _right):
    """Of any two tokens it prefers that of the larger id: here no."""
    return {no: 0.6, yes: 0.1}


def sink(*_):
    return {}


HEADS = [
    [negative, weak, positive, equal, sink],
    [nearer, nearer_and_no, follows_truth, only_where_no, larger],
]


def seeing(heads, noise, seed=0):
    random = np.random.default_rng(seed)

    def fake(_engine, looks, *, hooks):
        out = []
        for look in looks:
            n = len(look.ids)
            assert look.queries == tuple(range(n))
            between = look.ids.index(199)
            other = YES not in look.ids
            yes, no = sorted((between - 1, between + 1), key=look.ids.__getitem__)
            right = yes if TRUE in look.ids else no
            attention = np.zeros((len(heads), len(heads[0]), n, n), np.float32)
            for layer, some in enumerate(heads):
                for head, rule in enumerate(some):
                    shares = {} if other and rule is not larger else rule(yes, no, right)
                    attention[layer, head, :, 0] = 1 - sum(shares.values())
                    for key, share in shares.items():
                        attention[layer, head, max(yes, no) + 1 :, key] = share
            spread = random.dirichlet(np.ones(n), size=attention.shape[:3])
            mixed = ((1 - noise) * attention + noise * spread).astype(np.float32)
            out.append(Seen(mixed, np.zeros((*mixed.shape, 0), np.float32), np.zeros(200)))
        return out

    return fake


def scored(heads, *, noise=0.0, seed=0, prompts=None, draws=300):
    """Return how the heads score."""
    prompts = prompts or asked()
    nothing = np.zeros((len(heads), len(heads[0]), 1, 1), np.float32)
    one = Seen(nothing, nothing[..., None], np.zeros(200))
    task = OnTask(prompts, (one,) * len(prompts.rows), (END,), 0.95)
    with patch.object(yes_no, "see", seeing(heads, noise, seed)):
        return table(measuring("yes no", task, draws=draws, seed=seed), "negative")


def _scored(seed, noise, *, proved=False, draws=999):
    return scored(HEADS, noise=noise, seed=seed, draws=draws)


PLANTS = [Plant("negative", "0.0", named(HEADS), _scored, ("0.1",))]
