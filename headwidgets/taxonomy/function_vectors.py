"""Function vectors: a head's mean output on prompts that show a task, where examples show nothing.

Todd et al. 2023 (arXiv 2310.15213), average indirect effect. The head's z at the last token is set
to its mean over prompts of a task with right answers, in prompts of that task whose examples bear
shuffled ones; the score is what probability the right answer gains. What the mean output on
another task gives as well, the same labels exchanged or else the next task, is no task's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch

from headwidgets.errors import NotMeasurable
from headwidgets.model.work import checkpoint
from headwidgets.tasks.shown import MAPPINGS, ROLES, SORTINGS
from headwidgets.taxonomy import broken
from headwidgets.taxonomy.last_token import setting
from headwidgets.taxonomy.measure import Scores, own_rows
from headwidgets.taxonomy.movers import without_edits
from headwidgets.taxonomy.probing import ends, said_at_end
from headwidgets.taxonomy.reduce import batches
from headwidgets.taxonomy.registry import Work
from headwidgets.taxonomy.skilled import doing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from headwidgets.model.engine import Engine
    from headwidgets.model.facts import Facts
    from headwidgets.taxonomy.asked import Asked, Ids
    from headwidgets.taxonomy.measure import Measure
    from headwidgets.taxonomy.reduce import Floats

TASK = "few-shot pairs"
N = 40
"""Prompts of each task; the mean output is that of all of them."""
SHUFFLED = 25
"""Prompts of each task that are patched, at most (Todd et al.: 25)."""
LEAST = 10
"""Prompts of a task left once those are dropped whose shuffled answers are right by chance."""
LUCKY = 0.5
"""Share of a prompt's shuffled answers that may be right."""


Task = TypeVar("Task")


def work(facts: Facts) -> Work:
    """Say what it takes: each head's output of two tasks, for every task."""
    heads, tasks = facts.n_layers * facts.n_heads, len(SORTINGS) + len(MAPPINGS)
    return Work(
        f"{TASK}: {next(iter(SORTINGS))}",
        SHUFFLED,
        forwards=tasks * (1 + 2 * heads + 2 * N / SHUFFLED),
    )


@dataclass(frozen=True)
class Shown:
    """One task.

    Attributes
    ----------
    name : str
        What its prompts are called.
    mean : Tensor, [layer, head, d_head]
        Mean z at the last token of the prompts that show it.
    rows : tuple of token ids
        Prompts whose examples show nothing.
    answer : tuple of int
    accuracy : float
        The model's own where the task is shown.
    """

    name: str
    mean: Tensor
    rows: tuple[Ids, ...]
    answer: tuple[int, ...]
    accuracy: float


def transporting(measure: Measure) -> Scores:
    """Score what probability a head's mean output gives back to the right answer.

    Raises
    ------
    NotMeasurable
        If the model does no two tasks that go together, or edits are in force.
    """
    without_edits(measure)
    own_rows(measure, TASK)
    tasks, refused = _tasks(measure)
    pairs = set_against(tasks)
    if not pairs:
        message = f"{TASK}: the model does no two tasks to set against each other: {refused[-1]}"
        raise NotMeasurable(message)
    engine = measure.engine
    shape = engine.facts.n_layers, engine.facts.n_heads
    most = min(len(one.rows) for one, _ in pairs)
    parts = []
    for one, other in pairs:
        rows, answer = one.rows[:most], one.answer[:most]
        base = _prob(said_at_end(engine, rows), answer)
        gains = np.zeros((2, most, *shape), np.float32)
        for layer, head in np.ndindex(*shape):
            checkpoint(layer * shape[1] + head, shape[0] * shape[1], f"patching {one.name}")
            own, theirs = (
                _set(engine, rows, answer, (layer, head), some.mean[layer, head])
                for some in (one, other)
            )
            gains[:, :, layer, head] = own - base, own - theirs
        parts.append(gains)
    both = broken.beyond_rounding(np.concatenate(parts, axis=1))  # [base or other, prompt, ...]
    lesser = both.mean(1).argmin(0)
    rows = np.take_along_axis(both, lesser[None, None], axis=0)[0]
    null = broken.about_zero(rows, measure.draws, np.random.default_rng(measure.seed))
    accuracy = float(np.mean([one.accuracy for one, _ in pairs]))
    first = pairs[0][0].name
    words = f"{first} and {len(pairs) - 1} more tasks, {most} prompts each with shuffled answers"
    scores = Scores(rows, null, task_accuracy=accuracy, words=words)
    for head in scores.reaching(measure.threshold):
        gain, beyond = (float(one.mean(0)[head]) for one in both)
        said = f"its mean output gives {gain:+.3f}, {beyond:+.3f} more than that on another task"
        scores.remark(head, said)
    return scores


def _tasks(measure: Measure) -> tuple[dict[str, Shown], list[str]]:
    """Return the tasks that the model does, and why it cannot be asked about the others."""
    found, refused = {}, [""]
    for name in (*SORTINGS, *MAPPINGS):
        try:
            found[name] = _shown(measure, name)
        except NotMeasurable as error:
            refused.append(str(error))
    return found, refused


def _shown(measure: Measure, name: str) -> Shown:
    """Run the prompts that show a task."""
    done = doing(measure, f"{TASK}: {name}", n=N)
    asked = done.asked
    wrong = [i for i in range(len(asked.rows)) if _share_right(asked, i) <= LUCKY][:SHUFFLED]
    if len(wrong) < LEAST:
        message = f"{name}: {len(wrong)} prompts are left whose shuffled answers are wrong"
        raise NotMeasurable(message)
    return Shown(
        done.name,
        ends(measure.engine, asked.rows).mean(0),
        tuple(asked.corrupted[i] for i in wrong),
        tuple(asked.answer[i] for i in wrong),
        done.accuracy,
    )


def _share_right(asked: Asked, row: int) -> float:
    """Return the share of a prompt's examples whose shuffled answer is right by chance."""
    spans = [asked.span(role, row) for role in ROLES]
    same = [
        asked.rows[row][slice(*span)] == asked.corrupted[row][slice(*span)]
        for span in spans
        if span is not None
    ]
    return float(np.mean(same)) if same else 0.0


def set_against(tasks: Mapping[str, Task]) -> list[tuple[Task, Task]]:
    """Set each task against another: the same labels exchanged; of mappings, the next one."""
    out: list[tuple[Task, Task]] = []
    sortings = list(SORTINGS)
    for i, name in enumerate(sortings):
        other = sortings[i ^ 1]
        if name in tasks and other in tasks:
            out.append((tasks[name], tasks[other]))
    there = [tasks[name] for name in MAPPINGS if name in tasks]
    if len(there) > 1:
        out += list(zip(there, [*there[1:], there[0]], strict=True))
    return out


def _set(
    engine: Engine, rows: Sequence[Ids], answer: Sequence[int], head: tuple[int, int], z: Tensor
) -> Floats:
    """Return the probability of the right answer with one head's z set at the last token."""
    out = np.empty(len(rows), np.float32)
    for batch in batches(engine, rows):
        ids = torch.tensor([list(rows[i]) for i in batch])
        said = engine.run(ids, setting([head], [z], ids.shape[1] - 1)).float().cpu().numpy()
        out[batch] = _prob(said, [answer[i] for i in batch])
    return out


def _prob(said: Floats, answer: Sequence[int]) -> Floats:
    """Return the probability of each row's answer."""
    found = torch.from_numpy(said).double().softmax(-1)[range(len(said)), list(answer)]
    prob: Floats = found.float().numpy()
    return prob
