"""How often a model gives the right answer of a prompt set, and by how much."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from headwidgets.errors import InputError
from headwidgets.methods.continuations import continued
from headwidgets.methods.multiple_choice import with_choices
from headwidgets.methods.runs import check_run, logits
from headwidgets.methods.summary import means
from headwidgets.model.work import checkpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from headwidgets.methods.snapshot import Ids, Snapshot
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
        accuracy_se, skill_se, top1_se, logit_diff_se; chance. Where an answer or an option is
        several tokens, they are compared by their summed log-probabilities, logit_diff is
        the difference of these, and top1 wants each token to be the likeliest. A set with
        `choices` has mc1, mc1_se, mc1_chance, mc2, mc2_se besides, and questions, the number
        of different ones; see `multiple_choice.with_choices`.

    Raises
    ------
    InputError
        If the prompts have no answers.
    """
    values = by_prompt(engine, prompts, snapshot, run)
    frame = _table(values, prompts.templates, guess(prompts))
    return frame if prompts.choices is None else with_choices(frame, engine, prompts, snapshot, run)


def by_prompt(
    engine: Engine, prompts: Prompts, snapshot: Snapshot, run: str = "clean"
) -> NDArray[np.float64]:
    """Measure a model on every prompt of a set by itself; parameters and errors as `accuracy`.

    Returns
    -------
    ndarray of float64, [3, prompt]
        Accuracy (a share, where several answers tie), top1 and the logit difference.
    """
    check_run(run)
    if prompts.answer is None or prompts.foil is None:
        message = "expected prompts with answers, such as hw.task('ioi') or Prompts(answer=, foil=)"
        raise InputError(message)
    asked = _asked(engine, prompts, snapshot)
    several = [i for i, ids in enumerate(asked) if any(len(one) > 1 for one in ids)]
    values = np.full((len(_MEASURES), len(prompts)), np.nan)
    values[:, several] = _several(engine, prompts, snapshot, run, [(i, asked[i]) for i in several])
    single = sorted(set(range(len(prompts))) - set(several))
    longest = max(len(pair.clean) for pair in snapshot.pairs)
    done = len(several)
    for batch in snapshot.batches(single, limit=engine.rows_at_once(longest)):
        checkpoint(done, len(prompts), "prompts")
        found = logits(engine, snapshot, run, batch).values
        for row, i in enumerate(batch):
            ids = [token for (token,) in asked[i]]
            values[:, i] = _one(prompts, ids, found[row].double().numpy(force=True))
        done += len(batch)
    return values


def guess(prompts: Prompts) -> float:
    """Return the accuracy of a guess."""
    if prompts.chance is not None:
        return prompts.chance
    return 1 / len(prompts.options[0]) if prompts.options else 0.5


def _asked(engine: Engine, prompts: Prompts, snapshot: Snapshot) -> list[list[Ids]]:
    """Return the tokens of each prompt's answer, of its foil, and of each other option."""
    if prompts.answer is None or prompts.foil is None:  # pragma: no cover - checked by the caller
        raise AssertionError
    given: list[tuple[str | int, ...]] = []
    for i, (answer, foil) in enumerate(zip(prompts.answer, prompts.foil, strict=True)):
        given.append((answer, foil, *(prompts.options[i] if prompts.options else ())))
    asked = [(i, one) for i, some in enumerate(given) for one in dict.fromkeys(some)]
    read = engine.text.answers_ids([(snapshot.pairs[i].clean, one) for i, one in asked])
    found = dict(zip(asked, read, strict=True))
    out = []
    for i, some in enumerate(given):
        two = [found[i, one] for one in some[:2]]
        others = dict.fromkeys(found[i, one] for one in some[2:])
        out.append([*two, *(ids for ids in others if ids not in two)])
    return out


def _one(
    prompts: Prompts, ids: list[int], values: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Return one prompt's share of right among options and among all, and its difference."""
    answer, foil = ids[:2]
    among = values if _open(prompts) else values[sorted(set(ids))]
    return (
        _share(values[answer], among),
        _share(values[answer], values),
        float(values[answer] - values[foil]),
    )


def _several(
    engine: Engine,
    prompts: Prompts,
    snapshot: Snapshot,
    run: str,
    asked: Sequence[tuple[int, list[Ids]]],
) -> NDArray[np.float64]:
    """Return the same of prompts with an answer or option of several tokens, [measure, prompt]."""
    found = iter(continued(engine, snapshot, run, [(i, one) for i, ids in asked for one in ids]))
    out = np.empty((len(_MEASURES), len(asked)))
    for column, (_, ids) in enumerate(asked):
        read = dict(zip(ids, islice(found, len(ids)), strict=True))
        answer, foil = (read[one].log_prob for one in ids[:2])
        greedy = float(read[ids[0]].greedy)
        among = np.array([one.log_prob for one in read.values()])
        right = greedy if _open(prompts) else _share(answer, among)
        out[:, column] = right, greedy, answer - foil
    return out


def _open(prompts: Prompts) -> bool:
    """Whether every token is a rival."""
    return prompts.options is None and prompts.chance is not None


def _share(answer: float, among: NDArray[np.float64]) -> float:
    """Return 1 where the answer is the largest, a share of 1 where it is one of several."""
    largest = among.max()
    return float(answer == largest) / int((among == largest).sum())


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
