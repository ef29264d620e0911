"""Does it help: accuracy and logit difference on tasks without edits and with them, in pairs.

The survey's section 5.2 asks it of heads that are enhanced or suppressed. Beside it stands what
the same edits do to text that they should leave alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from headwidgets.errors import InputError, NotMeasurable
from headwidgets.methods.accuracy import by_prompt, guess
from headwidgets.methods.adding import LOGIT_BYTES
from headwidgets.methods.interval import interval
from headwidgets.methods.metrics import kl_divergence
from headwidgets.methods.runs import logits
from headwidgets.methods.snapshot import Pair, Snapshot
from headwidgets.methods.summary import means
from headwidgets.model.work import checkpoint, keeping
from headwidgets.session.reading import answers_of, read_pairs, read_set
from headwidgets.tasks.make import TaskSet, read_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from headwidgets.methods.edits import Edit
    from headwidgets.methods.snapshot import Ids
    from headwidgets.model.engine import Engine
    from headwidgets.tasks.registry import Task

    Floats = NDArray[np.float64]
    Edits = tuple[Edit, ...]

SURE = 2.0
"""Standard errors that the accuracy must be above a guess, for a model that does the task."""
COLUMNS = (
    *("edits", "task", "n", "accuracy", "edited", "change", "low", "high"),
    *("logit_diff", "logit_diff_edited", "logit_diff_change", "logit_diff_low", "logit_diff_high"),
    *("chance", "verdict", "note"),
)
_ALONE = ("one prompt gives no interval, and does not tell whether the model is at chance",)
_NAMES = {"accuracy": ("accuracy", "edited", "change", "low", "high"), "logit_diff": COLUMNS[8:13]}


def benchmark(
    engine: Engine,
    snapshot: Snapshot,
    tasks: Sequence[Task],
    variants: Mapping[str, Edits],
    *,
    n: int = 200,
    seed: int = 0,
    split: str = "test",
) -> pd.DataFrame:
    """Measure every task without edits and with each set of them, on the same prompts.

    Parameters
    ----------
    engine : Engine
    snapshot : Snapshot
        Whose reference a mean edit averages over.
    tasks : sequence of Task
    variants : mapping of str to tuple of Edit
        By what they are called.
    n, seed, split
        Of the tasks' prompts.

    Returns
    -------
    DataFrame
        One row a set of edits and task: edits, task, n; accuracy without edits, edited with them,
        change, with low and high, its 95 % interval by Student's t over the pairs; the same of the
        logit difference; chance; verdict, "helps" or "harms" where the interval of the accuracy
        leaves out 0, else "no change shown"; "at chance" where the model does no better than a
        guess, with edits and without; note, what was left out or cannot be told. What stops it
        early has the rows so far as its ``partial``.

    Raises
    ------
    InputError
        If `n`, `seed` or `split` is not one, or an edit cannot be made on these prompts.
    """
    n, seed = read_number("n", n), read_number("seed", seed)
    rows: list[dict[str, Any]] = []
    with keeping(lambda: pd.DataFrame(rows, columns=list(COLUMNS)) if rows else None):
        for done, task in enumerate(tasks):
            checkpoint(done, len(tasks), task.name)
            rows += _of_task(engine, snapshot, TaskSet(task, n, seed, split), variants)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _of_task(
    engine: Engine, snapshot: Snapshot, task: TaskSet, variants: Mapping[str, Edits]
) -> list[dict[str, Any]]:
    name = task.task.name
    try:
        prompts = read_set(engine, task)
    except InputError as error:
        return [{"edits": one, "task": name, "n": 0, "note": str(error)} for one in variants]
    plain = Snapshot(reference=snapshot.reference, pairs=read_pairs(engine, prompts))
    asked = replace(plain, answers=answers_of(prompts))
    clean = by_prompt(engine, prompts, asked)
    chance = guess(prompts)
    rows = []
    for called, edits in variants.items():
        edited = by_prompt(engine, prompts, replace(asked, edits=edits), "edited")
        row: dict[str, Any] = {"edits": called, "task": name, "n": len(prompts), "chance": chance}
        for measure, at in (("accuracy", 0), ("logit_diff", 2)):
            row |= dict(zip(_NAMES[measure], _paired(clean[at], edited[at]), strict=True))
        row["verdict"] = _verdict(clean[0], edited[0], row, chance)
        row["note"] = "; ".join([*prompts.notes, *(_ALONE if len(prompts) == 1 else ())])
        rows.append(row)
    return rows


def _paired(clean: Floats, edited: Floats) -> tuple[float, ...]:
    """Return the two means, and the mean of the differences with its interval."""
    mean, se = means((edited - clean)[None])
    low, high = interval(mean, se, [len(clean)])
    return tuple(float(x) for x in (clean.mean(), edited.mean(), mean[0], low[0], high[0]))


def _verdict(clean: Floats, edited: Floats, row: Mapping[str, Any], chance: float) -> str:
    if len(clean) > 1 and all(_guesses(values, chance) for values in (clean, edited)):
        return "at chance"
    if row["low"] > 0:
        return "helps"
    return "harms" if row["high"] < 0 else "no change shown"


def _guesses(values: Floats, chance: float) -> bool:
    """Whether right answers are no more frequent than by guessing."""
    off = float(values.std(ddof=1) / np.sqrt(len(values)))
    return bool(values.mean() - SURE * off <= chance)


def side_effects(
    engine: Engine, snapshot: Snapshot, texts: Sequence[Ids], variants: Mapping[str, Edits]
) -> pd.DataFrame:
    """Measure what edits do to neutral text.

    Parameters
    ----------
    texts : sequence of token ids
    variants : mapping of str to tuple of Edit

    Returns
    -------
    DataFrame
        One row a set of edits: edits; kl, KL(clean ‖ edited) a token, in nats; loss_change, by how
        much the loss a token rises, in nats; each with low and high, the 95 % interval over texts;
        n, texts; note, why they could not be made here.
    """
    rows = []
    for called, edits in variants.items():
        row: dict[str, Any] = {"edits": called, "n": len(texts), "note": ""}
        pairs = tuple(Pair(clean=text) for text in texts)
        asked = Snapshot(pairs=pairs, edits=edits, reference=snapshot.reference)
        try:
            found = _beside(engine, asked)
        except (InputError, NotMeasurable) as error:
            found = np.full((2, len(texts)), np.nan)
            row["note"] = str(error)
        mean, se = means(found)
        low, high = interval(mean, se, np.isfinite(found).sum(-1))
        for i, name in enumerate(("kl", "loss_change")):
            row |= {name: mean[i], f"{name}_low": low[i], f"{name}_high": high[i]}
        rows.append(row)
    return pd.DataFrame(rows)


def _beside(engine: Engine, asked: Snapshot) -> Floats:
    """Return KL and the change of the loss of each text, a mean over its tokens, [2, text]."""
    out = np.full((2, len(asked.pairs)), np.nan)
    longest = max(len(pair.clean) for pair in asked.pairs)
    limit = max(1, LOGIT_BYTES // (longest * engine.facts.d_vocab * 4))
    for batch in asked.batches(limit=limit):
        checkpoint()
        both = [logits(engine, asked, run, batch, positions="all") for run in ("clean", "edited")]
        clean, edited = (one.values.float() for one in both)
        for row, i in enumerate(batch):
            kl = kl_divergence(clean[row], edited[row]).double()
            out[0, i] = float(kl.mean())
            following = asked.pairs[i].clean[1:]
            if following:
                there = range(len(following))
                before, after = (
                    one[row, :-1].log_softmax(-1)[there, following] for one in (clean, edited)
                )
                out[1, i] = float((before - after).double().mean())
    return out
