"""Where each head looks right before a token from far back is copied.

An episode is a prompt whose answer, one token that stands in it once, the model says itself. With
one token to copy the retrieval score of Wu et al. 2024, the share of the needle's different tokens
that a head copies, is 1 where the largest attention lies on that token, else 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy import matched
from headwidgets.taxonomy.asked import ask
from headwidgets.taxonomy.largest import largest, mark_sinks
from headwidgets.taxonomy.measure import Scores
from headwidgets.taxonomy.on_task import accuracy, require_skill
from headwidgets.taxonomy.seen import Look, Seen, see
from headwidgets.taxonomy.verdict import CANDIDATE, P_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwidgets.taxonomy.asked import Asked
    from headwidgets.taxonomy.measure import Measure
    from headwidgets.taxonomy.reduce import Floats

NEEDLES, LONGEST = 40, 256
"""Prompts with a needle, and their tokens at most: they cost far more than any other task's."""
LEAST = 10
"""Episodes."""
_HAY, _PAIRS = "needle in a haystack", "key value"
_VALUES = ("VALUE", "VALUE2", "VALUE3", "VALUE4")


def retrieval(measure: Measure) -> Scores:
    """Share of episodes in which the largest attention is on the token that is copied.

    Measured on needles where the model finds them, else on keys and values, which cost little
    and are tried first.

    Raises
    ------
    NotMeasurable
        If the model can do neither, or copies fewer than `LEAST` answers.
    """
    pairs = measure.task(_PAIRS)
    try:
        scores, _ = _score(measure, _needles(measure))
    except NotMeasurable as error:
        episodes = _Episodes(pairs.asked, pairs.seen, pairs.accuracy, _other_values(pairs.asked))
        scores, hits = _score(measure, episodes)
        scores.words += f" ({error})"
        _beyond_induction(measure, scores, episodes, hits)
    return scores


@dataclass(frozen=True)
class _Episodes:
    """Prompts, and in each the place of the answer, then the places that may stand for it."""

    asked: Asked
    seen: Sequence[Seen]
    accuracy: float
    places: Sequence[Sequence[int]]

    @property
    def right(self) -> list[int]:
        """Prompts whose answer the model says."""
        answers = zip(self.seen, self.asked.answer, strict=True)
        return [row for row, (seen, answer) in enumerate(answers) if seen.logits.argmax() == answer]


def _needles(measure: Measure) -> _Episodes:
    """Run the haystacks; elsewhere is where the needle of another prompt lies, from the end."""
    asked = ask(measure.engine, _HAY, seed=measure.seed, n=NEEDLES, longest=LONGEST)
    looks = [Look(ids, (len(ids) - 1,)) for ids in asked.rows]
    seen = see(measure.engine, looks, hooks=measure.hooks)
    right = accuracy(asked, [one.logits for one in seen])
    require_skill(asked, right)
    places = [_place(asked, "NUMBER", row) for row in range(len(seen))]
    back = [len(ids) - place for ids, place in zip(asked.rows, places, strict=True)]
    elsewhere = [
        [place, *(len(ids) - one for one in back if 0 < len(ids) - one != place)]
        for ids, place in zip(asked.rows, places, strict=True)
    ]
    return _Episodes(asked, seen, right, elsewhere)


def _other_values(asked: Asked) -> list[list[int]]:
    """Where the values of each prompt stand, the one that is asked for first."""
    return [
        [_place(asked, role, row) for role in _VALUES if asked.span(role, row) is not None]
        for row in range(len(asked.rows))
    ]


def _place(asked: Asked, role: str, row: int) -> int:
    span = asked.span(role, row)
    assert span is not None  # noqa: S101 - every prompt of these tasks has it
    return span[1] - 1


def _score(measure: Measure, episodes: _Episodes) -> tuple[Scores, list[Floats]]:
    """Score the place of the answer against places drawn at random; each place's hits besides."""
    right, name = episodes.right, episodes.asked.prompts.name
    if len(right) < LEAST:
        message = (
            f"on {name} the model says {len(right)} of {len(episodes.seen)} answers itself: "
            f"expected at least {LEAST}"
        )
        raise NotMeasurable(message)
    hits, off = [], []
    for row in right:
        first = int(episodes.asked.rows[row][0] == measure.engine.text.bos_id)
        attention = torch.from_numpy(episodes.seen[row].attention[:, :, 0])
        place, outside = largest(attention, first)
        there = place.numpy()[..., None] == np.array(episodes.places[row])
        hits.append(there.astype(np.float32))
        off.append(outside.numpy())
    random = np.random.default_rng(measure.seed)
    null = matched.relabelled(hits, measure.draws, random)
    per_row: Floats = np.stack([one[..., 0] for one in hits])
    scores = Scores(per_row, null, task_accuracy=episodes.accuracy, counted="an episode")
    scores.words = f"{name}, {len(right)} episodes of {len(episodes.seen)} prompts"
    mark_sinks(scores, np.mean(off, axis=0))
    return scores, hits


def _beyond_induction(
    measure: Measure, scores: Scores, episodes: _Episodes, hits: Sequence[Floats]
) -> None:
    """Ask for more than chance where the last token is not the one before the value.

    Where it is, a head that looks at what followed the earlier copy finds the value as well.
    """
    rows = episodes.asked.rows
    apart = [
        hit
        for row, hit in zip(episodes.right, hits, strict=True)
        if rows[row][-1] != rows[row][episodes.places[row][0] - 1]
    ]
    if not apart:
        for head in scores.reaching(measure.threshold):
            words = "induction finds all of these values as well"
            scores.remark(head, words, at_most=CANDIDATE)
        return
    shares = np.mean([hit[..., 0] for hit in apart], axis=0)
    null = matched.relabelled(apart, measure.draws, np.random.default_rng(measure.seed))
    for head in scores.reaching(measure.threshold):
        p = (1 + int((null[:, *head] >= shares[head]).sum())) / (1 + measure.draws)
        words = (
            f"{shares[head]:.2f} where induction does not find the value (n = {len(apart)}, "
            f"p = {p:.3f})"
        )
        scores.remark(head, words, at_most=None if p <= P_MAX else CANDIDATE)
