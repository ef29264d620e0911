"""Three small models on which methods of discovery must agree, or must not: all known by hand.

`one_layer` has one layer of two random heads and nothing after it: what a head does, it does
directly. `either` and `both` hold a circuit of two identical copy heads, 0.0 and 0.1, and one
reader, 1.0 (1.1 does nothing). The copy heads attend to the word in the prompt and write that
word's code; the reader sees at its own position how many of them did:

| model | 0.0 and 0.1 write | 1.0, where both wrote | logit of the word |
|---|---|---|---|
| `either` (OR) | the code to "out" | takes one code off "out" again | β if either wrote |
| `both` (AND) | half the code to "held" | copies "held" to "out" | β if both wrote |

The prompt begins with ``<bos>`` and has one word; other tokens have no code. With a corrupted
prompt that has no word, on OR a patch of one head into the clean run changes nothing (the
other one still writes) and a patch of one head into the corrupted run restores everything; on
AND it is the reverse. Zeroing one head of OR takes its own code away (direct effect β) and
with it what the reader took off (indirect effect −β): self-repair.

The circuits are attention only, without normalisation: two layers of two heads.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformer_lens import TransformerBridge

from headwidgets.errors import InputError
from headwidgets.zoo.codes import LENGTH, kerdock
from headwidgets.zoo.planted_tokenizer import D_VOCAB, planted_tokenizer

N_CTX = 16
FIRST_WORD = 257  # ids from here on are words
TOKEN = slice(0, LENGTH)
HELD = slice(TOKEN.stop, TOKEN.stop + LENGTH)
OUT = slice(HELD.stop, HELD.stop + LENGTH)
POSITION = slice(OUT.stop, OUT.stop + N_CTX)
WORD = slice(POSITION.stop, POSITION.stop + 1)
BOS = slice(WORD.stop, WORD.stop + 1)
COUNT = slice(BOS.stop, BOS.stop + 1)
D_MODEL = COUNT.stop
D_HEAD = LENGTH + 1

_SLOT = torch.eye(D_MODEL, dtype=torch.float32, device="cpu")
_ALWAYS = _SLOT[:, POSITION].sum(1, keepdim=True)  # 1 at every position: one-hots sum to 1


class _Head(NamedTuple):
    """Scores: (gain, what the query reads, what the key reads); moves: (gain, from, to); summed."""

    scores: tuple[tuple[float, Tensor, Tensor], ...] = ()
    moves: tuple[tuple[float, slice, slice], ...] = ()


def _copies(gain: float, to: slice) -> _Head:
    """Attend to the word; copy its code, and count that it did."""
    return _Head(
        ((1.0, _ALWAYS, _SLOT[:, WORD]),),
        ((gain, TOKEN, to), (1.0, WORD, COUNT)),
    )


def _reads(gain: float, slot: slice) -> _Head:
    """Attend to its own position where the count is 2 (12β), else to ``<bos>`` (11β)."""
    here = _SLOT[:, POSITION]
    scores = (
        (2.0, _ALWAYS, _SLOT[:, COUNT]),
        (8.0, here, here),
        (11.0, _ALWAYS, _SLOT[:, BOS]),
    )
    return _Head(scores, ((gain, slot, OUT),))


_EITHER = ((_copies(1.0, OUT), _copies(1.0, OUT)), (_reads(-0.5, OUT), _Head()))
_BOTH = ((_copies(0.5, HELD), _copies(0.5, HELD)), (_reads(1.0, HELD), _Head()))


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
    bridge = _boot("one layer", 1, width, width // 2, norm="LN" if norm else None)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in bridge.original_model.named_parameters():
            drawn = torch.randn(parameter.shape, generator=generator)
            if parameter.ndim == 1:  # a bias near 0, the weight of a norm near 1
                parameter.copy_(0.3 * drawn + float(name.endswith("weight")))
            else:
                parameter.copy_(0.5 * drawn)
    return bridge


def either(beta: float = 40.0) -> TransformerBridge:
    """Build the OR circuit: the word is said if head 0.0 or head 0.1 copied it.

    Parameters
    ----------
    beta : float
        How sharply the heads attend, in nats of attention score, and the height of a logit.

    Returns
    -------
    TransformerBridge
        float32, on the CPU, in evaluation mode, with a tokenizer.

    Raises
    ------
    InputError
        If `beta` is negative or not finite.
    """
    return _circuit("either", _EITHER, beta)


def both(beta: float = 40.0) -> TransformerBridge:
    """Build the AND circuit: the word is said if heads 0.0 and 0.1 both copied it.

    Parameters, result and errors are those of `either`.
    """
    return _circuit("both", _BOTH, beta)


def _circuit(name: str, layers: tuple[tuple[_Head, ...], ...], beta: float) -> TransformerBridge:
    if not (math.isfinite(beta) and beta >= 0):
        message = f"expected beta to be a finite number from 0 up, got {beta!r}"
        raise InputError(message)
    bridge = _boot(name, len(layers), D_MODEL, D_HEAD, norm=None)
    codes = kerdock()
    codes[:FIRST_WORD] = 0.0
    with torch.no_grad():
        for parameter in bridge.original_model.parameters():
            parameter.zero_()
        bridge.embed.weight[:, TOKEN] = codes
        bridge.embed.weight[FIRST_WORD:, WORD] = 1.0
        bridge.embed.weight[0, BOS] = 1.0
        bridge.pos_embed.weight[:, POSITION] = torch.eye(N_CTX)
        bridge.unembed.weight[:, OUT] = codes * (beta / LENGTH)
        for layer, heads in enumerate(layers):
            for h, head in enumerate(heads):
                _write(bridge.blocks[layer].attn, h, head, beta)
    return bridge


def _write(attention: Any, h: int, head: _Head, beta: float) -> None:
    """Set one head's matrices."""
    rows = slice(h * D_HEAD, (h + 1) * D_HEAD)
    query, key, value = (getattr(attention, name).weight[rows] for name in "qkv")
    start = 0
    for gain, query_reads, key_reads in head.scores:
        used = slice(start, start + key_reads.shape[1])
        # The model divides scores by sqrt(d_head).
        query[used] = (beta * gain * math.sqrt(D_HEAD)) * query_reads.T
        key[used] = key_reads.T
        start = used.stop
    start = 0
    for gain, source, target in head.moves:
        used = slice(start, start + source.stop - source.start)
        value[used] = _SLOT[:, source].T
        attention.o.weight[:, rows][target, used] = gain * torch.eye(used.stop - used.start)
        start = used.stop


def _boot(
    name: str, n_layers: int, d_model: int, d_head: int, *, norm: str | None
) -> TransformerBridge:
    config = {
        "n_layers": n_layers,
        "n_heads": 2,
        "d_model": d_model,
        "d_head": d_head,
        "n_ctx": N_CTX,
        "d_vocab": D_VOCAB,
        "attn_only": True,
        "normalization_type": norm,
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
    return bridge.eval()
