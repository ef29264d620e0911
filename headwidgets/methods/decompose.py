"""The last residual stream taken apart: what every component writes to it, batch by batch.

    residual = embedding (+ positions) + Σ heads z · W_O + attention biases + Σ MLPs

exactly. On Gemma 2 and 3 the heads' sum is normalised before it reaches the stream; a
head's write is then taken through that forward's frozen norm (divided by its scale,
multiplied by its weight), so that the writes still sum.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from transformer_lens.model_bridge.bridge_core import build_alias_to_canonical_map

from headwidgets.errors import InputError, NotMeasurable
from headwidgets.methods.record import mlp_name, z_name
from headwidgets.methods.snapshot import position

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headwidgets.methods.edits import At
    from headwidgets.methods.snapshot import Ids, Snapshot
    from headwidgets.model.engine import Engine, HookFn

_ROUNDINGS = 16  # a sum may be off by so many roundings of its largest entry
FINAL_SCALE = "ln_final.hook_scale"


class Write(NamedTuple):
    """What one component, or all heads of a layer, add to the stream.

    Attributes
    ----------
    part : {"embedding", "positions", "head", "mlp", "attention bias"}
    layer : int or None
    vectors : Tensor, float32, [prompt, head, d_model]
        One "head" where the part is no head.
    """

    part: str
    layer: int | None
    vectors: Tensor


class Apart:
    """One run of prompts of one length, and all that is added up at one position of each.

    Parameters
    ----------
    engine : Engine
    rows : sequence of token ids
    places : sequence of int
        The position looked at in each row.

    Attributes
    ----------
    total : Tensor, float32, [prompt, d_model]
        The residual stream after the last block.
    logits : Tensor, float32, [prompt, vocabulary]
        Of the last position.
    scale : Tensor, float32, [prompt, 1]
        What the final norm divides by there; 1 without a norm.
    """

    def __init__(self, engine: Engine, rows: Sequence[Ids], places: Sequence[int]) -> None:
        self.engine = engine
        self._seen: dict[str, Tensor] = {}
        last = f"blocks.{engine.facts.n_layers - 1}.hook_resid_post"
        names = ["hook_embed", "hook_pos_embed", last, FINAL_SCALE]
        for layer in range(engine.facts.n_layers):
            names += [z_name(layer), mlp_name(layer), post_scale(layer)]
        hooks = [(name, keep_at(self._seen, name, places)) for name in there(engine, names)]
        self.logits = engine.run(torch.tensor(rows), hooks)
        self.total = self._seen[last].float()
        self.scale = self._seen.get(FINAL_SCALE, torch.ones(len(rows), 1)).float()

    def writes(self) -> Iterator[Write]:
        """Yield what every component adds, a layer's heads at once, bottom to top."""
        engine, seen = self.engine, self._seen
        yield Write("embedding", None, seen["hook_embed"].float()[:, None])
        if "hook_pos_embed" in seen:
            yield Write("positions", None, seen["hook_pos_embed"].float()[:, None])
        for layer in range(engine.facts.n_layers):
            z, gain = seen[z_name(layer)].float(), self.gain(layer)
            written = torch.einsum("rhd,hdm->rhm", z, engine.weights.W_O(layer).to(z.device))
            yield Write("head", layer, written * gain[:, None])
            bias = engine.weights.b_O(layer)
            if bias is not None and bool(bias.any()):
                yield Write("attention bias", layer, (bias * gain)[:, None])
            if mlp_name(layer) in seen:
                yield Write("mlp", layer, seen[mlp_name(layer)].float()[:, None])

    def gain(self, layer: int) -> Tensor:
        """Return what a head's write is multiplied by before the stream, [prompt, d_model or 1]."""
        weight = post_weight(self.engine, layer)
        if weight is None:
            return torch.ones(len(self.total), 1, device=self.total.device)
        return weight / self._seen[post_scale(layer)].float()

    @cached_property
    def error(self) -> float:
        """Largest entry of total − sum of the writes.

        Raises
        ------
        NotMeasurable
            If they do not sum to the stream: the architecture adds something else.
        """
        total = self.total.double() - sum(w.vectors.double().sum(1) for w in self.writes())
        error = float(total.abs().max())
        tolerance = max(1e-3, _ROUNDINGS * torch.finfo(self.engine.weights.dtype).eps)
        if not error <= tolerance * max(1.0, float(self.total.abs().max())):
            message = (
                f"the embedding, heads, MLPs and biases of {self.engine.facts.architecture} sum "
                f"to the residual stream only within {error:.3g}: it adds something else between "
                "its blocks, so this decomposition would mislead"
            )
            raise NotMeasurable(message)
        return error


def places_of(snapshot: Snapshot, batch: Sequence[int], at: At) -> list[int]:
    """Return the one position that `at` means in each of some pairs.

    Raises
    ------
    InputError
        If it means none, or several.
    """
    found = [position(at, snapshot.pairs[i], one_length=snapshot.one_length) for i in batch]
    if any(len(places) != 1 for places in found):
        message = f"expected one position or role in at=, got {at!r}"
        raise InputError(message)
    return [places[0] for places in found]


def there(engine: Engine, names: Sequence[str]) -> list[str]:
    """Return those hook points that the model has."""
    points = engine.view.hook_dict
    aliases = build_alias_to_canonical_map(points)
    return [name for name in names if aliases.get(name, name) in points]


def keep_at(store: dict[str, Tensor], name: str, places: Sequence[int]) -> HookFn:
    """Return a hook that keeps one position of each row in ``store[name]``, [row, ...]."""

    def hook(tensor: Tensor, start: int) -> None:
        here = [(r, p - start) for r, p in enumerate(places) if 0 <= p - start < tensor.shape[1]]
        if not here:
            return
        rows, at = [r for r, _ in here], [p for _, p in here]
        whole = tensor.detach().expand(len(places), *tensor.shape[1:])  # positions come once
        picked = whole[rows, at]
        if name not in store:
            store[name] = picked.new_zeros(len(places), *picked.shape[1:])
        store[name][rows] = picked

    return hook


# ------------------------------------------------------------------ norms


def post_scale(layer: int) -> str:
    """Name the hook point of what the norm after a layer's attention divides by."""
    return f"blocks.{layer}.ln1_post.hook_scale"


def post_weight(engine: Engine, layer: int) -> Tensor | None:
    """Return the weight of the norm after a layer's attention, [d_model]; None without one."""
    return norm_weight(engine.view.blocks[layer].ln1_post) if engine.facts.post_norm else None


def norm_weight(norm: object) -> Tensor | None:
    """Return what a norm multiplies by, [d_model]; None if it has no weight."""
    weight = getattr(getattr(norm, "original_component", None), "weight", None)
    if weight is None:
        return None
    offset = 1.0 if getattr(norm, "uses_weight_offset", False) else 0.0
    found: Tensor = weight.detach().float() + offset
    return found


def scale_of(norm: Any, rows: Tensor) -> Tensor:
    """Return what a norm divides by, float32 [row, 1], for rows [row, d_model]; 1 without one.

    Raises
    ------
    NotMeasurable
        If the norm does not show it.
    """
    if norm_weight(norm) is None:
        return torch.ones(len(rows), 1, device=rows.device)
    seen: list[Tensor] = []

    def keep(_module: Any, _args: Any, scale: Tensor) -> None:
        seen.append(scale.detach())

    point = getattr(norm, "hook_scale", None)
    handle = None if point is None else point.register_forward_hook(keep)
    try:
        norm(rows[None])
    finally:
        if handle is not None:
            handle.remove()
    if not seen:
        message = f"the norm {type(norm).__name__} does not show what it divides by"
        raise NotMeasurable(message)
    return seen[0].reshape(-1, 1).float()
