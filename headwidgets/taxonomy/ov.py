"""What heads write when they look at a token, from the weights: E(t) W_V W_O W_U.

E(t) is the effective embedding: the residual stream after the first MLP, of the bare token, with
nothing from attention, not even its biases, nor from positions (McDougall et al. 2023, arXiv
2310.04625; Gould et al. 2023, arXiv 2312.09230). It goes through the head's own norm; the gain
of the final norm belongs to the unembedding. Scales are left out: no ranking of tokens depends on
them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from headwidgets.errors import NotMeasurable
from headwidgets.methods.decompose import norm_weight, post_weight, there
from headwidgets.methods.logit_direction import centres
from headwidgets.methods.record import mlp_name, stream_name, z_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from headwidgets.model.engine import Engine, HookFn

_AT_ONCE = 2048
_BYTES = 256 << 20
"""Of logits at once, and of the unembedding at once."""
_AFTER = "blocks.0.hook_resid_post"
_ATTENTION = "blocks.0.hook_attn_out"


def effective(engine: Engine, ids: Sequence[int], *, mlp_only: bool = False) -> Tensor:
    """Return the effective embeddings of tokens, float32 [token, d_model].

    Parameters
    ----------
    mlp_only : bool
        What the first MLP writes, without the embedding.

    Raises
    ------
    NotMeasurable
        If there is no first MLP to speak of alone.
    """
    point = mlp_name(0) if mlp_only else _AFTER
    if mlp_only and not there(engine, [point]):
        message = "the first block has no MLP"
        raise NotMeasurable(message)
    return at_point(engine, ids, point)


def bare(engine: Engine, ids: Sequence[int]) -> Tensor:
    """Return the embeddings of tokens as the first block reads them, [token, d_model]."""
    return at_point(engine, ids, stream_name(0))


def at_point(engine: Engine, ids: Sequence[int], point: str) -> Tensor:
    """Return what bare tokens have at a hook point of the first block, float32 [token, ...]."""
    out = []
    nothing: list[tuple[str, HookFn]] = [
        (name, _silent) for name in there(engine, ["hook_pos_embed", z_name(0), _ATTENTION])
    ]
    for start in range(0, len(ids), _AT_ONCE):
        kept: list[Tensor] = []

        def keep(tensor: Tensor, _start: int, kept: list[Tensor] = kept) -> None:
            kept.append(tensor.detach().float()[:, 0].cpu())

        rows = torch.tensor(ids[start : start + _AT_ONCE])[:, None]
        stop = 1 if engine.facts.n_layers > 1 else None
        engine.run(rows, [*nothing, (point, keep)], stop_at_layer=stop)
        out.append(kept[0])
    return torch.cat(out)


def _silent(tensor: Tensor, _start: int) -> Tensor:
    return torch.zeros_like(tensor)


def unembedding(engine: Engine, ids: Sequence[int]) -> Tensor:
    """Return what reads the logits of tokens off the stream, [d_model, token]."""
    W_U = engine.weights.W_U
    some = W_U[:, ids.start : ids.stop] if isinstance(ids, range) else W_U[:, list(ids)]
    read = some.float().cpu()
    weight = norm_weight(getattr(engine.view, "ln_final", None))
    read = read if weight is None else read * weight.cpu()[:, None]
    return read - read.mean(0, keepdim=True) if centres(engine) else read


def written(engine: Engine, embedded: Tensor, read: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Yield of each layer what its heads write: (layer, [head, token, target]).

    Parameters
    ----------
    engine : Engine
    embedded : Tensor, [token, d_model]
        See `effective`.
    read : Tensor, [d_model, target]
        See `unembedding`.

    Raises
    ------
    NotMeasurable
        If weights do not multiply or hold NaN.
    """
    for layer in range(engine.facts.n_layers):
        yield layer, brought(engine, layer, normed(engine, layer, embedded), read)


def brought(engine: Engine, layer: int, read_by: Tensor, read: Tensor) -> Tensor:
    """Return what a layer's heads bring to targets, [head, token, target].

    Parameters
    ----------
    read_by : Tensor, [token, d_model]
        What the heads read as it is: see `normed`.
    read : Tensor, [d_model, target]

    Raises
    ------
    NotMeasurable
        As `written`.
    """
    W_V, W_O = own_weights(engine, layer, "W_V"), own_weights(engine, layer, "W_O")
    out = gained(engine, layer, read)
    return finite(layer, multiplied(layer, read_by, W_V) @ multiplied(layer, W_O, out))


def first(found: Tensor) -> Tensor:
    """Return which target is highest of each row [..., target]; -1 where several are."""
    top = found.max(-1, keepdim=True)
    alone = (found == top.values).sum(-1) == 1
    return torch.where(alone, top.indices[..., 0], -1)


def own_weights(engine: Engine, layer: int, name: str) -> Tensor:
    """Return a layer's weights by name, [head, in, out].

    Raises
    ------
    NotMeasurable
        If the layer has none: it shares another's, or is no attention.
    """
    try:
        found: Tensor = getattr(engine.weights, name)(layer).cpu()
    except AttributeError as error:
        message = f"layer {layer} has no attention weights of its own"
        raise NotMeasurable(message) from error
    return found


def normed(engine: Engine, layer: int, embedded: Tensor) -> Tensor:
    """Return what a layer's attention reads of streams [token, d_model]: through its norm."""
    norm = getattr(engine.view.blocks[layer], "ln1", None)
    if norm is None:
        return embedded
    with torch.no_grad():
        found: Tensor = norm(embedded.to(engine.weights.W_U.device)[None])[0].float().cpu()
    return found


def gained(engine: Engine, layer: int, read: Tensor) -> Tensor:
    """Return what reads logits off a layer's write: through the norm after it, if there is one."""
    after = post_weight(engine, layer)
    return read if after is None else read * after.cpu()[:, None]


def multiplied(layer: int, left: Tensor, right: Tensor) -> Tensor:
    """Return a product of weights.

    Raises
    ------
    NotMeasurable
        If their widths do not meet.
    """
    if left.shape[-1] != right.shape[-2]:
        message = f"layer {layer}: widths do not meet: {left.shape[-1]} and {right.shape[-2]}"
        raise NotMeasurable(message)
    return left @ right


def finite(layer: int, found: Tensor) -> Tensor:
    """Return numbers off the weights, or raise NotMeasurable where they are none."""
    if not bool(found.isfinite().all()):
        message = f"layer {layer}: weights are not finite"
        raise NotMeasurable(message)
    return found


def copied(
    engine: Engine, ids: Sequence[int], k: int = 5, *, lowered: bool = False
) -> NDArray[np.float32]:
    """Return the share of tokens that each head writes among its `k` first, [layer, head].

    Over the whole vocabulary; `lowered` asks for the `k` last instead (Wang et al. 2022, the
    copy score of name movers and its negative).
    """
    embedded = effective(engine, ids)
    own = torch.tensor(list(ids))
    facts, d_vocab = engine.facts, engine.weights.W_U.shape[1]
    step = max(1, _BYTES // (4 * d_vocab))
    out = np.zeros((facts.n_layers, facts.n_heads), dtype=np.float32)
    for layer in range(facts.n_layers):
        stream, W_V = normed(engine, layer, embedded), own_weights(engine, layer, "W_V")
        W_O = own_weights(engine, layer, "W_O")
        writes = multiplied(layer, multiplied(layer, stream, W_V), W_O).flatten(0, 1)
        several = zip(
            torch.split(-writes if lowered else writes, step),
            torch.split(own.repeat(facts.n_heads), step),
            strict=True,
        )
        rows = torch.cat([_first(_on_all(engine, layer, some), one, k) for some, one in several])
        out[layer] = rows.view(facts.n_heads, len(own)).float().mean(1).numpy()
    return out


def _on_all(engine: Engine, layer: int, writes: Tensor) -> Tensor:
    """Return what writes [write, d_model] of a layer bring to all logits, some tokens at a time."""
    d_vocab = engine.weights.W_U.shape[1]
    step = max(1, _BYTES // (4 * writes.shape[1]))
    parts = []
    for start in range(0, d_vocab, step):
        read = unembedding(engine, range(start, min(start + step, d_vocab)))
        parts.append(multiplied(layer, writes, gained(engine, layer, read)))
    return finite(layer, torch.cat(parts, dim=1))


def first_of(
    engine: Engine, ids: Sequence[int], rivals: Sequence[int], right: Sequence[int]
) -> NDArray[np.float32]:
    """Return the share of tokens for which a head writes the right one of some rivals first.

    Parameters
    ----------
    ids : sequence of int
        Tokens that are looked at.
    rivals : sequence of int
        Tokens that may be written.
    right : sequence of int
        Which rival is right for each token.

    Returns
    -------
    ndarray of float32, [layer, head]
    """
    embedded, read = effective(engine, ids), unembedding(engine, rivals)
    own = torch.tensor(list(right))
    out = np.zeros((engine.facts.n_layers, engine.facts.n_heads), dtype=np.float32)
    for layer, found in written(engine, embedded, read):
        out[layer] = _first(found, own, 1).float().mean(1).numpy()
    return out


def _first(found: Tensor, own: Tensor, k: int) -> Tensor:
    """Whether the target of each row, [..., row], is among its `k` highest; a tie is a miss."""
    at = found.gather(-1, own[:, None].expand(*found.shape[:-1], 1))
    return (found >= at).sum(-1) <= k
