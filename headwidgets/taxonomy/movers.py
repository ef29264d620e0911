"""The heads that move the name, as other prompts of the task show them: whom other kinds serve."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from headwidgets.errors import NotMeasurable
from headwidgets.heads import Head
from headwidgets.taxonomy.names import LOOKS, name_moving
from headwidgets.taxonomy.registry import find

if TYPE_CHECKING:
    from headwidgets.taxonomy.measure import Measure

TASK = "ioi"


def name_movers(measure: Measure) -> tuple[Head, ...]:
    """Return the heads that look at the name and add to its lead, on prompts of the next seed.

    As the score of the name mover says, but for what its weights copy: who feeds a head, and who
    stands in for it, is asked of what it does here.

    Raises
    ------
    NotMeasurable
        If there are none, or the task cannot be asked.
    """
    other = replace(measure, seed=measure.seed + 1, _kept={}, _tasks={})
    moved = name_moving(other)
    looks = other.task(TASK).attention("IO").mean(0)[..., 0]
    found = moved.reaching(find("name mover").threshold)
    found = [head for head in found if looks[head] >= LOOKS]
    if not found:
        message = f"no head moves the name on {other.task(TASK).words}: there is none to feed"
        raise NotMeasurable(message)
    return tuple(found)


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
