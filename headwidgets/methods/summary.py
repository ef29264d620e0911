"""Numbers of many things on many prompts as columns: mean, standard error, interval, n."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from headwidgets.methods.interval import interval

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from headwidgets.methods.snapshot import Snapshot


def means(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and standard error over the prompts that have a value, NaN where undefined.

    Parameters
    ----------
    values : ndarray of float, [..., prompt]
    """
    there = np.isfinite(values)
    n = there.sum(-1)
    filled = np.where(there, values, 0.0)
    mean = np.where(n > 0, filled.sum(-1) / np.maximum(n, 1), np.nan)
    off = np.where(there, values - mean[..., None], 0.0)
    variance = np.square(off).sum(-1) / np.maximum(n - 1, 1)
    se = np.where(n > 1, np.sqrt(variance / np.maximum(n, 1)), np.nan)
    return mean, se


def summarised(values: NDArray[np.float64], name: str) -> dict[str, NDArray[np.float64]]:
    """Return the columns `name`, se, low, high and n of a frame.

    Parameters
    ----------
    values : ndarray of float, [row, prompt]
        NaN where a prompt has none.
    name : str
        What the mean is called; low and high are its 95 % interval by Student's t.
    """
    mean, se = means(values)
    n = np.isfinite(values).sum(-1)
    low, high = interval(mean, se, n)
    return {name: mean, "se": se, "low": low, "high": high, "n": n}


def measured_on(snapshot: Snapshot, done: int | None = None) -> str:
    """Say which prompts a number is of; `done` of them where it was stopped."""
    n = len(snapshot.pairs)
    part = "" if done in (None, n) else f"{done} of "
    return f"your prompts, n = {part}{n}" if n > 1 else f"your prompt, n = {part}1"


def stopped(snapshot: Snapshot, done: int) -> dict[str, str]:
    """Say in a table's attributes that it was stopped after `done` prompts."""
    said = f"stopped: {done} of {len(snapshot.pairs)} prompts done"
    return {"incomplete": said, "measured_on": measured_on(snapshot, done)}


def prompts_key(snapshot: Snapshot) -> str:
    """Return what tells two prompt sets apart: their tokens, partners, roles and answers."""
    told = [*(pair.key for pair in snapshot.pairs), *map(str, snapshot.answers or ())]
    return hashlib.blake2b(repr(told).encode(), digest_size=8).hexdigest()


def largest(values: Iterable[float]) -> float:
    """Return the largest of some errors, NaN if any is, 0 if there is none."""
    return float(np.max([0.0, *values]))
