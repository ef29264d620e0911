"""Truthfulness: does a head's output tell whether what was just stated is true.

Statements are answers to the questions of TruthfulQA, cut behind the answer. A model that cannot
tell true from false there is asked about the facts that it knows: each stated rightly, and with
the answer of another fact of the same relation, so that every word is as often right as wrong.
What is stated about one fact is no evidence apart: it stands on one side of every split, and in
the null all that is said of a fact changes its label, or nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from headwidgets.errors import NotMeasurable
from headwidgets.methods.held_out import folds
from headwidgets.taxonomy.probing import PARTS, Labelled, probing
from headwidgets.taxonomy.skilled import doing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headwidgets.taxonomy.asked import Asked, Ids
    from headwidgets.taxonomy.measure import Measure, Scores

STATED, FACTS = "truthfulqa", "lre"
N = 300
NAMES = ("true statements", "false ones")
LEAST_FACTS = 10
"""On either side, where some are fitted on and others acted on."""


class Statements(NamedTuple):
    """A task, and how its prompts state facts.

    Attributes
    ----------
    task : str
    fact : callable
        Asked and the number of a prompt -> the fact that it is about, in tokens.
    state : callable
        Asked, a seed and the numbers of prompts -> statements about their facts, with labels.
    """

    task: str
    fact: Callable[[Asked, int], Ids]
    state: Callable[[Asked, int, Sequence[int]], Labelled]


def truth(measure: Measure) -> Scores:
    """Score how well a probe tells true statements from false ones.

    Raises
    ------
    NotMeasurable
        If the model is at chance on both tasks, or there are too few statements.
    """
    refused = []
    for one in STATEMENTS:
        try:
            done = doing(measure, one.task, split="train", n=N)
            every = range(len(done.asked.rows))
            return probing(measure, one.state(done.asked, measure.seed, every), done.accuracy)
        except NotMeasurable as error:
            refused.append(str(error))
    raise NotMeasurable("; ".join(refused))


def apart(one: Statements, fitted: Asked, acted: Asked, seed: int) -> tuple[list[int], list[int]]:
    """Deal facts out to two sets of prompts, so that none is in both.

    Returns
    -------
    to_fit, to_act : list of int
        Prompts of the first set about one half of all facts, and of the second about the other.

    Raises
    ------
    NotMeasurable
        If either is about fewer than ten facts.
    """
    facts = [[one.fact(asked, i) for i in range(len(asked.rows))] for asked in (fitted, acted)]
    every = sorted({*facts[0], *facts[1]})
    part = dict(zip(every, folds(every, PARTS, np.random.default_rng(seed)), strict=True))
    sides = [
        [i for i, fact in enumerate(some) if part[fact] == side] for side, some in enumerate(facts)
    ]
    for some, kept in zip(facts, sides, strict=True):
        n = len({some[i] for i in kept})
        if n < LEAST_FACTS:
            message = f"{one.task}: {n} facts on one side of the split, {LEAST_FACTS} are needed"
            raise NotMeasurable(message)
    return sides[0], sides[1]


def _question(asked: Asked, row: int) -> Ids:
    """Return the question of a prompt, its last token left out: some join it to a line's end."""
    span = asked.span("QUESTION", row)
    if span is None:
        message = f"a prompt of {asked.prompts.name} has no QUESTION"
        raise NotMeasurable(message)
    return asked.rows[row][span[0] : max(span[1] - 1, span[0] + 1)]


def _answers(asked: Asked, _seed: int, some: Sequence[int]) -> Labelled:
    """Cut prompts behind the answer; the first verdict of a prompt's options is that it is true."""
    rows: dict[Ids, tuple[bool, Ids]] = {}
    for i in some:
        stated = asked.span("STATED", i)
        if stated is None:
            message = f"a prompt of {asked.prompts.name} has no STATED"
            raise NotMeasurable(message)
        label = asked.answer[i] == asked.options[i][0]
        rows.setdefault(asked.rows[i][: stated[1]], (label, _question(asked, i)))
    groups = tuple(question for _, question in rows.values())
    return Labelled(
        tuple(rows),
        np.array([label for label, _ in rows.values()], bool),
        *(groups, groups, NAMES, asked.prompts.name or STATED),
        units=tuple((question, label) for label, question in rows.values()),
    )


def _subject(asked: Asked, row: int) -> Ids:
    """Return the subject of a prompt's fact."""
    span = asked.span("S", row)
    return asked.rows[row] if span is None else asked.rows[row][slice(*span)]


def _facts(asked: Asked, seed: int, some: Sequence[int]) -> Labelled:
    """State each fact with its own answer, and with that of another of its relation."""
    random = np.random.default_rng(seed)
    relations: dict[Ids, list[int]] = {}
    for i in some:
        relations.setdefault(tuple(sorted(asked.options[i])), []).append(i)
    rows, labels, groups, facts = [], [], [], []
    for relation, of in relations.items():
        for i, j in zip(of, _others([asked.answer[i] for i in of], random), strict=True):
            if j is None:
                continue
            subject = _subject(asked, i)
            for last, label in ((asked.answer[i], True), (asked.answer[of[j]], False)):
                rows.append((*asked.rows[i], last))
                labels.append(label)
                groups.append(subject)
                facts.append((relation, subject))
    named = asked.prompts.name or FACTS
    return Labelled(
        *(tuple(rows), np.array(labels, bool), tuple(groups), tuple(facts), NAMES, named),
        units=tuple(zip(facts, labels, strict=True)),
    )


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


STATEMENTS = (Statements(STATED, _question, _answers), Statements(FACTS, _subject, _facts))
"""The first that can be asked is."""
