"""What a walk is taken on: prompts with the roles that it needs, which the model can do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from headwidgets.errors import InputError, NotMeasurable
from headwidgets.methods.accuracy import accuracy
from headwidgets.methods.snapshot import Pair
from headwidgets.taxonomy.on_task import SURE
from headwidgets.taxonomy.walk_plans import derived

if TYPE_CHECKING:
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine
    from headwidgets.prompts import Prompts
    from headwidgets.taxonomy.walk_plans import Plan

ENOUGH = 10
"""Prompts from which on a model is asked whether it can do the task."""


def with_roles(plan: Plan, snapshot: Snapshot) -> Snapshot:
    """Return the question with the places that follow from others.

    Raises
    ------
    InputError
        If a prompt lacks roles, or the prompts have no answers.
    """
    if snapshot.answers is None:
        message = (
            f"the walk {plan.name!r} needs the answer and the foil of each prompt: "
            "hw.Prompts(clean=, answer=, foil=, roles=)"
        )
        raise InputError(message)
    pairs = []
    for i, pair in enumerate(snapshot.pairs):
        lacking = [role for role in plan.roles if role not in pair.roles]
        if lacking:
            message = (
                f"the walk {plan.name!r} needs the roles {', '.join(plan.roles)}; prompt {i} lacks "
                f"{', '.join(lacking)}: give their positions with hw.Prompts(roles={{...}})"
            )
            raise InputError(message)
        roles = derived(plan, pair.roles, len(pair.clean))
        roles = {role: place for role, place in roles.items() if place < len(pair.clean)}
        pairs.append(Pair(pair.clean, pair.corrupted, roles))
    return replace(snapshot, pairs=tuple(pairs))


def able(
    engine: Engine, plan: Plan, prompts: Prompts, snapshot: Snapshot, lead: float
) -> list[str]:
    """Say what the model makes of the prompts; `lead` is that of the answer on the one shown.

    Raises
    ------
    NotMeasurable
        If it is at chance on enough of them to know.
    """
    row = accuracy(engine, prompts, snapshot).iloc[0]
    found, chance, n = float(row["accuracy"]), float(row["chance"]), int(row["n"])
    error = np.sqrt(max(chance * (1 - chance), 1e-9) / n)
    if n >= ENOUGH and not found > chance + SURE * error:
        message = (
            f"the model is at chance on these prompts: accuracy {found:.2f}, a guess has "
            f"{chance:.2f}, n = {n}; there is nothing to walk through"
        )
        raise NotMeasurable(message)
    notes = [f"accuracy {found:.2f}, a guess has {chance:.2f}, n = {n}"]
    if lead <= 0:
        notes.append(f"on this prompt the model is wrong: the answer's lead is {lead:.2f} logits")
    if n < ENOUGH:
        notes.append(f"{n} prompts do not tell whether the model can do this: {plan.task}")
    return notes
