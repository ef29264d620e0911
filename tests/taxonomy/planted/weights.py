"""Weights, made: a circuit that recalls tokens, one that counts on, and some that do neither."""

from __future__ import annotations

import torch
from planted.plant import Plant
from planting import Weighted, codes, everyone, table

from headwidgets.tasks.series import SETS
from headwidgets.taxonomy.measure import Measure
from headwidgets.taxonomy.random_tokens import random_rows

MEMBERS = {name: [f" {one}" for one in members] for name, (members, _) in SETS.items()}
VOCABULARY = sorted({word for some in MEMBERS.values() for word in some})
IDS = {word: i + 1 for i, word in enumerate(VOCABULARY)}  # 0 is BOS
N = 60


def measured(engine, draws=300, seed=0):
    """Return a measure of weights."""
    return Measure(engine, random_rows(engine, rows=2, length=4), draws=draws, seed=seed)


def rough(matrix, noise, seed):
    """Add noise, as a fraction of the matrix's own size."""
    drawn = torch.randn(matrix.shape, generator=torch.Generator().manual_seed(seed))
    return matrix + noise * matrix.norm() / drawn.norm() * drawn


class Spelling(Weighted):
    """Its tokens are the members of all eight sets; `cut` are those of several tokens."""

    def __init__(self, W_E, W_U, matrices, *, cut=()):
        super().__init__(W_E, W_U, matrices)
        self.text.has_tokenizer = True
        self.text.ids_after = lambda word: [IDS[word]] * (2 if word.strip() in cut else 1)


def pairs():
    """Return every pair of a member and the next: (set, member, next)."""
    return [
        (name, some[i], some[(i + 1) % len(some)])
        for name, some in MEMBERS.items()
        for i in range(len(some) if SETS[name][1] else len(some) - 1)
    ]


def planted(W, noise=0.0):
    """Return the least-squares map from every member to the next."""
    start, end = ([IDS[pair[i]] for pair in pairs()] for i in (1, 2))
    found = torch.linalg.lstsq(W[start].double(), W[end].double(), driver="gelsd").solution.float()
    generator = torch.Generator().manual_seed(3)
    rough = torch.randn(found.shape, generator=generator) / len(found) ** 0.5
    return found + noise * found.norm() / rough.norm() * rough


# ------------------------------------------------------------------ as a report asks

RECALLS = {
    "0.0": "copies",
    "0.1": "writes the next token of the list",
    "0.2": "writes nothing",
    "0.3": "lowers what it looks at",
    "0.4": "writes one token for all",
    "0.5": "random weights",
}
COUNTS = {
    "0.0": "writes the next member",
    "0.1": "copies",
    "0.2": "writes nothing",
    "0.3": "writes the member before",
    "0.4": "random weights",
}


def memories(seed, noise, *, proved=False, draws=999):
    """Return how circuits score as associative memories."""
    W, d = codes(N + 1, d=256), 256
    drawn = torch.randn(d, d, generator=torch.Generator().manual_seed(seed)) / d**0.5
    following = torch.linalg.pinv(W) @ W.roll(-1, 0)
    one = torch.outer(torch.ones(d), W[7]) / d
    made = [torch.eye(d), following, torch.zeros(d, d), -torch.eye(d), one, drawn]
    heads = [[rough(matrix, noise, seed) for matrix in made]]
    engine = Weighted(W, W.T, heads)
    measure = measured(engine, draws, seed)
    return table(measure, "associative memories", everyone(heads) if proved else ())


def successors(seed, noise, *, proved=False, draws=999):
    """Return how circuits score as successors."""
    W, d = codes(len(VOCABULARY) + 1, d=320), 320
    drawn = torch.randn(d, d, generator=torch.Generator().manual_seed(seed)) / d**0.5
    made = [
        planted(W),
        torch.eye(d),
        torch.zeros(d, d),
        torch.linalg.pinv(planted(W)),
        drawn,
    ]
    heads = [[rough(matrix, noise, seed) for matrix in made]]
    return table(measured(Spelling(W, W.T, heads), draws, seed), "successor")


PLANTS = [
    Plant("associative memories", "0.0", RECALLS, memories),
    Plant("successor", "0.0", COUNTS, successors),
]
