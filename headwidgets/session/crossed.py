"""Heads against tasks: what removing each costs on every task, and on every template of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from headwidgets.errors import InputError
from headwidgets.methods.between import between
from headwidgets.methods.snapshot import Snapshot
from headwidgets.methods.summary import summarised
from headwidgets.methods.sweep import changes
from headwidgets.model.work import checkpoint, keeping
from headwidgets.session.reading import answers_of, read_pairs, read_set
from headwidgets.tasks.make import TaskSet, read_number
from headwidgets.tasks.registry import find
from headwidgets.taxonomy.broken import beyond_rounding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from headwidgets.heads import Head
    from headwidgets.model.engine import Engine
    from headwidgets.tasks.registry import Task

ALL = "all"
SPLITS = ("test", "templates")
"""Templates that training has seen, and those that it has not, for a model trained on tasks."""
SURE = 2.0
"""Standard errors that the mean metric must be above zero, for a share of it to mean anything."""
LEAST = 2
"""Prompts of one length that a template needs: one gives to the other."""
COLUMNS = (
    *("layer", "head", "kinds", "task", "template", "cost", "se", "low", "high", "share", "clean"),
    *("n", "between", "between_p", "note"),
)


def read_tasks(tasks: object) -> list[Task]:
    """Return the tasks that are named.

    Raises
    ------
    InputError
        If there is none, or one of them is unknown.
    """
    if isinstance(tasks, str):
        return [find(tasks)]
    listed = list(tasks) if hasattr(tasks, "__iter__") else []
    if not listed:
        message = f"expected names of tasks such as ['ioi', 'acronyms'], got {tasks!r:.80}"
        raise InputError(message)
    return list(dict.fromkeys(find(name) for name in listed))


def crossed(
    engine: Engine,
    heads: Mapping[Head, Sequence[str]],
    tasks: Iterable[Task],
    *,
    n: int = 100,
    seed: int = 0,
) -> pd.DataFrame:
    """Resample each head on each task.

    Parameters
    ----------
    engine : Engine
    heads : mapping of Head to sequence of str
        With the kinds that each was chosen for.
    tasks : iterable of Task
    n, seed : int
        Prompts a task and split, and what draws them and who gives to whom.

    Returns
    -------
    DataFrame
        Of every task and head a row for all templates, then one a template: layer, head, kinds,
        task, template; cost, how far the mean logit difference falls when the head gets its output
        of another prompt of the same template, everything after recomputed; se, low, high, its
        95 % interval; share, the cost as a share of clean, the logit difference with the head; n;
        between, the share of the variance of the cost that lies between templates, and between_p,
        by shuffling the templates (less than 1e-4 logits is rounding, and taken for 0); note, why
        a number is missing. Whatever stops it early has the tasks that were done as its
        ``partial``.

    Raises
    ------
    InputError
        If `n` or `seed` is out of range.
    """
    n, seed = read_number("n", n), read_number("seed", seed)
    chosen = list(tasks)
    rows: list[dict[str, Any]] = []
    with keeping(lambda: pd.DataFrame(rows, columns=list(COLUMNS)) if rows else None):
        for done, task in enumerate(chosen):
            checkpoint(done, len(chosen), task.name)
            rows += _of_task(engine, heads, task, n, seed)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _of_task(
    engine: Engine, heads: Mapping[Head, Sequence[str]], task: Task, n: int, seed: int
) -> list[dict[str, Any]]:
    about = [
        {"layer": one.layer, "head": one.head, "kinds": ", ".join(kinds), "task": task.name}
        for one, kinds in heads.items()
    ]
    try:
        cost, clean, templates = _costs(engine, list(heads), task, n, seed)
    except InputError as error:
        return [{**one, "template": ALL, "n": 0, "note": str(error)} for one in about]
    rows = []
    for one, values in zip(about, cost, strict=True):
        share, p = between(beyond_rounding(values).astype(float), templates, seed=seed)
        rows.append({**one, **_row(values, clean, ALL), "between": share, "between_p": p})
        for name in dict.fromkeys(templates):
            some = np.array([template == name for template in templates])
            rows.append({**one, **_row(values[some], clean[some], name)})
    return rows


def _row(cost: NDArray[np.float64], clean: NDArray[np.float64], template: str) -> dict[str, Any]:
    """Sum up one head on some prompts."""
    numbers = {name: values[0] for name, values in summarised(cost[None], "cost").items()}
    mean = float(clean.mean())
    off = float(clean.std(ddof=1) / np.sqrt(len(clean))) if len(clean) > 1 else np.nan
    row = {**numbers, "template": template, "clean": mean, "share": np.nan, "note": ""}
    if mean > SURE * off:
        return {**row, "share": row["cost"] / mean}
    said = f"at chance: a logit difference of {mean:.2f} ± {off:.2f} is no lead to lose a share of"
    return {**row, "note": said}


def _costs(
    engine: Engine, heads: list[Head], task: Task, n: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[str]]:
    """Return what each head costs each prompt, [head, prompt]; the metric; the templates.

    A template's prompts give to each other alone: a donor of another template would bring the
    template along. Prompts that have no other of their template and length are left out.
    """
    costs, clean, templates = [], [], []
    for split in SPLITS:
        prompts = read_set(engine, TaskSet(task, n, seed, split))
        snapshot = Snapshot(pairs=read_pairs(engine, prompts), answers=answers_of(prompts))
        named = prompts.templates if prompts.templates is not None else [split] * len(prompts)
        for name in dict.fromkeys(named):
            some = _alike(snapshot, [i for i, one in enumerate(named) if one == name])
            if some is None:
                continue
            change, before = changes(engine, some, "resample", heads, seed=seed)
            costs.append(-change)
            clean.append(before)
            templates += [name] * len(before)
    if not costs:
        message = f"{task.name}: no two prompts of a template have one length: ask for a larger n"
        raise InputError(message)
    return np.concatenate(costs, axis=1), np.concatenate(clean), templates


def _alike(snapshot: Snapshot, places: Sequence[int]) -> Snapshot | None:
    """Return those of some prompts that have another one of their length."""
    different = {snapshot.pairs[i].clean for i in places}
    lengths = Counter(map(len, different))
    there = [i for i in places if lengths[len(snapshot.pairs[i].clean)] >= LEAST]
    if not there:
        return None
    answers = snapshot.answers
    return replace(
        snapshot,
        pairs=tuple(snapshot.pairs[i] for i in there),
        answers=None if answers is None else tuple(answers[i] for i in there),
    )
