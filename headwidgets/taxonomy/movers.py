"""The heads that move the name, as other prompts of the task show them: whom other kinds serve."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from headwidgets.errors import NotMeasurable
from headwidgets.heads import Head
from headwidgets.taxonomy.names import LOOKS, moved
from headwidgets.taxonomy.registry import find

if TYPE_CHECKING:
    from headwidgets.taxonomy.measure import Measure

TASK = "ioi"
MAIN = 1 / 3
"""Of what the strongest mover adds, at least."""


def name_movers(measure: Measure) -> tuple[Head, ...]:
    """Return the heads that look at the name and add to its lead, on prompts of the next seed.

    A tenth of the lead, as the name mover's card asks, and a third of what the strongest adds, so
    that a backup which adds a little does not count. What their weights copy is not asked: who
    feeds a head, and who stands in for it, is asked of what it does here.

    Raises
    ------
    NotMeasurable
        If there are none, or the task cannot be asked.
    """
    key = "name movers"
    if key not in measure.found:
        other = replace(measure, seed=measure.seed + 1, _kept={}, _tasks={})
        task = other.task(TASK)
        adds, looks = moved(task).mean(0), task.attention("IO").mean(0)[..., 0]
        least = max(find("name mover").threshold, MAIN * float(adds.max()))
        there = np.argwhere((adds >= least) & (looks >= LOOKS))
        measure.found[key] = tuple(Head(int(a), int(b)) for a, b in there), task.words
    found, words = measure.found[key]
    if not found:
        message = f"no head moves the name on {words}: there is none to feed"
        raise NotMeasurable(message)
    heads: tuple[Head, ...] = found
    return heads


def without_edits(measure: Measure) -> None:
    """Refuse to intervene on a model that is edited already.

    Raises
    ------
    NotMeasurable
        If edits are in force.
    """
    if measure.hooks:
        message = "its score is an intervention on the model without edits: score the clean run"
        raise NotMeasurable(message)


def every_head(measure: Measure) -> list[Head]:
    """Return all heads, in the order of layers."""
    facts = measure.engine.facts
    return [Head(layer, head) for layer in range(facts.n_layers) for head in range(facts.n_heads)]
