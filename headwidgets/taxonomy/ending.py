"""What the residual stream holds at a task's last tokens, and what heads write to it there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from headwidgets.methods.decompose import scale_of
from headwidgets.methods.record import stream_name
from headwidgets.model.work import checkpoint
from headwidgets.taxonomy.last_token import Seen, at_end, heads_z, written
from headwidgets.taxonomy.ov import unembedding

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from headwidgets.model.engine import Engine
    from headwidgets.taxonomy.measure import Measure
    from headwidgets.taxonomy.on_task import OnTask


class Ending(NamedTuple):
    """Layer by layer, at the last token of each prompt.

    Attributes
    ----------
    held : ndarray of float32, [prompt, layer, token]
        Logits of a few tokens as the stream before the layer has them, read through the final
        norm, its scale recomputed (nostalgebraist 2020, "logit lens"); biases left out.
    z : ndarray of float32, [prompt, layer, head, d_head]
        What the heads' output matrices read.
    length : ndarray of float32, [prompt, layer, head]
        How long a vector each head writes, as a share of the length of the stream.
    """

    held: NDArray[np.float32]
    z: NDArray[np.float32]
    length: NDArray[np.float32]


def ending(measure: Measure, task: OnTask, tokens: Sequence[int]) -> Ending:
    """Run a task's prompts, those of one length together, and look at their last tokens.

    Raises
    ------
    NotMeasurable
        If the final norm does not show what it divides by.
    """
    engine, rows = measure.engine, task.asked.rows
    read = unembedding(engine, tokens)
    found: list[tuple[Tensor, Tensor, Tensor]] = [(torch.empty(0),) * 3] * len(rows)
    for length in sorted({len(row) for row in rows}):
        same = [i for i, row in enumerate(rows) if len(row) == length]
        step = engine.rows_at_once(length)
        for start in range(0, len(same), step):
            checkpoint()
            some = same[start : start + step]
            streams = [stream_name(layer) for layer in range(engine.facts.n_layers)]
            seen = at_end(engine, [rows[i] for i in some], streams, measure.hooks)
            parts = [_layer(engine, layer, seen, read) for layer in range(engine.facts.n_layers)]
            for row, i in enumerate(some):
                held, z, size = zip(*((part[row] for part in one) for one in parts), strict=True)
                found[i] = torch.stack(held), torch.stack(z), torch.stack(size)
    return Ending(*(torch.stack(one).cpu().numpy() for one in zip(*found, strict=True)))


def _layer(engine: Engine, layer: int, seen: Seen, read: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return held [row, token], z [row, head, d_head] and length [row, head] of one layer."""
    stream = seen[stream_name(layer)].float()
    with torch.no_grad():
        scale = scale_of(getattr(engine.view, "ln_final", None), stream)
        held = stream @ read.to(stream.device) / scale
        length = written(engine, layer, seen).norm(dim=-1)
        length = length / stream.norm(dim=-1, keepdim=True).clamp(min=1e-30)
    return held, heads_z(engine, layer, seen), length
