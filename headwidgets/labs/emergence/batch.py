"""A batch of sequences: what stands where, what is asked, and where the answer was shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

_BLOCK = 64
_STRIDE = 1_000_003


class Batch(NamedTuple):
    """Sequences of tokens, and what should follow at their asked positions.

    Attributes
    ----------
    tokens : Tensor of int, [sequence, position]
        Labels first, then exemplars: ``n_labels + class · exemplars + exemplar``.
    targets : Tensor of int, [sequence, asked]
        The label that should follow at each asked position; -100 where nothing is asked.
    first : int
        The first asked position; those behind it are asked too, one for each target.
    shown : Tensor of int, [sequence, asked]
        Where the right answer stands in the sequence; -1 where that is not one place.
    other : Tensor of int, [sequence, asked]
        Where the wrong label of an exemplar sequence stands; -1 elsewhere.
    """

    tokens: Tensor
    targets: Tensor
    first: int
    shown: Tensor
    other: Tensor

    @property
    def rows(self) -> slice:
        """The asked positions."""
        return slice(self.first, self.first + self.targets.shape[1])

    def take(self, which: slice | Tensor) -> Batch:
        """Return some of the sequences."""
        kept = (self.tokens[which], self.targets[which])
        return Batch(*kept, self.first, self.shown[which], self.other[which])


def joined(batches: Sequence[Batch]) -> Batch:
    """Return the sequences of several batches of one form, in a row."""
    each = [(one.tokens, one.targets, one.shown, one.other) for one in batches]
    tokens, targets, shown, other = (torch.cat(parts) for parts in zip(*each, strict=True))
    return Batch(tokens, targets, batches[0].first, shown, other)


def generator(*numbers: int) -> torch.Generator:
    """Return a generator seeded by several whole numbers, whatever their order of size."""
    seed = 0
    for number in numbers:
        seed = (seed * _STRIDE + number + 1) % (2**62)
    return torch.Generator().manual_seed(seed)


class Stream:
    """The batches of a run: batch `step` is the same whenever it is asked for.

    Parameters
    ----------
    data : Exemplars, Repeats or another that draws
        Has ``draw(n, generator)``.
    size : int
        Sequences in a batch.
    seed : int
    """

    def __init__(self, data: object, size: int, seed: int) -> None:
        self._data, self._size, self._seed = data, size, seed
        self._block = -1
        self._batch: Batch | None = None

    def at(self, step: int) -> Batch:
        """Return the batch of a step, from 0."""
        block, place = divmod(step, _BLOCK)
        if block != self._block or self._batch is None:
            random = generator(self._seed, block)
            self._batch = self._data.draw(_BLOCK * self._size, random)  # type: ignore[attr-defined]
            self._block = block
        return self._batch.take(slice(place * self._size, (place + 1) * self._size))


def pick(random: torch.Generator, n: int, size: int | Sequence[int]) -> Tensor:
    """Draw whole numbers below `n`."""
    shape = (size,) if isinstance(size, int) else tuple(size)
    return torch.randint(n, shape, generator=random)
