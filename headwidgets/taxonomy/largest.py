"""The place that a query looks at most, the beginning-of-sequence token left out.

Two places that are looked at equally are no place at all, so uniform attention points nowhere.
Where BOS takes nearly everything, the largest of the rest says little: such a head is told apart
by how much of its attention is elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from headwidgets.heads import Head
from headwidgets.taxonomy.reduce import Floats, batches
from headwidgets.taxonomy.verdict import NO, NOT_MEASURABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwidgets.model.engine import Engine, Hooks
    from headwidgets.taxonomy.measure import Scores
    from headwidgets.taxonomy.targets import Ints

LEAST_OFF = 0.05
"""Attention that must be on other tokens than BOS."""
_TIE = 1e-6  # relative: the same weights, computed in another order


@dataclass(frozen=True)
class Largest:
    """Where every query of some rows looks most.

    Attributes
    ----------
    place : tuple of ndarray of int64, [layer, head, query]
        One a row, with a column for every token of it; -1 for a tie.
    off : ndarray of float32, [layer, head]
        Mean attention on other tokens than BOS.
    logits : tuple of ndarray of float32, [vocabulary]
        Of each row's last position.
    """

    place: tuple[Ints, ...]
    off: Floats
    logits: tuple[npt.NDArray[np.float32], ...]


def largest(attention: Tensor, first: int) -> tuple[Tensor, Tensor]:
    """Find the key with the largest attention.

    Parameters
    ----------
    attention : Tensor, [..., key]
    first : int
        First key that counts: 1 behind a BOS.

    Returns
    -------
    place : Tensor of int64, [...]
        -1 where two keys are equally large.
    off : Tensor, [...]
        Attention on all keys that count; NaN where attention is.
    """
    seen = attention[..., first:]
    top = seen.topk(min(2, seen.shape[-1]))
    tie = top.values[..., 0] * (1 - _TIE) <= top.values[..., 1:].sum(-1)
    return torch.where(tie, -1, top.indices[..., 0] + first), seen.sum(-1)


def look_most(
    engine: Engine,
    rows: Sequence[Sequence[int]],
    first: Sequence[int],
    *,
    hooks: Hooks = (),
) -> Largest:
    """Run rows once and keep where every query looks most.

    Parameters
    ----------
    engine : Engine
    rows : sequence of token rows
    first : sequence of int
        Each row's first position behind a BOS.
    hooks : sequence, optional
        Edits in force.
    """
    shape = (engine.facts.n_layers, engine.facts.n_heads)
    places = [np.full((*shape, len(row)), -1, dtype=np.int64) for row in rows]
    off = np.zeros((len(rows), *shape), dtype=np.float32)
    logits: list[npt.NDArray[np.float32]] = [np.empty(0, np.float32)] * len(rows)
    for batch in batches(engine, rows):

        def visit(layer: int, pattern: Tensor, start: int, batch: list[int] = batch) -> None:
            for number, row in enumerate(batch):
                place, outside = largest(pattern[number], first[row])
                stop = start + place.shape[-1]
                places[row][layer, :, start:stop] = place.cpu().numpy()
                counted = outside[:, max(first[row] - start, 0) :]
                off[row, layer] += counted.sum(-1).cpu().numpy() / (len(rows[row]) - first[row])

        ended = engine.patterns(torch.tensor([rows[i] for i in batch]), visit, hooks=hooks)
        for row, one in zip(batch, ended.cpu().numpy(), strict=True):
            logits[row] = one
    return Largest(tuple(places), off.mean(0), tuple(logits))


def mark_sinks(scores: Scores, off: Floats) -> None:
    """Say which heads have no attention to speak of, or NaN.

    Parameters
    ----------
    scores : Scores
    off : ndarray of float32, [layer, head]
        Attention on other tokens than BOS.
    """
    for layer, number in np.ndindex(*off.shape):
        head, value = Head(layer, number), float(off[layer, number])
        if np.isnan(value):
            scores.remark(head, "its attention is NaN", at_most=NOT_MEASURABLE)
        elif value < LEAST_OFF:
            words = f"only {value:.3f} of its attention is not on BOS"
            scores.remark(head, words, at_most=NO)
