"""The planted model: a transformer whose heads were set by hand, so that every score is known.

Two layers of three heads, attention only, no normalisation, 512 tokens, 256 positions. The
residual stream is a row of slots, and each head reads and writes whole slots:

| slot | width | written by | read by |
|---|---|---|---|
| token | 64 | the embedding: the token's code; nothing for ``<bos>`` | every head |
| position | 256 | the position embedding, one-hot | layer 0; as "always" also layer 1 |
| previous | 64 | head 0.0: code of the token before | head 1.0 |
| out | 64 | head 1.0: code of the token that comes next | the unembedding |
| spare | 64 | 0.1, 0.2, 1.1, 1.2: what they attend to | nobody |
| bos | 1 | the embedding: 1 for ``<bos>`` | every head that can rest |

| head | attends, at position i, to | score there |
|---|---|---|
| 0.0 previous token | i - 1 | β |
| 0.1 duplicate token | earlier copies of the token at i; ``<bos>`` if there is none | 2β; β |
| 0.2 current token | i | β |
| 1.0 induction | what followed earlier copies of it; ``<bos>`` if there is none | 2β; β |
| 1.1 sink | ``<bos>`` | β |
| 1.2 uniform | 0, 1, ..., i alike | 0 everywhere |

All other scores are 0, or within ±β/4 where two token codes overlap. Several earlier copies
share the attention equally. A copy that stands right beside the token counts as any other, and
``<bos>`` is no word: it has no code, so nothing is copied from it. Logits are β times the overlap
of the out slot with a token's code: 0 for all tokens (a loss of exactly ln 512) until a token
comes again, then β for the one that followed it. The model means its prompts to begin with
``<bos>``; without it, a head that would rest there spreads its attention.

The circuit is that of Elhage et al. 2021 (*A Mathematical Framework for Transformer Circuits*,
"Induction heads") and Olsson et al. 2022 (*In-context Learning and Induction Heads*), with exact
one-hot positions, because the duplicate head leaves itself out by position.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from transformer_lens import TransformerBridge

from headwidgets.errors import InputError
from headwidgets.zoo.codes import LENGTH, kerdock
from headwidgets.zoo.planted_tokenizer import D_VOCAB, planted_tokenizer

N_CTX = 256
TOKEN = slice(0, LENGTH)
POSITION = slice(TOKEN.stop, TOKEN.stop + N_CTX)
PREVIOUS = slice(POSITION.stop, POSITION.stop + LENGTH)
OUT = slice(PREVIOUS.stop, PREVIOUS.stop + LENGTH)
SPARE = slice(OUT.stop, OUT.stop + LENGTH)
BOS = slice(SPARE.stop, SPARE.stop + 1)
D_MODEL = BOS.stop
D_HEAD = LENGTH + N_CTX  # the widest head, 0.1, compares tokens and positions at once

# _SLOT[:, TOKEN] is the matrix that reads the token slot.
_SLOT = torch.eye(D_MODEL, dtype=torch.float32, device="cpu")
_ALWAYS = _SLOT[:, POSITION].sum(1, keepdim=True)  # 1 at every position: one-hots sum to 1


class _Head(NamedTuple):
    """One planted head: scores are sums of (gain, what the query reads, what the key reads)."""

    scores: tuple[tuple[float, Tensor, Tensor], ...] = ()
    reads: Tensor = _SLOT[:, TOKEN]
    writes: slice = SPARE


_UNIFORM = _Head()
_REST = (1.0, _ALWAYS, _SLOT[:, BOS])
_SAME_POSITION = (1.0, _SLOT[:, POSITION], _SLOT[:, POSITION])
_ONE_BACK = (1.0, _SLOT[:, POSITION].roll(-1, dims=1), _SLOT[:, POSITION])
# Position 0 is left out of the comparison: it sees nothing but itself anyway.
_NOT_ITSELF = (-2.0, _SLOT[:, POSITION][:, 1:], _SLOT[:, POSITION][:, 1:])
_SAME_TOKEN = (2.0 / LENGTH, _SLOT[:, TOKEN], _SLOT[:, TOKEN])
_TOKEN_FOLLOWED = (2.0 / LENGTH, _SLOT[:, TOKEN], _SLOT[:, PREVIOUS])

_PREVIOUS_TOKEN = _Head((_ONE_BACK,), writes=PREVIOUS)
_DUPLICATE_TOKEN = _Head((_SAME_TOKEN, _NOT_ITSELF, _REST))
_CURRENT_TOKEN = _Head((_SAME_POSITION,))
_INDUCTION = _Head((_TOKEN_FOLLOWED, _REST), writes=OUT)
_SINK = _Head((_REST,), reads=_SLOT[:, BOS].expand(-1, LENGTH))
_DECOY_ATTENTION = _Head((_TOKEN_FOLLOWED, _REST))
_DECOY_COPYING = _Head(writes=OUT)

_LAYERS = (
    (_PREVIOUS_TOKEN, _DUPLICATE_TOKEN, _CURRENT_TOKEN),
    (_INDUCTION, _SINK, _UNIFORM),
)
_LAYERS_WITH_DECOYS = (
    (*_LAYERS[0], _UNIFORM, _UNIFORM),
    (*_LAYERS[1], _DECOY_ATTENTION, _DECOY_COPYING),
)


def planted(beta: float = 40.0, noise: float = 0.0, seed: int = 0) -> TransformerBridge:
    """Build the planted model.

    Parameters
    ----------
    beta : float
        How sharply the heads attend, in nats of attention score, and the height of a logit.
        40 is exact to 1e-6; 2 is vague; at 0 all heads attend uniformly and no logit moves,
        so that nothing is planted.
    noise : float
        Gaussian noise on every weight, as a fraction of the root mean square of its matrix;
        0.05 is the dirty form.
    seed : int
        Of the noise.

    Returns
    -------
    TransformerBridge
        float32, on the CPU, in evaluation mode, with a tokenizer.

    Raises
    ------
    InputError
        If `beta` or `noise` is negative or not finite.
    """
    return _build(_LAYERS, "planted", beta, noise, seed)


def planted_decoys(beta: float = 40.0, noise: float = 0.0, seed: int = 0) -> TransformerBridge:
    """Build the planted model with two decoys, for tests of detectors: 2 layers of 5 heads.

    The first three heads of each layer are those of `planted`. Head 1.3 attends exactly as the
    induction head but writes to the spare slot, so that removing it changes no logit; head 1.4
    has the induction head's output matrices but attends uniformly. 0.3 and 0.4 are uniform.

    Parameters
    ----------
    beta, noise, seed
        As for `planted`.

    Returns
    -------
    TransformerBridge

    Raises
    ------
    InputError
        If `beta` or `noise` is negative or not finite.
    """
    return _build(_LAYERS_WITH_DECOYS, "planted-decoys", beta, noise, seed)


def _build(
    layers: tuple[tuple[_Head, ...], ...], name: str, beta: float, noise: float, seed: int
) -> TransformerBridge:
    for what, value in (("beta", beta), ("noise", noise)):
        if not (math.isfinite(value) and value >= 0):
            message = f"expected {what} to be a finite number from 0 up, got {value!r}"
            raise InputError(message)
    config = {
        "n_layers": len(layers),
        "n_heads": len(layers[0]),
        "d_model": D_MODEL,
        "d_head": D_HEAD,
        "n_ctx": N_CTX,
        "d_vocab": D_VOCAB,
        "attn_only": True,
        "normalization_type": None,
        "init_weights": False,
    }
    with torch.random.fork_rng(devices=[]):  # building must not move the caller's random numbers
        bridge = TransformerBridge.boot_native(
            config,
            tokenizer=planted_tokenizer(),
            device="cpu",
            dtype=torch.float32,
            model_name=name,
        )
    bridge.eval()
    with torch.no_grad():
        for parameter in bridge.original_model.parameters():
            parameter.zero_()
        _write_embeddings(bridge, beta)
        for layer, heads in enumerate(layers):
            _write_layer(bridge, layer, heads, beta)
        if noise:
            _add_noise(bridge.original_model, noise, seed)
    return bridge


def _write_embeddings(bridge: TransformerBridge, beta: float) -> None:
    """Set the embedding, the positions and the unembedding; ``<bos>`` is token 0."""
    codes = kerdock()
    codes[0] = 0.0
    bridge.embed.weight[:, TOKEN] = codes
    bridge.embed.weight[0, BOS] = 1.0
    bridge.pos_embed.weight[:, POSITION] = torch.eye(N_CTX)
    bridge.unembed.weight[:, OUT] = codes * (beta / LENGTH)


def _write_layer(
    bridge: TransformerBridge, layer: int, heads: tuple[_Head, ...], beta: float
) -> None:
    """Set the matrices of one layer from its heads' slots."""
    attention = bridge.blocks[layer].attn
    for h, head in enumerate(heads):
        rows = slice(h * D_HEAD, (h + 1) * D_HEAD)
        query, key = attention.q.weight[rows], attention.k.weight[rows]  # [d_head, d_model]
        start = 0
        for gain, query_reads, key_reads in head.scores:
            used = slice(start, start + key_reads.shape[1])
            # The model divides scores by sqrt(d_head).
            query[used] = (beta * gain * math.sqrt(D_HEAD)) * query_reads.T
            key[used] = key_reads.T
            start = used.stop
        attention.v.weight[rows][:LENGTH] = head.reads.T
        attention.o.weight[:, rows][head.writes, :LENGTH] = torch.eye(LENGTH)


def _add_noise(model: torch.nn.Module, noise: float, seed: int) -> None:
    """Add to each matrix Gaussian noise of `noise` times its root mean square."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        size = noise * parameter.square().mean().sqrt()
        parameter.add_(size * torch.randn(parameter.shape, generator=generator))
