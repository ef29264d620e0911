"""What heads look at within sentences: the rare word, the pieces of a word, the subject."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy import matched
from headwidgets.taxonomy.asked import ask
from headwidgets.taxonomy.largest import largest, look_most, mark_sinks
from headwidgets.taxonomy.measure import Scores
from headwidgets.taxonomy.on_task import accuracy, require_skill
from headwidgets.taxonomy.pieces import comparable, cut, inside, near
from headwidgets.taxonomy.verdict import NO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwidgets.taxonomy.asked import Asked
    from headwidgets.taxonomy.measure import Measure
    from headwidgets.taxonomy.on_task import OnTask
    from headwidgets.taxonomy.reduce import Floats
    from headwidgets.taxonomy.targets import Ints

RARE_TASK, PIECES_TASK, ARCS_TASK = "rare words", "subword pieces", "syntactic arcs"
LONGEST, NOWHERE = 8, -2
"""Pieces of a word, at most; a place that no head looks at, ties included."""

Ids = tuple[int, ...]


# ---------------------------------------------------------------------- the rare word


def rare_words(measure: Measure) -> Scores:
    """Share of the queries behind the rare word that look most at it.

    The null takes another of the six nouns of the sentence for the rare one.
    """
    _own_rows(measure, RARE_TASK)
    asked = ask(measure.engine, RARE_TASK, seed=measure.seed)
    found = look_most(measure.engine, asked.rows, _first(measure, asked.rows), hooks=measure.hooks)
    right = accuracy(asked, found.logits)
    require_skill(asked, right)
    tables = []
    for row, (ids, place) in enumerate(zip(asked.rows, found.place, strict=True)):
        rare = _where(asked, "RARE", row)
        nouns = [i for i, one in enumerate(ids) if one in asked.options[row] and i != rare]
        shares = [(place[..., noun + 1 :] == noun).mean(-1) for noun in (rare, *nouns)]
        tables.append(np.stack(shares, axis=-1).astype(np.float32))
    scores = _labelled(measure, tables)
    scores.task_accuracy, scores.words = right, f"{asked.prompts.name}, n = {len(tables)}"
    mark_sinks(scores, found.off)
    return scores


# ---------------------------------------------------------------------- pieces


def subword_merge(measure: Measure) -> Scores:
    """Attention inside words less attention across words, on the task or on given text.

    The null cuts the same text into words elsewhere.

    Raises
    ------
    NotMeasurable
        If the model has no tokenizer, or no word is cut.
    """
    engine, own = measure.engine, measure.rows.period is not None
    if not engine.text.has_tokenizer:
        message = "without a tokenizer there are no words"
        raise NotMeasurable(message)
    asked = ask(engine, PIECES_TASK, seed=measure.seed) if own else None
    given: Sequence[Ids] = asked.rows if asked else measure.rows.ids
    first = _first(measure, given)
    cuts = [
        np.array(cut(engine.text, ids[start:]), dtype=np.int64)
        for ids, start in zip(given, first, strict=True)
    ]
    used = [row for row, sizes in enumerate(cuts) if comparable(sizes) and max(sizes) <= LONGEST]
    if not used:
        message = f"no word behind other tokens is cut in 2 to {LONGEST}"
        raise NotMeasurable(message)
    farthest = int(max(cuts[row].max() for row in used)) - 1
    found = near(engine, given, first, farthest, hooks=measure.hooks)
    random = np.random.default_rng(measure.seed)
    per_row = []
    null = np.zeros((measure.draws, *found.values[0].shape[:2]), dtype=np.float32)
    for row in used:
        cut_elsewhere = random.permuted(np.tile(cuts[row], (measure.draws, 1)), axis=1)
        per_row.append(inside(found.values[row], cuts[row][None])[0])
        null += inside(found.values[row], cut_elsewhere) / np.float32(len(used))
    scores = Scores(np.stack(per_row), null)
    if asked:
        scores.words = f"{asked.prompts.name}, n = {len(used)}"
        scores.task_accuracy = accuracy(asked, found.logits)
    return scores


# ---------------------------------------------------------------------- subject and verb


def syntactic(measure: Measure) -> Scores:
    """Share of prompts whose end looks most at the subject, less what one fixed place gets right.

    The fixed place, counted from the end or from the start, is the best of the other half of the
    prompts. The null takes for the subject of each prompt the word that stands where the subject
    of another one does, counted in either way, and the best fixed place for those.
    """
    task = measure.task(ARCS_TASK)
    asked = task.asked
    place, off = _at_end(task, _first(measure, asked.rows))
    ends = np.array([len(ids) for ids in asked.rows])
    subject, other = (
        np.array([_where(asked, role, row) for row in range(len(ends))])
        for role in ("SUBJECT", "DISTRACTOR")
    )
    random = np.random.default_rng(measure.seed)
    null = np.zeros((measure.draws, *place.shape[1:]), dtype=np.float32)
    for draw in range(measure.draws):
        another = random.permutation(len(ends))
        wrong = subject[another] if draw % 2 else ends - (ends - subject)[another]
        inside = np.where(wrong < 0, NOWHERE, wrong)
        null[draw] = _beyond_place(place, inside, ends).mean(0)
    scores = Scores(
        _beyond_place(place, subject, ends), null, task_accuracy=task.accuracy, words=task.words
    )
    mark_sinks(scores, off)
    for head in scores.reaching(measure.threshold):
        looks = place[:, head.layer, head.head]
        right, wrong = (looks == subject).mean(), (looks == other).mean()
        words = f"it looks most at the subject in {right:.2f}, at the noun between in {wrong:.2f}"
        scores.remark(head, words, at_most=None if right > wrong else NO)
    return scores


def _beyond_place(place: Ints, partner: Ints, ends: Ints) -> Floats:
    """Whether each head finds the partner, less whether a fixed place does.

    Parameters
    ----------
    place : ndarray of int64, [prompt, layer, head]
        Where the end looks most.
    partner, ends : ndarray of int64, [prompt]

    Returns
    -------
    ndarray of float32, [prompt, layer, head]
    """
    hits = (place == partner[:, None, None]).astype(np.float32)
    found: Floats = hits - _fixed(partner, ends)[:, None, None]
    return found


def _fixed(partner: Ints, ends: Ints) -> Floats:
    """Whether the best fixed place of the other half of the prompts is the partner: [prompt]."""
    guesses = ends - partner, np.maximum(partner, 0)  # from the end, from the start
    out = np.zeros(len(partner), dtype=np.float32)
    half = np.arange(len(partner)) % 2
    for side in (0, 1):
        counts = [np.bincount(guess[half != side]) for guess in guesses]
        best = int(counts[1].max() > counts[0].max())
        out[half == side] = guesses[best][half == side] == counts[best].argmax()
    return out


# ---------------------------------------------------------------------- parts


def _at_end(task: OnTask, first: Sequence[int]) -> tuple[Ints, Floats]:
    """Where the end of each prompt looks most, [prompt, layer, head]; mean attention off BOS."""
    found = [
        largest(torch.from_numpy(seen.attention[:, :, 0]), start)
        for seen, start in zip(task.seen, first, strict=True)
    ]
    place = np.stack([one.numpy() for one, _ in found])
    return place, np.mean([off.numpy() for _, off in found], axis=0)


def _labelled(measure: Measure, tables: Sequence[Floats]) -> Scores:
    """Score the first label of each prompt against labels drawn at random."""
    random = np.random.default_rng(measure.seed)
    per_row = np.stack([table[..., 0] for table in tables])
    return Scores(per_row, matched.relabelled(tables, measure.draws, random))


def _own_rows(measure: Measure, name: str) -> None:
    if measure.rows.period is None:
        message = f"it is measured on its own task, {name!r}, not on rows that are given"
        raise NotMeasurable(message)


def _first(measure: Measure, rows: Sequence[Sequence[int]]) -> list[int]:
    return [int(row[0] == measure.engine.text.bos_id) for row in rows]


def _where(asked: Asked, role: str, row: int) -> int:
    """Last token of a role."""
    span = asked.span(role, row)
    assert span is not None  # noqa: S101 - every prompt of the task has it
    return span[1] - 1
