"""A sweep by whole runs: many copies of the prompts in one batch, each with its own edit.

For models whose blocks cannot be run one by one; see `sweep_replay`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from headwidgets.methods.sweep_source import Source, mask, names_of
from headwidgets.methods.trust import require_trust

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from headwidgets.methods.measuring import Reading
    from headwidgets.methods.snapshot import Pair, Snapshot
    from headwidgets.methods.sweep_plan import Plan, Variant
    from headwidgets.methods.sweep_replay import Done
    from headwidgets.model.engine import Engine, HookFn, Hooks

TOKENS = 2048
"""Tokens a call: copies of the prompts, one copy a variant."""
Edit = tuple[int, "int | None", "Tensor | None"]
"""Which copy, which head of it (None: the stream), and where."""


def run_whole(
    engine: Engine,
    snapshot: Snapshot,
    plan: Plan,
    pairs: Sequence[Pair],
    variants: Sequence[Variant],
    read: Reading,
) -> Iterator[Done]:
    """Run every variant, some at a time; see `Replay.run`."""
    ids = torch.tensor([pair.ids(plan.base) for pair in pairs])
    source = Source(engine, snapshot, plan, pairs)
    source.prepare(names_of(plan, sorted({variant.layer for variant in variants})))
    room = min(TOKENS // ids.shape[1], engine.rows_at_once(ids.shape[1]))
    step = max(1, room // len(ids))
    for first in range(0, len(variants), step):
        some = list(range(first, min(first + step, len(variants))))
        hooks = _hooks(engine, snapshot, plan, pairs, [variants[i] for i in some], source)
        values = engine.run(ids.repeat(len(some), 1), hooks)
        yield some, read(values.reshape(len(some), len(ids), -1))


def _hooks(
    engine: Engine,
    snapshot: Snapshot,
    plan: Plan,
    pairs: Sequence[Pair],
    variants: Sequence[Variant],
    source: Source,
) -> Hooks:
    """Make one hook a layer: copy number k of the prompts has variant number k."""
    hooks: Hooks = []
    for layer in sorted({variant.layer for variant in variants}):
        name = names_of(plan, [layer])[0]
        edits: list[Edit] = []
        for k, variant in enumerate(variants):
            if variant.layer == layer:
                at = plan.at if variant.place is None else variant.place
                where = None if at is None else mask(snapshot, pairs, at)
                edits.append((k, variant.head, where))
        if edits[0][1] is not None:
            require_trust(engine, layer, pairs[0].clean)
        hooks = [*hooks, (name, _hook(edits, len(pairs), source, name))]
    return hooks


def _hook(edits: list[Edit], size: int, source: Source, name: str) -> HookFn:
    def hook(old: Tensor, start: int) -> Tensor:
        out = old.clone()
        stop = start + old.shape[1]
        given = source.between(name, old[:size], start, stop)
        for copy, head, where in edits:
            rows = slice(copy * size, (copy + 1) * size)
            mine = out[rows] if head is None else out[rows, :, head]
            new = given if head is None else given[:, :, head]
            if where is not None:
                new = torch.where(where[:, start:stop, None].to(old.device), new, mine)
            mine[:] = new
        return out

    return hook
