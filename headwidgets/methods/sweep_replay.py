"""A sweep by replay: every variant joins one recorded run where it begins to differ.

What a head writes is linear in its z, so an edited head is the recording plus the
difference of z times W_O, from its own layer and its first position on. Below that and
before that nothing is run again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from headwidgets.methods.read_off import measured
from headwidgets.methods.record import stream_name, z_name
from headwidgets.methods.sweep_source import Source, mask, names_of
from headwidgets.methods.trust import require_trust
from headwidgets.model.able import able
from headwidgets.model.climb import TOKENS, Arrival, climb
from headwidgets.model.finish import Finish
from headwidgets.model.replay import Recording

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from headwidgets.methods.measuring import Reading
    from headwidgets.methods.snapshot import Pair, Snapshot
    from headwidgets.methods.sweep_plan import Plan, Variant
    from headwidgets.model.engine import Engine

Done = tuple[list[int], "Tensor"]
"""Which variants, and the metric of each, [variant, prompt]."""


class Replay:
    """A batch of prompts of one length, recorded, and its variants run on it.

    Parameters
    ----------
    engine : Engine
        Held by the caller.
    snapshot : Snapshot
    plan : Plan
    pairs : sequence of Pair

    Attributes
    ----------
    logits : dict of str to Tensor, [prompt, vocabulary]
        At the last position, of those runs that were made on the way.
    able : Able
        What can be replayed on this model.
    """

    def __init__(
        self, engine: Engine, snapshot: Snapshot, plan: Plan, pairs: Sequence[Pair]
    ) -> None:
        self._engine, self._snapshot, self._plan, self._pairs = engine, snapshot, plan, pairs
        ids = torch.tensor([pair.ids(plan.base) for pair in pairs])
        self._source = Source(engine, snapshot, plan, pairs)
        layers = sorted({layer for layer, _ in plan.units(engine.facts)})
        self._source.prepare(names_of(plan, layers))
        self._recording = Recording(engine, ids)
        self.able = able(self._recording)
        self._finish = Finish(engine)
        self.logits = {plan.base: self._recording.logits}
        given = self._source.logits()
        if plan.kind == "patch" and given is not None:
            self.logits[plan.giving] = given

    def run(self, variants: Sequence[Variant], read: Reading) -> Iterator[Done]:
        """Run every variant, some at a time.

        Parameters
        ----------
        variants : sequence of Variant
        read : Reading
            The metric on these prompts.

        Yields
        ------
        tuple of (list of int, Tensor [variant, prompt])
            Their places in `variants`, and the metric of each prompt.
        """
        at: dict[int | str | None, list[int]] = {}
        for i, variant in enumerate(variants):
            at.setdefault(variant.place, []).append(i)
        first = self._source.first()
        unchanged = read(self._recording.logits)
        for place, members in at.items():
            where = None if place is None and self._plan.at is None else self._where(place)
            start = self._start(where, first)
            if start is None:  # the same prompt twice, or a place before the first difference
                yield members, unchanged.expand(len(members), -1)
                continue
            if not self.able.prefix:
                start = 0
            still = self._unmoved(variants, members, where)
            if still:
                yield still, unchanged.expand(len(still), -1)
            moved = sorted(set(members) - set(still))
            for some in self._groups(variants, moved, start):
                arrivals = self._arrivals([variants[i] for i in some], where, start)
                rows = climb(self._recording, arrivals, start, beside=self.able.beside)
                yield some, measured(self._engine, self._finish, rows, read)

    def _where(self, place: int | str | None) -> Tensor:
        return mask(self._snapshot, self._pairs, self._plan.at if place is None else place)

    def _start(self, where: Tensor | None, first: int | None) -> int | None:
        """Return the first position that can change."""
        if first is None or where is None:
            return first
        columns = where.any(0)
        columns[:first] = False
        inside = columns.nonzero()
        return int(inside[0]) if len(inside) else None

    def _unmoved(
        self, variants: Sequence[Variant], members: list[int], where: Tensor | None
    ) -> list[int]:
        """Return the variants that put in what is there already: their effect is exactly zero."""
        still = []
        for layer in sorted({variants[i].layer for i in members}):
            here = [i for i in members if variants[i].layer == layer]
            moves = self._moves(layer, where, stream=variants[here[0]].head is None)
            still += [i for i in here if not moves[variants[i].head or 0]]
        return still

    def _moves(self, layer: int, where: Tensor | None, *, stream: bool) -> Tensor:
        """Whether any value of each head changes, bool [head]; of the stream, bool [1]."""
        old = self._recording.residual[layer][:, :, None] if stream else self._recording.z[layer]
        name = stream_name(layer) if stream else z_name(layer)
        like = old[:, :, 0] if stream else old
        new = self._source.values(name, like)
        differs = ((new[:, :, None] if stream else new) != old).any(-1)
        if where is not None:
            differs &= where[..., None].to(differs.device)
        return differs.flatten(0, 1).any(0)

    def _groups(
        self, variants: Sequence[Variant], members: list[int], start: int
    ) -> Iterator[list[int]]:
        """Split into as many as fit a call of a block, by layer."""
        ordered = sorted(members, key=lambda i: variants[i].layer)
        tokens = len(self._pairs) * (self._recording.length - start)
        step = max(1, TOKENS // tokens)
        for i in range(0, len(ordered), step):
            yield ordered[i : i + step]

    def _arrivals(
        self, variants: list[Variant], where: Tensor | None, start: int
    ) -> Iterator[Arrival]:
        layers = sorted({variant.layer for variant in variants})
        for layer in layers:
            heads = [variant.head for variant in variants if variant.layer == layer]
            if heads[0] is None:
                yield Arrival(layer - 1, self._stream(layer, where, start))
            else:
                chosen = [head for head in heads if head is not None]
                yield Arrival(layer, self._heads(layer, chosen, where, start))

    def _stream(self, layer: int, where: Tensor | None, start: int) -> Tensor:
        """Return an edited residual stream of a block, [1, prompt, position, d_model]."""
        old = self._recording.residual[layer]
        new: Tensor = self._source.values(stream_name(layer), old)
        if where is not None:
            new = torch.where(where.to(old.device)[..., None], new, old)
        return new[None, :, start:]

    def _heads(self, layer: int, heads: list[int], where: Tensor | None, start: int) -> Tensor:
        """Return what leaves a block with a head edited, [head, prompt, position, d_model]."""
        recording = self._recording
        last = recording.length - 1
        require_trust(self._engine, layer, self._pairs[0].clean)
        begin = last if layer == len(recording.blocks) - 1 else start  # only the end is read there
        end = recording.length
        if where is not None and self._only(where, start):
            end = start + 1
        old = recording.z[layer]
        change = (self._source.values(z_name(layer), old) - old)[:, begin:end, heads]
        if where is not None:
            change = change * where[:, begin:end, None, None].to(change)
        weight = self._engine.weights.W_O(layer)[heads].to(change)
        written = torch.einsum("bphe,hem->hbpm", change, weight)
        left = recording.residual[layer + 1][:, start:]
        rows: Tensor = left.expand(len(heads), *left.shape).clone()
        if written.shape[2]:
            at = slice(begin, begin + written.shape[2])
            joined = self.able.joins
            leaves = recording.after_attention if joined else recording.with_attention
            new: Tensor = leaves(layer, written, at)
            rows[:, :, begin - start : begin - start + new.shape[2]] = new
        return rows

    def _only(self, where: Tensor, start: int) -> bool:
        """Whether an edit acts at one position alone, the same in all prompts."""
        return bool(where[:, start].all()) and int(where.any(0).sum()) == 1
