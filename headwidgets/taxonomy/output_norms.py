"""How much each head writes at the last token: the length of z W_O, mean over prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from headwidgets.methods.decompose import keep_at
from headwidgets.methods.record import z_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from headwidgets.model.engine import Engine


def output_norms(engine: Engine, rows: Sequence[tuple[int, ...]]) -> NDArray[np.float64]:
    """Return the mean length of every head's write, [layer, head]."""
    facts = engine.facts
    total = np.zeros((facts.n_layers, facts.n_heads))
    lengths: dict[int, list[tuple[int, ...]]] = {}
    for ids in rows:
        lengths.setdefault(len(ids), []).append(ids)
    for length, group in lengths.items():
        step = engine.rows_at_once(length)
        for start in range(0, len(group), step):
            some = group[start : start + step]
            kept: dict[str, torch.Tensor] = {}
            places = [length - 1] * len(some)
            names = [z_name(layer) for layer in range(facts.n_layers)]
            engine.run(torch.tensor(some), [(name, keep_at(kept, name, places)) for name in names])
            for layer, name in enumerate(names):
                if name in kept:
                    W_O = engine.weights.W_O(layer).to(kept[name].device)
                    written = torch.einsum("rhd,hdm->rhm", kept[name].float(), W_O)
                    total[layer] += written.norm(dim=-1).sum(0).double().cpu().numpy()
    return total / len(rows)
