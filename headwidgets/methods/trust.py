"""Whether a layer's attention really reads z where z is edited; asked once a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from headwidgets.errors import EditDropped
from headwidgets.methods.record import keep_into, z_name

if TYPE_CHECKING:
    from torch import Tensor

    from headwidgets.methods.snapshot import Ids
    from headwidgets.model.engine import Engine, Hooks

_TOKENS = 8  # enough to see whether an edit arrives
_SLACK = {torch.float32: 1e-3, torch.float64: 1e-3}  # of the largest change; half precision: 0.1


def require_trust(engine: Engine, layer: int, ids: Ids) -> None:
    """Raise unless zeroing a layer's z takes z·W_O, and nothing else, out of its output.

    A short run with and without the edit, once for each layer and model.

    Raises
    ------
    EditDropped
        If the architecture drops the edit, or does more than it says.
    """
    key = ("trusted", layer)
    if engine.cache.get(key):
        return
    row = torch.tensor([ids[:_TOKENS]])
    name, out = z_name(layer), f"blocks.{layer}.attn.hook_out"
    stop = layer + 1 if layer + 1 < engine.facts.n_layers else None

    def record(hooks: Hooks) -> tuple[Tensor, Tensor]:
        z: list[Tensor] = []
        written: list[Tensor] = []
        watching = [(name, keep_into(z)), (out, keep_into(written))]
        engine.run(row, [*hooks, *watching], stop_at_layer=stop)
        return torch.cat(z, 1).float(), torch.cat(written, 1).float()

    z, before = record([])
    _, after = record([(name, lambda t, _start: torch.zeros_like(t))])
    expected = torch.einsum("bphd,hdm->bpm", z, engine.weights.W_O(layer))
    size = float(expected.abs().max())
    slack = _SLACK.get(engine.weights.dtype, 0.1)
    if float((before - after - expected).abs().max()) > slack * size + 1e-6:
        message = (
            f"zeroing the heads of layer {layer} should take {size:.3g} out of its attention's "
            f"output, and took {float((before - after).abs().max()):.3g}: "
            f"{engine.facts.architecture} does not read z where it is edited, so edits of heads "
            "cannot be trusted on this model"
        )
        raise EditDropped(message)
    engine.cache.put(key, True, 1)  # noqa: FBT003 - the answer itself
