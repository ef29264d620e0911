"""Induction in two heads, on letters: the smallest circuit with a path through a key.

The residual stream is a row of slots:

| slot | width | written by | read by |
|---|---|---|---|
| token | 64 | the embedding: one-hot; nothing for ``<bos>`` | 0.0's v, 1.0's q and v |
| position | 64 | the position embedding: one-hot | 0.0's q and k |
| previous | 64 | 0.0: the tokens that it attends to | 1.0's k |
| out | 64 | 1.0: the tokens that it attends to | the unembedding |

Head 0.0 scores β at the position before, and 0 elsewhere; head 1.0 scores β where its own
token stands in "previous", and 0 elsewhere. Logits are β times "out". So 0.0 moves a logit
through the keys of 1.0 and in no other way, and without 1.0 all logits are 0: a loss of
exactly ln 64. There is no rest on ``<bos>``: at a small β both heads spread.

The circuit is that of Elhage et al. 2021 (*A Mathematical Framework for Transformer Circuits*,
"Induction heads").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from headwidgets.zoo.toys.build import Head, boot, check_beta, write
from headwidgets.zoo.toys.letters import D_VOCAB, letters

if TYPE_CHECKING:
    from transformer_lens import TransformerBridge

N_CTX = 64
TOKEN = slice(0, D_VOCAB)
POSITION = slice(TOKEN.stop, TOKEN.stop + N_CTX)
PREVIOUS = slice(POSITION.stop, POSITION.stop + D_VOCAB)
OUT = slice(PREVIOUS.stop, PREVIOUS.stop + D_VOCAB)
D_MODEL = OUT.stop
D_HEAD = D_VOCAB

_SLOT = torch.eye(D_MODEL, dtype=torch.float32, device="cpu")
_ONE_BACK = _SLOT[:, POSITION].roll(-1, dims=1)
_ONE_BACK[:, -1] = 0  # nothing stands before position 0
_PREVIOUS_TOKEN = Head(((1.0, _ONE_BACK, _SLOT[:, POSITION]),), ((1.0, TOKEN, PREVIOUS),))
_INDUCTION = Head(((1.0, _SLOT[:, TOKEN], _SLOT[:, PREVIOUS]),), ((1.0, TOKEN, OUT),))


def induction(beta: float = 20.0) -> TransformerBridge:
    """Build the circuit: 0.0 is the previous-token head, 1.0 the induction head.

    Parameters
    ----------
    beta : float
        How sharply the heads attend, in nats of attention score, and the height of a logit.
        20 is exact to 1e-3; at 2 nearly nothing is left.

    Returns
    -------
    TransformerBridge
        float32, on the CPU, in evaluation mode, with a tokenizer of letters.

    Raises
    ------
    InputError
        If `beta` is negative or not finite.
    """
    check_beta(beta)
    sizes = {"d_model": D_MODEL, "d_head": D_HEAD, "n_ctx": N_CTX, "d_vocab": D_VOCAB}
    bridge = boot("induction", letters(), n_layers=2, n_heads=1, **sizes)
    with torch.no_grad():
        for parameter in bridge.original_model.parameters():
            parameter.zero_()
        bridge.embed.weight[:, TOKEN] = torch.eye(D_VOCAB)
        bridge.embed.weight[0] = 0.0
        bridge.pos_embed.weight[:, POSITION] = torch.eye(N_CTX)
        bridge.unembed.weight[:, OUT] = beta * torch.eye(D_VOCAB)
        for layer, head in enumerate((_PREVIOUS_TOKEN, _INDUCTION)):
            write(bridge.blocks[layer].attn, 0, head, beta, D_HEAD)
    return bridge
