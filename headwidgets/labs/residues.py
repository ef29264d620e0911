"""Mod-10 features of what the first MLP makes of numbers (Gould et al. 2023, section 3).

A feature of a residue is a direction in the space that heads read: the mean of its numbers less
the mean of all (ours, beside the paper's autoencoder), or a row of a ten-way probe.
"""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

import numpy as np
import pandas as pd
import torch

from headwidgets.errors import NotMeasurable
from headwidgets.labs.sets import engine_of, known_set, known_sets
from headwidgets.model.work import checkpoint

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from headwidgets.taxonomy.successors import Known

RESIDUES = 10
FOLDS = 10
NUMBERS = "numbers"
_PENALTY = 1e-2
_STEPS = 200


class Probe(NamedTuple):
    """A ten-way linear probe for the residue of a member's index.

    Attributes
    ----------
    weights : Tensor, [residue, d_model]
    bias : Tensor, [residue]
    centre, scale : Tensor, [d_model] and []
        What is taken off a representation, and what it is divided by.
    """

    weights: Tensor
    bias: Tensor
    centre: Tensor
    scale: Tensor

    def says(self, embedded: Tensor) -> NDArray[np.int64]:
        """Return the residue that is likeliest of each row, [row]."""
        rows = (embedded - self.centre) / self.scale
        found: NDArray[np.int64] = (rows @ self.weights.T + self.bias).argmax(-1).numpy()
        return found


def indices(known: Known) -> NDArray[np.int64]:
    """Return the index of each member that is spelled, counted from 1: of a number, the number."""
    found: NDArray[np.int64] = np.array(known.series.places) + 1
    return found


def features(session: Any, name: str = NUMBERS, variant: str = "normed") -> Tensor:
    """Return a direction for each residue: the mean of its members less the mean of all residues.

    Parameters
    ----------
    session : Session or Engine
    name : str
        The set that they are taken from.
    variant : see `headwidgets.labs.succession.scores`

    Returns
    -------
    Tensor, float32, [residue, d_model]

    Raises
    ------
    InputError
        If there is no such set.
    NotMeasurable
        If a residue has no member.
    """
    known = known_set(engine_of(session), name, variant)
    residue = indices(known) % RESIDUES
    lacking = sorted(set(range(RESIDUES)) - set(residue.tolist()))
    if lacking:
        message = f"no member of {name!r} that is one token has the residue {lacking[0]}"
        raise NotMeasurable(message)
    means = torch.stack([known.embedded[residue == one].mean(0) for one in range(RESIDUES)])
    return means - means.mean(0)


def fit(embedded: Tensor, residue: NDArray[np.int64]) -> Probe:
    """Fit a ten-way softmax probe, weight decay on the weights.

    Parameters
    ----------
    embedded : Tensor, [row, d_model]
    residue : ndarray of int, [row]
    """
    centre = embedded.mean(0)
    scale = (embedded - centre).square().mean().sqrt().clamp(min=1e-12)
    rows, wanted = ((embedded - centre) / scale).double(), torch.from_numpy(residue)
    weights = torch.zeros(RESIDUES, rows.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(RESIDUES, dtype=torch.float64, requires_grad=True)
    steps = torch.optim.LBFGS([weights, bias], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        steps.zero_grad()
        off = torch.nn.functional.cross_entropy(rows @ weights.T + bias, wanted)
        whole = off + _PENALTY * weights.square().sum()
        whole.backward()  # type: ignore[no-untyped-call]
        return whole

    with torch.enable_grad():
        steps.step(loss)  # type: ignore[no-untyped-call]
    return Probe(weights.detach().float(), bias.detach().float(), centre, scale)


def probe(session: Any, variant: str = "normed") -> pd.DataFrame:
    """Fit a probe for the last digit on numbers; see what it says of them held out, and elsewhere.

    Parameters
    ----------
    session : Session or Engine
    variant : see `headwidgets.labs.succession.scores`

    Returns
    -------
    DataFrame
        One row a set: set, accuracy, se, n; of numbers on those held out, in ten folds, of the
        others by the probe of all numbers. ``attrs``: cosine, the mean of the probe's rows with
        `features`; right and of, the members of other sets that it reads.

    Raises
    ------
    NotMeasurable
        If the tokenizer does not spell numbers.

    References
    ----------
    Gould et al. 2023, arXiv 2312.09230: 94 of 102 tokens of other sets. Which 102 is not known:
    the seven other sets here have 94 members in all, so compare shares.
    """
    engine = engine_of(session)
    numbers = known_set(engine, NUMBERS, variant)
    residue = indices(numbers) % RESIDUES
    order = np.random.default_rng(0).permutation(len(residue))
    hits = np.zeros(len(residue))
    for held in np.array_split(order, FOLDS):
        checkpoint()
        rest = np.setdiff1d(order, held)
        found = fit(numbers.embedded[rest], residue[rest])
        hits[held] = found.says(numbers.embedded[held]) == residue[held]
    whole = fit(numbers.embedded, residue)
    rows = [_row(NUMBERS, hits)]
    for one in known_sets(engine, variant):
        if one.series.name != NUMBERS:
            said = whole.says(one.embedded) == indices(one) % RESIDUES
            rows.append(_row(one.series.name, said))
    frame = pd.DataFrame(rows, columns=["set", "accuracy", "se", "n"])
    alike = torch.nn.functional.cosine_similarity(whole.weights, features(engine, NUMBERS, variant))
    rest = frame[1:]
    right = round(float((rest["accuracy"] * rest["n"]).sum()))
    frame.attrs |= {"cosine": float(alike.mean()), "right": right, "of": int(rest["n"].sum())}
    return frame


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value can be compared with numbers, numpy's too; NaN can, and is in no range."""
    return isinstance(value, Real) and not isinstance(value, bool)


def _row(name: str, hits: NDArray[Any]) -> tuple[str, float, float, int]:
    share, n = float(np.mean(hits)), len(hits)
    return name, share, float(np.sqrt(share * (1 - share) / n)), n
