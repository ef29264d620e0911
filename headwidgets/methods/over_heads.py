"""A classifier over heads, judged on models that it was not fitted on.

Rows are heads of several models, columns are features that mean the same in all of them. One
model after another is left out; the null is the same with labels permuted within each model, in
the fit and in the judgement alike, so that it knows how many heads of a kind each model has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import torch

from headwidgets.methods.held_out import LOGISTIC, fit
from headwidgets.model.work import checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

AT_ONCE = 250
"""Labellings that are fitted together."""


class Fitted(NamedTuple):
    """A classifier: standardise, weigh, add up.

    Attributes
    ----------
    mean, spread, low, high : ndarray of float, [feature]
        Of the heads that it was fitted on. A feature without spread counts for nothing; one that is
        beyond what was seen there counts as the nearest that was.
    weights : ndarray of float, [feature, labelling]
        Of standardised features.
    intercepts : ndarray of float, [labelling]
    """

    mean: Floats
    spread: Floats
    low: Floats
    high: Floats
    weights: Floats
    intercepts: Floats

    def probability(self, x: Floats) -> Floats:
        """Return the probability of each head, [row, labelling]; NaN in `x` counts as the mean."""
        seen = np.clip(x, self.low, self.high)
        out = _standardised(seen, self.mean, self.spread) @ self.weights + self.intercepts
        found: Floats = 1 / (1 + np.exp(-np.clip(out, -500, 500)))
        return found


class Judged(NamedTuple):
    """How a classifier does on a model that was left out, for each labelling.

    Attributes
    ----------
    auc : ndarray of float, [labelling]
        Share of pairs of a head of the kind and another in which the first is the likelier; a tie
        is half. NaN where the model has heads of one side alone.
    balanced : ndarray of float, [labelling]
        Mean over both sides of the share that is right, a head being called one of the kind if it
        is likelier than the share of such heads in the models that it was fitted on.
    right : ndarray of float, [labelling]
        Share of heads that are right.
    false : ndarray of float, [labelling]
        Share of the other heads that are called one.
    """

    auc: Floats
    balanced: Floats
    right: Floats
    false: Floats


def fit_over_heads(x: Floats, y: Bools, how: str = LOGISTIC) -> Fitted:
    """Fit a logistic classifier, ridge penalty, C = 1.

    Parameters
    ----------
    x : ndarray of float, [row, feature]
        NaN: not measurable; it counts as the mean of those that are.
    y : ndarray of bool, [row, labelling]
    how : {"logistic", "scikit-learn"}
    """
    known = np.isfinite(x)
    n = np.maximum(known.sum(0), 1)
    mean = np.where(known, x, 0.0).sum(0) / n
    spread = np.sqrt(np.square(np.where(known, x - mean, 0.0)).sum(0) / n)
    rows = torch.from_numpy(_standardised(x, mean, spread))
    weights, intercepts = fit(how, rows, torch.tensor(y))
    low = np.where(known, x, np.inf).min(0)
    high = np.where(known, x, -np.inf).max(0)
    return Fitted(
        mean,
        spread,
        np.minimum(low, mean),
        np.maximum(high, mean),
        *(one.numpy() for one in (weights, intercepts)),
    )


def can_leave_out(y: Bools, model: Ints) -> bool:
    """Whether some model with heads of both sides can be judged by the rest."""
    return any(_both(y[model == one]) and _both(y[model != one]) for one in np.unique(model))


def leave_one_out(x: Floats, y: Bools, model: Ints, how: str = LOGISTIC) -> dict[int, Judged]:
    """Judge classifiers on each model by those fitted on all others.

    Parameters
    ----------
    x : ndarray of float, [row, feature]
    y : ndarray of bool, [row, labelling]
        Each labelling has as many of each model.
    model : ndarray of int, [row]

    Returns
    -------
    dict of int to Judged
        By model; those whose rest has one side alone are left out.
    """
    out = {}
    for one in np.unique(model):
        here = model == one
        if not _both(y[~here, :1]):
            continue
        parts = []
        for some in _parts(y.shape[1]):
            checkpoint()
            fitted = fit_over_heads(x[~here], y[~here][:, some], how)
            share = y[~here][:, some].mean(0)
            parts.append(judge(fitted.probability(x[here]), y[here][:, some], share))
        out[int(one)] = Judged(*(np.concatenate(some) for some in zip(*parts, strict=True)))
    return out


def mean_auc(judged: dict[int, Judged]) -> Floats:
    """Return the mean over models that have both sides, [labelling]."""
    known = [one.auc for one in judged.values() if np.isfinite(one.auc).all()]
    found: Floats = np.mean(known, axis=0)
    return found


def permuted_within(y: Bools, model: Ints, draws: int, random: np.random.Generator) -> Bools:
    """Permute labels [row] among the heads of each model, or of each layer of one, [row, draw]."""
    out = np.empty((len(y), draws), bool)
    for one in np.unique(model):
        here = np.flatnonzero(model == one)
        for draw in range(draws):
            out[here, draw] = random.permutation(y[here])
    return out


def judge(probability: Floats, y: Bools, share: Floats) -> Judged:
    """Compare probabilities with labels, both [row, labelling]; `share` is the cut of each."""
    ones, n = y.sum(0), len(y)
    others = n - ones
    ranks = pd.DataFrame(probability).rank(axis=0).to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        above = (ranks * y).sum(0) - ones * (ones + 1) / 2
        auc = np.where((ones > 0) & (others > 0), above / (ones * others), np.nan)
        said = probability > share
        hits = (said & y).sum(0) / np.where(ones > 0, ones, np.nan)
        false = (said & ~y).sum(0) / np.where(others > 0, others, np.nan)
    return Judged(auc, (hits + 1 - false) / 2, (said == y).mean(0), false)


def _both(y: Bools) -> bool:
    return bool(y.any()) and not bool(y.all())


def _parts(n: int) -> Iterator[slice]:
    for start in range(0, n, AT_ONCE):
        yield slice(start, start + AT_ONCE)


def _standardised(x: Floats, mean: Floats, spread: Floats) -> Floats:
    flat = np.where(spread > 0, spread, np.inf)
    found: Floats = np.where(np.isfinite(x), (x - mean) / flat, 0.0)
    return found
