"""The rows of one chapter of the training, in batches of like length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from headwidgets.errors import InputError
from headwidgets.zoo.recipe import examples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from headwidgets.model.text import Text
    from headwidgets.tasks.registry import Task
    from headwidgets.zoo.recipe.examples import Example
    from headwidgets.zoo.recipe.fillers import Fillers

CHAINED = 0.04
"""Share of the prompts that stand behind each other, up to the model's context."""


class Batch(NamedTuple):
    """Rows, padded at the end.

    Attributes
    ----------
    ids : Tensor of int64 [row, position]
    weights : Tensor of float32 [row, position]
        Of each token as it is predicted; 0 for BOS and padding.
    by_heads : Tensor of bool [row]
        Rows that must do with the first MLP and the heads above it.
    """

    ids: Tensor
    weights: Tensor
    by_heads: Tensor


@dataclass(frozen=True)
class Source:
    """What a run draws from.

    Attributes
    ----------
    tasks : sequence of Task
    text : Text
    fillers : Fillers
    seed, rows, n_ctx : int
        `rows` in a batch.
    """

    tasks: Sequence[Task]
    text: Text
    fillers: Fillers
    seed: int
    rows: int
    n_ctx: int

    def chapter(
        self, number: int, steps: int, shares: Mapping[str, float], longest: int
    ) -> list[Batch]:
        """Return the batches of `steps` steps: the same for the same arguments."""
        rng = np.random.default_rng([self.seed, number])
        counts = rng.multinomial(steps * self.rows, [shares[task.name] for task in self.tasks])
        drawn: list[Example] = []
        for task, count in zip(self.tasks, counts.tolist(), strict=True):
            drawn += examples.draw(
                task,
                self.text,
                self.fillers,
                count=count,
                seed=number * 1_000_003 + self.seed,
                longest=longest,
                n_ctx=self.n_ctx,
            )
        drawn = self._chained(drawn, rng)
        if len(drawn) < self.rows:
            message = "none of the tasks gave enough prompts"
            raise InputError(message)
        return self._batches(drawn, steps, rng)

    def _chained(self, drawn: Sequence[Example], rng: np.random.Generator) -> list[Example]:
        """Put a share of the rows one behind the other, so that every position is used."""
        order = rng.permutation(len(drawn)).tolist()
        several = round(CHAINED * len(drawn))
        line = tuple(self.text.encode("\n")[int(self.text.prepend_bos) :])
        rows = [drawn[i] for i in order[several:]]
        long: Example | None = None
        for i in order[:several]:
            longer = long and examples.join(long, line, drawn[i])
            if longer and len(longer.ids) <= self.n_ctx:
                long = longer
            else:
                rows += [long] if long else []
                long = drawn[i]
        return [*rows, long] if long else rows

    def _batches(
        self, drawn: Sequence[Example], steps: int, rng: np.random.Generator
    ) -> list[Batch]:
        """Sort by length, a little at random; cut into batches; shuffle these."""
        lengths = np.array([len(one.ids) for one in drawn])
        order = np.argsort(lengths + 6 * rng.random(len(drawn)), kind="stable")
        cut = [order[a : a + self.rows] for a in range(0, len(order) - self.rows + 1, self.rows)]
        turns = np.concatenate([rng.permutation(len(cut)) for _ in range(-(-steps // len(cut)))])
        return [pad([drawn[i] for i in cut[turn]]) for turn in turns[:steps]]


def pad(some: Sequence[Example]) -> Batch:
    """Put rows into one rectangle; BOS is the padding, and counts for nothing."""
    width = max(len(one.ids) for one in some)
    ids = np.zeros((len(some), width), dtype=np.int64)
    weights = np.zeros((len(some), width), dtype=np.float32)
    for i, one in enumerate(some):
        ids[i, : len(one.ids)] = one.ids
        weights[i, : len(one.ids)] = one.weights
    by_heads = torch.tensor([one.by_heads for one in some])
    return Batch(torch.from_numpy(ids), torch.from_numpy(weights), by_heads)
