"""One model as a run left it: its logits and activations, and clamps put on it after training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from headwidgets.errors import InputError
from headwidgets.labs.emergence.clamped import Clamped
from headwidgets.labs.emergence.clamping import read_clamps
from headwidgets.labs.emergence.embed import Embedding
from headwidgets.labs.emergence.model import forward

if TYPE_CHECKING:
    from torch import Tensor

    from headwidgets.labs.emergence.batch import Batch
    from headwidgets.labs.emergence.clamping import Clamps
    from headwidgets.labs.emergence.model import Weights
    from headwidgets.labs.emergence.shape import Shape


class Trained:
    """One model's weights, what it learned from and how far it was.

    Parameters
    ----------
    shape : Shape
    data : Exemplars, Repeats or another
    weights : dict of str to Tensor
        Of one model, by name.
    step : int
    clamps : mapping, optional
        Those that it was trained with, which its logits do not have unless they are given.
    """

    def __init__(
        self, shape: Shape, data: Any, weights: Weights, step: int = 0, clamps: Any = None
    ) -> None:
        self.shape, self.data, self.weights, self.step = shape, data, weights, step
        self.clamps: dict[str, Any] = dict(clamps or {})
        self._embedding = Embedding(data)

    def logits(self, batch: Batch, clamps: Clamps | None = None) -> Tensor:
        """Return logits at the asked positions, [sequence, asked, label].

        Raises
        ------
        InputError
            If a clamp cannot be put on.
        """
        return self.run(batch, clamps)["logits"]

    def activation(self, name: str, batch: Batch, *, whole: bool = False) -> Tensor:
        """Return an activation without clamps, [1, ...]; see `headwidgets.labs.emergence.model`.

        Of the last layer at the asked positions, or at the `whole` sequence.

        Raises
        ------
        InputError
            If there is none of that name.
        """
        found = self.run(batch, whole=whole)
        if name not in found:
            message = f"no activation {name!r}: there are {', '.join(found)}"
            raise InputError(message)
        return found[name][None]

    @torch.no_grad()
    def run(
        self, batch: Batch, clamps: Clamps | None = None, *, whole: bool = False
    ) -> dict[str, Tensor]:
        """Return every activation by name, without the axis of models.

        Parameters
        ----------
        batch : Batch
        clamps : mapping of str to Clamp, optional
        whole : bool
            Every position of the last layer, not the asked ones alone.

        Raises
        ------
        InputError
            If a clamp cannot be put on, or the sequences are of other data.
        """
        if batch.tokens.numel() and int(batch.tokens.max()) >= self.data.n_tokens:
            message = (
                f"expected sequences of {self.data.n_tokens} tokens, as this model learned from, "
                f"got token {int(batch.tokens.max())}: they are of other data"
            )
            raise InputError(message)
        own = {name: value[None] for name, value in self.weights.items()}
        touch = Recorded(Clamped(self.shape, [read_clamps(clamps, self.shape, data=self.data)]))
        held = touch.clamped.on(batch).weights(own)
        rows = slice(0, batch.tokens.shape[1]) if whole else batch.rows
        forward(self.shape, held, self._embedding(held, batch.tokens), rows, touch)
        return {name: value[0] for name, value in touch.seen.items()}

    def patterns(self, batch: Batch, clamps: Clamps | None = None) -> Tensor:
        """Return attention, [sequence, layer, head, query, key]."""
        found = self.run(batch, clamps, whole=True)
        layers = range(self.shape.n_layers)
        return torch.stack([found[f"blocks.{layer}.attn.hook_pattern"] for layer in layers], 1)


class Recorded:
    """Keeps what passes, as it is behind the clamps."""

    def __init__(self, clamped: Clamped) -> None:
        self.clamped = clamped
        self.seen: dict[str, Tensor] = {}

    def wants(self, name: str) -> bool:
        """Whether an activation is clamped."""
        return self.clamped.wants(name)

    def __call__(self, name: str, value: Tensor) -> Tensor:
        """Return what takes an activation's place, and keep it."""
        self.seen[name] = self.clamped(name, value)
        return self.seen[name]
