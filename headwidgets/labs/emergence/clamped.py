"""Clamps at work: K conditions with their own clamps, in one forward."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from headwidgets.errors import InputError, NotMeasurable
from headwidgets.labs.emergence.clamps import HEADED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from headwidgets.labs.emergence.batch import Batch
    from headwidgets.labs.emergence.clamping import Read
    from headwidgets.labs.emergence.clamps import Clamp
    from headwidgets.labs.emergence.model import Weights
    from headwidgets.labs.emergence.shape import Shape

_NEVER = -1e9


class Clamped:
    """What is clamped of K conditions at one step: sees activations, and replaces them.

    Parameters
    ----------
    shape : Shape
    conditions : sequence of clamps read
        One a model.
    step : int
        Clamps that do not hold then are left out.
    """

    def __init__(self, shape: Shape, conditions: Sequence[Read], step: int = 0) -> None:
        self._shape = shape
        self._held: dict[str, list[tuple[Clamp, Tensor]]] = {}
        merged: dict[tuple[str, int], tuple[Clamp, list[int]]] = {}
        for place, clamps in enumerate(conditions):
            for name, clamp in clamps:
                if clamp.active(step):
                    merged.setdefault((name, id(clamp)), (clamp, []))[1].append(place)
        for (name, _), (clamp, places) in merged.items():
            models = torch.zeros(len(conditions), dtype=torch.bool)
            models[places] = True
            self._held.setdefault(name, []).append((clamp, models))
        scores = f"blocks.{shape.n_layers - 1}.attn.hook_attn_scores"
        self._kept_names = {"blocks.0.hook_resid_pre"} if self._any("shifted") else set()
        if self._any("scores"):
            self._kept_names.add(scores)
        self._scores = scores
        self._kept: dict[str, Tensor] = {}
        self._batch: Batch | None = None

    def _any(self, kind: str) -> bool:
        return any(clamp.kind == kind for held in self._held.values() for clamp, _ in held)

    def __bool__(self) -> bool:
        """Whether anything is clamped."""
        return bool(self._held)

    def on(self, batch: Batch) -> Clamped:
        """Take the batch that comes next."""
        self._batch = batch
        self._kept.clear()
        return self

    def wants(self, name: str) -> bool:
        """Whether an activation is clamped."""
        return name in self._held

    def weights(self, weights: Weights) -> Weights:
        """Return weights with grafted layers in their place; no gradient reaches what is held."""
        out = dict(weights)
        for layer in range(self._shape.n_layers):
            for clamp, models in self._held.get(f"blocks.{layer}", ()):
                for name, own in weights_of(clamp.given).items():
                    if name.startswith(f"{layer}."):
                        mask = models.view(-1, *[1] * (own.ndim - 1))
                        out[name] = torch.where(mask, own, out[name])
        return out

    def __call__(self, name: str, value: Tensor) -> Tensor:
        """Return what takes an activation's place."""
        for clamp, models in self._held.get(name, ()):
            value = self._put(name, clamp, models, value)
        if name in self._kept_names:  # as the model has it, clamps and all
            self._kept[name] = value
        return value

    def _put(self, name: str, clamp: Clamp, models: Tensor, value: Tensor) -> Tensor:
        mask = models.view(-1, *[1] * (value.ndim - 1))
        heads, axis = clamp.heads, HEADED.get(name.rpartition("hook_")[2])
        if clamp.kind == "only":
            heads = tuple(h for h in range(self._shape.n_heads) if h not in clamp.given)
        if heads is not None and axis is not None:
            if len(heads) == 0:
                return value
            mask = mask & on_heads(value, heads, axis)
        new = self._made(name, clamp, value)
        return torch.where(mask, new, value)

    def _made(self, name: str, clamp: Clamp, value: Tensor) -> Tensor:
        batch = self._batch
        if batch is None:
            message = "expected a batch first"
            raise InputError(message)
        if clamp.kind == "previous":
            return previous_pattern(value, batch.rows)
        if clamp.kind == "label":
            return label_pattern(value, batch, clamp.given)
        if clamp.kind == "shifted":
            return _shifted(self._kept["blocks.0.hook_resid_pre"])
        if clamp.kind == "scores":
            return _from_scores(value, self._kept[self._scores][:, :, clamp.given], batch)
        if clamp.kind == "copied":
            found = clamp.given.activation(name, batch)
            if found.shape[1:] != value.shape[1:]:  # here the last layer has every position
                found = clamp.given.activation(name, batch, whole=True)
            return fitting(found, value)
        return given_value(clamp, value)


def on_heads(value: Tensor, heads: Sequence[int], axis: int) -> Tensor:
    """Return a mask that is true at some heads, to be broadcast over an activation."""
    mask = torch.zeros(value.shape[axis], dtype=torch.bool)
    mask[list(heads)] = True
    return mask.view(-1, *[1] * (-axis - 1)).to(value.device)


def given_value(clamp: Clamp, value: Tensor) -> Tensor:
    """Return the value of a clamp to a number, an array or a function's result.

    Raises
    ------
    InputError
        If it does not fit, or a function makes NaN or infinity of what is finite (of attention
        scores it may make -inf, which masks).
    """
    given: Any = 0.0 if clamp.kind == "only" else clamp.given
    from_value = callable(given) and not isinstance(given, torch.Tensor)
    made = given(value) if from_value else given
    try:
        found = torch.as_tensor(made, dtype=value.dtype, device=value.device)
    except (TypeError, ValueError, RuntimeError) as error:
        message = f"expected a number or an array to clamp to, got {made!r:.80}"
        raise InputError(message) from error
    wrong = from_value and (found.isnan() | (found == torch.inf)).any()
    if wrong and not (value.isnan() | (value == torch.inf)).any():
        message = "expected a function that makes finite numbers of finite ones, got NaN or inf"
        raise InputError(message)
    return fitting(found, value)


def fitting(found: Tensor, value: Tensor) -> Tensor:
    """Return what an activation is clamped to, if it fits.

    Raises
    ------
    InputError
        If it does not.
    """
    sizes = list(zip(found.shape[::-1], value.shape[::-1], strict=False))
    if found.ndim > value.ndim or any(one not in (1, size) for one, size in sizes):
        message = f"expected a value that fits {tuple(value.shape)}, got {tuple(found.shape)}"
        raise InputError(message)
    return found


def previous_pattern(value: Tensor, rows: slice) -> Tensor:
    """Return the pattern on the token before, [query, key], for all queries or the asked ones."""
    length = value.shape[-1]
    found = torch.zeros(length, length, dtype=value.dtype, device=value.device)
    place = torch.arange(length)
    found[place, (place - 1).clamp(min=0)] = 1
    return found if value.shape[-2] == length else found[rows]


def label_pattern(value: Tensor, batch: Batch, p: float, axis: int = -3) -> Tensor:
    """Return a pattern whose asked rows have `p` on the right label, the rest on the wrong one.

    Parameters
    ----------
    value : Tensor, [sequence, head, query, key]
        Heads on `axis`, or none of them; queries are all, or the asked ones.
    batch : Batch
    p : float
    axis : int
        -3 or -4.

    Raises
    ------
    InputError
        If the batch is of other sequences.
    NotMeasurable
        If the sequences do not show the right label in one place, or the wrong one at p < 1.
    """
    if bool((batch.shown < 0).any()) or (p < 1 and bool((batch.other < 0).any())):
        message = "these sequences do not show the right and the wrong label in one place each"
        raise NotMeasurable(message)
    length = value.shape[-1]
    if length != batch.tokens.shape[1]:
        message = f"expected a pattern of the batch's {batch.tokens.shape[1]} positions, got "
        message += str(tuple(value.shape))
        raise InputError(message)
    made = torch.zeros(*batch.shown.shape, length, dtype=value.dtype)
    made.scatter_(-1, batch.shown[..., None], p)
    if p < 1:
        made.scatter_(-1, batch.other[..., None], 1 - p)
    made = made.to(value.device)
    if value.ndim > made.ndim:
        made = made.unsqueeze(axis)
    if value.shape[-2] != length:
        return fitting(made, value)
    out = value.clone()
    out[..., batch.rows, :] = fitting(made, out[..., batch.rows, :])
    return out


def _shifted(embedded: Tensor) -> Tensor:
    """Return embeddings of the token before; the first and the last position keep their own."""
    return torch.cat([embedded[:, :, :1], embedded[:, :, :-2], embedded[:, :, -1:]], 2)


def _from_scores(logits: Tensor, scores: Tensor, batch: Batch) -> Tensor:
    """Return logits that are attention scores on the labels of a sequence."""
    if bool((batch.shown < 0).any()) or bool((batch.other < 0).any()):
        message = "these sequences do not show the right and the wrong label in one place each"
        raise NotMeasurable(message)
    asked = scores if scores.shape[-2] == logits.shape[-2] else scores[..., batch.rows, :]
    places = torch.stack([batch.shown, batch.other], -1)
    labels = batch.tokens.gather(1, places.flatten(1)).view(places.shape)
    k = len(logits)
    found = asked.gather(-1, places.expand(k, *places.shape))
    blank = torch.full_like(logits, _NEVER)
    return blank.scatter(-1, labels.expand(k, *labels.shape), found)


def weights_of(source: Any) -> Weights:
    """Return the weights of one model of a run, by name, [1, ...].

    Raises
    ------
    InputError
        If `source` is no run.
    """
    weights = getattr(source, "weights", None)
    if not isinstance(weights, dict):
        message = f"expected a run or what it trained, got {source!r:.80}"
        raise InputError(message)
    return {name: one.detach()[None] for name, one in weights.items()}
