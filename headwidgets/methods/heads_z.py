"""Every head's z at one position of each prompt of a set, in one run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from headwidgets.errors import InputError
from headwidgets.methods.activations import places_of
from headwidgets.methods.decompose import keep_at
from headwidgets.methods.record import z_name
from headwidgets.methods.runs import batches

if TYPE_CHECKING:
    from torch import Tensor

    from headwidgets.methods.places import At
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine


def heads_z_at(engine: Engine, snapshot: Snapshot, at: At) -> tuple[Tensor, list[int]]:
    """Return z of the clean runs, unedited, float32 [prompt, layer, head, d_head], and the tokens.

    Parameters
    ----------
    at : int, str or tuple of them
        One position of each prompt.

    Raises
    ------
    InputError
        If it means no position of a prompt, or several.
    """
    layers = range(engine.facts.n_layers)
    out: dict[int, Tensor] = {}
    tokens = [0] * len(snapshot.pairs)
    for batch in batches(engine, snapshot):
        rows = [snapshot.pairs[i].clean for i in batch]
        places = []
        for i in batch:
            found = places_of(at, snapshot.pairs[i], snapshot)
            if len(found) != 1:
                message = f"expected at= as one position of each prompt, got {at!r}: {len(found)}"
                raise InputError(message)
            places += found
            tokens[i] = snapshot.pairs[i].clean[found[0]]
        seen: dict[str, Tensor] = {}
        hooks = [(z_name(layer), keep_at(seen, z_name(layer), places)) for layer in layers]
        engine.run(torch.tensor([list(row) for row in rows]), hooks)
        z = [
            seen[z_name(layer)].float().cpu().reshape(len(batch), engine.facts.n_heads, -1)
            for layer in layers
        ]
        out |= dict(zip(batch, torch.stack(z, 1), strict=True))
    return torch.stack([out[i] for i in range(len(out))]), tokens
