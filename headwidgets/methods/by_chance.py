"""How well the best of many probes does by chance: in closed form."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def best_by_chance(rows: int, heads: int, chance: float = 0.5) -> NDArray[np.float64]:
    """Return how likely the best of some probes of permuted labels gets k rows right, or fewer.

    A probe of labels that mean nothing gets each held-out row right with the probability of a
    guess, so its number of right ones is binomial; of independent heads the largest has the
    distribution P(B ≤ k)^heads. Heads that resemble each other reach less.

    Parameters
    ----------
    rows : int
        Held-out ones.
    heads : int
    chance : float
        Of a guess: the share of the commoner label, at most.

    Returns
    -------
    ndarray of float64, [k = 0 to rows]
    """
    if not 0 < chance < 1:
        return (np.arange(rows + 1) >= (rows if chance else 0)).astype(float)
    found: NDArray[np.float64] = np.minimum(_one(rows, chance).cumsum(), 1.0) ** heads
    return found


def _one(rows: int, chance: float) -> NDArray[np.float64]:
    """Return how likely one probe gets k rows right, [k = 0 to rows]."""
    k = np.arange(rows + 1)
    ways = np.array(
        [math.lgamma(rows + 1) - math.lgamma(i + 1) - math.lgamma(rows - i + 1) for i in k]
    )
    found: NDArray[np.float64] = np.exp(
        ways + k * math.log(chance) + (rows - k) * math.log1p(-chance)
    )
    return found


def mean_best(rows: int, heads: int, chance: float = 0.5) -> float:
    """Return the mean accuracy of the best of some probes of permuted labels."""
    return float((1 - best_by_chance(rows, heads, chance)[:-1]).sum() / rows)


def p_best(right: int, rows: int, heads: int, chance: float = 0.5) -> float:
    """Return how likely the best of some probes of permuted labels gets as many rows right."""
    if right <= 0:
        return 1.0
    if not 0 < chance < 1:
        return float(right <= rows * chance)
    tail = float(_one(rows, chance)[right:].sum())
    # 1 - (1 - tail)**heads, also where that is next to nothing
    return 1.0 if tail >= 1 else float(-math.expm1(heads * math.log1p(-tail)))
