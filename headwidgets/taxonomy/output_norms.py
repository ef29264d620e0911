"""How much each head writes at one token: the length of z W_O, mean over prompts."""

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


def output_norms(
    engine: Engine, rows: Sequence[tuple[int, ...]], places: Sequence[int] | None = None
) -> NDArray[np.float64]:
    """Return the mean length of every head's write, [layer, head].

    Parameters
    ----------
    engine : Engine
    rows : sequence of token ids
    places : sequence of int, optional
        The position in each row; default: its last.
    """
    facts = engine.facts
    at = [len(ids) - 1 for ids in rows] if places is None else list(places)
    total = np.zeros((facts.n_layers, facts.n_heads))
    lengths: dict[int, list[int]] = {}
    for i, ids in enumerate(rows):
        lengths.setdefault(len(ids), []).append(i)
    for length, group in lengths.items():
        step = engine.rows_at_once(length)
        for start in range(0, len(group), step):
            some = group[start : start + step]
            kept: dict[str, torch.Tensor] = {}
            where = [at[i] for i in some]
            names = [z_name(layer) for layer in range(facts.n_layers)]
            hooks = [(name, keep_at(kept, name, where)) for name in names]
            engine.run(torch.tensor([rows[i] for i in some]), hooks)
            for layer, name in enumerate(names):
                if name in kept:
                    W_O = engine.weights.W_O(layer).to(kept[name].device)
                    written = torch.einsum("rhd,hdm->rhm", kept[name].float(), W_O)
                    total[layer] += written.norm(dim=-1).sum(0).double().cpu().numpy()
    return total / len(rows)
