"""How often a model gives the right answer of a prompt set, and by how much."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from headwidgets.errors import InputError
from headwidgets.methods.runs import batches, check_run, logits
from headwidgets.methods.summary import means

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine
    from headwidgets.prompts import Prompts

ALL = "all"
_MEASURES = ("accuracy", "top1", "logit_diff")


def accuracy(
    engine: Engine, prompts: Prompts, snapshot: Snapshot, run: str = "clean"
) -> pd.DataFrame:
    """Measure a model on a prompt set that has answers.

    Parameters
    ----------
    engine : Engine
    prompts : Prompts
        With answer and foil; with options and chance where it has them.
    snapshot : Snapshot
        The same prompts as tokens, and the edits of an edited run.
    run : {"clean", "corrupted", "edited"}

    Returns
    -------
    DataFrame
        One row for all prompts, then one a template: template, n; accuracy, the share of
        prompts whose answer is likelier than every other option (than every other token for
        a set that has a chance and no options, than the foil for one that has neither; a tie
        counts as a share of one); skill = (accuracy − chance) / (1 − chance); top1, the share
        whose answer is the likeliest of all tokens; logit_diff, answer minus foil;
        accuracy_se, skill_se, top1_se, logit_diff_se; chance.

    Raises
    ------
    InputError
        If the prompts have no answers.
    """
    check_run(run)
    if prompts.answer is None or prompts.foil is None:
        message = "expected prompts with answers, such as hw.task('ioi') or Prompts(answer=, foil=)"
        raise InputError(message)
    values = np.full((len(_MEASURES), len(prompts)), np.nan)
    for batch in batches(engine, snapshot):
        found = logits(engine, snapshot, run, batch).values
        for row, i in enumerate(batch):
            values[:, i] = _one(engine, prompts, snapshot, i, found[row].double().numpy(force=True))
    chance = prompts.chance
    if chance is None:
        chance = 1 / len(prompts.options[0]) if prompts.options else 0.5
    return _table(values, prompts.templates, chance)


def _one(
    engine: Engine, prompts: Prompts, snapshot: Snapshot, i: int, values: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Return one prompt's share of right among options and among all, and its difference."""
    if prompts.answer is None or prompts.foil is None:  # pragma: no cover - checked by the caller
        raise AssertionError
    ids = snapshot.pairs[i].clean
    asked = [prompts.answer[i], prompts.foil[i], *(prompts.options[i] if prompts.options else ())]
    answer, foil, *options = (engine.text.answer_id(ids, one) for one in asked)
    among = sorted({answer, foil, *options})
    if prompts.options is None and prompts.chance is not None:
        among = list(range(len(values)))
    return (
        _share(values, answer, values[among]),
        _share(values, answer, values),
        float(values[answer] - values[foil]),
    )


def _share(values: NDArray[np.float64], answer: int, among: NDArray[np.float64]) -> float:
    """Return 1 where the answer is the largest, a share of 1 where it is one of several."""
    largest = among.max()
    return float(values[answer] == largest) / int((among == largest).sum())


def _table(
    values: NDArray[np.float64], templates: Sequence[str] | None, chance: float
) -> pd.DataFrame:
    named = np.array(templates if templates is not None else [ALL] * values.shape[1], dtype=object)
    rows = []
    for name in [ALL, *(dict.fromkeys(templates) if templates is not None else ())]:
        some = values if name == ALL else values[:, named == name]
        mean, se = means(some)
        row: dict[str, object] = {"template": name, "n": some.shape[1]}
        for measure, m, s in zip(_MEASURES, mean, se, strict=True):
            row |= {measure: m, f"{measure}_se": s}
            if measure == "accuracy":
                row |= {"skill": (m - chance) / (1 - chance), "skill_se": s / (1 - chance)}
        rows.append({**row, "chance": chance})
    return pd.DataFrame(rows)
