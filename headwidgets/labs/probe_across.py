"""The last digit's probe of one model, read in another through a linear map.

The probe is fitted in one model, the map from the other model's representations to its are fitted
by ridge regression on tokens that both spell; in ten folds over the numbers, those asked about are
in neither fit. If both models hold the digit in a linear code, it is read; which tokens the map is
fitted on decides how much that says, so the frame says it. Where the first model's own accuracy is
at chance, "mapped" is no finding about it: the map hands the other model's digits to a probe that
knows its own numbers by heart. The idea of one set of features across models is of Gould et al.
2023 (arXiv 2312.09230); the measurement is ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from headwidgets.errors import NotMeasurable
from headwidgets.labs.residues import FOLDS, NUMBERS, RESIDUES, fit, indices
from headwidgets.labs.sets import engine_of, known_sets, members
from headwidgets.model.work import checkpoint
from headwidgets.tasks.make import read_number

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

_RIDGE = 1e-2
_FEWEST = 40


def probe_across(session: Any, other: Any, variant: str = "normed", seed: int = 0) -> pd.DataFrame:
    """Read one model's probe for the last digit in another model.

    Parameters
    ----------
    session : Session or Engine
        Whose probe it is.
    other : Session or Engine
        In which it is read, through a linear map to the first one's space.
    variant : see `headwidgets.labs.succession.scores`
    seed : int
        Of folds, and of the control.

    Returns
    -------
    DataFrame
        One row a way of reading numbers held out: read (``"own"``: in the first model itself, no
        map; ``"mapped"``; ``"shuffled"``: through a map that was fitted on tokens paired at
        random), accuracy, se, n, chance. ``attrs``: fitted_on (how many tokens, of which sets),
        explained (share of the variance of numbers held out that the map explains).

    Raises
    ------
    InputError
        If one is no session, or there is no such variant.
    NotMeasurable
        If fewer than forty numbers are spelled by both.
    """
    first, second = _rows(session, variant), _rows(other, variant)
    common = [key for key in first if key in second]
    number = np.array([name == NUMBERS for name, _, _ in common])
    if number.sum() < _FEWEST:
        message = f"{int(number.sum())} numbers are one token in both models, of at least {_FEWEST}"
        raise NotMeasurable(message)
    y, x = (torch.stack([rows[key] for key in common]) for rows in (first, second))
    residue = np.array([index for _, _, index in common]) % RESIDUES
    random = np.random.default_rng(read_number("seed", seed))
    order = random.permutation(np.flatnonzero(number))
    hits = {name: np.zeros(len(common)) for name in ("own", "mapped", "shuffled")}
    off = np.zeros(2)
    for held in np.array_split(order, FOLDS):
        checkpoint()
        rest = np.setdiff1d(np.arange(len(common)), held)
        numbers = rest[number[rest]]
        probe = fit(y[numbers], residue[numbers])
        mapped = _mapped(x[rest], y[rest], x[held])
        shuffled = _mapped(x[rest], y[random.permutation(rest)], x[held])
        for name, rows in (("own", y[held]), ("mapped", mapped), ("shuffled", shuffled)):
            hits[name][held] = probe.says(rows) == residue[held]
        missed = (mapped - y[held]).square().sum(), (y[held] - y[rest].mean(0)).square().sum()
        off += [float(one) for one in missed]
    table = [_row(name, hit[number]) for name, hit in hits.items()]
    frame = pd.DataFrame(table, columns=["read", "accuracy", "se", "n", "chance"])
    sets = sorted({name for name, _, _ in common})
    words = f"{len(common) - len(order) // FOLDS} tokens that both spell: {', '.join(sets)}"
    frame.attrs |= {"fitted_on": words, "explained": float(1 - off[0] / off[1])}
    return frame


def _rows(session: Any, variant: str) -> dict[tuple[str, str, int], Tensor]:
    """Return what goes into a head, by (set, member, index)."""
    out = {}
    for one in known_sets(engine_of(session), variant):
        words, index = members(one.series), indices(one)
        for word, number, row in zip(words, index, one.embedded, strict=True):
            out[one.series.name, word, int(number)] = row
    return out


def _mapped(x: Tensor, y: Tensor, held: Tensor) -> Tensor:
    """Return rows through the ridge map that is fitted from x to y."""
    centre, target = x.mean(0), y.mean(0)
    rows, wanted = (x - centre).double(), (y - target).double()
    kernel = rows @ rows.T
    weight = _RIDGE * float(kernel.diagonal().mean())
    dual = torch.linalg.solve(kernel + weight * torch.eye(len(rows)).double(), wanted)
    found: Tensor = ((held - centre).double() @ rows.T @ dual).float()
    return found + target


def _row(name: str, hits: NDArray[Any]) -> tuple[str, float, float, int, float]:
    share, n = float(np.mean(hits)), len(hits)
    return name, share, float(np.sqrt(share * (1 - share) / n)), n, 1 / RESIDUES
