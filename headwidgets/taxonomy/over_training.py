"""Any score over training: the same rows and prompts on one checkpoint after another."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import pandas as pd

from headwidgets.errors import InputError, ModelError
from headwidgets.model.engine import Engine
from headwidgets.model.work import checkpoint, keeping
from headwidgets.taxonomy.registry import find
from headwidgets.taxonomy.score import score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwidgets.model.facts import Facts
    from headwidgets.taxonomy.registry import Kind

COLUMNS = (
    *("step", "checkpoint", "layer", "head", "kind", "score", "se", "null_max", "p"),
    *("task_accuracy", "verdict", "reason"),
)


@dataclass(frozen=True)
class Checkpoint:
    """One set of weights on the way.

    Attributes
    ----------
    name : str
        As it was given.
    model : str
        What `Engine.open` takes: a folder, or the name of a model.
    revision : str or None
    step : float
        The number in its name.
    """

    name: str
    model: str
    revision: str | None
    step: float


def read_checkpoints(given: object, model: str | None = None) -> list[Checkpoint]:
    """Return the checkpoints that are meant, in the order of their steps.

    Parameters
    ----------
    given : str, Path, or iterable of them
        A folder that holds a folder for each checkpoint; or a list of such folders, or of
        revisions of `model`, such as ``"step1000"``.
    model : str, optional
        Whose revisions they are.

    Raises
    ------
    InputError
        If there are fewer than two, one is no folder and there is no model whose revision it
        could be, or two have one step.
    """
    names = _listed(given)
    found = []
    for name in names:
        folder = Path(name).expanduser()
        if not folder.is_dir() and (model is None or len(PurePath(name).parts) > 1):
            message = f"no checkpoint at {name!r:.200}: expected a folder with a model in it" + (
                "" if model is None else f", or a revision of {model!r}"
            )
            raise InputError(message)
        step = _step(folder.name)
        if step is None:
            message = (
                f"expected a step in each checkpoint's name, such as step1000, got {name!r:.80}"
            )
            raise InputError(message)
        there = folder.is_dir()
        if there:
            found.append(Checkpoint(folder.name, str(folder), None, step))
        else:
            found.append(Checkpoint(name, str(model), name, step))
    steps = [one.step for one in found]
    if len(found) < 2 or len(set(steps)) < len(steps):  # noqa: PLR2004 - a curve has two ends
        said = ", ".join(f"{one.name} (step {one.step:g})" for one in found) or "none"
        message = f"expected at least two checkpoints, each with its own step, got {said:.300}"
        raise InputError(message)
    return sorted(found, key=lambda one: one.step)


def _step(name: str) -> float | None:
    """Read the number of a checkpoint: "step1000", "checkpoint-500-fp16", "0500"."""
    found = re.search(r"(?:step|checkpoint|ckpt|iter)[-_]?(\d+)", name) or re.search(r"(\d+)", name)
    return float(found[1]) if found else None


def _listed(given: object) -> list[str]:
    if isinstance(given, str | PurePath):
        folder = Path(given).expanduser()
        if not folder.is_dir():
            message = f"expected a folder of checkpoints, or a list, got {str(given)!r:.200}"
            raise InputError(message)
        if (folder / "checkpoints").is_dir():  # of a run of the recipe
            folder = folder / "checkpoints"
        return [str(one) for one in sorted(folder.iterdir()) if (one / "config.json").exists()]
    listed = list(given) if hasattr(given, "__iter__") else [given]
    if not all(isinstance(one, str | PurePath) for one in listed):
        message = f"expected checkpoints as folders or revisions, got {listed!r:.200}"
        raise InputError(message)
    return [str(one) for one in listed]


def over_training(
    engine: Engine,
    kinds: Sequence[str | Kind],
    checkpoints: Sequence[Checkpoint],
    *,
    trust_remote_code: bool = False,
    **options: Any,
) -> pd.DataFrame:
    """Score every head of every checkpoint.

    Parameters
    ----------
    engine : Engine
        The model that they belong to: they must have its shape.
    kinds : sequence of str or Kind
    checkpoints : sequence of Checkpoint
        See `read_checkpoints`.
    trust_remote_code : bool
        As for `Session`.
    **options
        Of `headwidgets.taxonomy.score.score`: rows, length, seed, draws.

    Returns
    -------
    DataFrame
        One row a checkpoint, kind and head: step, checkpoint, layer, head, kind, score, se,
        null_max, p, task_accuracy, verdict, reason. What stops it early has the checkpoints that
        were done as its ``partial``.

    Raises
    ------
    InputError
        If there is no such kind, or a checkpoint cannot be opened or has another shape.
    """
    wanted = [find(kind) for kind in kinds]
    tables: list[pd.DataFrame] = []
    with keeping(lambda: _joined(tables) if tables else None):
        for done, one in enumerate(checkpoints):
            checkpoint(done, len(checkpoints), one.name)
            held = _opened(engine.facts, one, trust_remote_code=trust_remote_code, **_as(engine))
            tables.append(_scored(held, wanted, one, options))
    return _joined(tables)


def _as(engine: Engine) -> dict[str, Any]:
    """Return how a model was opened, for others to be read the same way."""
    weights = engine.weights.W_U
    return {
        "numerics": engine.facts.numerics,
        "dtype": weights.dtype,
        "device": str(weights.device),
        "prepend_bos": engine.text.prepend_bos,
    }


def _opened(facts: Facts, one: Checkpoint, **options: Any) -> Engine:
    """Open a checkpoint of a model's shape."""
    try:
        held = Engine.open(one.model, revision=one.revision, **options)
    except (InputError, ModelError) as error:
        message = f"checkpoint {one.name}: {error}"
        raise InputError(message) from error
    _check_shape(facts, held.facts, one.name)
    return held


def _scored(
    held: Engine, wanted: Sequence[Kind], one: Checkpoint, options: dict[str, Any]
) -> pd.DataFrame:
    tables = [score(held, kind, **options) for kind in wanted]
    for table in tables:
        table.attrs = {}
    return pd.concat(tables).assign(step=one.step, checkpoint=one.name)[list(COLUMNS)]


def _check_shape(own: Facts, other: Facts, name: str) -> None:
    named = {
        "n_layers": "layers",
        "n_heads": "heads a layer",
        "d_vocab": "tokens",
        "d_model": "dimensions",
        "d_head": "dimensions a head",
    }
    for what, words in named.items():
        mine, theirs = getattr(own, what), getattr(other, what)
        if mine != theirs:
            message = (
                f"checkpoint {name} has {theirs} {words}, this session's model {mine}: they are "
                "not of one training"
            )
            raise InputError(message)


def _joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(tables, ignore_index=True)
