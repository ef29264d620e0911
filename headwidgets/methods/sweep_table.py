"""What a sweep measured, as a table: one row a variant, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from headwidgets.methods.interval import interval
from headwidgets.methods.means import describe
from headwidgets.methods.measuring import least_gap, metric_name, metric_unit
from headwidgets.methods.places import listed_at
from headwidgets.methods.ratio import ratio
from headwidgets.methods.summary import means, measured_on, prompts_key

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
    ran: NDArray[np.bool_] | None = None,
) -> pd.DataFrame:
    """Lay out a sweep.

    Parameters
    ----------
    edited : ndarray of float, [variant, prompt]
        The metric with each variant's edit; NaN where it was not measured.
    clean, corrupted : ndarray of float, [prompt]
    ran : ndarray of bool, [variant, prompt], optional
        Which runs were made; by default all.

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
    paired = np.array([pair.corrupted is not None for pair in snapshot.pairs])
    least = least_gap(snapshot)
    found = ratio(edited, clean, corrupted, least=least, paired=paired, ran=ran)
    columns = {
        "layer": [v.layer for v in variants],
        "head": [v.head for v in variants],
        "position": [v.place for v in variants],
    }
    frame = pd.DataFrame({key: columns[key] for key in KEYS[plan.over]})
    numbers = dict(zip(COLUMNS[2:], (effect, found.value, se, low, high, n, found.se), strict=True))
    frame = frame.assign(**numbers)
    frame.attrs |= _about(plan, snapshot, clean, corrupted) | {"normalised": found.why}
    frame.attrs |= _about_pairs(paired, clean)
    return frame


def _about(plan: Plan, snapshot: Snapshot, clean: Values, corrupted: Values) -> dict[str, Any]:
    doing = f"{plan.kind} into {plan.base}" if plan.kind == "patch" else f"{plan.kind} in clean"
    about: dict[str, Any] = {
        "sweep": plan.kind,
        "over": plan.over,
        "edit": doing + ("" if plan.at is None else f" at {plan.at}"),
        "at": listed_at(plan.at),
        "measured_on": measured_on(snapshot),
        "prompts": prompts_key(snapshot),
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


def _about_pairs(paired: NDArray[np.bool_], clean: Values) -> dict[str, Any]:
    """Say which prompts the normalised effect is of, where some have no partner."""
    count, n = int(paired.sum()), len(paired)
    about: dict[str, Any] = {"normalised_n": count, "notes": []}
    if 0 < count < n:
        mean = float(means(clean[paired])[0])
        about["clean_paired"] = mean
        note = f"corrupted and normalised are of the {count} of {n} prompts that have a partner"
        about["notes"] = [f"{note}; clean is {mean:.4g} on those"]
    return about
