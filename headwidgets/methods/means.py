"""What a mean-ablated activation is replaced by: an average over reference prompts.

By role where both sides name roles, else by distance from the end; the first token has
its own average where it is BOS, since many heads rest on it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from headwidgets.methods.record import record
from headwidgets.methods.snapshot import Pair, Snapshot
from headwidgets.model.work import checkpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwidgets.model.engine import Engine

SHUFFLES = 64


@dataclass(frozen=True)
class MeanTable:
    """Averages of one activation, each [...]; `by_distance` is [distance from the end, ...]."""

    by_distance: Tensor
    overall: Tensor
    bos: Tensor | None
    roles: dict[str, Tensor]

    def rows(self, pairs: Sequence[Pair], bos_id: int | None) -> Tensor:
        """Return the averages for prompts of one length, [row, position, ...]."""
        length = len(pairs[0].clean)
        near = self.by_distance[:length].flip(0)
        far = self.overall.expand(length - len(near), *self.overall.shape)
        out = torch.cat([far, near]).expand(len(pairs), *([-1] * near.ndim)).clone()
        for row, pair in enumerate(pairs):
            for role in sorted(set(pair.roles) & set(self.roles)):
                out[row, pair.roles[role]] = self.roles[role]
            if self.bos is not None and pair.clean[0] == bos_id:
                out[row, 0] = self.bos
        return out


def describe(snapshot: Snapshot) -> str:
    """Say what a mean is taken over."""
    if snapshot.reference is not None:
        return f"mean over {len(snapshot.reference)} reference prompts"
    return f"mean over {SHUFFLES} shuffles of the session's own prompts"


def reference_pairs(engine: Engine, snapshot: Snapshot) -> tuple[Pair, ...]:
    """Return the prompts that a mean is taken over; without a reference, seeded shuffles."""
    if snapshot.reference is not None:
        return snapshot.reference
    generator = random.Random(0)  # noqa: S311 - reproducible, not secret
    out = []
    for i in range(SHUFFLES):
        ids = list(snapshot.pairs[i % len(snapshot.pairs)].clean)
        first = 1 if ids[0] == engine.text.bos_id else 0
        rest = ids[first:]
        generator.shuffle(rest)
        out.append(Pair(clean=(*ids[:first], *rest)))
    return tuple(out)


def mean_tables(engine: Engine, snapshot: Snapshot, names: Sequence[str]) -> dict[str, MeanTable]:
    """Average activations over the reference.

    Parameters
    ----------
    names : sequence of str
        Hook points.
    """
    pairs = reference_pairs(engine, snapshot)
    key = ("means", hash(tuple(pair.key for pair in pairs)))
    kept: dict[str, MeanTable | None] = {n: engine.cache.get((*key, n)) for n in names}
    missing = [name for name, table in kept.items() if table is None]
    if missing:
        sums = {name: _Sums() for name in missing}
        around = Snapshot(pairs=pairs)
        done = 0
        for batch in around.batches(limit=engine.rows_at_once(max(len(p.clean) for p in pairs))):
            checkpoint(done, len(pairs), "reference mean")
            chosen = [pairs[i] for i in batch]
            found = record(engine, [p.clean for p in chosen], missing)
            for name, value in found.items():
                sums[name].add(value.float(), chosen, engine.text.bos_id)
            done += len(batch)
        for name, total in sums.items():
            kept[name] = table = total.table()
            engine.cache.put((*key, name), table, 4 * table.by_distance.numel())
    return kept  # type: ignore[return-value]


class _Sums:
    """Running sums of one activation over prompts of any length."""

    def __init__(self) -> None:
        self.far: Tensor | None = None  # [distance, ...]
        self.counts = torch.zeros(0)
        self.bos: list[Tensor] = []
        self.roles: dict[str, list[Tensor]] = {}
        self.inner: Tensor | None = None
        self.n_inner = 0

    def add(self, value: Tensor, pairs: Sequence[Pair], bos_id: int | None) -> None:
        length = value.shape[1]
        self._grow(length, value[0])
        assert self.far is not None  # noqa: S101 - _grow made it
        for row, pair in enumerate(pairs):
            has_bos = pair.clean[0] == bos_id
            inside = length - 1 if has_bos else length  # BOS has its own average
            self.far[:inside] += value[row].flip(0)[:inside]
            self.counts[:inside] += 1
            if has_bos:
                self.bos.append(value[row, 0])
            for role, at in pair.roles.items():
                self.roles.setdefault(role, []).append(value[row, at])
            rest = value[row, 1 if has_bos and length > 1 else 0 :]
            self.inner = rest.sum(0) if self.inner is None else self.inner + rest.sum(0)
            self.n_inner += len(rest)

    def _grow(self, length: int, like: Tensor) -> None:
        if self.far is None:
            self.far = torch.zeros_like(like)
        extra = length - len(self.far)
        if extra > 0:
            self.far = torch.cat([self.far, self.far.new_zeros(extra, *self.far.shape[1:])])
        self.counts = torch.cat(
            [self.counts, self.counts.new_zeros(len(self.far) - len(self.counts))]
        )

    def table(self) -> MeanTable:
        assert self.far is not None  # noqa: S101 - a reference has at least one prompt
        assert self.inner is not None  # noqa: S101 - as above
        seen = int((self.counts > 0).sum())  # counts fall with the distance
        counts = self.counts[:seen].to(self.far.device)
        return MeanTable(
            by_distance=self.far[:seen] / counts.reshape(-1, *([1] * (self.far.ndim - 1))),
            overall=self.inner / self.n_inner,
            bos=torch.stack(self.bos).mean(0) if self.bos else None,
            roles={role: torch.stack(values).mean(0) for role, values in self.roles.items()},
        )
