"""How a toy is built: an empty model, and heads that read and write slots of the stream."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformer_lens import TransformerBridge

from headwidgets.errors import InputError


class Head(NamedTuple):
    """Scores: (gain, what the query reads, what the key reads); moves: (gain, from, to); summed.

    What is read is a matrix, [d_model, n]; the score is gain · β times the dot product of
    the two. A move copies one slot of the attended token into another.
    """

    scores: tuple[tuple[float, Tensor, Tensor], ...] = ()
    moves: tuple[tuple[float, slice, slice], ...] = ()


def check_beta(beta: float) -> None:
    """Refuse a β that is no finite number from 0 up.

    Raises
    ------
    InputError
    """
    if not (math.isfinite(beta) and beta >= 0):
        message = f"expected beta to be a finite number from 0 up, got {beta!r}"
        raise InputError(message)


def boot(name: str, tokenizer: Any, **config: Any) -> TransformerBridge:
    """Build an attention-only model: float32, on the CPU, in evaluation mode.

    Parameters
    ----------
    name : str
    tokenizer : PreTrainedTokenizerFast
    **config
        n_layers, n_heads, d_model, d_head, n_ctx, d_vocab, normalization_type.
    """
    config = {"attn_only": True, "normalization_type": None, "init_weights": False} | config
    with torch.random.fork_rng(devices=[]):  # building must not move the caller's random numbers
        bridge = TransformerBridge.boot_native(
            config, tokenizer=tokenizer, device="cpu", dtype=torch.float32, model_name=name
        )
    return bridge.eval()


def write(attention: Any, h: int, head: Head, beta: float, d_head: int) -> None:
    """Set the matrices of head `h` of an attention layer, where they are zero so far."""
    rows = slice(h * d_head, (h + 1) * d_head)
    query, key, value = (getattr(attention, name).weight[rows] for name in "qkv")
    start = 0
    for gain, query_reads, key_reads in head.scores:
        used = slice(start, start + key_reads.shape[1])
        # The model divides scores by sqrt(d_head).
        query[used] = (beta * gain * math.sqrt(d_head)) * query_reads.T
        key[used] = key_reads.T
        start = used.stop
    start = 0
    for gain, source, target in head.moves:
        used = slice(start, start + source.stop - source.start)
        eye = torch.eye(used.stop - used.start)
        value[used, source] = eye
        attention.o.weight[:, rows][target, used] = gain * eye
        start = used.stop
