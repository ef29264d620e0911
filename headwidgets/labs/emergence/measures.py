"""What is measured of K models under way: losses, heads, subcircuits, composition.

The induction strength of a head of the last layer is its attention from the asked position on the
right label less that on the wrong one, -1 to 1; the previous-token score of a head of the first
layer its attention from labels on what they label (Singh et al. 2024, arXiv 2404.07129, section
4.1). Progress of a subcircuit: the loss with the others clamped (figure 10). Composition:
‖W_O W‖ / ‖W_O‖‖W‖ (Elhage et al. 2021).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from headwidgets.labs.emergence.batch import Batch, generator, joined
from headwidgets.labs.emergence.clamped import Clamped
from headwidgets.labs.emergence.clamping import read_clamps
from headwidgets.labs.emergence.embed import Embedding
from headwidgets.labs.emergence.model import NOTHING, Weights, forward, losses
from headwidgets.labs.emergence.presets import preset
from headwidgets.labs.emergence.trained import Recorded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from headwidgets.labs.emergence.clamping import Read
    from headwidgets.labs.emergence.shape import Shape

PROGRESS = {"B + C": "layer 1", "A + B": "copy", "B": "layer 1 + copy", "C": "match"}
"""Subcircuits left to learn -> what is clamped while they are measured."""
_ASKED = 500
_SALT = 7_919


class Measured(NamedTuple):
    """What K models do at one step.

    Attributes
    ----------
    parts : dict of str to (Tensor, Tensor)
        "train" and what was held back -> loss in nats and accuracy, [K] each.
    strength : Tensor, [K, head]
        Induction strength of the last layer's heads.
    previous : Tensor, [K, head]
        Previous-token score of the first layer's heads.
    """

    parts: dict[str, tuple[Tensor, Tensor]]
    strength: Tensor
    previous: Tensor


class Ruler:
    """The sequences that a run is measured on: drawn once, the same at every step.

    Parameters
    ----------
    data : Exemplars, Repeats or another
    shape : Shape
    parts : sequence of str
        "train" first.
    asked : int
        Sequences of each part.
    seed : int
    """

    def __init__(
        self, data: Any, shape: Shape, parts: Sequence[str], asked: int = _ASKED, seed: int = 0
    ) -> None:
        self.shape, self.asked = shape, asked
        self.batches: dict[str, Batch] = {
            part: data.draw(asked, generator(seed, _SALT, place), part)
            for place, part in enumerate(data.parts)
            if part in parts
        }
        self._all = joined(list(self.batches.values()))
        self._labelled = torch.tensor(data.labelled)
        self._embedding = Embedding(data)

    @torch.no_grad()
    def measure(self, weights: Weights, conditions: Sequence[Read], step: int) -> Measured:
        """Measure K models, each with its clamps as they hold at a step."""
        clamped = Clamped(self.shape, conditions, step)
        touch = Recorded(clamped)
        held = clamped.on(self._all).weights(weights)
        stream = self._embedding(held, self._all.tokens)
        logits = forward(self.shape, held, stream, self._all.rows, touch)
        parts = {}
        for place, (part, batch) in enumerate(self.batches.items()):
            mine = logits[:, place * self.asked : (place + 1) * self.asked]
            parts[part] = losses(mine, batch.targets), right(mine, batch.targets)
        train = self.batches["train"]
        last = f"blocks.{self.shape.n_layers - 1}.attn.hook_pattern"
        attention = touch.seen[last][:, : self.asked]
        first = touch.seen["blocks.0.attn.hook_pattern"][:, : self.asked]
        if self.shape.n_layers == 1:  # it has the asked rows alone
            previous = torch.full(first.shape[::2][:2], float("nan"))
        else:
            previous = first[..., self._labelled, self._labelled - 1].mean((1, -1))
        return Measured(parts, strength(attention, train), previous)

    @torch.no_grad()
    def progress(
        self, weights: Weights, conditions: Sequence[Read], step: int, heads: Sequence[int]
    ) -> dict[str, tuple[Tensor, Tensor]]:
        """Measure subcircuits of models of two layers: what is left when the others are clamped.

        Parameters
        ----------
        heads : sequence of int
            The head of layer 2 that each model's clamps are put on.

        Returns
        -------
        dict of str to (Tensor, Tensor)
            "A + B" and so on -> loss and accuracy on "train", [K] each.
        """
        batch, found = self.batches["train"], {}
        for name, what in PROGRESS.items():
            under = []
            for mine, head in zip(conditions, heads, strict=True):
                more = read_clamps(preset(what, head=None), self.shape)
                if "copy" in what:
                    more = read_clamps({**preset(what, head=head)}, self.shape)
                own = tuple(one for one in mine if one[0] not in dict(more) and one[1].active(step))
                under.append((*((n, c.during()) for n, c in own), *more))
            clamped = Clamped(self.shape, under)
            held = clamped.on(batch).weights(weights)
            stream = self._embedding(held, batch.tokens)
            logits = forward(self.shape, held, stream, batch.rows, clamped)
            found[name] = losses(logits, batch.targets), right(logits, batch.targets)
        return found

    @torch.no_grad()
    def patterns(self, weights: Weights, conditions: Sequence[Read], step: int) -> Tensor:
        """Return mean attention where the first label is asked for, [K, layer, head, query, key].

        Where a sequence has no wrong label, over all of them.
        """
        train = self.batches["train"]
        chosen = (train.shown < train.other).any(1)
        where = chosen.nonzero().flatten() if bool(chosen.any()) else torch.arange(len(chosen))
        batch = train.take(where[: self.asked // 4])
        touch = Recorded(Clamped(self.shape, conditions, step))
        held = touch.clamped.on(batch).weights(weights)
        rows = slice(0, batch.tokens.shape[1])
        forward(self.shape, held, self._embedding(held, batch.tokens), rows, touch)
        names = [f"blocks.{layer}.attn.hook_pattern" for layer in range(self.shape.n_layers)]
        return torch.stack([touch.seen[name].mean(1) for name in names], 1)


def right(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the share of answers that are right, [K]."""
    found = (logits.argmax(-1) == targets).float().flatten(1).sum(1)
    return found / (targets != NOTHING).sum()


def strength(attention: Tensor, batch: Batch) -> Tensor:
    """Return induction strengths from asked rows [K, sequence, head, asked, key], [K, head].

    NaN where the answer is not shown in one place.
    """
    if bool((batch.shown < 0).any()):
        return torch.full(attention.shape[::2][:2], float("nan"))
    k, n, heads, rows, _ = attention.shape

    def on(places: Tensor) -> Tensor:
        index = places.clamp(min=0)[None, :, None, :, None].expand(k, n, heads, rows, 1)
        return attention.gather(-1, index)[..., 0]

    found = on(batch.shown)
    if not bool((batch.other < 0).any()):
        found = found - on(batch.other)
    return found.mean((1, 3))


@torch.no_grad()
def composition(shape: Shape, weights: Weights) -> Tensor:
    """Return how heads of the first layer feed those of the second, [K, q k v, from, to].

    Returns
    -------
    Tensor
        ‖W_O W‖_F / ‖W_O‖_F ‖W‖_F with W the query's, key's or value's matrix.
    """
    heads, width = shape.n_heads, shape.d_head
    W_O = weights["0.W_O"].view(-1, heads, width, shape.d_model)  # [K, from, d_head, d_model]
    W = weights["1.W_QKV"].view(-1, shape.d_model, 3, heads, width).permute(0, 2, 3, 1, 4)
    made = W_O[:, None, :, None] @ W[:, :, None]  # [K, 3, from, to, d_head, d_head]
    sizes = W_O.flatten(2).norm(dim=-1)[:, None, :, None] * W.flatten(3).norm(dim=-1)[:, :, None]
    found: Tensor = made.flatten(4).norm(dim=-1) / sizes
    return found
