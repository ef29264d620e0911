"""Where a kind of head should look: pairs (query, key) in any row of tokens.

A target works on random repeated tokens and on text alike. What it can be compared with is
the same target moved by a shift: the key that stands so many places further, among the
keys that the query can see. The diagonal and the beginning-of-sequence token are left out.
A key that would fall out at one end comes in again at the other, so that every shift is
measured on exactly the same queries, and on a head without structure the target is one shift
like the others. Leaving such keys out would not do: early queries spread their attention over
few keys, so that uniform attention would score highest at the shift that leaves none out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Pairs:
    """The targets of one row.

    Attributes
    ----------
    query, key : ndarray of int64, [pair]
        Positions, ``first <= key < query``; a query may have several keys.
    first : int
        First position that may be looked at: 1 after a beginning-of-sequence token.
    """

    query: Ints
    key: Ints
    first: int

    @property
    def n_queries(self) -> int:
        """How many different queries have a target."""
        return len(np.unique(self.query))

    def moved(self, shifts: Sequence[int]) -> Ints:
        """Keys of the same pairs, so many places further, [shift, pair]; 0 is the target.

        A query with few visible keys may come round to its target again.
        """
        shift = np.asarray(shifts, dtype=np.int64)[:, None]
        room = self.query - self.first
        moved: Ints = self.first + (self.key - self.first + shift) % room
        return moved


@dataclass(frozen=True)
class Target:
    """A rule that says where to look.

    Attributes
    ----------
    name : str
        In words, for tables: ``"its earlier copy"``.
    find : callable
        ``find(ids, first) -> Pairs``.
    moved_name : callable
        ``moved_name(shift) -> str``: what stands at that shift.
    """

    name: str
    find: Callable[[Ints, int], Pairs]
    moved_name: Callable[[int], str]

    def describe(self, shift: int, pairs: Pairs) -> str:
        """Name what a head looks at if it looks `shift` away from this target."""
        if shift and np.all(pairs.query - pairs.moved([shift])[0] == 1):
            return "the previous token"
        return self.moved_name(shift) if shift else self.name


def _previous(ids: Ints, first: int) -> Pairs:
    query = np.arange(first + 1, len(ids), dtype=np.int64)
    return Pairs(query, query - 1, first)


def _earlier_same(ids: Ints, first: int) -> Pairs:
    query, key = np.nonzero(np.tril(ids[:, None] == ids[None, :], -1))
    keep = key >= first
    return Pairs(query[keep], key[keep], first)


def _after_earlier_same(ids: Ints, first: int) -> Pairs:
    copies = _earlier_same(ids, first)
    keep = copies.key + 1 < copies.query  # a token after itself: the target is the diagonal
    return Pairs(copies.query[keep], copies.key[keep] + 1, first)


def _relative_to_copy(places: int) -> str:
    if places == 0:
        return "its earlier copy"
    side = "after" if places > 0 else "before"
    count = "the token" if abs(places) == 1 else f"the token {abs(places)} places"
    return f"{count} {side} its earlier copy"


previous = Target(
    "the previous token",
    _previous,
    lambda shift: f"the token {1 - shift} back" if shift < 0 else f"place {shift} of the row",
)
earlier_same = Target("its earlier copy", _earlier_same, _relative_to_copy)
after_earlier_same = Target(
    "the token after its earlier copy",
    _after_earlier_same,
    lambda shift: _relative_to_copy(shift + 1),
)

ALL = (previous, earlier_same, after_earlier_same)
"""Targets that are reduced together when every kind is scored at once."""
