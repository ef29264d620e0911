"""Runs in which one head's z is changed at one place of every prompt, each in its own way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from headwidgets.methods.record import z_name
from headwidgets.model.work import checkpoint
from headwidgets.taxonomy.measure import Measure
from headwidgets.taxonomy.random_tokens import random_rows
from headwidgets.taxonomy.reduce import batches

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from headwidgets.heads import Head
    from headwidgets.model.engine import Engine, HookFn
    from headwidgets.taxonomy.asked import Ids
    from headwidgets.taxonomy.reduce import Floats

    Change = Callable[[Tensor, list[int]], Tensor]
    """Takes z, [row, d_head], and the numbers of these rows; returns what takes its place."""

_ROWS, _LENGTH = 2, 4  # random tokens are not looked at: a measure wants some


def asking(engine: Engine, seed: int) -> Measure:
    """Return a measure for tasks alone."""
    return Measure(engine, random_rows(engine, rows=_ROWS, length=_LENGTH), seed=seed)


def changed(
    engine: Engine,
    rows: Sequence[Ids],
    head: Head,
    change: Change,
    places: Sequence[int] | None = None,
) -> Floats:
    """Return the logits at the last token with one head's z changed, [row, vocabulary].

    Parameters
    ----------
    engine : Engine
    rows : sequence of token ids
    head : Head
    change : callable
        ``change(z, numbers)`` gets z float32 [some row, d_head] and the rows' numbers.
    places : sequence of int, optional
        Where, of each row; default: its last token.
    """
    out = np.empty((len(rows), engine.facts.d_vocab), np.float32)
    at = [len(row) - 1 for row in rows] if places is None else list(places)
    for batch in batches(engine, rows):
        checkpoint()
        hook = _hook(engine, head, change, batch, [at[i] for i in batch])
        ids = torch.tensor([list(rows[i]) for i in batch])
        out[batch] = engine.run(ids, [(z_name(head.layer), hook)]).float().cpu().numpy()
    return out


def _hook(
    engine: Engine, head: Head, change: Change, batch: Sequence[int], at: Sequence[int]
) -> HookFn:
    def hook(z: Tensor, start: int) -> Tensor | None:
        here = [k for k, place in enumerate(at) if start <= place < start + z.shape[1]]
        if not here:
            return None
        new = z.reshape(*z.shape[:2], engine.facts.n_heads, -1).clone()
        where = here, [at[k] - start for k in here], head.head
        new[where] = change(new[where].float(), [batch[k] for k in here]).to(new)
        return new.reshape(z.shape)

    return hook
