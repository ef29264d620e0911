"""Function vector heads, proved: they give a task to prompts without examples, and take it away.

Todd et al. 2023 (arXiv 2310.15213), section 2. On held-out templates a head's mean output on half
of the prompts of a task is added, at the last token, to prompts that have no examples: the right
answer is to become likelier, also than by the mean output on another task. And the head gets its
output of a prompt of that other task where examples are: there the right answer is to become less
likely. Either way what counts is the log-probability, as a share of what the examples bring.

Prompts of a task share its mean output: p counts tasks (two that exchange their labels as one),
where there are five. Of fewer, it counts prompts, and says nothing of other tasks: `reason` tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from headwidgets.errors import NotMeasurable
from headwidgets.tasks.make import MOST
from headwidgets.tasks.shown import MAPPINGS, SORTINGS
from headwidgets.taxonomy.confirmed import (
    Confirmed,
    Cost,
    Said,
    alike,
    by_group,
    judged,
    weakest,
)
from headwidgets.taxonomy.function_vectors import TASK, N, set_against
from headwidgets.taxonomy.output_norms import output_norms
from headwidgets.taxonomy.probing import ends, said_at_end
from headwidgets.taxonomy.proofs import proof
from headwidgets.taxonomy.proofs.at_places import asking, changed
from headwidgets.taxonomy.resampling import LEAST_PROMPTS, SPLIT, beside
from headwidgets.taxonomy.skilled import doing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from headwidgets.heads import Head
    from headwidgets.model.engine import Engine
    from headwidgets.taxonomy.asked import Asked, Ids
    from headwidgets.taxonomy.confirmed import Floats
    from headwidgets.taxonomy.registry import Kind


LEAST_TASKS = 5
"""That p counts: Student's t of fewer hardly ever is as low as .01."""


class Held(NamedTuple):
    """A task on held-out templates.

    Attributes
    ----------
    task : str
        Its name; of two that exchange their labels, that of the first.
    shown, bare : tuple of token ids
        Prompts with examples and the same without.
    answer : tuple of int
    z : Tensor, [prompt, layer, head, d_head]
        At the last token of these prompts.
    mean : Tensor, [layer, head, d_head]
        That of other prompts with examples.
    """

    task: str
    shown: tuple[Ids, ...]
    bare: tuple[Ids, ...]
    answer: tuple[int, ...]
    z: Tensor
    mean: Tensor


@proof("function vector")
def given_and_taken(engine: Engine, kind: Kind, head: Head, n: int, seed: int) -> Confirmed:
    """Add a head's mean output where there are no examples; resample it where there are.

    Raises
    ------
    NotMeasurable
        If the model does no two tasks that go together, or there are too few prompts.
    """
    pairs = _pairs(engine, N, seed)
    most = -(-n // len(pairs))
    if most > N // 2:  # half of a task's prompts are for its mean output
        pairs = _pairs(engine, min(2 * most, MOST), seed)
        most = -(-n // len(pairs))
    pairs = [(_first(one, most), other) for one, other in pairs]
    prompts = [row for one, _ in pairs for row in one.shown]
    if len(prompts) < LEAST_PROMPTS:
        message = f"{TASK}: {len(prompts)} prompts, {LEAST_PROMPTS} are needed"
        raise NotMeasurable(message)
    matched = alike(output_norms(engine, prompts), head)
    with_, without = (
        np.concatenate([_logs(said_at_end(engine, getattr(one, rows)), one) for one, _ in pairs])
        for rows in ("shown", "bare")
    )

    def given(one: Head) -> Floats:
        own, theirs = (
            np.concatenate([_added(engine, one, both[0], both[which].mean) for both in pairs])
            for which in (0, 1)
        )
        found: Floats = own - (without if without.mean() >= theirs.mean() else theirs)
        return found

    def taken(one: Head) -> Floats:
        lost: Floats = with_ - np.concatenate([_taken(engine, one, *both) for both in pairs])
        return lost

    shares, counted = counting([one.task for one, _ in pairs for _ in one.shown], len(pairs))
    words = f"{TASK} ({len(pairs)} tasks), templates, n = {len(prompts)}"
    if len(prompts) < n:
        words += f" of the {n} asked for (they have no more prompts)"
    proofs = []
    for change, did, verb in (
        (given, "its mean output added without examples", "gives"),
        (taken, "resampled from another task at the last token", "costs"),
    ):
        costs = np.array([change(one) for one in (head, *matched)])
        own, *others, brought = by_group(np.array([*costs, with_ - without]), shares)
        cost = Cost(
            *(own, np.reshape(others, (len(matched), len(own))), brought),
            restores=change is given,
            n=len(prompts),
        )
        against = f"{beside(matched, engine)}{counted}"
        said = Said(words, did, against, verb, "nats that examples bring")
        proofs.append(judged(kind, head, cost, said, matched=matched, seed=seed))
    return weakest(*proofs)


def counting(tasks: Sequence[str], named: int) -> tuple[Sequence[object], str]:
    """Return what p counts of prompts, and how that is said.

    Parameters
    ----------
    tasks : sequence of str
        Whose each prompt is, two that exchange their labels as one.
    named : int
        Tasks, with those two as two.

    Returns
    -------
    groups : sequence
        The tasks, if they are five; else each prompt by itself.
    words : str
    """
    n = len({*tasks})
    which = f"{n} task{'s' * (n > 1)}"
    if named > n:
        which += f" ({named} with labels exchanged)"
    if n >= LEAST_TASKS:
        return tasks, f", over {which}"
    said = f", over prompts, not tasks: it holds for these {which}, and says nothing of others"
    return range(len(tasks)), said


def _pairs(engine: Engine, n: int, seed: int) -> list[tuple[Held, Held]]:
    """Return the tasks that the model does, on so many prompts each, with those to set against.

    Raises
    ------
    NotMeasurable
        If it does no two that go together.
    """
    found, refused = {}, ["none is spelled"]
    sortings = list(SORTINGS)
    for name in (*SORTINGS, *MAPPINGS):
        try:
            asked = doing(asking(engine, seed), f"{TASK}: {name}", split=SPLIT, n=n).asked
            first = sortings[sortings.index(name) & ~1] if name in SORTINGS else name
            found[name] = _held(first, asked, engine)
        except NotMeasurable as error:
            refused.append(str(error))
    pairs = set_against(found)
    if not pairs:
        message = f"{TASK}: the model does no two tasks to set against each other: {refused[-1]}"
        raise NotMeasurable(message)
    return pairs


def _held(task: str, asked: Asked, engine: Engine) -> Held:
    """Take the examples away, and halve the prompts: one half for the mean output."""
    bare = []
    for i, row in enumerate(asked.rows):
        first, last = asked.span("X1", i), asked.span("ASKED", i)
        if first is None or last is None:
            message = f"a prompt of {asked.prompts.name} has no X1 or no ASKED"
            raise NotMeasurable(message)
        bare.append((*row[: first[0]], *row[last[0] :]))
    z, half = ends(engine, asked.rows), len(asked.rows) // 2
    some = asked.rows[:half], tuple(bare[:half]), asked.answer[:half], z[:half]
    return Held(task, *some, z[half:].mean(0))


def _first(one: Held, most: int) -> Held:
    some = one.shown[:most], one.bare[:most], one.answer[:most], one.z[:most]
    return Held(one.task, *some, one.mean)


def _added(engine: Engine, head: Head, one: Held, mean: Tensor) -> Floats:
    """Return the answers' log-probability with a mean output added to prompts without examples."""
    by = mean[head.layer, head.head]
    return _logs(changed(engine, one.bare, head, lambda z, _: z + by.to(z)), one)


def _taken(engine: Engine, head: Head, one: Held, other: Held) -> Floats:
    """Return the same of prompts with examples, with the output on one of another task."""
    given = other.z[:, head.layer, head.head]

    def change(z: Tensor, some: Sequence[int]) -> Tensor:
        return given[[i % len(given) for i in some]].to(z)

    return _logs(changed(engine, one.shown, head, change), one)


def _logs(said: NDArray[np.float32], one: Held) -> Floats:
    """Return the log-probability of the answers, [prompt]."""
    logs = torch.from_numpy(said).double().log_softmax(-1)
    found: Floats = logs[range(len(said)), list(one.answer)].numpy()
    return found
