"""The normalised metric, a ratio of means: where there is one, and why there is none.

    (M_edited − M_corrupted) / (M_clean − M_corrupted)

is 1 as clean and 0 as corrupted. Where the two runs hardly differ it says nothing, however
exact the numbers are: then it is NaN, with the reason.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from headwidgets.methods.summary import means

if TYPE_CHECKING:
    from collections.abc import Callable

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]
_SHARE = 0.05  # of the metric's range on the set
_SURE = 2.0  # standard errors
_DIGITS = 17


class Ratio(NamedTuple):
    """The normalised metric of some edits.

    Attributes
    ----------
    value, se : ndarray of float, [edit]
        NaN where there is none; the standard error is the delta method's.
    why : str
        Why there is none, of the first that lacks it; "" where all have one.
    """

    value: Values
    se: Values
    why: str


def ratio(
    edited: Values,
    clean: Values,
    corrupted: Values,
    *,
    least: float,
    paired: Mask | None = None,
    ran: Mask | None = None,
) -> Ratio:
    """Normalise the metric of edited runs.

    Parameters
    ----------
    edited : ndarray of float, [edit, prompt]
    clean, corrupted : ndarray of float, [prompt]
        NaN where a prompt has no value.
    least : float
        The least difference of the two means that a ratio is taken of; see
        `Metric.least_gap`.
    paired : ndarray of bool, [prompt], optional
        Which prompts have a partner; by default those with a corrupted value.
    ran : ndarray of bool, [edit, prompt], optional
        Which runs were made; by default all. An edit that was not run lacks no ratio.
    """
    there = np.isfinite(corrupted) if paired is None else paired
    out = np.full((2, len(edited)), math.nan)
    if not there.any():
        return Ratio(out[0], out[1], "no corrupted prompt")
    begun = np.ones(len(edited), dtype=bool) if ran is None else (ran & there).any(axis=1)
    keep = np.isfinite(edited + clean + corrupted)
    patterns, which = np.unique(keep, axis=0, return_inverse=True)
    whys: list[str] = []
    for i, prompts in enumerate(patterns):  # nearly always one: every prompt has its numbers
        rows = np.flatnonzero((which.reshape(-1) == i) & begun)
        if not len(rows):
            continue
        why = _too_close(clean[prompts], corrupted[prompts], least)
        if why:
            whys.append(why)
            continue
        gap = (clean - corrupted)[prompts]
        moved = edited[np.ix_(rows, np.flatnonzero(prompts))] - corrupted[prompts]
        out[0, rows] = moved.mean(axis=1) / gap.mean()
        rest = moved - out[0, rows, None] * gap
        out[1, rows] = means(rest)[1] / abs(gap.mean())
    return Ratio(out[0], out[1], next(iter(whys), ""))


def _too_close(clean: Values, corrupted: Values, least: float) -> str:
    """Say why no ratio is taken of the difference of two runs, [prompt]; "" if one is."""
    if not len(clean):
        return "the logits are not finite"
    gap, se = (float(x) for x in means(clean - corrupted))
    both = np.concatenate([clean, corrupted])
    span = float(both.max() - both.min())
    limits: list[tuple[float, Callable[[str], str]]] = [
        (_SHARE * span, lambda limit: f"5 % of the range on the set ({limit})"),
        (_SURE * se, lambda limit: f"two standard errors ({limit})"),
        (least, lambda limit: f"{limit}, the least that a ratio is taken of"),
    ]
    for limit, words in limits:
        if abs(gap) < limit:
            one, other = _told_apart(gap, limit)
            return f"clean and corrupted differ by {one}: under {words(other)}"
    return ""


def _told_apart(gap: float, limit: float) -> tuple[str, str]:
    """Write a difference and what it stays under with as many digits as show that it does."""
    for digits in range(3, _DIGITS):
        one, other = f"{gap:.{digits}g}", f"{limit:.{digits}g}"
        if abs(float(one)) < float(other):
            break
    return one, other
