"""One head's z replaced in a recorded run, by itself, and what then arrives at the end.

The rest of the run is replayed from the head's layer on where the model can be (see
`headwidgets.model.able`); else the whole prompt is run once a head, with a hook.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from headwidgets.errors import InputError
from headwidgets.methods.decompose import post_weight, scale_of
from headwidgets.methods.means import mean_tables
from headwidgets.methods.record import record, z_name
from headwidgets.methods.snapshot import Snapshot, position, require_aligned
from headwidgets.methods.trust import require_trust
from headwidgets.model.able import able
from headwidgets.model.climb import Arrival, climb
from headwidgets.model.replay import Recording
from headwidgets.model.work import checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headwidgets.heads import Head
    from headwidgets.methods.edits import At
    from headwidgets.model.engine import Engine, HookFn

KINDS = ("patch", "zero", "mean")
TOKENS = 2048
"""Tokens of a batch of prompts."""
BYTES = 128 << 20
"""What the copies of one climb may take, in bytes."""


def check_kind(kind: str) -> None:
    """Refuse what a head cannot be replaced by."""
    if kind not in KINDS:
        message = f"expected a kind {', '.join(map(repr, KINDS))}, got {kind!r}"
        raise InputError(message)


class Replaced:
    """A recorded clean run of some pairs of one length, and what a head's z may become.

    Parameters
    ----------
    engine : Engine
        Held by the caller for as long as this is used.
    snapshot : Snapshot
        Without edits.
    batch : sequence of int
    kind : {"patch", "zero", "mean"}
    at : int, str, list of them, optional
    """

    def __init__(
        self, engine: Engine, snapshot: Snapshot, batch: Sequence[int], kind: str, at: At
    ) -> None:
        self.engine, self.kind = engine, kind
        self.pairs = [snapshot.pairs[i] for i in batch]
        if kind == "patch":
            instead = "set s.corrupted_prompt (or prompts with one), or take kind='zero' or 'mean'"
            require_aligned(engine, snapshot, "effects of a patch need", instead)
        self._names = {layer: z_name(layer) for layer in range(engine.facts.n_layers)}
        self.recording = Recording(engine, torch.tensor([pair.clean for pair in self.pairs]))
        self._sources = self._given(snapshot)
        self._mask = self._where(snapshot, at)  # bool [prompt, position]
        self.start = int(self._mask.any(0).float().argmax())

    @staticmethod
    def room(engine: Engine, snapshot: Snapshot) -> int:
        """How many prompts to take at once."""
        longest = max(len(pair.clean) for pair in snapshot.pairs)
        return max(1, min(engine.rows_at_once(longest), TOKENS // longest))

    def _given(self, snapshot: Snapshot) -> dict[str, Tensor]:
        names = list(self._names.values())
        if self.kind == "patch":
            return record(self.engine, [pair.ids("corrupted") for pair in self.pairs], names)
        if self.kind == "mean":
            tables = mean_tables(self.engine, snapshot, names)
            bos = self.engine.text.bos_id
            return {name: table.rows(self.pairs, bos) for name, table in tables.items()}
        return {}

    def _where(self, snapshot: Snapshot, at: At) -> Tensor:
        mask = torch.ones(len(self.pairs), self.recording.length, dtype=torch.bool)
        if at is not None:
            mask[:] = False
            for row, pair in enumerate(self.pairs):
                mask[row, position(at, pair, one_length=snapshot.one_length)] = True
        if self.kind == "patch":  # before the first token that differs, z is the same
            rows = torch.tensor([pair.clean for pair in self.pairs])
            other = torch.tensor([pair.ids("corrupted") for pair in self.pairs])
            mask &= (rows != other).cumsum(1) > 0
        if not mask.any():
            mask[:, -1] = True  # nothing changes: one position, which stays as it is
        return mask.to(self.recording.z[0].device)

    def changed(self, layer: int) -> Tensor:
        """Return what every head's z becomes, [prompt, position, head, d_head]."""
        old: Tensor = self.recording.z[layer]
        name = self._names[layer]
        new = self._sources[name].to(old) if name in self._sources else torch.zeros_like(old)
        return torch.where(self._mask[..., None, None], new, old)

    def written(self, layer: int, heads: Sequence[int], at: slice) -> Tensor:
        """Return what each head writes more, float32 [head, prompt, position, d_model]."""
        change = (self.changed(layer) - self.recording.z[layer])[:, at, list(heads)]
        weight = self.engine.weights.W_O(layer)[list(heads)].to(change.device)
        return torch.einsum("rphd,hdm->hrpm", change.float(), weight)

    def through_post_norm(self, layer: int, written: Tensor) -> tuple[Tensor, Tensor]:
        """Take changes at the end to the residual stream: at a frozen scale, and recomputed.

        Parameters
        ----------
        written : Tensor, float32, [head, prompt, d_model]
        """
        weight = post_weight(self.engine, layer)
        if weight is None:
            return written, written
        norm = self.engine.view.blocks[layer].ln1_post
        before = self.recording.attention[layer][:, -1]
        rows = torch.cat([before[None].float(), before.float() + written]).to(before.dtype)
        out = norm(rows).float()
        return written / scale_of(norm, before) * weight, out[1:] - out[0]

    # ------------------------------------------------------------------ to the end

    def ends(self, heads: Sequence[Head]) -> Iterator[Tensor]:
        """Yield the last residual stream, [head, prompt, d_model], of a few heads at a time."""
        for layer in sorted({head.layer for head in heads}):
            require_trust(self.engine, layer, self.pairs[0].clean)
        can = able(self.recording)
        if not can.prefix:
            self.start = 0
        go = self._climb if can.blocks and can.joins else self._run
        size = len(self.pairs) * (self.recording.length - self.start)
        step = max(1, BYTES // (16 * size * self.engine.facts.d_model))
        for first in range(0, len(heads), step):
            checkpoint()
            some = heads[first : first + step]
            yield go(some)

    def _climb(self, heads: Sequence[Head]) -> Tensor:
        everywhere, beside = slice(self.start, None), able(self.recording).beside

        def arrivals() -> Iterator[Arrival]:
            for layer, mine in groupby(heads, key=lambda head: head.layer):
                written = self.written(layer, [head.head for head in mine], everywhere)
                rows = self.recording.after_attention(
                    layer, written.to(self.engine.weights.dtype), everywhere
                )
                yield Arrival(layer, rows)

        return climb(self.recording, arrivals(), self.start, beside=beside).float()

    def _run(self, heads: Sequence[Head]) -> Tensor:
        """Run the prompts again, once a head."""
        rows = torch.tensor([pair.clean for pair in self.pairs])
        out = []
        last = f"blocks.{self.engine.facts.n_layers - 1}.hook_resid_post"
        for head in heads:
            checkpoint()
            seen: list[Tensor] = []
            hooks = [(self._names[head.layer], self._put(head)), (last, _keep_last(seen))]
            self.engine.run(rows, hooks)
            out.append(seen[-1].float())
        return torch.stack(out)

    def _put(self, head: Head) -> HookFn:
        new = self.changed(head.layer)[:, :, head.head]

        def put(z: Tensor, start: int) -> Tensor:
            z = z.clone()
            z[:, :, head.head] = new[:, start : start + z.shape[1]]
            return z

        return put


def _keep_last(store: list[Tensor]) -> HookFn:
    def keep(tensor: Tensor, start: int) -> None:  # noqa: ARG001 - the last chunk is the last
        store.append(tensor[:, -1].detach().clone())

    return keep
