"""Neurons of the first MLP that fire with period ten over the numbers (Gould et al. 2023, sec. 3).

A neuron's period is read as the share of its variance over the numbers that the last digit
explains (η² of ten classes). The null permutes which number has which digit, and takes the largest
of all neurons in each draw.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from headwidgets.errors import InputError, NotMeasurable
from headwidgets.labs.residues import NUMBERS, RESIDUES, indices
from headwidgets.labs.sets import engine_of, known_set
from headwidgets.methods.decompose import there
from headwidgets.model.work import checkpoint
from headwidgets.tasks.make import read_number
from headwidgets.taxonomy import ov
from headwidgets.whole import whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headwidgets.model.engine import Engine

HIDDEN = "blocks.0.mlp.hook_post"
DRAWS = 200
_TENTH = 0.1
_OTHERS = (2, 3, 4, 5, 6, 7, 8, 9, 11)


def neurons(session: Any, draws: int = DRAWS, seed: int = 0) -> pd.DataFrame:
    """Rank the first MLP's neurons by how much of their variance the last digit explains.

    Parameters
    ----------
    session : Session or Engine
    draws : int
        Of the null.
    seed : int

    Returns
    -------
    DataFrame
        One row a neuron that fires on some number, best first: neuron, explained (η², 0 to 1),
        p ((b + 1) / (n + 1): of n draws, b have a neuron that reaches it), residue (its strongest
        class), here and elsewhere (mean activation on that class, and on the others), other (the
        largest η² of the periods 2 to 9 and 11 that do not divide ten or are no multiple of it;
        chance gives more to longer periods), tens (η² of the ten). ``attrs``: n (numbers),
        null_mean, null_max (of the largest), features (neurons with p ≤ .01 in each class).

    Raises
    ------
    NotMeasurable
        If the first block has no MLP, does not show its neurons, or numbers are not spelled.

    References
    ----------
    Gould et al. 2023, arXiv 2312.09230: single neurons fire with period ten, and features lie in
    two or more of them. The statistic and its null are ours.
    """
    engine = engine_of(session)
    if not there(engine, [HIDDEN]):
        message = "the first block has no MLP that shows its neurons"
        raise NotMeasurable(message)
    known = known_set(engine, NUMBERS, "normed")
    number = indices(known)
    active = _active(engine, known.series.ids)
    alive = np.flatnonzero(active.var(0) > 0)
    rows = active[:, alive]
    rows = (rows - rows.mean(0)) / rows.std(0)
    explained = _explained(rows, number % RESIDUES)
    random = np.random.default_rng(read_number("seed", seed))
    if (whole(draws) or 0) < 1:
        message = f"expected draws as a whole number from 1, got {draws!r:.80}"
        raise InputError(message)
    largest = np.zeros(draws)
    for draw in range(draws):
        checkpoint()
        largest[draw] = _explained(rows, random.permutation(number) % RESIDUES).max()
    means = np.stack([active[number % RESIDUES == one].mean(0) for one in range(RESIDUES)])
    best = means.argmax(0)[alive]
    total, mine = active[:, alive].sum(0), means.max(0)[alive]
    counts = np.bincount(number % RESIDUES, minlength=RESIDUES)[best]
    frame = pd.DataFrame({"neuron": alive, "explained": explained})
    frame["p"] = ((largest[:, None] >= explained - 1e-9).sum(0) + 1) / (draws + 1)
    frame["residue"], frame["here"] = best, mine
    frame["elsewhere"] = (total - mine * counts) / (len(number) - counts)
    others = [period for period in _OTHERS if RESIDUES % period]
    frame["other"] = np.max([_explained(rows, number % period) for period in others], axis=0)
    frame["tens"] = _explained(rows, number // RESIDUES)
    frame = frame.sort_values("explained", ascending=False, kind="stable", ignore_index=True)
    sure = frame[frame["p"] <= _TENTH**2]
    frame.attrs |= {
        "n": len(number),
        "null_mean": float(largest.mean()),
        "null_max": float(largest.max()),
        "features": {one: int((sure["residue"] == one).sum()) for one in range(RESIDUES)},
    }
    return frame


def _active(engine: Engine, ids: list[int]) -> NDArray[np.float64]:
    """Return what the neurons are on bare tokens, [token, neuron]."""
    found = ov.at_point(engine, ids, HIDDEN)
    if found.ndim != 2 or found.shape[1] == engine.facts.d_model:  # noqa: PLR2004 - [token, neuron]
        message = f"the first MLP of {engine.facts.architecture} shows its output, not its neurons"
        raise NotMeasurable(message)
    active: NDArray[np.float64] = found.double().numpy()
    return active


def _explained(rows: NDArray[np.float64], group: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return η² of a grouping for standardised columns, [neuron]."""
    which = np.eye(int(group.max()) + 1)[group]
    count = which.sum(0)
    means = (which.T @ rows)[count > 0] / count[count > 0, None]
    shares: NDArray[np.float64] = (count[count > 0, None] * means**2).sum(0) / len(rows)
    return shares
