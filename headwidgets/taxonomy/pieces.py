"""Words in pieces: attention of later pieces on the earlier ones, against other cuts of a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from headwidgets.taxonomy.reduce import Floats, batches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwidgets.model.engine import Engine, Hooks
    from headwidgets.model.text import Text
    from headwidgets.taxonomy.targets import Ints


def cut(text: Text, ids: Sequence[int]) -> list[int]:
    """Return how many tokens each word of a row has, in order.

    A token goes on with a word if it begins with a letter, right behind a letter or behind a
    space that is a token by itself; whatever else begins one of its own.
    """
    sizes: list[int] = []
    before = ""
    for piece in text.pieces(ids):
        if piece[:1].isalpha() and (before[-1:].isalpha() or before == " "):
            sizes[-1] += 1
        else:
            sizes.append(1)
        before = piece
    return sizes


@dataclass(frozen=True)
class Near:
    """Attention on the tokens right behind, of some rows.

    Attributes
    ----------
    values : tuple of ndarray of float32, [layer, head, query, back]
        One a row, BOS left out; the first column is the token before. 0 where there is none.
    logits : tuple of ndarray of float32, [vocabulary]
    """

    values: tuple[Floats, ...]
    logits: tuple[npt.NDArray[np.float32], ...]


def near(
    engine: Engine,
    rows: Sequence[Sequence[int]],
    first: Sequence[int],
    farthest: int,
    *,
    hooks: Hooks = (),
) -> Near:
    """Run rows once and keep the attention on the `farthest` tokens before each query."""
    shape = (engine.facts.n_layers, engine.facts.n_heads)
    values = [
        np.zeros((*shape, len(row) - start, farthest), dtype=np.float32)
        for row, start in zip(rows, first, strict=True)
    ]
    logits: list[npt.NDArray[np.float32]] = [np.empty(0, np.float32)] * len(rows)
    for batch in batches(engine, rows):

        def visit(layer: int, pattern: Tensor, start: int, batch: list[int] = batch) -> None:
            for number, row in enumerate(batch):
                for back in range(1, farthest + 1):
                    line = pattern[number].diagonal(start - back, 1, 2)  # A[i, i - back]
                    key = max(0, start - back) + np.arange(line.shape[-1])
                    seen = key >= first[row]
                    into = values[row][layer, ..., back - 1]
                    into[:, key[seen] + back - first[row]] = line.cpu().numpy()[:, seen]

        ended = engine.patterns(torch.tensor([rows[i] for i in batch]), visit, hooks=hooks)
        for row, one in zip(batch, ended.cpu().numpy(), strict=True):
            logits[row] = one
    return Near(tuple(values), tuple(logits))


def comparable(sizes: Ints) -> bool:
    """Whether a cut has a word of several tokens with enough tokens before it to compare."""
    starts = np.cumsum(sizes) - sizes
    return bool(((sizes > 1) & (starts >= sizes.max() - 1)).any())


def inside(near: Floats, sizes: Ints) -> Floats:
    """Attention of later pieces on the earlier pieces of their word, less that across words.

    The second is of the first pieces of such words, on the tokens equally far back; first pieces
    that have fewer tokens before them are left out. A cut without any scores 0.

    Parameters
    ----------
    near : ndarray of float32, [layer, head, query, back]
    sizes : ndarray of int64, [cut, word]
        Tokens of each word; all cuts have the same words, in another order.

    Returns
    -------
    ndarray of float32, [cut, layer, head]
    """
    farthest = near.shape[-1]
    starts = np.cumsum(sizes, 1) - sizes
    later = np.concatenate([np.arange(1, size) for size in sizes[0]])
    share = np.array([(later >= back).mean() for back in range(1, farthest + 1)])
    asked = np.zeros((len(sizes), *near.shape[2:]), dtype=np.float32)
    for piece in range(1, int(sizes.max())):
        which, word = np.nonzero(sizes > piece)
        asked[which, starts[which, word] + piece, :piece] = 1 / len(later)
    which, word = np.nonzero((sizes > 1) & (starts >= sizes.max() - 1))
    compared = np.bincount(which, minlength=len(sizes))
    asked[which, starts[which, word]] = -share / compared[which, None]
    asked[compared == 0] = 0
    found: Floats = np.tensordot(asked, near, axes=([1, 2], [2, 3]))
    return found
