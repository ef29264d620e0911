"""The weights of one layer at a time, in one layout for every architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from headwidgets.model.facts import Facts


class Weights:
    """Float32 weights in TransformerLens's layout, keys and values per query head.

    Attributes are read on demand: nothing is copied for a whole model at once.
    """

    def __init__(self, view: Any, facts: Facts) -> None:
        self._view = view
        self._facts = facts
        self._kept: dict[str, Tensor] = {}

    def clear(self) -> None:
        """Forget what was read."""
        self._kept.clear()

    @property
    def dtype(self) -> torch.dtype:
        """The dtype that the model computes in."""
        return next(self._view.parameters()).dtype  # type: ignore[no-any-return]

    @property
    def W_E(self) -> Tensor:
        """Embedding, [vocabulary, d_model]."""
        return self._read("W_E", self._view.W_E)

    @property
    def W_U(self) -> Tensor:
        """Unembedding, [d_model, vocabulary]."""
        return self._read("W_U", self._view.W_U)

    def W_Q(self, layer: int) -> Tensor:
        """Query weights, [head, d_model, d_head]."""
        return self._layer("W_Q", layer)

    def W_K(self, layer: int) -> Tensor:
        """Key weights, [head, d_model, d_head], repeated over the groups of a GQA model."""
        return self._layer("W_K", layer)

    def W_V(self, layer: int) -> Tensor:
        """Value weights, [head, d_model, d_head], repeated over the groups of a GQA model."""
        return self._layer("W_V", layer)

    def W_O(self, layer: int) -> Tensor:
        """Output weights, [head, d_head, d_model]."""
        return self._layer("W_O", layer)

    def b_O(self, layer: int) -> Tensor | None:
        """Output bias, [d_model], None where the checkpoint has none."""
        return self._bias("b_O", layer)

    def b_Q(self, layer: int) -> Tensor | None:
        """Query biases, [head, d_head], None where the checkpoint has none."""
        bias = self._bias("b_Q", layer)
        return None if bias is None else self._grouped(bias)

    def b_K(self, layer: int) -> Tensor | None:
        """Key biases, [head, d_head], as `W_K`; None where the checkpoint has none."""
        bias = self._bias("b_K", layer)
        return None if bias is None else self._grouped(bias)

    def _bias(self, name: str, layer: int) -> Tensor | None:
        try:
            bias = getattr(self._view.blocks[layer].attn, name)
        except AttributeError:
            return None
        return None if bias is None else bias.detach().float()

    def _read(self, name: str, value: Tensor) -> Tensor:
        if name not in self._kept:
            self._kept[name] = value.detach().float()
        return self._kept[name]

    def _layer(self, name: str, layer: int) -> Tensor:
        with torch.no_grad():
            weight: Tensor = getattr(self._view.blocks[layer].attn, name).detach().float()
        return self._grouped(weight)

    def _grouped(self, weight: Tensor) -> Tensor:
        """Give every query head the weights of its group."""
        groups = self._facts.n_heads // weight.shape[0]
        return weight.repeat_interleave(groups, dim=0) if groups > 1 else weight
