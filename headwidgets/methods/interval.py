"""Intervals of a mean; needs NumPy alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# Two-sided 95 % points of Student's t for 1 to 10 degrees of freedom; beyond, an expansion
# in 1/freedom that is good to three digits.
_T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)


def interval(
    mean: ArrayLike, se: ArrayLike, n: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ends of the 95 % interval of means over `n` values, by Student's t.

    Parameters
    ----------
    mean, se : array_like of float
        Means and their standard errors.
    n : array_like of int
        Values behind each mean; below 2 there is no spread, and the ends are NaN.

    Returns
    -------
    low, high : ndarray of float64
    """
    freedom = np.asarray(n, dtype=float) - 1
    safe = np.maximum(freedom, 1)
    known = np.asarray(_T95)[np.minimum(safe, len(_T95)).astype(int) - 1]
    t = np.where(safe <= len(_T95), known, 1.96 + 2.37 / safe + 2.82 / safe**2)
    half = np.where(freedom >= 1, t * np.asarray(se, dtype=float), np.nan)
    middle = np.asarray(mean, dtype=float)
    return middle - half, middle + half


def student_tail(t: float, freedom: int) -> float:
    """Return how likely Student's t is above a number from 0 on.

    Parameters
    ----------
    t : float
    freedom : int
        Degrees of freedom, from 1.

    References
    ----------
    Abramowitz and Stegun 1964, 26.7.3 and 26.7.4: finite sums.
    """
    angle = math.atan2(t, math.sqrt(freedom))
    square = math.cos(angle) ** 2
    odd = freedom % 2
    term, total = (math.cos(angle), 0.0) if odd else (1.0, 0.0)
    for i in range(odd, freedom - 1, 2):  # the powers of the cosine, up to freedom - 2
        total += term
        term *= square * (i + 1) / (i + 2)
    inside = math.sin(angle) * total
    if odd:
        inside = 2 / math.pi * (angle + inside)
    return max(0.0, (1 - inside) / 2)
