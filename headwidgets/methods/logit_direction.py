"""The direction in the residual stream that a logit difference reads.

The final norm divides by a scale and is linear but for that. With the scale of the run
frozen,

    metric = residual · direction + constant,
    direction = centre(weight ∘ (W_U[answer] − W_U[foil])) / scale,
    constant = bias · (W_U[answer] − W_U[foil]) + b_U[answer] − b_U[foil];

centre takes the mean over d_model off, where the norm does (LayerNorm, not RMSNorm). A
soft cap on the logits comes after: all of this is before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from headwidgets.methods.decompose import norm_weight

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from headwidgets.methods.metric import Tokens
    from headwidgets.model.engine import Engine


class LogitDirection:
    """The directions of some prompts' logit differences.

    Parameters
    ----------
    engine : Engine
    tokens : sequence of (answers, foils)
        Token ids of each prompt; several are averaged.

    Attributes
    ----------
    vectors : Tensor, float32, [prompt, d_model]
        Not yet divided by the scale of a run.
    norm_bias, unembedding_bias : Tensor, float32, [prompt]
        The two terms of the constant.
    """

    def __init__(self, engine: Engine, tokens: Sequence[Tokens]) -> None:
        W_U = engine.weights.W_U
        read = torch.stack(
            [W_U[:, right].mean(1) - W_U[:, wrong].mean(1) for right, wrong in tokens]
        )
        norm = getattr(engine.view, "ln_final", None)
        weight = norm_weight(norm)
        vectors = read if weight is None else read * weight
        if centres(engine):
            vectors = vectors - vectors.mean(-1, keepdim=True)
        self.vectors = vectors
        bias = getattr(getattr(norm, "original_component", None), "bias", None)
        nothing = torch.zeros(len(tokens), device=read.device)
        self.norm_bias = nothing if bias is None else read @ bias.detach().float()
        unembed = getattr(engine.view, "b_U", None)
        self.unembedding_bias = (
            nothing
            if unembed is None
            else torch.stack([unembed[r].mean() - unembed[w].mean() for r, w in tokens]).float()
        ).detach()


def centres(engine: Engine) -> bool:
    """Whether the final norm takes the mean over d_model off: LayerNorm does, RMSNorm does not."""
    norm = getattr(engine.view, "ln_final", None)
    return norm_weight(norm) is not None and not getattr(norm, "uses_rms_norm", False)


def read_at_scale(engine: Engine, writes: Tensor, scale: Tensor) -> Tensor:
    """Return what the unembedding reads of writes at a frozen scale, the norm's bias left out.

    Parameters
    ----------
    writes : Tensor, float32, [..., d_model]
    scale : Tensor
        What the final norm divides by; broadcasts with `writes`.
    """
    if centres(engine):
        writes = writes - writes.mean(-1, keepdim=True)
    weight = norm_weight(getattr(engine.view, "ln_final", None))
    return writes / scale if weight is None else writes / scale * weight
