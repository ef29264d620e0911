"""What heads write at the last token of prompts, kept as a run goes by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from headwidgets.methods.decompose import keep_at, post_scale, post_weight, there
from headwidgets.methods.record import z_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from headwidgets.model.engine import Engine, HookFn, Hooks

Seen = dict[str, "Tensor"]
"""Hook point to its activation at the last token, [row, ...]."""


def at_end(
    engine: Engine,
    rows: Sequence[Sequence[int]],
    further: Sequence[str] = (),
    hooks: Hooks = (),
) -> Seen:
    """Run rows of one length; keep the heads' z at the last token, and whatever else is named.

    Parameters
    ----------
    engine : Engine
    rows : sequence of token ids
    further : sequence of str
        More hook points; those that the model lacks are left out.
    hooks : sequence
        Edits in force.
    """
    seen: Seen = {}
    last = [len(row) - 1 for row in rows]
    layers = range(engine.facts.n_layers)
    names = [*further, *(name(layer) for layer in layers for name in (z_name, post_scale))]
    watching = [(name, keep_at(seen, name, last)) for name in there(engine, names)]
    engine.run(torch.tensor([list(row) for row in rows]), [*hooks, *watching])
    return seen


def heads_z(engine: Engine, layer: int, seen: Seen) -> Tensor:
    """Return what a layer's output matrices read, float32 [row, head, d_head]."""
    z = seen[z_name(layer)].float()
    return z.reshape(len(z), engine.facts.n_heads, -1)


def written(engine: Engine, layer: int, seen: Seen) -> Tensor:
    """Return what each head of a layer writes to the stream, float32 [row, head, d_model].

    Behind the norm that some models have after the attention; the bias of W_O belongs to no head.
    """
    z = heads_z(engine, layer, seen)
    with torch.no_grad():
        out = torch.einsum("rhd,hdm->rhm", z, engine.weights.W_O(layer).to(z.device).float())
        return behind_norm(engine, layer, seen, out)


def behind_norm(engine: Engine, layer: int, seen: Seen, out: Tensor) -> Tensor:
    """Return what is left of [row, head, d_model] behind the norm that some models have there.

    Its scale is the run's own.
    """
    gain = post_weight(engine, layer)
    return out if gain is None else out * (gain / seen[post_scale(layer)].float())[:, None]


def setting(heads: Sequence[tuple[int, int]], z: Sequence[Tensor], last: int) -> Hooks:
    """Return hooks that set heads to a given z at one position.

    Parameters
    ----------
    heads : sequence of Head
    z : sequence of Tensor, [d_head] or [row, d_head]
        One for each head.
    last : int
    """
    layers: dict[int, dict[int, Tensor]] = {}
    for (layer, head), value in zip(heads, z, strict=True):
        layers.setdefault(layer, {})[head] = value
    return [(z_name(layer), _set(some, last)) for layer, some in layers.items()]


def _set(some: dict[int, Tensor], last: int) -> HookFn:
    heads, given = list(some), torch.stack(list(some.values()), dim=-2)  # [(row,) head, d_head]

    def hook(z: Tensor, start: int) -> Tensor | None:
        if not start <= last < start + z.shape[1]:
            return None
        new = z.reshape(*z.shape[:2], -1, given.shape[-1]).clone()
        new[:, last - start, heads] = given.to(new)
        return new.reshape(z.shape)

    return hook
