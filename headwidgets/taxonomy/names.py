"""Name movers, positive and negative, and letter movers: what is looked at is written.

What a head adds directly to a logit difference by looking at the names, as a share of the
model's own difference, over all prompts. A copier that looks at both names alike adds nothing to
the difference: the null turns the names of each prompt round at random.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy import ov
from headwidgets.taxonomy.matched import contrast
from headwidgets.taxonomy.verdict import CANDIDATE

if TYPE_CHECKING:
    from headwidgets.taxonomy.asked import Asked
    from headwidgets.taxonomy.measure import Measure, Scores
    from headwidgets.taxonomy.on_task import OnTask
    from headwidgets.taxonomy.reduce import Floats

LOOKS = 0.3
"""Attention on the name, at least."""
COPIES = 0.75
"""Names among the five that the OV circuit writes (or lowers) most, at least."""
LETTER_LOOKS = 0.2
LETTER_COPIES = 0.8
"""Words whose first letter comes first, at least."""


def name_moving(measure: Measure, sign: int = 1) -> Scores:
    """Score what heads bring of the right name (sign 1), or take from it (-1)."""
    task = measure.task("ioi")
    scores = measure.signed(task, sign * moved(task))
    _ask(measure, task, scores, sign)
    return scores


def moved(task: OnTask) -> Floats:
    """Return what looking at the names adds to the right one's lead, as a share of it.

    Returns
    -------
    ndarray of float32, [prompt, layer, head]
    """
    brought = task.brought("IO", "S1", "S2").sum(3)
    found: Floats = (brought[..., 0] - brought[..., 1]) / lead(task)
    return found


def lead(task: OnTask) -> float:
    """Return the mean of the model's own difference, answer minus foil, in logits.

    Raises
    ------
    NotMeasurable
        If there is none to have a share of.
    """
    asked = task.asked
    both = zip(task.seen, asked.answer, asked.foil, strict=True)
    return _positive(np.mean([one.logits[right] - one.logits[wrong] for one, right, wrong in both]))


def _positive(found: np.floating) -> float:
    """Return a lead as a number; a model without one has nothing that heads could share."""
    if not found > 0:
        message = f"the right answer's logit is {found:+.2f} from the others': it has no lead"
        raise NotMeasurable(message)
    return float(found)


def _ask(measure: Measure, task: OnTask, scores: Scores, sign: int) -> None:
    """Mark the heads that do not look at the name, or whose weights do not copy names."""
    looks = task.attention("IO").mean(0)[..., 0]
    names = sorted({*task.asked.answer, *task.asked.foil})
    copies = ov.copied(measure.engine, names, lowered=sign < 0)
    does = "writes" if sign > 0 else "lowers"
    for head in scores.reaching(measure.threshold):
        at, share = float(looks[head]), float(copies[head])
        words = (
            f"looks at the name with {at:.2f} (asked: {LOOKS:g}), {does} {share:.0%} of names "
            f"among its 5 first (asked: {COPIES:.0%})"
        )
        both = at >= LOOKS and share >= COPIES
        scores.remark(head, words, at_most=None if both else CANDIDATE)


def letter_moving(measure: Measure) -> Scores:
    """Score what heads bring of the letter of the word whose turn it is, seen from two letters.

    Less what they bring of the other words' letters by looking at those: a head that spells
    every word alike, whosever turn it is, adds nothing.
    """
    task = measure.task("acronyms", "L1", "L2", tokens=_spelled)
    words = ("W1", "W2", "W3")
    tables = []
    for query in range(2):
        brought = task.brought(*words, query=query)  # [prompt, layer, head, word, letter]
        own = np.diagonal(contrast(brought), axis1=3, axis2=4)
        tables.append(contrast(own) / _letter_lead(task))
    right = np.repeat([1, 2], len(task.seen))
    scores = measure.labelled(task, np.concatenate(tables), right)
    looks = np.min([task.attention(words[q + 1], query=q)[..., 0].mean(0) for q in (0, 1)], axis=0)
    copies = _letters_of(measure, task)
    for head in scores.reaching(measure.threshold):
        at, share = float(looks[head]), float(copies[head])
        said = (
            f"looks at the word with {at:.2f} or more (asked: {LETTER_LOOKS:g}), writes the letter "
            f"of {share:.0%} of words (asked: {LETTER_COPIES:.0%})"
        )
        both = at >= LETTER_LOOKS and share >= LETTER_COPIES
        scores.remark(head, said, at_most=None if both else CANDIDATE)
    return scores


def _spelled(asked: Asked, row: int) -> tuple[int, int, int]:
    """Ask about the three letters of an acronym."""
    first, second = (asked.rows[row][asked.prompts.roles[role][row] or 0] for role in ("L1", "L2"))
    return first, second, asked.answer[row]


def _letter_lead(task: OnTask) -> float:
    """Return how far the third letter stands above the other two at the end, in logits."""
    letters = np.array([_spelled(task.asked, row) for row in range(len(task.seen))])
    logits = np.array([one.logits[ids] for one, ids in zip(task.seen, letters, strict=True)])
    return _positive(contrast(logits)[:, 2].mean())


def _letters_of(measure: Measure, task: OnTask) -> Floats:
    """Return the share of words whose letter each head writes first, of all letters here."""
    letters = dict[int, int]()
    for row, ids in enumerate(task.asked.rows):
        for role, letter in zip(("W1", "W2", "W3"), _spelled(task.asked, row), strict=True):
            letters[ids[task.asked.prompts.roles[role][row] or 0]] = letter
    rivals = sorted(set(letters.values()))
    right = [rivals.index(letter) for letter in letters.values()]
    return ov.first_of(measure.engine, list(letters), rivals, right)
