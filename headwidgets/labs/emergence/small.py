"""Simplified model training (the survey's Table 2): small models that show one mechanism each.

Each is prepared as a `Run`, trains in under a minute on one core, is compared with what guessing
and counting would give, and opens in a session by `bridge`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from headwidgets.errors import InputError
from headwidgets.labs.emergence.chains import Chains, stages
from headwidgets.labs.emergence.prepare import run
from headwidgets.labs.emergence.shape import Shape
from headwidgets.labs.emergence.steps import Steps, guessing
from headwidgets.labs.emergence.tokens import Repeats

if TYPE_CHECKING:
    from headwidgets.labs.emergence.runs import Run

_FAST = 3e-3


def icl_mc(k: int = 3, *, length: int = 48, sequences: int = 40_000, **options: Any) -> Run:
    """Prepare Markov chains in context: uniform, then unigram, then bigram.

    Parameters
    ----------
    k : int
        Symbols.
    length : int
    sequences : int
        To train on.
    **options
        Of `run`.

    Returns
    -------
    Run
        `stages` and `compare` read it. The matching kinds are "previous token" and "induction",
        scored on chains as prompts.

    References
    ----------
    Edelman et al. 2024, arXiv 2402.11004.
    """
    data = Chains(k, length)
    shape = Shape(n_heads=2, d_model=32, d_head=16, n_labels=data.n_labels, n_features=0)
    return _prepared(data, shape, sequences, {"rate": _FAST, **options})


def iteration(
    task: str = "parity", *, inputs: int = 12, sequences: int = 30_000, **options: Any
) -> Run:
    """Prepare a chain of thought: each state from the last one and the next input.

    Parameters
    ----------
    task : {"copy", "parity", "polynomial"}
    inputs : int
        Of a row; all rows have as many, see `headwidgets.labs.emergence.steps`.
    sequences : int
        To train on.
    **options
        Of `run`.

    Returns
    -------
    Run
        `iterating` and `compare` read it.

    References
    ----------
    Cabannes et al. 2024, arXiv 2406.02128.
    """
    data = Steps(task, inputs)
    shape = Shape(n_heads=4, d_model=64, d_head=16, n_labels=data.n_labels, n_features=0)
    return _prepared(data, shape, sequences, {"rate": 1e-3, **options})


def attn_only(layers: int = 2, *, sequences: int = 40_000, **options: Any) -> Run:
    """Prepare a model of attention alone on tokens that come again: one layer cannot, two can.

    Parameters
    ----------
    layers : int
    sequences : int
        To train on.
    **options
        Of `run`.

    Returns
    -------
    Run
        The matching kinds are "induction" and "previous token", on random tokens.

    References
    ----------
    Elhage et al. 2021, *A Mathematical Framework for Transformer Circuits*.
    """
    data = Repeats()
    shape = Shape(
        n_layers=layers, n_heads=4, d_model=64, d_head=16, n_labels=data.n_labels, n_features=0
    )
    return _prepared(data, shape, sequences, {"rate": _FAST, **options})


def compare(run: Run) -> pd.DataFrame:
    """Return how far a small training has come, beside what guessing and counting would give.

    Parameters
    ----------
    run : Run
        Made by `icl_mc`, `iteration` or `attn_only`.

    Returns
    -------
    DataFrame
        One row a predictor: predictor ("model", and the baselines), loss (nats, mean over what is
        asked), last (where the last symbol alone tells more; NaN elsewhere).

    Raises
    ------
    InputError
        If the run is none of these, or has not begun.
    """
    if not isinstance(getattr(run, "data", None), Chains | Steps | Repeats):
        message = f"expected a run of icl_mc, iteration or attn_only, got {run!r:.80}"
        raise InputError(message)
    if not run.history.steps or not run.checkpoints:
        message = "expected a run that has begun and keeps checkpoints: call its train() first"
        raise InputError(message)
    if isinstance(run.data, Chains):
        found = stages(run)
        rows = {name: (one["loss"], one["last"]) for name, one in found.attrs["baselines"].items()}
        own = float(found["loss"].iloc[-1]), float(found["last"].iloc[-1])
        return _table({**rows, "model": own})
    curves = run.curves()
    now = float(curves[curves["part"] == "train"]["loss"].iloc[-1])
    if isinstance(run.data, Steps):
        guessed = guessing(run.data)
    else:
        size = 2 * run.data.half - (run.data.half + 1) // 2
        # what followed is one of x but its first token; a guesser may leave the asked one out
        guessed = {"uniform": math.log(run.data.n_labels), "one of x": math.log(size - 1)}
    nan = float("nan")
    return _table({**{name: (loss, nan) for name, loss in guessed.items()}, "model": (now, nan)})


def _prepared(data: Any, shape: Shape, sequences: int, options: dict[str, Any]) -> Run:
    given = {"progress": False, "asked": 200, "kept": 30, "every": 50, "shape": shape, **options}
    return run(data, sequences=sequences, **given)


def _table(rows: dict[str, tuple[float, float]]) -> pd.DataFrame:
    values = [(name, *each) for name, each in rows.items()]
    return pd.DataFrame(values, columns=["predictor", "loss", "last"])
