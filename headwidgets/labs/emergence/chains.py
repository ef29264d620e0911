"""Markov chains in context, and the stages in which a model learns them: uniform, unigram, bigram.

Edelman et al. 2024, arXiv 2402.11004: every sequence has transition chances of its own, and a
model that predicts the next symbol best counts pairs, which is what induction heads do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from headwidgets.errors import InputError
from headwidgets.labs.emergence.batch import Batch
from headwidgets.labs.emergence.shape import count
from headwidgets.tasks.icl_mc import baselines, chains

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headwidgets.labs.emergence.runs import Run

STAGES = ("uniform", "unigram", "bigram")
_MANY, _SEED = 1000, 12_345


@dataclass(frozen=True)
class Chains:
    """Chains of `n_labels` symbols; every symbol but the first is asked for.

    Attributes
    ----------
    n_labels : int
        Symbols, at least 2; rows of the chances are drawn from Dirichlet(1).
    length : int
    """

    n_labels: int = 3
    length: int = 48
    name: str = "chains"
    n_features: int = 0
    parts: tuple[str, ...] = ("train",)

    def __post_init__(self) -> None:
        """Read the numbers."""
        object.__setattr__(self, "n_labels", count("k", self.n_labels, 2))
        object.__setattr__(self, "length", count("length", self.length, 3))

    @property
    def made(self) -> dict[str, int]:
        """What it was made with."""
        return {"n_labels": self.n_labels, "length": self.length}

    @property
    def n_tokens(self) -> int:
        """The symbols."""
        return self.n_labels

    @property
    def labelled(self) -> tuple[int, ...]:
        """Positions whose attention on the one before counts as that of a previous-token head."""
        return tuple(range(1, self.length))

    def draw(self, n: int, random: torch.Generator, part: str = "train") -> Batch:
        """Draw chains; see `Exemplars.draw`."""
        seed = int(torch.randint(2**62, (1,), generator=random))
        states, _ = chains(n, self.length, self.n_labels, seed)
        return _batch(states) if part == "train" else _batch(states[:0])


def stages(run: Run, condition: str | None = None, n: int = _MANY) -> pd.DataFrame:
    """Compare a model at its checkpoints with the predictors that it may have become.

    Parameters
    ----------
    run : Run
        On `Chains`.
    condition : str, optional
    n : int
        Chains, none of which was trained on.

    Returns
    -------
    DataFrame
        One row a checkpoint: step, sequences, loss (nats, mean over positions), last (that of the
        last symbol); uniform, unigram, bigram (mean KL of each predictor from the model's, nats);
        stage (the nearest). ``attrs["baselines"]``: loss and last of uniform, unigram, bigram
        and chain, which knows the chances.

    Raises
    ------
    InputError
        If the run is on other data.
    """
    data = getattr(run, "data", None)
    if not isinstance(data, Chains):
        message = f"expected a run on chains, such as icl_mc(3), got {run!r:.80}"
        raise InputError(message)
    states, chances = chains(n, data.length, data.n_labels, _SEED)
    known, batch = predictors(states, data.n_labels), _batch(states)
    rows = []
    for step in run.checkpoints:
        logits = run.trained(condition, step).logits(batch)
        said = logits.log_softmax(-1).double().numpy()
        loss = -np.take_along_axis(said, batch.targets.numpy()[..., None], -1)[..., 0]
        away = {name: _away(one, said) for name, one in known.items()}
        nearest = min(away, key=away.__getitem__)
        shown = loss.mean(), loss[:, -1].mean()
        rows.append((step, step * run.plan.batch, *shown, *away.values(), nearest))
    frame = pd.DataFrame(rows, columns=["step", "sequences", "loss", "last", *STAGES, "stage"])
    found = baselines(states, chances)
    frame.attrs["baselines"] = {
        name: {"loss": float(one.mean()), "last": float(one[-1])} for name, one in found.items()
    }
    return frame


def predictors(states: NDArray[np.intp], k: int) -> dict[str, NDArray[np.float64]]:
    """Return what three predictors say of the next symbol, [chain, length - 1, symbol].

    "uniform"; "unigram" and "bigram": counts of symbols, and of pairs, one added to each.
    """
    each = np.eye(k)[states]
    symbols = each.cumsum(1)[:, :-1] + 1
    pairs = np.zeros((len(states), states.shape[1] - 1, k, k))
    pairs[:, 1:] = (each[:, :-2, :, None] * each[:, 1:-1, None, :]).cumsum(1)
    rows = (pairs * each[:, :-1, :, None]).sum(2) + 1
    return {
        "uniform": np.full_like(symbols, 1 / k),
        "unigram": symbols / symbols.sum(-1, keepdims=True),
        "bigram": rows / rows.sum(-1, keepdims=True),
    }


def _away(known: NDArray[np.float64], said: NDArray[np.float64]) -> float:
    return float((known * (np.log(known) - said)).sum(-1).mean())


def _batch(states: NDArray[np.intp]) -> Batch:
    tokens = torch.from_numpy(states.astype(np.int64))
    targets = tokens[:, 1:]
    nowhere = torch.full_like(targets, -1)
    return Batch(tokens, targets, 0, nowhere, nowhere)
