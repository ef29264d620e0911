"""A run is prepared: what was asked for is read at the door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from headwidgets.errors import InputError
from headwidgets.labs.emergence.clamping import read_clamps
from headwidgets.labs.emergence.plan import Plan
from headwidgets.labs.emergence.runs import Run
from headwidgets.labs.emergence.shape import Shape, count, positive

SEQUENCES, BATCH, RATE, SEED, EVERY, KEPT, ASKED = 60_000, 32, 1e-4, 5, 32, 60, 500


def run(  # noqa: PLR0913 - what a run can be asked for
    data: Any,
    conditions: Any = None,
    *,
    shape: Shape | None = None,
    sequences: int = SEQUENCES,
    rate: float = RATE,
    batch: int = BATCH,
    seed: int | Sequence[int] = SEED,
    stream: int = 0,
    every: int = EVERY,
    kept: int = KEPT,
    asked: int = ASKED,
    progress: bool = True,
    parts: Sequence[str] | None = None,
) -> Run:
    """Prepare a run; nothing is trained yet.

    Parameters
    ----------
    data : Exemplars, Repeats or another
        See `low16`, `gauss`, `exemplars` and `repeats`.
    conditions : mapping of str to clamps, optional
        Trained together on the same sequences; None: one, "none", with nothing clamped.
    shape : Shape, optional
        None: two layers of eight heads, as wide as the data needs.
    sequences : int
        To train on; cut to whole steps.
    rate : float
        Of Adam. The paper's is 1e-5; at 1e-4 all happens ten times as early, in the same order.
    batch : int
        Sequences in a step.
    seed : int or sequence of int
        Of the weights: of all conditions, or of each.
    stream : int
        Seed of the sequences.
    every : int
        Steps between two measures.
    kept : int
        Checkpoints.
    asked : int
        Sequences of each part that is measured.
    progress : bool
        Measure subcircuits and composition too, which costs as much again as the rest.
    parts : sequence of str, optional
        What is measured, "train" always; None: all that the data has.

    Returns
    -------
    Run

    Raises
    ------
    InputError
        If what is asked for cannot be.

    Examples
    --------
    >>> from headwidgets.labs import emergence as lab
    >>> made = lab.run(lab.low16(), {"match": lab.preset("match")}, sequences=640).train()
    >>> made.step
    20
    """
    if not all(hasattr(data, name) for name in ("draw", "parts", "n_labels", "length")):
        message = f"expected data such as low16(), got {type(data).__name__}"
        raise InputError(message)
    size = count("batch", batch, 1)
    steps = count("sequences", sequences, size) // size
    sized = Shape(n_labels=data.n_labels, n_features=data.n_features) if shape is None else shape
    if not isinstance(sized, Shape):
        message = f"expected a shape such as Shape(n_heads=4), got {sized!r:.80}"
        raise InputError(message)
    if (sized.n_labels, sized.n_features) != (data.n_labels, data.n_features):
        message = (
            f"expected a shape of {data.n_labels} labels and {data.n_features} features, as the "
            f"data has, got {sized.n_labels} and {sized.n_features}"
        )
        raise InputError(message)
    asked_for = {"none": None} if conditions is None else conditions
    if not isinstance(asked_for, Mapping) or not asked_for:
        message = f"expected conditions by name, got {conditions!r:.80}"
        raise InputError(message)
    read = {str(k): read_clamps(one, sized, steps, data) for k, one in asked_for.items()}
    several = isinstance(seed, Sequence | np.ndarray) and np.ndim(seed)
    many: list[Any] = [*seed] if several else [seed] * len(read)  # type: ignore[misc]
    if len(many) != len(read):
        message = f"expected a seed, or one for each of {len(read)} conditions, got {seed!r:.80}"
        raise InputError(message)
    plan = Plan(
        steps=steps,
        batch=size,
        rate=positive("rate", rate),
        seeds=tuple(count("seed", one, 0) for one in many),
        stream=count("stream", stream, 0),
        every=count("every", every, 1),
        kept=count("kept", kept, 0),
        asked=count("asked", asked, 8),
        progress=bool(progress),
        parts=_parts(data, parts),
    )
    return Run(data, sized, plan, read)


def _parts(data: Any, given: Sequence[str] | None) -> tuple[str, ...]:
    if given is None:
        return tuple(data.parts)
    wrong = [one for one in given if one not in data.parts]
    if isinstance(given, str) or wrong:
        message = f"expected parts among {', '.join(data.parts)}, got {given!r:.80}"
        raise InputError(message)
    return ("train", *[one for one in data.parts if one in given and one != "train"])
