"""Path patching: what one head writes, carried to chosen readers alone, on one recorded run.

Wang et al. 2022 (arXiv 2211.00593), appendix B: run the prompt with every head frozen and
the sender alone changed, the MLPs recomputed (or frozen too); note what the receivers read;
run the prompt again with those queries, keys or values put in, all else recomputed. With the
logits as receiver the first of the two runs is all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from headwidgets.errors import NotMeasurable
from headwidgets.methods.record import mlp_name, z_name
from headwidgets.methods.sweep_source import Source, mask
from headwidgets.methods.trust import require_trust
from headwidgets.model.able import able
from headwidgets.model.replay import Recording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from headwidgets.heads import Head
    from headwidgets.methods.receivers import Receiver
    from headwidgets.methods.snapshot import Pair, Snapshot
    from headwidgets.methods.sweep_plan import Plan
    from headwidgets.model.engine import Engine, HookFn, Hooks

Read = dict[str, "Tensor"]
"""What receivers read: hook point to [copy · prompt, position, head, d_head]."""


class PathRun:
    """A batch of prompts of one length, recorded, and paths patched in it.

    Parameters
    ----------
    engine : Engine
        Held by the caller.
    snapshot : Snapshot
    plan : Plan
        What the senders' z is replaced by, and where.
    pairs : sequence of Pair
    frozen_mlps : bool
        Whether MLPs are frozen too, so that only what passes through no component counts.
    """

    def __init__(
        self,
        engine: Engine,
        snapshot: Snapshot,
        plan: Plan,
        pairs: Sequence[Pair],
        *,
        frozen_mlps: bool = False,
    ) -> None:
        self._engine, self._facts = engine, engine.facts
        ids = torch.tensor([pair.ids(plan.base) for pair in pairs])
        self.source = Source(engine, snapshot, plan, pairs)
        self.source.prepare([z_name(layer) for layer in range(self._facts.n_layers)])
        self.recording = Recording(engine, ids)
        self._first = pairs[0].clean
        self._where = None if plan.at is None else mask(snapshot, pairs, plan.at)
        self._mlps: dict[int, Tensor] = self._record_mlps(ids) if frozen_mlps else {}

    def _record_mlps(self, ids: Tensor) -> dict[int, Tensor]:
        kept: dict[int, Tensor] = {}

        def keep(layer: int) -> HookFn:
            def see(out: Tensor, start: int) -> None:  # noqa: ARG001 - the run is whole
                kept[layer] = out.detach()

            return see

        layers = range(self._facts.n_layers if self._facts.has_mlp else 0)
        self._engine.run_whole(ids, [(mlp_name(layer), keep(layer)) for layer in layers], None)
        return kept

    def changed(self, senders: Sequence[Sequence[Head]], until: int) -> Tensor:
        """Run with all heads frozen but the senders, up to what block `until` reads.

        Parameters
        ----------
        senders : sequence of sequences of Head
            Of each copy.

        Returns
        -------
        Tensor, [copy · prompt, position, d_model]
        """
        first = min((head.layer for copy in senders for head in copy), default=until)
        rows = self.recording.residual[min(first, until)].repeat(len(senders), 1, 1)
        for layer in range(first, until):
            rows = self.recording.hooked(layer, rows, 0, self._frozen(layer, senders))
        return rows

    def read(self, senders: Sequence[Sequence[Head]], receivers: Sequence[Receiver]) -> Read:
        """Return what the receivers read where the senders alone are changed."""
        out: Read = {}
        layers = sorted({one.layer for one in receivers})
        rows, at = self.changed(senders, layers[0]), layers[0]
        for layer in layers:
            for between in range(at, layer):
                rows = self.recording.hooked(between, rows, 0, self._frozen(between, senders))
            names = sorted({one.hook() for one in receivers if one.layer == layer})
            seeing = [(name, _keep(out, name)) for name in names]
            hooks = [*seeing, *self._frozen(layer, senders)]
            rows, at = self.recording.hooked(layer, rows, 0, hooks), layer + 1
        return out

    def received(self, read: Read, receivers: Sequence[Receiver], copies: int) -> Tensor:
        """Run with what the receivers read put in, all else recomputed.

        Returns
        -------
        Tensor, [copy, prompt, d_model]
            The last residual stream at the last position.
        """
        first = min(one.layer for one in receivers)
        rows = self.recording.residual[first].repeat(copies, 1, 1)
        for layer in range(first, self._facts.n_layers):
            hooks = self.putting(read, receivers, layer)
            block = self.recording.hooked if hooks else None
            rows = block(layer, rows, 0, hooks) if block else self.recording.block(layer, rows, 0)
        return rows[:, -1].reshape(copies, -1, rows.shape[-1])

    def putting(self, read: Read, receivers: Sequence[Receiver], layer: int) -> Hooks:
        """Return hooks that put in what the receivers of a layer read."""
        heads: dict[str, set[int]] = {}
        for one in receivers:
            if one.layer == layer:
                heads.setdefault(one.hook(), set()).add(one.place(self._facts))
        return [(name, _put(read[name], sorted(places))) for name, places in heads.items()]

    def _frozen(self, layer: int, senders: Sequence[Sequence[Head]]) -> Hooks:
        """Hold a layer's attention as recorded, but for what its senders write."""
        recorded = self.recording.attention[layer]
        written = torch.stack([self._written(layer, copy) for copy in senders])
        out = (recorded + written).flatten(0, 1)
        hooks: Hooks = [(f"blocks.{layer}.attn.hook_out", _give(out))]
        if layer in self._mlps:
            held = self._mlps[layer].repeat(len(senders), 1, 1)
            hooks = [*hooks, (mlp_name(layer), _give(held))]
        return hooks

    def _written(self, layer: int, heads: Sequence[Head]) -> Tensor:
        """Return what some heads write more than in the recording, [prompt, position, d_model]."""
        chosen = [head.head for head in heads if head.layer == layer]
        if not chosen:
            return torch.zeros_like(self.recording.attention[layer])
        require_trust(self._engine, layer, self._first)
        old = self.recording.z[layer]
        change = (self.source.values(z_name(layer), old) - old)[:, :, chosen]
        if self._where is not None:
            change = change * self._where[:, :, None, None].to(change)
        weight = self._engine.weights.W_O(layer)[chosen].to(change)
        return torch.einsum("bphe,hem->bpm", change, weight)


def require_replay(recording: Recording) -> None:
    """Refuse a model whose blocks cannot be run one by one.

    Raises
    ------
    NotMeasurable
        If that is so.
    """
    can = able(recording)
    if not (can.blocks and can.finish):
        facts = recording.engine.facts
        message = (
            f"path patching runs a model's blocks one by one, which {facts.architecture} does "
            "not allow here: use s.sweep('patch') or hw.patch instead"
        )
        raise NotMeasurable(message)


def _keep(store: Read, name: str) -> HookFn:
    def keep(tensor: Tensor, start: int) -> None:  # noqa: ARG001 - the rows are whole
        store[name] = tensor.detach()

    return keep


def _give(value: Tensor) -> HookFn:
    def give(tensor: Tensor, start: int) -> Tensor:  # noqa: ARG001 - the rows are whole
        return value.to(tensor).reshape(tensor.shape)

    return give


def _put(value: Tensor, places: list[int]) -> HookFn:
    def put(tensor: Tensor, start: int) -> Tensor:
        out = tensor.clone()
        out[:, :, places] = value[:, start : start + tensor.shape[1], places].to(out)
        return out

    return put
