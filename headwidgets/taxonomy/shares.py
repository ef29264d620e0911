"""How attention is shared out: how evenly, and how far that depends on what is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


def shares(looks: Floats) -> Floats:
    """Return attention on a few places over its sum, [..., place]; even where there is none."""
    mass = looks.sum(-1, keepdims=True)
    n = looks.shape[-1]
    found: Floats = np.where(mass > 0, looks / np.where(mass > 0, mass, 1), np.float32(1 / n))
    return found


def entropy(shares: Floats) -> Floats:
    """Return the entropy along the last axis over that of even shares: from 0 to 1."""
    logs = np.log(np.where(shares > 0, shares, 1))
    found: Floats = -(shares * logs).sum(-1) / np.log(shares.shape[-1])
    return found


def dependence(looks: Floats, right: NDArray[np.int64]) -> Floats:
    """Return how far the shares depend on the right answer, from 0 to 1.

    The Jensen-Shannon divergence between the mean shares where each answer is right, each with
    the same weight, over the logarithm of the number of places.

    Parameters
    ----------
    looks : ndarray of float32, [prompt, layer, head, place]
    right : ndarray of int, [prompt]

    Returns
    -------
    ndarray of float32, [layer, head]
    """
    parts = shares(looks)
    means = np.stack([parts[right == answer].mean(0) for answer in np.unique(right)])
    found: Floats = np.clip(entropy(means.mean(0)) - entropy(means).mean(0), 0, 1)
    return found
