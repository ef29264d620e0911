"""Figures that train: strengths (figure 15), seeds, grafts (figure 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from headwidgets.errors import InputError
from headwidgets.labs.emergence.clamps import correct_label, only
from headwidgets.labs.emergence.figures import times
from headwidgets.labs.emergence.prepare import run
from headwidgets.labs.emergence.presets import PREVIOUS, grafted, preset
from headwidgets.labs.emergence.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwidgets.labs.emergence.runs import Run
    from headwidgets.labs.emergence.trained import Trained

STRENGTHS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
SIX = ("none", "previous token", "layer 1", "match", "copy", "layer 1 + copy")


def six_clamps(data: Any, *, head: int = 0, previous: int = PREVIOUS, **options: Any) -> Run:
    """Prepare the six conditions of figure 5b as one batched model; see `run` for `options`."""
    conditions = {name: preset(name, head=head, previous=previous) for name in SIX}
    return run(data, conditions, **options)


def one_head_each(data: Any, **options: Any) -> Run:
    """Prepare all heads together, and each alone throughout training (figure 4b)."""
    conditions: dict[str, Any] = {"all": None}
    shape = options.get("shape")
    heads = shape.n_heads if isinstance(shape, Shape) else Shape().n_heads  # `run` refuses others
    for head in range(heads):
        conditions[f"head {head}"] = {"blocks.1.attn.hook_z": only([head])}
    return run(data, conditions, **options)


def strengths(
    data: Any, values: Sequence[float] = STRENGTHS, *, head: int = 0, **options: Any
) -> Run:
    """Prepare the sweep of figure 15: the right label gets p of a head's attention.

    Parameters
    ----------
    data : Exemplars
    values : sequence of float
        p; the induction strength is 2p - 1.
    head : int
        The only head of layer 2.
    **options
        Of `run`.

    Returns
    -------
    Run
        Conditions are named by strength, such as "0.6".

    Raises
    ------
    InputError
        If a value is no number from 0 to 1, or two have one name.
    """
    conditions: dict[str, Any] = {}
    for p in values:
        held = correct_label([head], p)
        name = f"{2 * held.given - 1:.6g}"
        if name in conditions:
            message = f"expected values that differ, got {p!r:.80} twice"
            raise InputError(message)
        conditions[name] = {
            "blocks.1.attn.hook_z": only([head]),
            "blocks.1.attn.hook_pattern": held,
        }
    return run(data, conditions, **options)


def grafts(data: Any, sources: dict[str, Trained], layer: int = 0, **options: Any) -> Run:
    """Prepare runs that have a layer of others from the start, and one that has not (figure 7)."""
    if "none" in sources:
        message = "expected sources by other names than 'none', which has no layer of others"
        raise InputError(message)
    conditions: dict[str, Any] = {"none": None}
    conditions |= {name: grafted(one, layer) for name, one in sources.items()}
    return run(data, conditions, **options)


def over_seeds(data: Any, seeds: Sequence[int], **options: Any) -> pd.DataFrame:
    """Train six clamps for several seeds and say when each has learned, one row a condition."""
    frames = []
    for seed in seeds:
        made = six_clamps(data, seed=seed, progress=False, parts=["train"], **options)
        frames.append(times(made.train()).assign(seed=seed))
    return pd.concat(frames, ignore_index=True)
