"""One layer of two random heads and nothing after it: what a head does, it does directly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from headwidgets.zoo.planted_tokenizer import D_VOCAB, planted_tokenizer
from headwidgets.zoo.toys.build import boot

if TYPE_CHECKING:
    from transformer_lens import TransformerBridge


def one_layer(seed: int = 0, *, norm: bool = False) -> TransformerBridge:
    """Build one layer of two random heads of width 8, d_model 16: nothing reads what they write.

    Parameters
    ----------
    seed : int
    norm : bool
        Whether there are LayerNorms, before the heads and before the unembedding.

    Returns
    -------
    TransformerBridge
        float32, on the CPU, in evaluation mode, with a tokenizer.
    """
    width = 16
    bridge = boot(
        "one layer",
        planted_tokenizer(),
        n_layers=1,
        n_heads=2,
        d_model=width,
        d_head=width // 2,
        n_ctx=16,
        d_vocab=D_VOCAB,
        normalization_type="LN" if norm else None,
    )
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in bridge.original_model.named_parameters():
            drawn = torch.randn(parameter.shape, generator=generator)
            if parameter.ndim == 1:  # a bias near 0, the weight of a norm near 1
                parameter.copy_(0.3 * drawn + float(name.endswith("weight")))
            else:
                parameter.copy_(0.5 * drawn)
    return bridge
