"""Questions with answers of any length, some of them true: TruthfulQA's MC1 and MC2."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from headwidgets.errors import InputError
from headwidgets.methods.continuations import continued
from headwidgets.methods.snapshot import Pair
from headwidgets.methods.summary import means

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from headwidgets.methods.continuations import Asked
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine
    from headwidgets.prompts import Choices, Prompts


def multiple_choice(
    engine: Engine, snapshot: Snapshot, run: str, choices: Sequence[Choices]
) -> NDArray[np.float64]:
    """Score questions as TruthfulQA does: MC1 and MC2.

    Parameters
    ----------
    engine : Engine
    snapshot : Snapshot
        Its edits are in force in an edited run; its prompts are not read.
    run : {"clean", "corrupted", "edited"}
    choices : sequence of Choices

    Returns
    -------
    ndarray of float, [2, question]
        MC1: 1 where the right one of the answers `one` has the largest summed
        log-probability, a share of 1 where it is one of several. MC2: the probability of
        the true answers over that of all, true and false.

    References
    ----------
    Lin et al. 2022, "TruthfulQA: Measuring How Models Mimic Human Falsehoods",
    arXiv 2109.07958, section 3.
    """
    pairs = tuple(Pair(tuple(engine.text.encode(one.prompt))) for one in choices)
    around = replace(snapshot, pairs=pairs, index=0, metric=None, answers=None)
    asked: dict[tuple[int, str], Asked] = {}
    for i, one in enumerate(choices):
        for answer in {*one.one, *one.true, *one.false}:
            asked[i, answer] = i, engine.text.answer_ids(pairs[i].clean, answer)
    read = continued(engine, around, run, list(asked.values()))
    log = {key: value.log_prob for key, value in zip(asked, read, strict=True)}
    out = np.empty((2, len(choices)))
    for i, one in enumerate(choices):
        rivals = np.array([log[i, answer] for answer in one.one])
        true, false = ([log[i, answer] for answer in some] for some in (one.true, one.false))
        mass = np.logaddexp.reduce(true), np.logaddexp.reduce(false)
        best = rivals == rivals.max()
        out[:, i] = best[0] / best.sum(), np.exp(mass[0] - np.logaddexp(*mass))
    return out


def with_choices(
    frame: pd.DataFrame, engine: Engine, prompts: Prompts, snapshot: Snapshot, run: str
) -> pd.DataFrame:
    """Add mc1 and mc2 of `multiple_choice`, their standard errors, mc1_chance, and questions.

    `frame` has one row for all prompts, then one a template. The last column counts the
    different questions of a row; each counts once. Where the edits of an edited run are bound
    to places that only the prompts have, the scores are undefined, and ``attrs["notes"]`` says
    why.
    """
    asked = list(prompts.choices or ())
    different = list(dict.fromkeys(one for one in asked if one is not None))
    scores = np.full((2, len(different)), np.nan)
    notes: list[str] = []
    try:
        scores = multiple_choice(engine, snapshot, run, different)
    except InputError as error:
        if run == "clean":
            raise
        notes.append(f"mc1 and mc2 are not measurable on this run: {error}")
    guesses = np.array([1 / len(one.one) for one in different])
    whole = frame["template"].iloc[0]
    named = prompts.templates or [whole] * len(asked)
    rows = []
    for name in frame["template"]:
        own = {one for one, t in zip(asked, named, strict=True) if name in (whole, t)}
        columns = [i for i, one in enumerate(different) if one in own]
        (mc1, mc2), (mc1_se, mc2_se) = means(scores[:, columns])
        chance = guesses[columns].mean() if columns else np.nan
        row = {"mc1": mc1, "mc1_se": mc1_se, "mc1_chance": chance, "mc2": mc2, "mc2_se": mc2_se}
        rows.append({**row, "questions": len(columns)})
    out = pd.concat([frame, pd.DataFrame(rows)], axis=1)
    out.attrs["notes"] = notes
    return out
