"""What a sweep measured, as a table: one row a head, with intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from headwidgets.methods.effects import Measured, mean_se, metric_name, normalised
from headwidgets.methods.interval import interval
from headwidgets.methods.means import describe

if TYPE_CHECKING:
    from headwidgets.heads import Head
    from headwidgets.methods.edits import At
    from headwidgets.methods.snapshot import Snapshot

COLUMNS = ("layer", "head", "effect", "normalised", "se", "low", "high", "n", "normalised_se")

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Plan:
    """What is done to every head in turn, checked."""

    kind: str
    direction: str = "denoise"
    at: At = None

    @property
    def base(self) -> str:
        """The run that is edited."""
        return "corrupted" if self.kind == "patch" and self.direction == "denoise" else "clean"

    @property
    def giving(self) -> str:
        """The run that a patch takes activations from."""
        return "clean" if self.base == "corrupted" else "corrupted"


def layout(
    plan: Plan,
    snapshot: Snapshot,
    heads: list[Head],
    edited: Values,
    clean: Values,
    corrupted: Values,
) -> pd.DataFrame:
    """Lay out a sweep.

    Parameters
    ----------
    edited : ndarray of float, [head, prompt]
        The metric with each head edited.
    clean, corrupted : ndarray of float, [prompt]

    Returns
    -------
    DataFrame
        See `sweep.sweep`.
    """
    before = corrupted if plan.base == "corrupted" else clean
    paired = np.array([pair.corrupted is not None for pair in snapshot.pairs])
    nothing = np.full(len(clean), math.nan)
    rows, why = [], ""
    for head, values in zip(heads, edited, strict=True):
        effect, se = mean_se(values - before)
        n = int(np.isfinite(values - before).sum())
        measured = Measured(clean, corrupted, values, nothing, (), paired)
        ratio, ratio_se, why = normalised(measured)
        rows.append((*head, effect, ratio, se, *map(float, interval(effect, se, n)), n, ratio_se))
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    frame.attrs |= _about(plan, snapshot, clean, corrupted) | {"normalised": why}
    return frame


def _about(plan: Plan, snapshot: Snapshot, clean: Values, corrupted: Values) -> dict[str, Any]:
    n = len(snapshot.pairs)
    doing = f"{plan.kind} into {plan.base}" if plan.kind == "patch" else f"{plan.kind} in clean"
    about: dict[str, Any] = {
        "sweep": plan.kind,
        "edit": doing + ("" if plan.at is None else f" at {plan.at}"),
        "measured_on": f"your prompts, n = {n}" if n > 1 else "your prompt, n = 1",
        "metric": metric_name(snapshot),
        "unit": "logits",
        "clean": mean_se(clean)[0],
        "corrupted": mean_se(corrupted)[0],
    }
    if plan.kind == "patch":
        about["direction"] = plan.direction
    if plan.kind == "mean":
        about["mean"] = describe(snapshot)
    return about
