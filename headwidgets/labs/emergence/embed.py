"""From tokens to what enters the first layer: labels have rows, exemplars are projected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

    from headwidgets.labs.emergence.model import Weights

_MANY = 512


class Embedding:
    """Tokens to streams, for one data set.

    Parameters
    ----------
    data : Exemplars, Repeats or another
    among : Tensor of int, optional
        The only exemplars (rows of ``data.table()``) that will come: where they are few, all
        are projected at once, which costs less than to gather those of a batch.
    """

    def __init__(self, data: Any, among: Tensor | None = None) -> None:
        self._labels = int(data.n_labels)
        self._table: Tensor | None = data.table() if data.n_features else None
        self._place: Tensor | None = None
        self._few: Tensor | None = None
        if self._table is not None and among is not None and len(among) <= _MANY:
            self._few = self._table[among]
            self._place = torch.zeros(self._labels + len(self._table), dtype=torch.long)
            self._place[: self._labels] = torch.arange(self._labels)
            self._place[among + self._labels] = self._labels + torch.arange(len(among))

    def __call__(self, weights: Weights, tokens: Tensor) -> Tensor:
        """Return the streams of tokens, [K, sequence, position, d_model]."""
        rows, place = weights["embed"], tokens
        if self._few is not None and self._place is not None:
            place = self._place[tokens]
            rows = torch.cat([rows, projected(weights, self._few)], 1)
        elif self._table is not None:
            known, place = torch.unique(tokens, return_inverse=True)
            shown = known[known >= self._labels]
            labels = rows[:, known[known < self._labels]]
            rows = torch.cat([labels, projected(weights, self._table[shown - self._labels])], 1)
        if rows.shape[1] > _MANY or not torch.is_grad_enabled():
            return rows[:, place]
        # of a few rows, a product's backward costs far less than that of an index
        which = functional.one_hot(place.flatten(), rows.shape[1]).to(rows.dtype)
        return (which @ rows).view(len(rows), *tokens.shape, -1)


def projected(weights: Weights, features: Tensor) -> Tensor:
    """Return exemplars as the stream has them, [K, exemplar, d_model]."""
    return features @ weights["project.weight"] + weights["project.bias"][:, None]


def trained_on(data: Any) -> Tensor | None:
    """Return which rows of the table training can show; None where there is no table."""
    if not data.n_features:
        return None
    classes, each = data.features.shape[:2]
    every = torch.arange(classes * each).view(classes, each)
    return every[: data.trained, : data.shown].flatten()
