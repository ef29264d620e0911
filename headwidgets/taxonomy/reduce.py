"""Attention on targets, reduced as each pattern passes by; no pattern is kept.

What stays is rows × heads × shifts numbers, whatever the length of the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from headwidgets.taxonomy.targets import Pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headwidgets.model.engine import Engine, Hooks

Floats = npt.NDArray[np.float32]
Said: TypeAlias = "Callable[[Sequence[int], Tensor], None]"
_AT_ONCE = 1 << 22  # numbers gathered in one step


@dataclass(frozen=True)
class Profile:
    """Attention on a target and on the same target moved.

    Attributes
    ----------
    pairs : tuple of Pairs
        Of the rows that have a target.
    shifts : tuple of int
        The first is 0: the target itself.
    values : ndarray of float32, [row, layer, head, shift]
        Attention that a query gives to its target, summed over its keys, mean over
        queries. NaN in a layer without attention.
    """

    pairs: tuple[Pairs, ...]
    shifts: tuple[int, ...]
    values: Floats


def profile(
    engine: Engine,
    rows: Sequence[Sequence[int]],
    wanted: Sequence[tuple[Sequence[Pairs], Sequence[int]]],
    *,
    hooks: Hooks = (),
    last: int = 1,
    said: Said | None = None,
) -> list[Profile]:
    """Run `rows` once and reduce their patterns to several targets.

    Parameters
    ----------
    engine : Engine
    rows : sequence of token rows
        Rows of one length run together.
    wanted : sequence of (sequence of Pairs, sequence of int)
        For each target, the pairs of every row, and the shifts, beginning with 0.
    hooks : sequence, optional
        Edits in force.
    last : int
        At how many of each row's last positions logits are wanted.
    said : callable, optional
        ``said(numbers, logits)`` gets the numbers of some rows and their logits
        [row, position, vocabulary] there.
    """
    facts = engine.facts
    shape = (len(rows), facts.n_layers, facts.n_heads)
    sums = [np.full((*shape, len(shifts)), np.nan, dtype=np.float32) for _, shifts in wanted]
    for batch in batches(engine, rows):

        def visit(layer: int, pattern: Tensor, first: int, batch: list[int] = batch) -> None:
            for place, row in enumerate(batch):
                for (pairs, shifts), out in zip(wanted, sums, strict=True):
                    new = _gather(pattern[place], pairs[row], shifts, first)
                    out[row, layer] = new if first == 0 else out[row, layer] + new

        ids = torch.tensor([rows[i] for i in batch])
        logits = engine.patterns(ids, visit, hooks=hooks, positions=last)
        if said is not None:
            said(batch, logits)
    return [
        _normalised(pairs, tuple(shifts), out)
        for (pairs, shifts), out in zip(wanted, sums, strict=True)
    ]


def _normalised(pairs: Sequence[Pairs], shifts: tuple[int, ...], sums: Floats) -> Profile:
    """Mean over queries; rows without a target drop out."""
    used = [row for row, one in enumerate(pairs) if len(one.query)]
    queries = np.array([pairs[row].n_queries for row in used], dtype=np.float32)
    values = sums[used] / queries.reshape(-1, 1, 1, 1)
    return Profile(tuple(pairs[row] for row in used), shifts, values)


def _gather(pattern: Tensor, pairs: Pairs, shifts: Sequence[int], first: int) -> Floats:
    """Sum attention [head, query, key] over pairs, for every shift: [head, shift].

    `pattern` starts at query number `first`; pairs outside it wait for another call.
    """
    n_heads, n_queries, n_keys = pattern.shape
    here = (pairs.query >= first) & (pairs.query < first + n_queries)
    some = Pairs(pairs.query[here], pairs.key[here], pairs.first)
    out = np.zeros((n_heads, len(shifts)), dtype=np.float32)
    step = max(1, _AT_ONCE // max(1, n_heads * len(some.query)))
    attention = pattern.reshape(n_heads, -1)
    for start in range(0, len(shifts), step):
        flat = (some.query - first) * n_keys + some.moved(shifts[start : start + step])
        part = torch.from_numpy(flat).to(pattern.device)
        taken = attention.index_select(1, part.reshape(-1)).reshape(n_heads, *part.shape)
        out[:, start : start + step] = taken.double().sum(-1).cpu().numpy()
    return out


def batches(engine: Engine, rows: Sequence[Sequence[int]]) -> list[list[int]]:
    """Row numbers that run in one call: one length, no more than the engine takes."""
    by_length: dict[int, list[int]] = {}
    for number, row in enumerate(rows):
        by_length.setdefault(len(row), []).append(number)
    out = []
    for length, numbers in by_length.items():
        most = engine.rows_at_once(length)
        out += [numbers[start : start + most] for start in range(0, len(numbers), most)]
    return out
