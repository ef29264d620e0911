"""What a sweep measured, as a table: one row a variant, with intervals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from headwidgets.methods.effects import Measured, normalised
from headwidgets.methods.interval import interval
from headwidgets.methods.means import describe
from headwidgets.methods.measuring import metric_name, metric_unit
from headwidgets.methods.summary import means, measured_on

if TYPE_CHECKING:
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.methods.sweep_plan import Plan, Variant

COLUMNS = ("layer", "head", "effect", "normalised", "se", "low", "high", "n", "normalised_se")
KEYS = {
    "heads": ("layer", "head"),
    "heads x positions": ("layer", "head", "position"),
    "positions x layers": ("layer", "position"),
}
Values = NDArray[np.float64]


def layout(
    plan: Plan,
    snapshot: Snapshot,
    variants: list[Variant],
    edited: Values,
    clean: Values,
    corrupted: Values,
) -> pd.DataFrame:
    """Lay out a sweep.

    Parameters
    ----------
    edited : ndarray of float, [variant, prompt]
        The metric with each variant's edit; NaN where it was not measured.
    clean, corrupted : ndarray of float, [prompt]

    Returns
    -------
    DataFrame
        See `sweep.sweep`.
    """
    before = corrupted if plan.base == "corrupted" else clean
    change = edited - before
    effect, se = means(change)
    n = np.isfinite(change).sum(axis=1)
    low, high = interval(effect, se, n)
    ratio, ratio_se, why = _normalised(snapshot, edited, clean, corrupted)
    columns = {
        "layer": [v.layer for v in variants],
        "head": [v.head for v in variants],
        "position": [v.place for v in variants],
    }
    frame = pd.DataFrame({key: columns[key] for key in KEYS[plan.over]})
    numbers = dict(zip(COLUMNS[2:], (effect, ratio, se, low, high, n, ratio_se), strict=True))
    frame = frame.assign(**numbers)
    frame.attrs |= _about(plan, snapshot, clean, corrupted) | {"normalised": why}
    return frame


def _normalised(
    snapshot: Snapshot, edited: Values, clean: Values, corrupted: Values
) -> tuple[Values, Values, str]:
    """Return the ratios of means, their standard errors, and why there are none."""
    paired = np.array([pair.corrupted is not None for pair in snapshot.pairs])
    nothing = np.full(len(clean), math.nan)
    out = np.full((2, len(edited)), math.nan)
    keep = np.isfinite(edited + clean + corrupted)
    patterns, which = np.unique(keep, axis=0, return_inverse=True)
    whys: list[str] = []
    for i, prompts in enumerate(patterns):  # nearly always one: every prompt has its numbers
        rows = np.flatnonzero(which.reshape(-1) == i)
        of = np.where(prompts, clean, math.nan)
        _, _, why = normalised(Measured(of, corrupted, of, nothing, (), paired))
        whys.append(why)
        if why:
            continue
        gap = (clean - corrupted)[prompts]
        moved = edited[np.ix_(rows, np.flatnonzero(prompts))] - corrupted[prompts]
        ratio = moved.mean(axis=1) / gap.mean()
        out[0, rows] = ratio
        rest = moved - ratio[:, None] * gap  # delta method for a ratio of means
        out[1, rows] = means(rest)[1] / abs(gap.mean())
    return out[0], out[1], next(filter(None, whys), "")


def _about(plan: Plan, snapshot: Snapshot, clean: Values, corrupted: Values) -> dict[str, Any]:
    doing = f"{plan.kind} into {plan.base}" if plan.kind == "patch" else f"{plan.kind} in clean"
    about: dict[str, Any] = {
        "sweep": plan.kind,
        "over": plan.over,
        "edit": doing + ("" if plan.at is None else f" at {plan.at}"),
        "measured_on": measured_on(snapshot),
        "metric": metric_name(snapshot),
        "unit": metric_unit(snapshot),
        "clean": float(means(clean)[0]),
        "corrupted": float(means(corrupted)[0]),
    }
    if plan.kind == "patch":
        about["direction"] = plan.direction
    if plan.kind == "mean":
        about["mean"] = describe(snapshot)
    if plan.kind == "resample":
        about["seed"] = plan.seed
    return about
