"""What a model can do, task by task, and which head it would miss most."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from headwidgets.errors import InputError
from headwidgets.methods.accuracy import accuracy
from headwidgets.methods.snapshot import Pair, Snapshot
from headwidgets.methods.sweep import sweep
from headwidgets.model.work import checkpoint
from headwidgets.session.reading import answers_of, read_pairs, read_set
from headwidgets.tasks.make import TaskSet, read_number
from headwidgets.tasks.registry import all_tasks, find

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from headwidgets.model.engine import Engine
    from headwidgets.prompts import Prompts
    from headwidgets.tasks.registry import Task

COST = 0.3
"""Share of the metric that a specialised head's ablation costs, at least."""
SURE = 2.0
"""Standard errors that the mean metric must be above zero, for a share of it to mean anything."""
OTHERS = 95
"""Percentile of all other heads' costs that it must exceed."""
COLUMNS = (
    *("task", "n", "accuracy", "accuracy_se", "skill", "logit_diff", "chance"),
    *("accuracy_new", "accuracy_new_se", "skill_new"),
    *("head", "cost", "cost_se", "others", "special", "note"),
)


def card(
    engine: Engine, tasks: Iterable[str] | None = None, *, n: int = 100, seed: int = 0
) -> pd.DataFrame:
    """Measure a model on tasks, and find the head that each leans on most.

    Parameters
    ----------
    engine : Engine
    tasks : iterable of str, optional
        Names of `hw.tasks`; default: all that the bundled model is trained on.
    n : int
        Prompts a task and split.
    seed : int
        Of the prompts, and of which prompt gives to which when a head is resampled.

    Returns
    -------
    DataFrame
        One row a task: task, n; accuracy, accuracy_se, skill, logit_diff on contents that
        training held out; accuracy_new, accuracy_new_se, skill_new on templates that it held
        out; chance; head, the one whose resample ablation (z of another prompt of the set,
        everything after it recomputed) costs most; cost, the share of the mean logit
        difference that is lost, and cost_se; others, the 95th percentile of the costs of all
        other heads; special, whether cost ≥ 0.3 and above `others`; note, why a number is
        missing.

    Raises
    ------
    InputError
        If there is no such task, none is asked for, or `n` or `seed` is out of range.
    """
    chosen = [one for one in all_tasks() if one.trained]
    if tasks is not None:
        chosen = [find(name) for name in ([tasks] if isinstance(tasks, str) else tasks)]
    if not chosen:
        message = "expected at least one task, got none; leave tasks= out for all of them"
        raise InputError(message)
    n, seed = read_number("n", n), read_number("seed", seed)
    rows = []
    for done, one in enumerate(chosen):
        checkpoint(done, len(chosen), "report card")
        rows.append(_row(engine, one, n, seed))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(engine: Engine, task: Task, n: int, seed: int) -> dict[str, Any]:
    row: dict[str, Any] = {"task": task.name}
    try:
        prompts, snapshot = _asked(engine, TaskSet(task, n, seed, "test"))
        first = accuracy(engine, prompts, snapshot).iloc[0]
        kept = ("n", "accuracy", "accuracy_se", "skill", "logit_diff", "chance")
        row |= {name: first[name] for name in kept}
        new = accuracy(engine, *_asked(engine, TaskSet(task, n, seed, "templates"))).iloc[0]
        names = ("accuracy", "accuracy_se", "skill")
        row |= {name.replace("accuracy", "accuracy_new"): new[name] for name in names[:2]}
        row |= {"skill_new": new["skill"]}
        row |= _costs(engine, snapshot, first, seed)
    except InputError as error:
        row["note"] = str(error)
    return row


def _asked(engine: Engine, asked: TaskSet) -> tuple[Prompts, Snapshot]:
    prompts = read_set(engine, asked)
    return prompts, Snapshot(pairs=read_pairs(engine, prompts), answers=answers_of(prompts))


def _costs(engine: Engine, snapshot: Snapshot, first: pd.Series, seed: int) -> dict[str, Any]:
    """Resample each head in turn; a prompt that has no other of its length is left out."""
    if first["logit_diff"] <= SURE * first["logit_diff_se"]:
        return {"note": "the mean logit difference is not surely above zero: nothing to lose"}
    lengths = Counter(len(pair.clean) for pair in _different(snapshot.pairs))
    there = [i for i, pair in enumerate(snapshot.pairs) if lengths[len(pair.clean)] > 1]
    some = replace(
        snapshot,
        pairs=tuple(snapshot.pairs[i] for i in there),
        answers=snapshot.answers and tuple(snapshot.answers[i] for i in there),
    )
    frame = sweep(engine, some, "resample", seed=seed, most=None)
    clean = float(frame.attrs["clean"])
    costs = -frame["effect"].to_numpy() / clean
    top = int(np.argmax(costs))
    rest = np.delete(costs, top)
    others = float(np.percentile(rest, OTHERS)) if len(rest) else 0.0
    return {
        "head": f"{frame['layer'][top]}.{frame['head'][top]}",
        "cost": costs[top],
        "cost_se": float(frame["se"][top]) / clean,
        "others": others,
        "special": bool(costs[top] >= COST and costs[top] > others),
    }


def _different(pairs: Sequence[Pair]) -> list[Pair]:
    return list({pair.clean: pair for pair in pairs}.values())
