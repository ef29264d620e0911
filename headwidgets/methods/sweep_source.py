"""What a sweep puts in the place of an activation: another run's, nothing, or an average."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from headwidgets.methods.donors import donors
from headwidgets.methods.means import mean_tables
from headwidgets.methods.record import keep_into, stream_name, z_name
from headwidgets.methods.snapshot import position

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from headwidgets.methods.places import At
    from headwidgets.methods.snapshot import Pair, Snapshot
    from headwidgets.methods.sweep_plan import Plan
    from headwidgets.model.engine import Engine


class Source:
    """The activations that a plan puts in, for prompts of one length.

    Parameters
    ----------
    engine : Engine
    snapshot : Snapshot
    plan : Plan
    pairs : sequence of Pair
        The batch.
    """

    def __init__(
        self, engine: Engine, snapshot: Snapshot, plan: Plan, pairs: Sequence[Pair]
    ) -> None:
        self._engine, self._snapshot, self._plan, self._pairs = engine, snapshot, plan, pairs
        if plan.kind == "resample":
            other = donors(snapshot, plan.seed)
            self._giving = [other[pair.ids(plan.base)] for pair in pairs]
        elif plan.kind == "patch":
            self._giving = [pair.ids(plan.giving) for pair in pairs]
        else:
            self._giving = []
        self._run: tuple[dict[str, Tensor], Tensor] = {}, torch.empty(0)

    def first(self) -> int | None:
        """Return the first position at which anything can differ; None where nothing can."""
        if not self._giving:
            return 0
        taking = torch.tensor([pair.ids(self._plan.base) for pair in self._pairs])
        differs = (taking != torch.tensor(self._giving)).any(0).nonzero()
        return int(differs[0]) if len(differs) else None

    def values(self, name: str, like: Tensor) -> Tensor:
        """Return what is put in at a hook point, as `like`: [prompt, position, ...]."""
        return self.between(name, like, 0, like.shape[1])

    def between(self, name: str, like: Tensor, start: int, stop: int) -> Tensor:
        """Return some positions of what is put in, as `like`."""
        if self._giving:
            return self._all([name])[name][:, start:stop].to(like)
        if self._plan.kind == "mean":
            table = mean_tables(self._engine, self._snapshot, [name])[name]
            return table.rows(self._pairs, self._engine.text.bos_id)[:, start:stop].to(like)
        return torch.zeros_like(like)

    def prepare(self, names: Sequence[str]) -> None:
        """Run once what all of these need, and keep it."""
        if self._giving:
            self._all(names)
        elif self._plan.kind == "mean":
            mean_tables(self._engine, self._snapshot, names)

    def logits(self) -> Tensor | None:
        """Return the last position's logits of the run that gives, once `prepare` made it."""
        return self._run[1] if self._giving else None

    def _all(self, names: Sequence[str]) -> dict[str, Tensor]:
        """Return activations of the run that gives; one run makes them and its logits."""
        if not self._run[0].keys() >= set(names):
            kept: dict[str, list[Tensor]] = {name: [] for name in names}
            hooks = [(name, keep_into(store)) for name, store in kept.items()]
            logits = self._engine.run(torch.tensor(self._giving), hooks)
            self._run = {name: torch.cat(store, dim=1) for name, store in kept.items()}, logits
        return self._run[0]


def names_of(plan: Plan, layers: Sequence[int]) -> list[str]:
    """Return the hook points that a plan edits."""
    name = stream_name if plan.over == "positions x layers" else z_name
    return [name(layer) for layer in layers]


def mask(snapshot: Snapshot, pairs: Sequence[Pair], at: At) -> Tensor:
    """Where an edit acts, bool [prompt, position]."""
    out = torch.zeros(len(pairs), len(pairs[0].clean), dtype=torch.bool)
    for row, pair in enumerate(pairs):
        out[row, position(at, pair, one_length=snapshot.one_length)] = True
    return out
