"""Activations of a run, kept by prompt and hook point."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwidgets.methods.snapshot import Ids
    from headwidgets.model.engine import Engine, HookFn


def z_name(layer: int) -> str:
    """Name the hook point of a layer's z, [batch, position, head, d_head]."""
    return f"blocks.{layer}.attn.hook_z"


def mlp_name(layer: int) -> str:
    """Name the hook point of what an MLP writes, [batch, position, d_model]."""
    return f"blocks.{layer}.hook_mlp_out"


def stream_name(layer: int) -> str:
    """Name the hook point of the stream that block `layer` reads, [batch, position, d_model]."""
    return f"blocks.{layer}.hook_resid_pre"


def resid_name(layer: int, n_layers: int) -> str:
    """Name the hook point of the stream that block `layer` reads, [batch, position, d_model].

    Layer `n_layers` is the last stream, which the final norm reads.
    """
    if layer == n_layers:
        return f"blocks.{n_layers - 1}.hook_resid_post"
    return stream_name(layer)


def record(engine: Engine, rows: Sequence[Ids], names: Sequence[str]) -> dict[str, Tensor]:
    """Return activations of unedited runs.

    Parameters
    ----------
    engine : Engine
    rows : sequence of token ids
        Prompts of one length.
    names : sequence of str
        Hook points, such as ``"blocks.3.attn.hook_z"``.

    Returns
    -------
    dict of str to Tensor
        [row, position, ...], in the model's dtype.
    """
    key = ("activations", tuple(rows))
    kept = {name: engine.cache.get((*key, name)) for name in names}
    missing = [name for name, value in kept.items() if value is None]
    if missing:
        parts: dict[str, list[Tensor]] = {name: [] for name in missing}
        engine.run(
            torch.tensor(rows),
            [(name, keep_into(parts[name])) for name in missing],
            stop_at_layer=_above(engine, missing),
        )
        for name, chunks in parts.items():
            kept[name] = value = torch.cat(chunks, dim=1)
            engine.cache.put((*key, name), value, value.numel() * value.element_size())
    return kept  # type: ignore[return-value]


def keep_into(store: list[Tensor]) -> HookFn:
    """Return a hook that appends what it sees to `store`, chunk by chunk."""

    def keep(tensor: Tensor, start: int) -> None:  # noqa: ARG001 - chunks arrive in order
        store.append(tensor.detach().clone())

    return keep


def _above(engine: Engine, names: Sequence[str]) -> int | None:
    """Return the first layer that need not run, None where all must."""
    above = max(int(name.split(".")[1]) for name in names) + 1
    return above if above < engine.facts.n_layers else None
