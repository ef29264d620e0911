"""What a run was asked for: the same plan, data and clamps give the same numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run was asked for.

    Attributes
    ----------
    steps, batch : int
        `batch` sequences in a step.
    rate : float
        Of Adam.
    seeds : tuple of int
        Of each condition's weights.
    stream : int
        Seed of the sequences.
    every : int
        Steps between two measures.
    kept : int
        Checkpoints: evenly on a log scale, after the one at the start.
    asked : int
        Sequences of each part that is measured.
    progress : bool
        Measure subcircuits and composition too.
    parts : tuple of str
        What is measured.
    """

    steps: int
    batch: int
    rate: float
    seeds: tuple[int, ...]
    stream: int
    every: int
    kept: int
    asked: int
    progress: bool
    parts: tuple[str, ...]

    def checkpoints(self) -> list[int]:
        """Return the steps at which weights and patterns are kept."""
        if not self.kept:
            return []
        first = min(10, self.steps)
        spaced = np.geomspace(first, self.steps, max(self.kept - 1, 1)).round().astype(int)
        return sorted({0, self.steps, *spaced.tolist()})
