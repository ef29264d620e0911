"""Probes judged on rows that they were not fitted on, for many labellings and all heads.

Rows of one group (the answers to one question) never stand on both sides of a split: what a probe
has seen of a group would tell it the rest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np
import torch

from headwidgets.errors import InputError
from headwidgets.methods.logistic import logistic_many

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]

LOGISTIC, MASS_MEAN, SCIKIT = "logistic", "mass mean", "scikit-learn"
PROBES = (LOGISTIC, MASS_MEAN, SCIKIT)


def folds(groups: Sequence[object], parts: int, random: np.random.Generator) -> Ints:
    """Deal groups out to parts of about as many rows, at random.

    Returns
    -------
    ndarray of int, [row]
        The part that each row is in.
    """
    number = numbers(groups)
    counts = np.bincount(number)
    sizes, part = np.zeros(parts), np.empty(len(counts), np.int64)
    order = random.permutation(len(counts))
    for group in order[np.argsort(-counts[order], kind="stable")]:
        part[group] = int(np.argmin(sizes))
        sizes[part[group]] += counts[group]
    found: Ints = part[number]
    return found


def numbers(groups: Sequence[object]) -> Ints:
    """Return the number of each row's group, from 0, in the order in which they come."""
    known: dict[object, int] = {}
    return np.array([known.setdefault(group, len(known)) for group in groups], np.int64)


def permuted(labels: Bools, groups: Sequence[object], n: int, random: np.random.Generator) -> Bools:
    """Permute labels as far as groups let them: what labels are where nothing tells them.

    A group with rows of both labels has them permuted among its rows. Groups with one label each
    exchange it with one another.

    Returns
    -------
    ndarray of bool, [row, draw]
    """
    number = numbers(groups)
    members = [np.flatnonzero(number == group) for group in range(number.max() + 1)]
    both = [rows for rows in members if labels[rows].any() and not labels[rows].all()]
    pure = [rows for rows in members if labels[rows].all() or not labels[rows].any()]
    own = np.array([labels[rows[0]] for rows in pure], bool)
    out = np.empty((len(labels), n), bool)
    for draw in range(n):
        for rows in both:
            out[rows, draw] = random.permutation(labels[rows])
        for rows, label in zip(pure, random.permutation(own), strict=True):
            out[rows, draw] = label
    return out


def fit(how: str, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return weights [feature, labelling] and intercepts [labelling] of a probe.

    ``"mass mean"``: the mean of one side less that of the other, cut halfway between (Li et al.
    2023, arXiv 2306.03341). A side without rows has no mean: its weights are zero.
    """
    if how == LOGISTIC:
        return logistic_many(x, y)
    if how == SCIKIT:
        return _scikit(x, y)
    rows, sides = x.double(), y.double()
    one = rows.T @ sides / sides.sum(0).clamp(min=1)
    other = rows.T @ (1 - sides) / (1 - sides).sum(0).clamp(min=1)
    there = (sides.any(0) & ~sides.bool().all(0)).double()
    weights = (one - other) * there
    return weights, -(weights * (one + other)).sum(0) / 2


def _scikit(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Let scikit-learn fit it, one labelling after another.

    Raises
    ------
    InputError
        If it is not installed.
    """
    try:
        module = import_module("sklearn.linear_model")
    except ImportError as error:
        message = (
            "how='scikit-learn' needs scikit-learn: pip install \"headwidgets[probes]\", or "
            "how='logistic', which minimises the same and needs nothing"
        )
        raise InputError(message) from error
    rows = x.double().numpy()
    fitted = [module.LogisticRegression(C=1.0, max_iter=1000).fit(rows, one) for one in y.T.numpy()]
    weights = np.stack([one.coef_[0] for one in fitted], axis=1)
    intercepts = np.array([one.intercept_[0] for one in fitted])
    return torch.from_numpy(weights), torch.from_numpy(intercepts)


def right(how: str, x: Tensor, labels: Bools, part: Ints) -> Bools:
    """Return which rows a probe gets right that was fitted on the other parts.

    Parameters
    ----------
    x : Tensor, [row, feature]
    labels : ndarray of bool, [row, labelling]
    part : ndarray of int, [row]

    Returns
    -------
    ndarray of bool, [row, labelling]
    """
    out = np.empty(labels.shape, bool)
    for one in np.unique(part):
        out[part == one] = sides(how, x, labels, part == one)
    return out


def weights_of(labels: Bools) -> NDArray[np.float64]:
    """Return what each row counts, so that both labels count the same and the mean is one.

    The mean of ``right * weights_of`` is the balanced accuracy.

    Returns
    -------
    ndarray of float64, [row, labelling]
    """
    n, ones = len(labels), labels.sum(0)
    of_one, of_other = n / (2 * np.maximum(ones, 1)), n / (2 * np.maximum(n - ones, 1))
    found: NDArray[np.float64] = np.where(labels, of_one, of_other)
    return found


def sides(how: str, x: Tensor, labels: Bools, held: Bools) -> Bools:
    """Return which held-out rows a probe gets right that was fitted on the rest.

    Parameters
    ----------
    x : Tensor, [row, feature]
    labels : ndarray of bool, [row, labelling]
    held : ndarray of bool, [row]

    Returns
    -------
    ndarray of bool, [held-out row, labelling]
    """
    y, out = torch.from_numpy(labels), torch.from_numpy(held)
    weights, intercept = fit(how, x[~out], y[~out])
    found: Bools = ((x[out].double() @ weights + intercept > 0) == y[out]).numpy()
    return found
