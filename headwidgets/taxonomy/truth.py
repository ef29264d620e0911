"""Truthfulness: does a head's output tell whether what was just stated is true.

Statements are answers to the questions of TruthfulQA, cut behind the answer. A model that cannot
tell true from false there is asked about the facts that it knows: each stated rightly, and with
the answer of another fact of the same relation, so that every word is as often right as wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy.probing import Labelled, probing
from headwidgets.taxonomy.skilled import doing

if TYPE_CHECKING:
    from headwidgets.taxonomy.asked import Asked, Ids
    from headwidgets.taxonomy.measure import Measure, Scores

STATED, FACTS = "truthfulqa", "lre"
N = 300
NAMES = ("true statements", "false ones")


def truth(measure: Measure) -> Scores:
    """Score how well a probe tells true statements from false ones.

    Raises
    ------
    NotMeasurable
        If the model is at chance on both tasks, or there are too few statements.
    """
    refused = []
    for name, states in STATEMENTS:
        try:
            done = doing(measure, name, split="train", n=N)
            return probing(measure, states(done.asked, measure.seed), done.accuracy)
        except NotMeasurable as error:
            refused.append(str(error))
    raise NotMeasurable("; ".join(refused))


def _answers(asked: Asked, _seed: int) -> Labelled:
    """Cut prompts behind the answer; the first verdict of a prompt's options is that it is true."""
    rows: dict[Ids, tuple[bool, Ids]] = {}
    for i, row in enumerate(asked.rows):
        question, stated = asked.span("QUESTION", i), asked.span("STATED", i)
        if question is None or stated is None:
            message = f"a prompt of {asked.prompts.name} has no QUESTION or no STATED"
            raise NotMeasurable(message)
        label = asked.answer[i] == asked.options[i][0]
        rows.setdefault(row[: stated[1]], (label, row[slice(*question)]))
    groups = tuple(question for _, question in rows.values())
    return Labelled(
        tuple(rows),
        np.array([label for label, _ in rows.values()], bool),
        *(groups, groups, NAMES, asked.prompts.name or STATED),
    )


def _facts(asked: Asked, seed: int) -> Labelled:
    """State each fact with its own answer, and with that of another of its relation."""
    random = np.random.default_rng(seed)
    relations: dict[Ids, list[int]] = {}
    for i, options in enumerate(asked.options):
        relations.setdefault(tuple(sorted(options)), []).append(i)
    rows, labels, groups = [], [], []
    for some in relations.values():
        for i, j in zip(some, _others([asked.answer[i] for i in some], random), strict=True):
            if j is None:
                continue
            span = asked.span("S", i)
            subject = asked.rows[i] if span is None else asked.rows[i][slice(*span)]
            for last, label in ((asked.answer[i], True), (asked.answer[some[j]], False)):
                rows.append((*asked.rows[i], last))
                labels.append(label)
                groups.append(subject)
    pairs = tuple(i // 2 for i in range(len(rows)))
    named = asked.prompts.name or FACTS
    return Labelled(tuple(rows), np.array(labels, bool), tuple(groups), pairs, NAMES, named)


def _others(answers: list[int], random: np.random.Generator) -> list[int | None]:
    """Give each the place of one with another answer, each place once; None where that fails."""
    order = random.permutation(len(answers))
    by_answer = sorted(order, key=lambda i: answers[i])
    commonest = max(map(answers.count, answers))
    turned = [*by_answer[commonest:], *by_answer[:commonest]]
    out: list[int | None] = [None] * len(answers)
    for i, j in zip(by_answer, turned, strict=True):
        out[i] = int(j) if answers[i] != answers[j] else None
    return out


STATEMENTS = ((STATED, _answers), (FACTS, _facts))
"""Tasks, the first that can be asked is; how statements are made of their prompts."""
