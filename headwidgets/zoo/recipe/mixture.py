"""How much of each task there is, and how long its prompts are: the curriculum, in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EARLY = {
    "repeated random tokens": 6.0,
    "key value": 3.0,
    "colored object": 2.0,
    "options": 2.0,
    "few-shot labels": 1.5,
    "toy mood story": 3.0,
    "ioi": 2.0,
    "icl-mc": 0.5,
}
"""Weights at the start, where they are not 1: copying comes last by itself."""
LATE = {
    "repeated random tokens": 2.0,
    "key value": 2.0,
    "colored object": 2.0,
    "options": 2.0,
    "few-shot labels": 1.5,
    "toy mood story": 3.0,
    "icl-mc": 1.0,
}
"""Weights from the middle on, where they are not 1."""
FLOOR = 0.15
"""What a task keeps when it is mastered, to what it has when it is at chance."""
REST = 0.05
"""Weight in the loss of tokens that do not follow from what stands before; of others 1."""
TOGETHER = 6.0
"""What the learned tokens of a prompt weigh together, at most; its answer weighs 1 besides."""

BY_HEADS = {"succession": 0.5, "succession in sentences": 0.5, "numbered lists": 0.5}
"""Share of a task's rows that must do with the first MLP and the heads above it.

Without it the upper MLPs count and no head does: by weights the best head had .05 to .19 of the
pairs. It is a choice of training, as stochastic depth is (Huang et al. 2016, arXiv 1603.09382):
the model itself has, and uses, all its parts.
"""

SHORTEST = 16
"""Tokens of a prompt at the start, at most, wherever a task has prompts so short."""
OPENED = 0.15
"""Part of the training after which prompts of any length come."""


def longest(part: float, n_ctx: int) -> int:
    """Return how many tokens a prompt may have when `part` of the training is done."""
    if part >= OPENED:
        return n_ctx
    return SHORTEST + round((n_ctx / 2 - SHORTEST) * part / OPENED)


def shares(tasks: Sequence[str], part: float, skill: Mapping[str, float]) -> dict[str, float]:
    """Return which share of the rows each task has.

    Parameters
    ----------
    tasks : sequence of str
    part : float
        How much of the training is done.
    skill : mapping of str to float
        1 for what is mastered, 0 for what is at chance, as last measured.
    """
    late = min(1.0, 2 * part)
    weights = {}
    for task in tasks:
        weight = EARLY.get(task, 1.0) * (1 - late) + LATE.get(task, 1.0) * late
        lack = 1 - min(1.0, max(0.0, skill.get(task, 0.0)))
        weights[task] = weight * (FLOOR + (1 - FLOOR) * lack)
    whole = sum(weights.values())
    return {task: weight / whole for task, weight in weights.items()}
