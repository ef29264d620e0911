"""Logistic regression with a ridge penalty, by Newton's method; needs PyTorch alone."""

from __future__ import annotations

import torch
from torch import Tensor

_STEPS = 100
_TOLERANCE = 1e-10
_MANY_STEPS, _MANY_TOLERANCE = 300, 1e-3


def logistic(x: Tensor, y: Tensor, strength: float = 1.0) -> tuple[Tensor, float]:
    """Return the weights and the intercept that minimise ½‖w‖² + C Σ log(1 + exp(−s (w·x + b))).

    The objective of scikit-learn's LogisticRegression with C = `strength`: s is 1 for one
    class and −1 for the other, and the intercept is free.

    Parameters
    ----------
    x : Tensor, [row, feature]
    y : Tensor, bool, [row]
        The class; both must be there.

    Returns
    -------
    weights : Tensor, float64, [feature]
    intercept : float
    """
    # The weights lie in the span of the rows, so no more unknowns than rows are needed.
    left, sizes, right = torch.linalg.svd(x.double(), full_matrices=False)
    rows = torch.cat([left * sizes, torch.ones_like(left[:, :1])], dim=1)
    ridge = torch.ones(rows.shape[1], dtype=torch.float64)
    ridge[-1] = 0.0
    wanted, at = y.double(), torch.zeros(rows.shape[1], dtype=torch.float64)

    def loss(point: Tensor) -> Tensor:
        out = rows @ point
        fit = torch.nn.functional.softplus(out) - wanted * out
        return 0.5 * (ridge * point.square()).sum() + strength * fit.sum()

    for _ in range(_STEPS):
        p = torch.sigmoid(rows @ at)
        slope = ridge * at + strength * rows.T @ (p - wanted)
        if float(slope.abs().max()) < _TOLERANCE:
            break
        curve = strength * (rows * (p * (1 - p)).clamp(min=1e-12)[:, None]).T @ rows
        step = torch.linalg.solve(curve + torch.diag(ridge), slope)
        size = 1.0
        while size > _TOLERANCE and loss(at - size * step) > loss(at):
            size /= 2
        at = at - size * step
    return right.T @ at[:-1], float(at[-1])


def logistic_many(x: Tensor, y: Tensor, strength: float = 1.0) -> tuple[Tensor, Tensor]:
    """Return what `logistic` does for many ways of labelling the same rows, nearly.

    The curvature is bounded by a quarter of that of the rows (Böhning & Lindsay 1988), so that
    one matrix is factored for all of them; steps are accelerated (Nesterov), and taken until no
    slope is above a thousandth.

    Parameters
    ----------
    x : Tensor, [row, feature]
    y : Tensor, bool, [row, labelling]

    Returns
    -------
    weights : Tensor, float64, [feature, labelling]
    intercepts : Tensor, float64, [labelling]
    """
    left, sizes, right = torch.linalg.svd(x.double(), full_matrices=False)
    rows = torch.cat([left * sizes, torch.ones_like(left[:, :1])], dim=1)
    ridge = torch.ones(rows.shape[1], 1, dtype=torch.float64)
    ridge[-1] = 0.0
    wanted = y.double()
    bound = torch.linalg.cholesky(0.25 * strength * rows.T @ rows + torch.diag(ridge[:, 0]))
    at = torch.zeros(rows.shape[1], y.shape[1], dtype=torch.float64)
    ahead, pace = at, 1.0
    for _ in range(_MANY_STEPS):
        slope = ridge * ahead + strength * rows.T @ (torch.sigmoid(rows @ ahead) - wanted)
        if float(slope.abs().max()) < _MANY_TOLERANCE:
            at = ahead
            break
        new = ahead - torch.cholesky_solve(slope, bound)
        if float((slope * (new - at)).sum()) > 0:  # it went too far: begin the pace again
            pace = 1.0
        after = (1 + (1 + 4 * pace**2) ** 0.5) / 2
        ahead, at, pace = new + (pace - 1) / after * (new - at), new, after
    return right.T @ at[:-1], at[-1]
