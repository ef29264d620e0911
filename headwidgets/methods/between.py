"""How much of the spread of a number lies between groups, such as a task's templates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def between(
    values: Floats, groups: Sequence[str], draws: int = 999, seed: int = 0
) -> tuple[float, float]:
    """Return the share of variance between groups, and how often shuffled groups reach it.

    A one-way analysis of variance with random effects (Searle, Casella and McCulloch 1992,
    section 3.6): σ²_b is (MS_between − MS_within) / n₀, at least 0, with n₀ the effective number
    of values in a group; the share is σ²_b / (σ²_b + MS_within).

    Parameters
    ----------
    values : ndarray of float, [value]
    groups : sequence of str
        Of each value.
    draws, seed : int
        Shuffles of the groups.

    Returns
    -------
    share : float
        0 to 1; NaN with fewer than two groups, or where no group has two values.
    p : float
        Share of shuffles, this order among them, whose share is as large.
    """
    names = np.unique(np.asarray(groups), return_inverse=True)[1]
    counts = np.bincount(names)
    n, k = len(values), len(counts)
    if k < 2 or n <= k:  # noqa: PLR2004 - two groups are the fewest to differ
        return float("nan"), float("nan")
    effective = (n - np.square(counts).sum() / n) / (k - 1)
    random = np.random.default_rng(seed)
    centred = values - values.mean()
    orders = [centred, *(random.permutation(centred) for _ in range(draws))]
    sums = np.array([np.bincount(names, one, k) for one in orders])
    around = (np.square(sums) / counts).sum(1)
    within = np.maximum(np.square(centred).sum() - around, 0) / (n - k)
    off = np.maximum(around / (k - 1) - within, 0) / effective
    whole = off + within
    shares = np.divide(off, whole, out=np.zeros_like(off), where=whole > 0)
    reached = (shares >= shares[0] * (1 - 1e-12)).mean()
    return float(shares[0]), float(reached)
