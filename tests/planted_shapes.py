"""Planted models of other shapes: the same circuits, more layers, more heads, in another order."""

from __future__ import annotations

import numpy as np

from headwidgets.zoo import planted

_FILL = (planted._UNIFORM, planted._SINK, planted._CURRENT_TOKEN, planted._DUPLICATE_TOKEN)


def shaped_planted(n_layers=2, n_heads=4, *, beta=40.0, noise=0.0, seed=0):
    """Build one; return the bridge, where the previous-token and where the induction head is.

    The induction head reads what a previous-token head of an earlier layer wrote; all places but
    theirs hold heads drawn from a sink, a uniform, a current-token and a duplicate-token one.
    """
    random = np.random.default_rng(seed)
    layers = [[_FILL[random.integers(len(_FILL))] for _ in range(n_heads)] for _ in range(n_layers)]
    early = int(random.integers(n_layers - 1))
    late = int(random.integers(early + 1, n_layers))
    places = (early, int(random.integers(n_heads))), (late, int(random.integers(n_heads)))
    layers[early][places[0][1]] = planted._PREVIOUS_TOKEN
    layers[late][places[1][1]] = planted._INDUCTION
    name = f"planted {n_layers} x {n_heads}, seed {seed}"
    bridge = planted._build(tuple(map(tuple, layers)), name, beta, noise, seed)
    return bridge, *places
