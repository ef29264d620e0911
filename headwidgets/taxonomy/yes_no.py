"""Negative heads: attention on the no of an instruction against its yes, in both orders.

The negative attention score (Yu et al. 2024, arXiv 2408.00137; Zheng et al. 2024, arXiv
2409.03752, equation 5) as a mean over queries, of each prompt and of the same prompt with the two
words exchanged: what a head owes to their places cancels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headwidgets.errors import NotMeasurable
from headwidgets.methods.survey_scores import negative_attention_score
from headwidgets.taxonomy.other_words import mark, other_words
from headwidgets.taxonomy.seen import Look, see
from headwidgets.taxonomy.verdict import NO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from headwidgets.taxonomy.asked import Ids
    from headwidgets.taxonomy.measure import Measure, Scores
    from headwidgets.taxonomy.on_task import OnTask

    Floats = NDArray[np.float32]

YES_NO = "yes no"
ROLES = ("tYes", "tNo")
PAIRS = 40
"""Prompts that are run in both orders."""
_AT_ONCE = 10


def negative(measure: Measure) -> Scores:
    """Score attention on no against yes, against the two exchanged in prompts at random."""
    task = measure.task(YES_NO)
    rows = task.asked.rows[:PAIRS]
    both = _both_orders(measure, task, rows, range(len(rows)))  # [prompt, order, layer, head]
    scores = measure.signed(task, both.mean(1))
    scores.words = f"{task.asked.prompts.name}, n = {len(both)}, each in both orders"
    _ask(measure, task, scores, both)
    if scores.reaching(measure.threshold):
        others = other_words(measure, task.asked, ROLES, prompts=1)
        found = None if others is None else np.abs(_both_orders(measure, task, *others).mean(1))
        mark(scores, measure.threshold, found)
    return scores


def _both_orders(measure: Measure, task: OnTask, rows: Sequence[Ids], of: Sequence[int]) -> Floats:
    """Score prompts with yes first and with no first, [prompt, order, layer, head].

    Each has its two words where prompt ``of[i]`` of the task has yes and no.
    """
    out: list[Floats] = []
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        places = [_places(task, row) for row in of[start : start + _AT_ONCE]]
        looks = []
        for row, (yes, no) in zip(some, places, strict=True):
            ids = list(row)
            there = tuple(range(len(ids)))
            looks.append(Look(tuple(ids), there))
            ids[yes], ids[no] = ids[no], ids[yes]
            looks.append(Look(tuple(ids), there))
        seen = see(measure.engine, looks, hooks=measure.hooks)
        for number, (yes, no) in enumerate(places):
            as_is, exchanged = (one.attention for one in seen[2 * number : 2 * number + 2])
            values = [_mean(as_is, yes, no), _mean(exchanged, no, yes)]
            out.append(np.stack(values if yes < no else values[::-1]))
    return np.stack(out)


def _mean(attention: Floats, yes: int, no: int) -> Floats:
    """Return equation 5 over the number of its queries, [layer, head]."""
    queries = attention.shape[-1] - 1 - max(yes, no)
    score = negative_attention_score(attention, yes, no) / queries
    return np.asarray(score, dtype=np.float32)


def _places(task: OnTask, row: int) -> tuple[int, int]:
    spans = [task.asked.span(role, row) for role in ROLES]
    places = [span[0] for span in spans if span is not None and span[1] == span[0] + 1]
    if len(places) != len(spans):
        message = "yes and no must be one token each in the instruction"
        raise NotMeasurable(message)
    return places[0], places[1]


def _ask(measure: Measure, task: OnTask, scores: Scores, both: Floats) -> None:
    """Mark heads that follow the place of the words, or the true answer."""
    asked = task.asked
    true = np.array([asked.answer[i] == asked.options[i][0] for i in range(len(both))])
    order = both.mean(0)
    truth = np.stack([both[true].mean((0, 1)), both[~true].mean((0, 1))])
    for head in scores.reaching(-np.inf):
        first, second = (float(one[head]) for one in order)
        if min(first, second) <= 0:
            words = (
                f"it follows the place: {first:+.3f} with yes first, {second:+.3f} with no first"
            )
            scores.remark(head, words, at_most=NO)
        yes, no = (float(one[head]) for one in truth)
        words = f"{yes:+.3f} where yes is right, {no:+.3f} where no is"
        follows = min(yes, no) < max(measure.threshold, max(yes, no) / 2)
        scores.remark(head, words, at_most=NO if follows else None)
