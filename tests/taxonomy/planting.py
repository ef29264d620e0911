"""Any task with heads drawn by hand: rules in, what every head does on each prompt out.

`made_tasks` does it for letters; this one for whatever tokens a kind asks about, and with an
engine whose OV circuits are set too: each copies, lowers or writes nothing.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import torch
from fake_engine import FakeEngine, uniform
from transformer_lens.hook_points import HookPoint

from headwidgets.taxonomy import find
from headwidgets.taxonomy.asked import END, Asked
from headwidgets.taxonomy.frame import frame
from headwidgets.taxonomy.measure import Measure
from headwidgets.taxonomy.on_task import OnTask
from headwidgets.taxonomy.random_tokens import random_rows
from headwidgets.taxonomy.seen import Seen
from headwidgets.taxonomy.verdict import CONSISTENT

_POINTS = ("blocks.0.hook_mlp_out", "blocks.0.hook_resid_post")


def _point(name):
    found = HookPoint()
    found.name = name
    return found


class Weighted(FakeEngine):
    """No norms, and W_V W_O given for every head: `ov` [layer][head] of [d_model, d_model]."""

    def __init__(self, W_E, W_U, ov):
        n_layers, n_heads, d = len(ov), len(ov[0]), W_E.shape[1]
        made = SimpleNamespace(
            W_E=W_E,
            W_U=W_U,
            W_V=lambda _: torch.eye(d).expand(n_heads, d, d),
            W_O=lambda layer: torch.stack(list(ov[layer])),
        )
        super().__init__([[uniform] * n_heads] * n_layers, d_vocab=len(W_E), weights=made)

    @property
    def view(self):
        """Return blocks without norms."""
        blocks = [SimpleNamespace() for _ in self.layers]
        return SimpleNamespace(blocks=blocks, hook_dict={name: _point(name) for name in _POINTS})

    def run(self, ids, hooks=(), **_positions):
        for name, hook in hooks:
            if name in _POINTS:
                hook(self.weights.W_E[ids], 0)
        return self.answer(ids)

    def answer(self, ids):
        """Return logits at the end; a test may set another."""
        return torch.zeros(len(ids), self.facts.d_vocab)


def codes(n, d=128, seed=0):
    """Return `n` random directions of length one, nearly at right angles."""
    found = torch.randn(n, d, generator=torch.Generator().manual_seed(seed))
    return found / found.norm(dim=1, keepdim=True)


def copiers(signs, d=128):
    """W_V W_O of heads that write what they look at times a sign: [layer][head]."""
    return [[sign * torch.eye(d) for sign in some] for some in signs]


def asked(name, rows, roles, answer, foil, *, spans=None, options=None, corrupted=()):
    """A task's prompts in tokens."""
    return Asked(
        SimpleNamespace(name=name, roles=roles, spans=spans or {}, chance=0.5, templates=None),
        tuple(tuple(int(one) for one in row) for row in rows),
        tuple(map(int, answer)),
        tuple(map(int, foil)),
        tuple(options or zip(answer, foil, strict=True)),
        tuple(corrupted),
    )


def drawn(asked, heads, logits, tokens, *, queries=(END,), noise=0.0, seed=0):
    """Return the task as `heads` see it, lists of rules by layer.

    A rule takes ``(row, query)`` and returns attention ``{key: share}``, the rest going to
    position 0, and ``{(key, token): logits}``, tokens counted as ``tokens(asked, row)`` has them;
    `logits` are the model's own, [prompt, vocabulary].
    """
    random = np.random.default_rng(seed)
    shape = len(heads), len(heads[0]), len(queries)
    seen = []
    for row, ids in enumerate(asked.rows):
        n = len(ids)
        attention = np.zeros((*shape, n))
        brought = np.zeros((*shape, n, len(tokens(asked, row))))
        for place in np.ndindex(shape):
            layer, head, query = place
            looks, brings = heads[layer][head](row, query)
            for key, share in looks.items():
                attention[*place, key] += share
            attention[*place, 0] += 1 - sum(looks.values())
            for (key, token), worth in brings.items():
                brought[*place, key, token] += worth
        attention = (1 - noise) * attention + noise * random.dirichlet(np.ones(n), size=shape)
        brought += noise * random.standard_normal(brought.shape) / np.sqrt(n)
        values = attention.astype(np.float32), brought.astype(np.float32), logits[row]
        seen.append(Seen(*values))
    return OnTask(asked, tuple(seen), queries, 0.97)


def measuring(name, task, tokens, engine, **options):
    """Return a measure that has run the task."""
    measure = Measure(engine, random_rows(engine, rows=2, length=4), **{"draws": 300, **options})
    measure._tasks[name, task.queries, tokens] = task
    return measure


def table(measure, kind, proved=()):
    """Score a kind: the frame by head; `proved` names heads whose proof passed, or a dict."""
    found = find(kind)
    scores = found.function(measure.using(found.threshold))
    scores.proved |= dict(proved) if isinstance(proved, dict) else dict.fromkeys(proved, True)
    out = frame(measure.using(found.threshold), found, scores)
    out.index = [f"{a}.{b}" for a, b in zip(out["layer"], out["head"], strict=True)]
    return out


def places(heads):
    """Return the name of each planted rule's place: rule -> "layer.head"."""
    return {rule: f"{layer}.{n}" for layer, some in enumerate(heads) for n, rule in enumerate(some)}


def claimed(found, verdict=CONSISTENT):
    """Return the heads of a verdict."""
    return set(found.index[found["verdict"] == verdict])


def everyone(heads):
    """Return a proof that passed for every head: nothing but the score can then stop them."""
    return {(layer, n): True for layer, some in enumerate(heads) for n, _ in enumerate(some)}
