"""Copies of the last token side by side: queries of one row that share what lies before.

Run as rows, each copy would need its own copy of the keys and values before it; side by
side they read the same ones, and a mask lets each see those and itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from headwidgets.model.replay import Recording


def block_beside(recording: Recording, layer: int, rows: Tensor) -> Tensor:
    """Run a block on copies of the last token.

    Parameters
    ----------
    recording : Recording
    layer : int
    rows : Tensor, [copy, prompt, 1, d_model]
        What the block reads in each copy.

    Returns
    -------
    Tensor
        As `rows`: what the block leaves.
    """
    start = recording.length - 1
    copies = len(rows)

    def along(value: Tensor, axis: int) -> Tensor:
        last = value.narrow(axis, start, 1)
        shape = list(last.shape)
        shape[axis] = copies
        return last.expand(shape)

    def mask(value: Tensor) -> Tensor:
        return _beside(value[..., start:, :], copies)

    out = recording.call(layer, rows[:, :, 0].transpose(0, 1), start, mask, along)
    return out.transpose(0, 1)[:, :, None]


def _beside(mask: Tensor, copies: int) -> Tensor:
    """Open to each copy what the last token sees before it, and itself."""
    flags = mask.dtype == torch.bool
    before = mask[..., :-1].expand(*mask.shape[:2], copies, -1)
    closed = 0.0 if flags else torch.finfo(mask.dtype).min
    own = torch.full((copies, copies), closed, dtype=mask.dtype, device=mask.device)
    own.fill_diagonal_(1 if flags else 0)
    return torch.cat([before, own.expand(*mask.shape[:2], copies, copies)], dim=-1)
