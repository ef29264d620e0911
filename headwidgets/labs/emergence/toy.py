"""The tensor-product toy: why parts that multiply make a plateau and a drop.

y = a ⊗ b ⊗ c is learned by gradient descent from vectors drawn at random; clamping a part to the
true one takes its share of the plateau away (Singh et al. 2024, arXiv 2404.07129, figure 5a).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from headwidgets.errors import InputError
from headwidgets.labs.emergence.shape import count, positive

DIMS, STEPS, RATE = 20, 1000, 1.0
CLAMPED = {"none": (), "c": (2,), "b, c": (1, 2)}
_OTHERS = np.array([[1, 2], [0, 2], [0, 1]])


def toy(seed: int = 1, *, dims: int = DIMS, steps: int = STEPS, rate: float = RATE) -> pd.DataFrame:
    """Learn a product of three vectors, with none, one and two of them clamped.

    Parameters
    ----------
    seed : int
        Of the true vectors and of the start, standard normals; all conditions have the same.
    dims : int
        Of each vector.
    steps : int
    rate : float

    Returns
    -------
    DataFrame
        One row a condition and step: clamped ("none", "c", "b, c"), step, loss (half the mean
        squared error). ``attrs``: half (step of each at which the loss first is below half of
        that of predicting 0; NaN: never).

    Notes
    -----
    |a ⊗ b ⊗ c - t|² is ∏|a|² - 2 ∏ a·t + |t|², so that nothing of dims³ numbers is made.

    Raises
    ------
    InputError
        If a number is out of range, or the rate makes it explode.
    """
    n, length = count("dims", dims, 1), count("steps", steps, 1)
    speed = positive("rate", rate)
    random = np.random.default_rng(count("seed", seed, 0))
    true, start = random.normal(size=(3, n)), random.normal(size=(3, n))
    whole = float(np.prod((true**2).sum(1)))
    level = 0.5 * whole / n**3 / 2
    frames, half = [], {}
    for name, held in CLAMPED.items():
        parts = start.copy()
        parts[list(held)] = true[list(held)]
        losses = np.empty(length + 1)
        with np.errstate(over="ignore", invalid="ignore"):
            for step in range(length + 1):
                own, alike = (parts**2).sum(1), (parts * true).sum(1)
                off = own.prod() - 2 * alike.prod() + whole
                losses[step] = max(0.5 * off / n**3, 0.0)
                mine, wanted = own[_OTHERS].prod(1), alike[_OTHERS].prod(1)
                slopes = parts * mine[:, None] - true * wanted[:, None]
                slopes[list(held)] = 0
                parts = parts - speed * slopes / n**3
        if not np.isfinite(losses).all():
            message = f"the loss is not finite at a rate of {speed:g}: choose a lower one"
            raise InputError(message)
        below = np.flatnonzero(losses < level)
        half[name] = float(below[0]) if len(below) else float("nan")
        frames.append(pd.DataFrame({"clamped": name, "step": range(length + 1), "loss": losses}))
    frame = pd.concat(frames, ignore_index=True)
    frame.attrs["half"] = half
    return frame
