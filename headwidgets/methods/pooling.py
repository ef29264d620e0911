"""All heads' patterns as small pictures, pooled as they are made."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwidgets.model.engine import Engine

THUMBNAIL_BYTES = 600_000
EDGES = (64, 32, 16, 8)


def thumbnail_edge(n_heads: int) -> int:
    """Return the edge in pixels at which `n_heads` thumbnails stay within 0.6 MB."""
    return next((e for e in EDGES if n_heads * e * e <= THUMBNAIL_BYTES), EDGES[-1])


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
        *lead, n_queries, n_keys = pattern.shape
        edge = self.values.shape[-1]
        narrow = torch.zeros(*lead, n_queries, edge)
        for at, low, high in self._bins(0, n_keys):
            first = low if self._bos else max(low, 1)
            if first < high:
                narrow[..., at] = pattern[..., first:high].nan_to_num(0.0).amax(-1).cpu()
        kept = self.values[:, layer]
        for at, low, high in self._bins(start, start + n_queries):
            most = narrow[:, :, low - start : high - start].amax(2)
            kept[:, :, at] = torch.maximum(kept[:, :, at], most)

    def _bins(self, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
        """Yield each bin that has positions from `start` to `stop`: which one, and which."""
        for at, (low, high) in enumerate(itertools.pairwise(self._starts)):
            if low < stop and high > start:
                yield at, max(low, start), min(high, stop)
