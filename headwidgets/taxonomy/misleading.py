"""Vulnerable heads: what a head loses for the right letter when words are chosen to mislead.

After García-Carrasco et al. 2024 (arXiv 2407.19842): words of an acronym are exchanged for others
with the same first letters, one place after another, for those that leave the right letter the
least lead over the best wrong one. How much of that loss each head brings directly is its score.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from headwidgets.errors import NotMeasurable
from headwidgets.model.work import checkpoint
from headwidgets.taxonomy import broken
from headwidgets.taxonomy.asked import N
from headwidgets.taxonomy.backups import ends_of
from headwidgets.taxonomy.measure import Scores
from headwidgets.taxonomy.movers import without_edits
from headwidgets.taxonomy.probing import said_at_end
from headwidgets.taxonomy.readout import Readout
from headwidgets.taxonomy.registry import Work
from headwidgets.taxonomy.verdict import CANDIDATE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from headwidgets.model.engine import Engine
    from headwidgets.model.facts import Facts
    from headwidgets.taxonomy.asked import Asked, Ids
    from headwidgets.taxonomy.measure import Measure
    from headwidgets.taxonomy.reduce import Floats

    Words = dict[int, tuple[int, ...]]

TASK = "acronyms"
PLACES = (("W3", None), ("W1", "L1"), ("W2", "L2"))
"""Words, and where their first letters stand; the third word's is the answer."""
TURNS = 2
"""Times that the places are gone through."""
TRIED = 5
"""Words of a letter that there are to try, on average, for an estimate."""
OTHERS = 99
"""Times that as many words are exchanged at random, for the null: as few as let p be .01."""
COSTS = 0.1
"""Of the lead, that words chosen to mislead must cost."""


def work(_: Facts) -> Work:
    """Say what it takes: every word of a letter in each of three places, twice."""
    return Work(TASK, N, forwards=4 + OTHERS + TRIED * TURNS * len(PLACES))


def misled(measure: Measure) -> Scores:
    """Score each head's share of what misleading words cost the right letter.

    Raises
    ------
    NotMeasurable
        If no words mislead the model, edits are in force, or heads do not simply add up.
    """
    without_edits(measure)
    task = measure.task(TASK)
    engine, asked = measure.engine, task.asked
    Readout(engine, asked.rows[0])
    words = letter_words(asked)
    bad = search(engine, asked, words)
    of_bad, wrong = leads(asked, said_at_end(engine, bad))
    clean = lead_over(said_at_end(engine, asked.rows), asked, wrong)
    loss = float((clean - of_bad).mean())
    if not loss >= COSTS * float(clean.mean()):
        message = (
            f"{task.words}: words with the same first letters, chosen to mislead, cost "
            f"{loss:.2f} of {clean.mean():.2f} logits: none mislead the model"
        )
        raise NotMeasurable(message)
    before = _adds(engine, asked, asked.rows, wrong)
    after = _adds(engine, asked, bad, wrong)
    rows = broken.beyond_rounding(before - after) / loss
    random = np.random.default_rng(measure.seed)
    null = []
    for turn, part in enumerate(np.array_split(np.arange(measure.draws), OTHERS)):
        checkpoint(turn, OTHERS, "exchanging words at random")
        some = _exchanged(asked, words, bad, random)
        fall = broken.beyond_rounding(before - _adds(engine, asked, some, wrong)) / loss
        null.append(broken.resampled(fall, len(part), random))
    said = f"{task.words}, misleading words cost {loss:.2f} of {clean.mean():.2f} logits"
    scores = Scores(rows, np.concatenate(null), task_accuracy=task.accuracy, words=said)
    scores.least_p = 1 / (1 + OTHERS)  # the draws are of so many exchanges, prompts drawn again
    own, theirs = before.mean(0), after.mean(0)
    for head in scores.reaching(measure.threshold):
        adds, still = float(own[head]), float(theirs[head])
        said = f"adds {adds:+.2f} logits to the right letter's lead, {still:+.2f} when misled"
        both = adds > 0 > still
        scores.remark(head, said, at_most=None if both else CANDIDATE)
    return scores


def letter_words(asked: Asked) -> Words:
    """Return the words of one token that the prompts have for each first letter, as tokens."""
    found: dict[int, dict[int, None]] = {}
    for i in range(len(asked.rows)):
        for word, letter in _places(asked, i):
            found.setdefault(letter, {})[asked.rows[i][word]] = None
    return {letter: tuple(some) for letter, some in found.items()}


def _places(asked: Asked, row: int) -> list[tuple[int, int]]:
    """Return where each word of a prompt stands, and the token of its first letter."""
    out = []
    for name, initial in PLACES:
        span = asked.span(name, row)
        at = None if initial is None else asked.span(initial, row)
        if span is None or (initial is not None and at is None):
            message = f"a prompt of {asked.prompts.name} has no place called {name!r}"
            raise NotMeasurable(message)
        letter = asked.answer[row] if at is None else asked.rows[row][at[0]]
        out.append((span[0], letter))
    return out


def search(engine: Engine, asked: Asked, words: Words) -> list[Ids]:
    """Exchange one word after another for the one that leaves the right letter least lead."""
    best = list(asked.rows)
    least, _ = leads(asked, said_at_end(engine, best))
    for _ in range(TURNS):
        for place in range(len(PLACES)):
            tried, of = [], []
            for i, row in enumerate(best):
                at, letter = _places(asked, i)[place]
                for word in words[letter]:
                    if word not in row:
                        tried.append((*row[:at], word, *row[at + 1 :]))
                        of.append(i)
            if not tried:
                continue
            found, _ = leads(asked, said_at_end(engine, tried), of)
            for row, i, lead in zip(tried, of, found, strict=True):
                if lead < least[i]:
                    best[i], least[i] = row, lead
    return best


def _exchanged(
    asked: Asked, words: Words, bad: Sequence[Ids], random: np.random.Generator
) -> list[Ids]:
    """Exchange the words that were exchanged to mislead, at random."""
    out = []
    for i, row in enumerate(asked.rows):
        new = list(row)
        for at, letter in _places(asked, i):
            others = [word for word in words[letter] if word not in new]
            if bad[i][at] != row[at] and others:
                new[at] = int(random.choice(others))
        out.append(tuple(new))
    return out


def leads(
    asked: Asked, said: Floats, of: Sequence[int] | None = None
) -> tuple[Floats, NDArray[np.int64]]:
    """Return the lead of the right letter over the best wrong one, and which that is."""
    leads, wrong = np.empty(len(said), np.float32), np.empty(len(said), np.int64)
    for k, i in enumerate(range(len(said)) if of is None else of):
        rest = [one for one in asked.options[i] if one != asked.answer[i]]
        wrong[k] = max(rest, key=lambda one, k=k: float(said[k, one]))  # type: ignore[misc]
        leads[k] = said[k, asked.answer[i]] - said[k, wrong[k]]
    return leads, wrong


def lead_over(said: Floats, asked: Asked, wrong: NDArray[np.int64]) -> Floats:
    """Return the lead of the right letter over a given one."""
    rows = np.arange(len(said))
    lead: Floats = said[rows, list(asked.answer)] - said[rows, wrong]
    return lead


def _adds(engine: Engine, asked: Asked, rows: Sequence[Ids], wrong: NDArray[np.int64]) -> Floats:
    """Return what each head adds directly to the lead, [prompt, layer, head]."""
    found = ends_of(engine, replace(asked, rows=tuple(rows), foil=tuple(map(int, wrong))))
    adds: Floats = found.adds / found.scale[:, None, None]
    return adds
