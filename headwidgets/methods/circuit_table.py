"""What the tests of a circuit gave, as a table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from headwidgets.methods.circuit_sets import Circuit, Heads, Kept, only, without
from headwidgets.methods.effects import mean_se
from headwidgets.methods.interval import interval

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from headwidgets.heads import Head

COLUMNS = ("score", "of", "K", "value", "se", "low", "high", "n")
_ROUNDING = 1e-5  # of the metric: what two ways of batching may differ by
_SURE = 2.0  # standard errors of F(M) from 0, for a ratio to mean anything


def layout(asked: Circuit, found: Mapping[Kept, NDArray[np.float64]]) -> pd.DataFrame:
    """Lay out faithfulness, completeness and minimality.

    Parameters
    ----------
    found : mapping of Kept to ndarray of float, [prompt]
        The metric with what is kept of the model; NaN where it was not measured.

    Returns
    -------
    DataFrame
        See `circuits.circuit`.
    """
    every = frozenset(asked.heads)
    model, circuit = found[without(())], found[only(every)]
    rows = [
        _row("metric", "the model, F(M)", "", model),
        _row("metric", "the circuit, F(C)", "", circuit),
        _row("metric", "every head at its mean, F(∅)", "", found[only(())]),
        _distance("faithfulness", "|F(M) − F(C)|", "", model - circuit),
        _ratio(circuit, model),
    ]
    for some, name in asked.taken.items():
        difference = found[only(every - some)] - found[without(some)]
        rows.append(_distance("completeness", name, _named(some), difference))
    rows += [_minimality(asked, found, head) for head in asked.heads]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _minimality(
    asked: Circuit, found: Mapping[Kept, NDArray[np.float64]], head: Head
) -> tuple[Any, ...]:
    """Return the row of the K that shows a head most; of those equal to rounding, the first."""
    every = frozenset(asked.heads)
    tried = {
        some: found[only(every - some)] - found[only(every - some - {head})]
        for some in asked.beside(head)
    }
    sizes = {some: abs(np.nan_to_num(mean_se(values)[0])) for some, values in tried.items()}
    metric = np.nan_to_num([found[without(())], found[only(every)]])
    equal = max(sizes.values()) - _ROUNDING * np.abs(metric).max()
    most = next(some for some, size in sizes.items() if size >= equal)
    return _distance("minimality", str(head), _named(most), tried[most])


def _row(score: str, of: str, taken: str, values: NDArray[np.float64]) -> tuple[Any, ...]:
    value, se = mean_se(values)
    n = int(np.isfinite(values).sum())
    low, high = interval(value, se, n)
    return score, of, taken, value, se, float(low), float(high), n


def _distance(score: str, of: str, taken: str, values: NDArray[np.float64]) -> tuple[Any, ...]:
    """Return the row of |mean|; its interval is that of the mean, folded at 0."""
    *head, value, se, low, high, n = _row(score, of, taken, values)
    ends = sorted((abs(low), abs(high)))
    return *head, abs(value), se, 0.0 if low < 0 < high else ends[0], ends[1], n


def _ratio(circuit: NDArray[np.float64], model: NDArray[np.float64]) -> tuple[Any, ...]:
    """Return the row of the ratio of means, with its error by the delta method."""
    (part, _), (whole, whole_se) = mean_se(circuit), mean_se(model)
    ratio, se = math.nan, math.nan
    if whole != 0 and not abs(whole) < _SURE * whole_se:
        ratio = part / whole
        se = mean_se(circuit - ratio * model)[1] / abs(whole)
    n = int(np.isfinite(circuit - model).sum())
    low, high = interval(ratio, se, n)
    return "faithfulness", "F(C) / F(M)", "", ratio, se, float(low), float(high), n


def _named(some: Heads) -> str:
    return ", ".join(map(str, sorted(some)))
