"""A metric read off the last residual stream of many copies of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from headwidgets.methods.measuring import Reading
    from headwidgets.model.engine import Engine
    from headwidgets.model.finish import Finish

BYTES = 64 << 20
"""The most that the logits of one step may take, where a metric needs all of them."""


def measured(engine: Engine, finish: Finish, rows: Tensor, read: Reading) -> Tensor:
    """Return the metric of copies.

    Parameters
    ----------
    rows : Tensor, [copy, prompt, d_model]
        Their last residual stream at the last position.
    read : Reading
        The metric on these prompts; where it needs few logits, only those are made.

    Returns
    -------
    Tensor, float32, [copy, prompt]
    """
    normed = finish.norm(rows)
    columns = read.columns
    if columns is not None:
        return read.narrowed()(finish.columns(normed, columns))
    step = max(1, BYTES // (4 * engine.facts.d_vocab * normed.shape[1]))
    parts = []
    for first in range(0, len(normed), step):
        some = normed[first : first + step]
        logits = finish.logits(some.flatten(0, 1))
        parts.append(read(logits.reshape(*some.shape[:2], -1)))
    return torch.cat(parts)
