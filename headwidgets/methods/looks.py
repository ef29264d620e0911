"""Where one head looks: its mean attention by distance, and its strongest single looks.

Both are read off the patterns as they pass by, row after row, so that no pattern is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from headwidgets.errors import NotMeasurable
from headwidgets.methods.runs import batches
from headwidgets.methods.snapshot import Pair, Snapshot
from headwidgets.methods.weighting import norms_hook, value_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from headwidgets.heads import Head
    from headwidgets.methods.tiles import Tile
    from headwidgets.model.engine import Engine

Floats = NDArray[np.float64]


class Look(NamedTuple):
    """One query and the key that the head moves most from to it.

    Attributes
    ----------
    tile : Tile
    query, key : int
        Positions in the tile.
    attention : float
    size : float
        A[q, k] · ‖v_k W_O‖ (Kobayashi et al. 2020, arXiv 2004.10102).
    """

    tile: Tile
    query: int
    key: int
    attention: float
    size: float


class Looked(NamedTuple):
    """What was seen of a head.

    Attributes
    ----------
    attention : ndarray of float64, [1 + offset]
        Mean attention to BOS, then to the token 0, 1, 2 … places back, BOS left out; over the
        queries that have such a token in sight, NaN where none has.
    uniform : ndarray of float64, [1 + offset]
        The same of a head that spreads its attention evenly over all that each query sees.
    n : ndarray of int, [1 + offset]
        Those queries.
    looks : list of Look
        Of each query its largest; the largest first.
    """

    attention: Floats
    uniform: Floats
    n: NDArray[np.int64]
    looks: list[Look]


def look(engine: Engine, head: Head, rows: Sequence[Tile], k: int) -> Looked:
    """Read a head's attention on some rows.

    Parameters
    ----------
    rows : sequence of Tile
    k : int
        How many looks to keep. Of queries with the same tokens before them, one is kept.

    Raises
    ------
    NotMeasurable
        If no row has a second token, or the attention is not finite.
    """
    rows = [row for row in rows if len(row.ids) > row.first]
    if not rows:
        message = "one token looks at itself alone: give at least two"
        raise NotMeasurable(message)
    sums, best = _Sums(max(len(row.ids) for row in rows)), _Best(k)
    for batch in batches(engine, Snapshot(pairs=tuple(Pair(row.ids) for row in rows))):
        _visit(engine, head, [rows[i] for i in batch], sums, best)
    looks = best.sorted()
    if not np.isfinite([*sums.total, *(one.size for one in looks)]).all():
        message = "its attention, or what it writes, is not finite here"
        raise NotMeasurable(message)
    return Looked(*sums.means(rows, engine.facts.windows[head.layer]), looks)


def _visit(engine: Engine, head: Head, rows: list[Tile], sums: _Sums, best: _Best) -> None:
    """Run rows of one length."""
    norms = torch.zeros(len(rows), len(rows[0].ids))

    def keep(some: Tensor, start: int) -> None:
        norms[:, start : start + some.shape[2]] = some[:, head.head].cpu()

    def visit(_layer: int, pattern: Tensor, start: int) -> None:
        ours = pattern[:, head.head].cpu()  # [row, query, key]
        sizes = ours * norms[:, None, : ours.shape[2]]
        for row, attention, size in zip(rows, ours, sizes, strict=True):
            skip = max(0, row.first - start)
            if skip < len(attention):
                sums.add(attention[skip:], start + skip, bos=row.bos)
                best.add(row, attention[skip:], size[skip:], start + skip)

    watching = [(value_name(head.layer), norms_hook(engine, head.layer, keep))]
    ids = torch.tensor([row.ids for row in rows])
    engine.patterns(ids, visit, hooks=watching, layers=[head.layer])


class _Sums:
    """Attention summed by offset; entry 0 is BOS."""

    def __init__(self, longest: int) -> None:
        self.total = np.zeros(1 + longest)

    def add(self, attention: Tensor, start: int, *, bos: bool) -> None:
        """Add queries from position `start` on, [query, key]."""
        values = attention.double().numpy()
        if bos:
            self.total[0] += values[:, 0].sum()
        low = 1 if bos else 0
        offset = start + np.arange(len(values))[:, None] - np.arange(low, values.shape[1])
        seen = offset >= 0
        self.total += np.bincount(
            1 + offset[seen], weights=values[:, low:][seen], minlength=len(self.total)
        )

    def means(
        self, rows: Sequence[Tile], window: int | None
    ) -> tuple[Floats, Floats, NDArray[np.int64]]:
        """Return mean attention, that of an even head, and the queries behind both."""
        n = np.zeros(len(self.total), dtype=np.int64)
        even = np.zeros(len(self.total))
        for row in rows:
            length = len(row.ids)
            sight = min(length, window or length)
            share = 1 / np.minimum(np.arange(length) + 1, sight)
            after = np.append(np.cumsum(share[::-1])[::-1], 0.0)  # of the queries from each on
            begin = np.maximum(row.first, np.arange(sight) + (1 if row.bos else 0))
            begin = np.minimum(begin, length)
            n[1 : 1 + sight] += length - begin
            even[1 : 1 + sight] += after[begin]
            if row.bos and row.first < sight:
                n[0] += sight - row.first
                even[0] += after[row.first] - after[sight]
        safe = np.maximum(n, 1)
        mean = np.where(n > 0, self.total / safe, np.nan)
        return mean, np.where(n > 0, even / safe, np.nan), n


class _Best:
    """The `k` largest looks, one of each history of tokens: what is before decides all."""

    def __init__(self, k: int) -> None:
        self._k = k
        self._kept: dict[tuple[int, ...], Look] = {}

    def add(self, row: Tile, attention: Tensor, size: Tensor, start: int) -> None:
        """Take queries from position `start` on, [query, key]."""
        largest = size.max(-1)
        order = largest.values.topk(min(self._k, len(size))).indices.tolist()
        bar = min((one.size for one in self._kept.values()), default=0.0)
        full = len(self._kept) >= self._k
        for at in order:
            value = float(largest.values[at])
            if full and value <= bar:
                break
            key, query = int(largest.indices[at]), start + at
            made = Look(row, query, key, float(attention[at, key]), value)
            self._kept.setdefault(row.ids[: query + 1], made)
        self._kept = {one.tile.ids[: one.query + 1]: one for one in self.sorted()}

    def sorted(self) -> list[Look]:
        """Return them, the largest first."""
        return sorted(self._kept.values(), key=lambda one: -one.size)[: self._k]
