"""The residual stream taken apart: embedding, positions, heads, MLPs and biases, as rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
import torch
from torch import Tensor

from headwidgets.errors import NotMeasurable
from headwidgets.methods.record import mlp_name, z_name
from headwidgets.methods.snapshot import Ids, Pair, position

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwidgets.methods.edits import At
    from headwidgets.model.engine import Engine, HookFn

_TOLERANCE = 1e-3  # of the largest entry of the sum; past it the parts are not all known
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
    place = position(at, Pair(clean=ids), one_length=True)[0]
    seen = _record(engine, ids, place)
    rows = list(_rows(engine, seen))
    vectors = torch.stack([row[3].float() for row in rows])
    total = seen[f"blocks.{engine.facts.n_layers - 1}.hook_resid_post"].float()
    error = float((total - vectors.sum(0)).abs().max())
    if error > _TOLERANCE * max(1.0, float(total.abs().max())):
        message = (
            f"the embedding, heads, MLPs and biases of {engine.facts.architecture} sum to the "
            f"residual stream only within {error:.3g}: it adds something else between its "
            "blocks, so this decomposition would mislead"
        )
        raise NotMeasurable(message)
    return Parts([row[:3] for row in rows], vectors, total, error)


def _record(engine: Engine, ids: Ids, place: int) -> dict[str, Tensor]:
    """Record all that is added, at one position."""
    points = engine.view.hook_dict
    seen: dict[str, Tensor] = {}

    def keep(name: str) -> HookFn:
        def hook(tensor: Tensor, start: int) -> None:
            if start <= place < start + tensor.shape[1]:
                seen[name] = tensor[0, place - start].detach().clone()

        return hook

    names = ["hook_embed", "hook_pos_embed", f"blocks.{engine.facts.n_layers - 1}.hook_resid_post"]
    for layer in range(engine.facts.n_layers):
        names += [z_name(layer), mlp_name(layer), f"blocks.{layer}.ln1_post.hook_scale"]
    aliases = engine.view.hook_aliases if hasattr(engine.view, "hook_aliases") else {}
    there = [n for n in names if n in points or n in aliases or _has(engine, n)]
    engine.run(torch.tensor([ids]), [(name, keep(name)) for name in there])
    return seen


def _has(engine: Engine, name: str) -> bool:
    """Whether the model has a hook point of this name, aliases included."""
    target: Any = engine.view
    try:
        for part in name.split("."):
            target = target[int(part)] if part.isdigit() else getattr(target, part)
    except (AttributeError, IndexError, KeyError):
        return False
    return target is not None


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
