"""Several vectors added at one place, each in its own copy of the prompts, in few calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from headwidgets.methods.activations import places_of
from headwidgets.methods.apply import sites
from headwidgets.methods.edit import Edit
from headwidgets.methods.trust import require_trust
from headwidgets.model.work import checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from headwidgets.methods.places import At
    from headwidgets.methods.snapshot import Ids, Pair, Snapshot
    from headwidgets.model.engine import Engine, HookFn

TOKENS = 2048
"""Tokens a call: copies of the prompts, one copy a vector."""
LOGIT_BYTES = 64 << 20
"""The most that one call's logits may take, where all positions are wanted."""


class Adding:
    """Adds vectors at one place: a head's z, what an MLP writes, or the residual stream.

    Parameters
    ----------
    engine : Engine
    target : str
    """

    def __init__(self, engine: Engine, target: str) -> None:
        self.engine = engine
        ((self.name, heads),) = sites(engine.facts, Edit("zero", target))
        self.head = None if heads is None else heads[0]

    def runs(
        self, pairs: Sequence[Pair], vectors: Tensor, at: At, snapshot: Snapshot, done: int = 0
    ) -> Iterator[tuple[int, Tensor]]:
        """Yield the first vector of a call and logits [vector, prompt, vocabulary] at the end.

        Parameters
        ----------
        vectors : Tensor, [vector, width]
        at : int, str, tuple or None
            Where they are added; None is everywhere.
        done : int
            Prompts of the set that are done already, for the progress.
        """
        rows = [pair.clean for pair in pairs]
        mask = torch.zeros(len(rows), len(rows[0]))
        for row, pair in enumerate(pairs):
            mask[row, places_of(at, pair, snapshot)] = 1.0
        limit = min(TOKENS // len(rows[0]), self.engine.rows_at_once(len(rows[0])))
        for first in range(0, len(vectors), step := max(1, limit // len(rows))):
            progress = done * len(vectors) + first * len(rows)
            checkpoint(progress, len(snapshot.pairs) * len(vectors), "strengths")
            yield first, self._run(rows, vectors[first : first + step], mask, "end")

    def everywhere(self, rows: Sequence[Ids], vectors: Tensor) -> Iterator[tuple[int, Tensor]]:
        """Yield the first vector of a call and logits [vector, prompt, position, vocabulary]."""
        length = len(rows[0])
        size = len(rows) * length * self.engine.facts.d_vocab * 4
        step = max(1, min(LOGIT_BYTES // size, TOKENS // (length * len(rows))))
        mask = torch.ones(len(rows), length)
        for first in range(0, len(vectors), step):
            checkpoint()
            yield first, self._run(rows, vectors[first : first + step], mask, "all")

    def _run(self, rows: Sequence[Ids], vectors: Tensor, mask: Tensor, positions: str) -> Tensor:
        if self.head is not None:
            require_trust(self.engine, int(self.name.split(".")[1]), rows[0])
        ids = torch.tensor(rows).repeat(len(vectors), 1)
        hooks = [(self.name, self._hook(vectors, mask))]
        found = self.engine.run(ids, hooks, positions=positions)
        return found.reshape(len(vectors), len(rows), *found.shape[1:])

    def _hook(self, vectors: Tensor, mask: Tensor) -> HookFn:
        def hook(tensor: Tensor, start: int) -> Tensor:
            inside = mask[:, start : start + tensor.shape[1], None]
            added = (vectors[:, None, None] * inside).flatten(0, 1).to(tensor.device)
            out = tensor.clone()
            part = out if self.head is None else out[:, :, self.head]
            part.copy_(part.float() + added)
            return out

        return hook
