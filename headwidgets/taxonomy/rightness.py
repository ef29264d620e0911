"""Accuracy heads: does a head's output tell whether the answer that the model gave is right.

A probe reads the z at the answer. Of each template, and of each answer or place of it in the
passage, as many right answers are kept as wrong ones: that a model always says the second thing
tells whether it is right, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy.probing import Labelled, matched, probing
from headwidgets.taxonomy.skilled import doing

if TYPE_CHECKING:
    from headwidgets.taxonomy.asked import Ids
    from headwidgets.taxonomy.measure import Measure, Scores
    from headwidgets.taxonomy.skilled import Done

READING = (("triviaqa", "train"), ("toy mood story", "templates"))
"""Tasks that ask about a passage, and the split of each."""
N = 400
NAMES = ("right answers", "wrong ones")
FEW = 4
"""Answers of all prompts together that are so few that each says something by itself."""


def rightness(measure: Measure) -> Scores:
    """Score how well a probe tells the model's right answers from its wrong ones.

    Raises
    ------
    NotMeasurable
        If on no task the model is above chance and wrong 20 times.
    """
    refused = []
    for name, split in READING:
        try:
            return probing(measure, *answers_given(measure, name, split))
        except NotMeasurable as error:
            refused.append(str(error))
    raise NotMeasurable("; ".join(refused))


def answers_given(measure: Measure, name: str, split: str) -> tuple[Labelled, float]:
    """Return as many right answers of the model as wrong ones, and its accuracy.

    Raises
    ------
    NotMeasurable
        If the model is at chance, or right or wrong fewer than 20 times.
    """
    done = doing(measure, name, split=split, n=N)
    given = _answered(done)
    given.require()
    return matched(given, np.random.default_rng(measure.seed)), done.accuracy


def _answered(done: Done) -> Labelled:
    """Put behind each prompt the answer that the model gives among its options."""
    asked = done.asked
    rows: list[Ids] = []
    labels: list[bool] = []
    blocks: list[object] = []
    templates = asked.prompts.templates or ("",) * len(asked.rows)
    few = len({one for options in asked.options for one in options}) <= FEW
    for i, (row, options) in enumerate(zip(asked.rows, asked.options, strict=True)):
        given = options[int(np.argmax(done.said[i, list(options)]))]
        rows.append((*row, given))
        labels.append(given == asked.answer[i])
        blocks.append((templates[i], given if few else _place(row, given, options)))
    labelled = np.array(labels, bool)
    return Labelled(tuple(rows), labelled, asked.rows, tuple(blocks), NAMES, done.name)


def _place(row: Ids, given: int, options: Ids) -> int:
    """Return how many other options come before the one that is given."""
    first = {one: row.index(one) if one in row else len(row) for one in options}
    return sum(first[one] < first[given] for one in options)
