"""The residual stream taken apart: embedding, positions, heads, MLPs and biases, as rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
import torch
from torch import Tensor
from transformer_lens.model_bridge.bridge_core import build_alias_to_canonical_map

from headwidgets.errors import InputError, NotMeasurable
from headwidgets.methods.record import mlp_name, z_name
from headwidgets.methods.snapshot import Ids, Pair, position

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwidgets.methods.edits import At
    from headwidgets.model.engine import Engine, HookFn

_ROUNDINGS = 16  # a sum may be off by so many roundings of its largest entry
Row = tuple[str, int | None, int | None, Tensor]


@dataclass(frozen=True)
class Parts:
    """What was added up to the last residual stream of one position.

    Attributes
    ----------
    names : list of (part, layer, head)
    vectors : Tensor, float32, [part, d_model]
    total : Tensor, float32, [d_model]
        The residual stream after the last block.
    error : float
        Largest entry of total − sum(vectors).
    """

    names: list[tuple[str, int | None, int | None]]
    vectors: Tensor
    total: Tensor
    error: float

    def to_frame(self) -> pd.DataFrame:
        """Return part, layer, head, norm and share; the shares sum to one.

        Share is the part's component along the total, divided by the total's length.
        """
        frame = pd.DataFrame(self.names, columns=["part", "layer", "head"])
        frame[["layer", "head"]] = frame[["layer", "head"]].astype("Int64")
        frame["norm"] = self.vectors.norm(dim=-1).tolist()
        frame["share"] = (self.vectors @ self.total / self.total.square().sum()).tolist()
        frame.attrs |= {"largest_error": self.error}
        return frame


def residual_parts(engine: Engine, ids: Ids, at: At = "end") -> Parts:
    """Take the last residual stream of one position apart.

    On Gemma 2 and 3 the heads' sum is normalised before it reaches the stream; a head's
    part is then its write through that forward's frozen norm (divided by its scale,
    multiplied by its weight), so that the rows still sum exactly.

    Raises
    ------
    NotMeasurable
        If the parts do not sum to the stream: the architecture adds something that is
        not in this list.
    """
    places = position(at, Pair(clean=ids), one_length=True)
    if len(places) != 1:
        message = f"expected one position or role in at=, got {at!r}"
        raise InputError(message)
    place = places[0]
    seen = _record(engine, ids, place)
    rows = list(_rows(engine, seen))
    vectors = torch.stack([row[3].float() for row in rows])
    total = seen[f"blocks.{engine.facts.n_layers - 1}.hook_resid_post"].float()
    error = float((total - vectors.sum(0)).abs().max())
    tolerance = max(1e-3, _ROUNDINGS * torch.finfo(engine.weights.dtype).eps)
    if error > tolerance * max(1.0, float(total.abs().max())):
        message = (
            f"the embedding, heads, MLPs and biases of {engine.facts.architecture} sum to the "
            f"residual stream only within {error:.3g}: it adds something else between its "
            "blocks, so this decomposition would mislead"
        )
        raise NotMeasurable(message)
    return Parts([row[:3] for row in rows], vectors, total, error)


def _record(engine: Engine, ids: Ids, place: int) -> dict[str, Tensor]:
    """Record all that is added, at one position."""
    seen: dict[str, Tensor] = {}

    def keep(name: str) -> HookFn:
        def hook(tensor: Tensor, start: int) -> None:
            if start <= place < start + tensor.shape[1]:
                seen[name] = tensor[0, place - start].detach().clone()

        return hook

    names = ["hook_embed", "hook_pos_embed", f"blocks.{engine.facts.n_layers - 1}.hook_resid_post"]
    for layer in range(engine.facts.n_layers):
        names += [z_name(layer), mlp_name(layer), f"blocks.{layer}.ln1_post.hook_scale"]
    points = engine.view.hook_dict
    aliases = build_alias_to_canonical_map(points)
    there = [name for name in names if aliases.get(name, name) in points]
    engine.run(torch.tensor([ids]), [(name, keep(name)) for name in there])
    return seen


def _rows(engine: Engine, seen: dict[str, Tensor]) -> Iterator[Row]:
    yield "embedding", None, None, seen["hook_embed"]
    if "hook_pos_embed" in seen:
        yield "positions", None, None, seen["hook_pos_embed"]
    for layer in range(engine.facts.n_layers):
        writes = torch.einsum("hd,hdm->hm", seen[z_name(layer)].float(), engine.weights.W_O(layer))
        bias = engine.weights.b_O(layer)
        gain = _post_norm(engine, layer, seen)
        for head, write in enumerate(writes * gain):
            yield "head", layer, head, write
        if bias is not None and bool(bias.any()):
            yield "attention bias", layer, None, bias * gain
        if mlp_name(layer) in seen:
            yield "mlp", layer, None, seen[mlp_name(layer)]


def _post_norm(engine: Engine, layer: int, seen: dict[str, Tensor]) -> Tensor:
    """Return what a head's write is multiplied by before the stream, [d_model] or 1."""
    if not engine.facts.post_norm:
        return torch.ones(())
    norm = engine.view.blocks[layer].ln1_post
    weight: Tensor = norm.original_component.weight.detach().float()
    if getattr(norm, "uses_weight_offset", False) or engine.facts.architecture.startswith("Gemma"):
        weight = 1.0 + weight
    return weight / seen[f"blocks.{layer}.ln1_post.hook_scale"].float()
