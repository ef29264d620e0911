"""All heads' patterns as small pictures, pooled as they are made."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from headwidgets.methods.shown import thumbnail_edge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwidgets.model.engine import Engine


class Pooled:
    """Takes patterns from `Engine.patterns`, keeps the largest of each bin.

    Parameters
    ----------
    engine : Engine
    ids : Tensor, int64, [batch, position]
    bos : bool
        With the first column, or without.

    Attributes
    ----------
    values : Tensor, float32, [batch, layer, head, edge, edge]
    """

    def __init__(self, engine: Engine, ids: Tensor, *, bos: bool = True) -> None:
        rows, length = ids.shape
        facts, self._bos = engine.facts, bos
        edge = min(length, thumbnail_edge(facts.n_layers * facts.n_heads))
        self.values = torch.zeros(rows, facts.n_layers, facts.n_heads, edge, edge)
        self._starts = [-(-bin_ * length // edge) for bin_ in range(edge + 1)]

    def visit(self, layer: int, pattern: Tensor, start: int) -> None:
        """Take the pattern of a layer, [batch, head, query, key]."""
        n_queries, n_keys = pattern.shape[2:]
        rows = list(self._bins(start, start + n_queries))
        # Queries first: that runs along memory, and leaves little for the keys.
        flat = _shortened(pattern, [(low - start, high - start) for _, low, high in rows])
        kept = self.values[:, layer]
        first, last = rows[0][0], rows[-1][0] + 1
        for at, low, high in self._bins(0, n_keys):
            low = low if self._bos else max(low, 1)  # noqa: PLW2901 - the bin without its first
            if low < high:
                most = flat[..., low:high].amax(-1).cpu()
                part = kept[:, :, first:last, at]
                part.copy_(torch.maximum(part, most))

    def _bins(self, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
        """Yield each bin that has positions from `start` to `stop`: which one, and which."""
        for at, (low, high) in enumerate(itertools.pairwise(self._starts)):
            if low < stop and high > start:
                yield at, max(low, start), min(high, stop)


def _shortened(pattern: Tensor, rows: list[tuple[int, int]]) -> Tensor:
    """Return the largest of each bin of queries, [batch, head, bin, key]; NaN counts as 0."""
    flat = torch.stack([pattern[:, :, low:high].amax(2) for low, high in rows], 2)
    return _shortened(pattern.nan_to_num(0.0), rows) if flat.isnan().any() else flat
