"""Iteration: from the last state that is written, attention on the input that comes next.

Cabannes et al. 2024, arXiv 2406.02128, on rows of several lengths that stop after any step: the
next input is then nowhere in particular, and a positional head cannot be right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headwidgets.taxonomy import matched
from headwidgets.taxonomy.measure import Scores

if TYPE_CHECKING:
    from headwidgets.taxonomy.measure import Measure

_INPUT, _NEXT = "X", "BIT"


def iterating(measure: Measure) -> Scores:
    """Score attention on the next input against attention on other inputs of the row."""
    task = measure.task("parity")
    roles = task.asked.prompts.roles
    inputs = [role for role in roles if role.startswith(_INPUT)]
    looks = task.attention(*inputs)
    table, right = [], []
    for row, one in enumerate(looks):
        places = [roles[role][row] for role in inputs]
        there = [i for i, place in enumerate(places) if place is not None]
        table.append(one[..., there])
        right.append([places[i] for i in there].index(roles[_NEXT][row]))
    own = np.stack([one[..., at] for one, at in zip(table, right, strict=True)])
    null = matched.relabelled(table, measure.draws, np.random.default_rng(measure.seed))
    return Scores(own, null, task_accuracy=task.accuracy, words=task.words)
