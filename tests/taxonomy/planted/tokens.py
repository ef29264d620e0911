"""Random tokens on a real model: the planted one of the package, with its decoys."""

from __future__ import annotations

from functools import lru_cache, partial

from planted.plant import Plant

from headwidgets.model.engine import Engine
from headwidgets.taxonomy import score
from headwidgets.zoo.planted import planted_decoys

DOES = {
    "0.0": "previous token",
    "0.1": "duplicate token",
    "0.2": "itself",
    "0.3": "uniform",
    "0.4": "uniform",
    "1.0": "induction",
    "1.1": "sink",
    "1.2": "uniform",
    "1.3": "attends as induction, copies nothing",
    "1.4": "copies as induction, attends uniformly",
}
OWN = {
    "previous token": ("0.0",),
    "positional": ("0.0",),
    "duplicate token": ("0.1",),
    "global retrieval": ("0.1", "1.0", "1.3"),  # attention is all that this kind asks for
    "induction": ("1.0",),
}


@lru_cache(maxsize=2)
def engine(noise, seed):
    """Build the model once."""
    return Engine(planted_decoys(noise=noise, seed=seed), name="planted")


def scored(kind, seed, noise, *, proved=False, draws=999):
    """Return how the heads score as one kind; without noise the seed is of the tokens alone."""
    found = score(engine(noise, seed if noise else 0), kind, seed=seed, draws=draws)
    found.index = [f"{a}.{b}" for a, b in zip(found["layer"], found["head"], strict=True)]
    return found


PLANTS = [
    Plant(kind, own, DOES, partial(scored, kind), tuple(also)) for kind, (own, *also) in OWN.items()
]
