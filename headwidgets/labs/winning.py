"""Which head's own write the correct next token leans on most, at every position of some texts.

The direct effect of a head at a position is what the correct next token's logit loses if the head's
z is replaced by its mean over all positions of the texts (the first token left out), every other
component and the final norm's scale as they were: ``(z - mean z) W_O · W_U[next]`` through the
frozen norm. A winning case of a head is a position where its effect is above zero and the largest
of all heads (Gould et al. 2023, arXiv 2312.09230, section 5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from headwidgets.errors import ModelError
from headwidgets.methods.decompose import FINAL_SCALE, post_scale, post_weight, there
from headwidgets.methods.logit_direction import read_at_scale
from headwidgets.methods.record import keep_into, z_name
from headwidgets.model.work import checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from headwidgets.heads import Head
    from headwidgets.model.engine import Engine

    Rows = Sequence[Sequence[int]]


class Seen(NamedTuple):
    """What was measured of one text.

    Attributes
    ----------
    row : int
        Which text.
    effects : ndarray of float32, [layer, head, position]
        On the next token's logit; the last position has no next token.
    pattern : ndarray of float32, [position, key]
        Attention of the head that is asked about.
    """

    row: int
    effects: NDArray[np.float32]
    pattern: NDArray[np.float32]


def measured(engine: Engine, rows: Rows, head: Head) -> Iterator[Seen]:
    """Yield the direct effects of all heads on the next tokens, text by text.

    Raises
    ------
    ModelError
        If the head's layer shows no attention pattern.
    """
    total = 2 * len(rows)
    means = _means(engine, rows, total)
    n_layers = engine.facts.n_layers
    for at, row in enumerate(rows):
        checkpoint(len(rows) + at, total, "texts")
        pattern = f"blocks.{head.layer}.attn.hook_pattern"
        names = there(engine, [*map(z_name, range(n_layers)), FINAL_SCALE, pattern])
        names += there(engine, [post_scale(layer) for layer in range(n_layers)])
        seen = _run(engine, row, names)
        if pattern not in seen:
            message = f"layer {head.layer} shows no attention pattern: open the model with eager"
            raise ModelError(message)
        towards = engine.weights.W_U[:, list(row[1:])].T.float()  # [position, d_model]
        scale = seen.get(FINAL_SCALE)
        scale = torch.ones(len(row), 1) if scale is None else scale[0].float()
        effects = np.zeros((n_layers, engine.facts.n_heads, len(row) - 1), np.float32)
        for layer in range(n_layers):
            change = seen[z_name(layer)][0, :-1].float() - means[layer]
            written = torch.einsum("phd,hdm->phm", change, engine.weights.W_O(layer))
            gain = post_weight(engine, layer)
            if gain is not None:
                written = written * (gain / seen[post_scale(layer)][0, :-1].float())[:, None]
            read = read_at_scale(engine, written, scale[:-1, None].to(written.device))
            effects[layer] = torch.einsum("phm,pm->hp", read, towards).cpu().numpy()
        shown = seen[pattern][0, head.head].float().cpu().numpy()
        yield Seen(at, effects, shown)


def _means(engine: Engine, rows: Rows, total: int) -> list[Tensor]:
    """Return each layer's mean z, [head, d_head], the first token of each text left out."""
    names = [z_name(layer) for layer in range(engine.facts.n_layers)]
    sums: list[Tensor] = []
    n = 0
    for at, row in enumerate(rows):
        checkpoint(at, total, "means")
        seen = _run(engine, row, names)
        here = [seen[name][0, 1:].float().sum(0) for name in names]
        sums = here if not sums else [one + more for one, more in zip(sums, here, strict=True)]
        n += len(row) - 1
    return [one / n for one in sums]


def _run(engine: Engine, row: Sequence[int], names: Sequence[str]) -> dict[str, Tensor]:
    kept: dict[str, list[Tensor]] = {name: [] for name in names}
    hooks = [(name, keep_into(parts)) for name, parts in kept.items()]
    engine.run(torch.tensor([list(row)]), hooks)
    return {name: _joined(parts, len(row)) for name, parts in kept.items() if parts}


def _joined(parts: list[Tensor], length: int) -> Tensor:
    """Put chunks of queries together; each chunk of attention sees the keys so far."""
    if len(parts) == 1:
        return parts[0]
    if parts[0].shape[-1] == parts[-1].shape[-1]:
        return torch.cat(parts, dim=1)
    wide = [torch.nn.functional.pad(part, (0, length - part.shape[-1])) for part in parts]
    return torch.cat(wide, dim=2)
