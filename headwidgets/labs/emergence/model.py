"""The lab's model as plain functions: K models of one shape run as one, on one batch.

Every weight has K as its first axis, and all of them lie in one vector, so that a step of Adam is
one call. Positions that are not asked are left out of the last layer. Activations have the names
that TransformerLens gives them, so that a clamp's name is the name of a hook.

Singh et al. 2024, arXiv 2404.07129, section 3: attention alone, a norm with gain and bias before
each layer and at the end, rotary queries and keys in pairs that stand side by side, no bias in
attention, one in what projects exemplars and in what reads labels out.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import torch
from torch.nn import functional

from headwidgets.labs.emergence.batch import generator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from headwidgets.labs.emergence.shape import Shape

EPS = 1e-5
_CUT = 0.87962566103423978  # sd of a normal cut at 2 sd
_EMBED = 0.02
_FEW = 12
NOTHING = -100
"""A target where nothing is asked."""

Weights = dict[str, "Tensor"]


class Touch(Protocol):
    """What may replace an activation on its way."""

    def __call__(self, name: str, value: Tensor) -> Tensor:
        """Return what takes its place."""

    def wants(self, name: str) -> bool:
        """Whether an activation that is costly to make apart is touched."""


def sizes(shape: Shape) -> dict[str, tuple[int, ...]]:
    """Return the shape of every weight of one model, by name."""
    d, width = shape.d_model, shape.n_heads * shape.d_head
    out: dict[str, tuple[int, ...]] = {"embed": (shape.n_labels, d)}
    if shape.n_features:
        out |= {"project.weight": (shape.n_features, d), "project.bias": (d,)}
    for layer in range(shape.n_layers):
        out |= {
            f"{layer}.ln.weight": (d,),
            f"{layer}.ln.bias": (d,),
            f"{layer}.W_QKV": (d, 3 * width),
            f"{layer}.W_O": (width, d),
        }
    out |= {"ln_final.weight": (d,), "ln_final.bias": (d,)}
    return out | {"unembed.weight": (d, shape.n_labels), "unembed.bias": (shape.n_labels,)}


def drawn(shape: Shape, seed: int) -> Weights:
    """Draw the weights of one model: normals cut at two sd, of variance one over what is read.

    Labels' embeddings have an sd of 0.02, norms begin at 1 and biases at 0.
    """
    random = generator(seed)
    out = {}
    for name, size in sizes(shape).items():
        if len(size) == 1:
            out[name] = torch.full(
                size, float(name.endswith("ln.weight") or name == "ln_final.weight")
            )
            continue
        sd = _EMBED if name == "embed" else size[0] ** -0.5 / _CUT
        normal = torch.empty(size)
        torch.nn.init.trunc_normal_(normal, a=-2.0, b=2.0, generator=random)
        out[name] = normal * sd
    return out


def flat(models: Sequence[Weights]) -> Tensor:
    """Lay the weights of K models into one vector, weight by weight, [K · weights]."""
    return torch.cat([torch.stack([one[name] for one in models]).flatten() for name in models[0]])


def views(shape: Shape, vector: Tensor) -> Weights:
    """Return the weights that a vector holds, by name, [K, ...]; they share its memory."""
    each = sizes(shape)
    numbers = [math.prod(size) for size in each.values()]
    k = vector.numel() // sum(numbers)
    parts = torch.split(vector, [k * number for number in numbers])
    return {
        name: part.view(k, *size) for (name, size), part in zip(each.items(), parts, strict=True)
    }


def one_of(weights: Weights, which: int) -> Weights:
    """Return copies of the weights of one of K models."""
    return {name: value[which].detach().clone() for name, value in weights.items()}


@lru_cache(maxsize=32)
def turns(shape: Shape, length: int) -> Tensor:
    """Return how rotary positions turn the pairs of a head, complex [position, 1, pair]."""
    rates = shape.base ** -(torch.arange(0, shape.d_head, 2).float() / shape.d_head)
    angles = torch.outer(torch.arange(length).float(), rates)
    return torch.polar(torch.ones_like(angles), angles)[:, None]


def forward(
    shape: Shape, weights: Weights, stream: Tensor, rows: slice, touch: Touch | None = None
) -> Tensor:
    """Run K models on what their embeddings made of a batch.

    Parameters
    ----------
    stream : Tensor, [K, sequence, position, d_model]
    rows : slice
        Positions whose logits are wanted.
    touch : Touch, optional
        Sees, and may replace, the activations: ``blocks.{l}.hook_resid_pre``, ``hook_q_input``,
        ``hook_k_input``, ``hook_v_input`` and ``hook_attn_out`` [K, sequence, position, d_model];
        ``blocks.{l}.attn.hook_rot_q``, ``hook_rot_k``, ``hook_v`` and ``hook_z``
        [K, sequence, position, head, d_head]; ``hook_attn_scores`` and ``hook_pattern``
        [K, sequence, head, query, key]; ``logits``. In the last layer, queries are `rows`.

    Returns
    -------
    Tensor, [K, sequence, row, label]
    """
    length = stream.shape[2]
    cis = turns(shape, length)
    hidden = _later(length)
    for layer in range(shape.n_layers):
        if touch is not None:
            stream = touch(f"blocks.{layer}.hook_resid_pre", stream)
        asked = rows if layer == shape.n_layers - 1 else slice(0, length)
        written = _attention(shape, weights, layer, stream, (asked, cis, hidden), touch)
        stream = stream[:, :, asked] + written
    final = norm(stream, weights["ln_final.weight"], weights["ln_final.bias"])
    logits = _linear(final, weights["unembed.weight"]) + weights["unembed.bias"][:, None, None]
    return logits if touch is None else touch("logits", logits)


def _attention(
    shape: Shape,
    weights: Weights,
    layer: int,
    stream: Tensor,
    where: tuple[slice, Tensor, Tensor],
    touch: Touch | None,
) -> Tensor:
    """Return what a layer's heads write, [K, sequence, asked, d_model]."""
    asked, cis, hidden = where
    k, n, length, _ = stream.shape
    heads, width = shape.n_heads, shape.d_head
    here = f"blocks.{layer}"
    gain, bias = weights[f"{layer}.ln.weight"], weights[f"{layer}.ln.bias"]
    every = weights[f"{layer}.W_QKV"]
    inputs = [f"{here}.hook_{name}_input" for name in "qkv"]
    if touch is not None and any(touch.wants(name) for name in inputs):
        parts = [
            _linear(norm(touch(name, stream), gain, bias), W)
            for name, W in zip(inputs, every.chunk(3, -1), strict=True)
        ]
        made = torch.stack(parts, 3).view(k, n, length, 3, heads, width)
    else:
        made = _linear(norm(stream, gain, bias), every).view(k, n, length, 3, heads, width)
    pairs = torch.view_as_complex(made[:, :, :, :2].reshape(k, n, length, 2, heads, width // 2, 2))
    turned = torch.view_as_real(pairs * cis[:, None]).flatten(-2)
    q, key, v = turned[:, :, asked, 0], turned[:, :, :, 1], made[:, :, :, 2]
    if touch is not None:
        q = touch(f"{here}.attn.hook_rot_q", q)
        key = touch(f"{here}.attn.hook_rot_k", key)
        v = touch(f"{here}.attn.hook_v", v)
    scores = q.transpose(2, 3) @ key.permute(0, 1, 3, 4, 2) * width**-0.5
    scores = scores.masked_fill(hidden[asked], -1e20)
    if touch is not None:
        scores = touch(f"{here}.attn.hook_attn_scores", scores)
    pattern = _softmax(scores)
    if touch is not None:
        pattern = touch(f"{here}.attn.hook_pattern", pattern)
    z = (pattern @ v.transpose(2, 3)).transpose(2, 3)
    if touch is not None:
        z = touch(f"{here}.attn.hook_z", z)
    out = _linear(z.flatten(-2), weights[f"{layer}.W_O"])
    return out if touch is None else touch(f"{here}.hook_attn_out", out)


@lru_cache(maxsize=32)
def _later(length: int) -> Tensor:
    """Return which keys stand behind which queries."""
    return torch.ones(length, length, dtype=torch.bool).triu(1)


def _softmax(scores: Tensor) -> Tensor:
    """Return the softmax over keys: six times as fast, for a few keys, with them in front."""
    if scores.shape[-1] >= _FEW:
        return scores.softmax(-1)
    return scores.movedim(-1, 0).contiguous().softmax(0).movedim(0, -1)


def norm(x: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
    """Centre and scale the last axis of [K, sequence, position, d_model], then gain and bias."""
    plain = functional.layer_norm(x, x.shape[-1:], eps=EPS)
    return torch.addcmul(bias[:, None, None], plain, gain[:, None, None])


def _linear(x: Tensor, W: Tensor) -> Tensor:
    """Multiply [K, sequence, position, in] by [K, in, out]."""
    k, n, length, _ = x.shape
    return torch.bmm(x.reshape(k, n * length, -1), W).view(k, n, length, -1)


def losses(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean cross-entropy of each of K models, in nats, [K]; targets below 0 are none."""
    k, n, rows, labels = logits.shape
    want = targets.expand(k, n, rows).reshape(-1)
    each = functional.cross_entropy(
        logits.reshape(-1, labels), want, reduction="none", ignore_index=NOTHING
    )
    return each.view(k, -1).sum(1) / (targets != NOTHING).sum()
