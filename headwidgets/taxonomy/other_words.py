"""The same prompts with other words in some places: whether a head looks for a word of its own.

A head that prefers some tokens to others, whatever they are, has a favorite among any few words.
One that looks for a word of its own has none among words drawn at random.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from headwidgets.taxonomy.verdict import CANDIDATE, NO, P_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from headwidgets.taxonomy.asked import Asked, Ids
    from headwidgets.taxonomy.measure import Measure, Scores

SETS = 99
"""Sets of other words."""
OWN = 0.05
"""Share of them that the head may look at as unevenly, at most."""
_TRIES = 50


class Exchanged(NamedTuple):
    """Prompts with other words in some places.

    Attributes
    ----------
    rows : tuple of token ids
        Set by set, each in as many prompts.
    of : tuple of int
        Which prompt of the task each was.
    """

    rows: tuple[Ids, ...]
    of: tuple[int, ...]


def other_words(
    measure: Measure, asked: Asked, roles: Sequence[str], *, prompts: int
) -> Exchanged | None:
    """Put whole words of the vocabulary in the places of `roles`.

    A word that stands in the prompt already would share the attention with itself: such prompts
    are left out. Those of a set are far apart, for neighbors have their words in one order.

    Parameters
    ----------
    measure : Measure
        Whose tokenizer and seed the words come from.
    asked : Asked
    roles : sequence of str
        Of one token each.
    prompts : int
        That get the same words.

    Returns
    -------
    Exchanged or None
        Of `SETS` sets; None if there are too few words: the best of a few says nothing.
    """
    text, random = measure.engine.text, np.random.default_rng(measure.seed)
    pool = [one for one in text.word_ids() if one not in text.unseen]
    if len(pool) < SETS:
        return None
    rows: list[Ids] = []
    of: list[int] = []
    for number in range(SETS):
        words, free = _drawn(asked, pool, len(roles), random)
        if len(free) < prompts:
            return None
        for turn in range(prompts):
            row = free[(number + turn * (len(free) // prompts)) % len(free)]
            rows.append(_exchange(asked, roles, words, row))
            of.append(row)
    return Exchanged(tuple(rows), tuple(of))


def _drawn(
    asked: Asked, pool: Sequence[int], n: int, random: np.random.Generator
) -> tuple[list[int], list[int]]:
    """Draw words, and find the prompts that have none of them; half of all at least, if any can."""
    words: list[int] = []
    free: list[int] = []
    for _ in range(_TRIES):
        words = random.choice(pool, size=n, replace=False).tolist()
        free = [i for i, ids in enumerate(asked.rows) if not set(words) & set(ids)]
        if 2 * len(free) >= len(asked.rows):
            break
    return words, free


def _exchange(asked: Asked, roles: Sequence[str], words: Sequence[int], row: int) -> Ids:
    ids = list(asked.rows[row])
    for role, word in zip(roles, words, strict=True):
        ids[(asked.span(role, row) or (0, 0))[0]] = word
    return tuple(ids)


def mark(scores: Scores, threshold: float, others: NDArray[np.floating] | None) -> None:
    """Mark the heads for which a few words drawn at random are as good as their own.

    Every head has some taste in words, and of many heads and few words some head has one that
    looks like the kind. So heads are compared in units of their own taste, the root mean square
    over all sets, and in each set the largest of the heads counts: p is the share of sets in
    which some head reaches this one. Heads that reach the threshold in no set are left out.

    Parameters
    ----------
    scores : Scores
    threshold : float
        The kind's own: heads that reach it are marked.
    others : ndarray of float, [set, layer, head], or None
        The score with other words, where there are enough of them.
    """
    if others is None:
        for head in scores.reaching(threshold):
            words = "there are too few other words to compare with"
            scores.remark(head, words, at_most=CANDIDATE)
        return
    values = np.concatenate([scores.mean[None], others]).astype(float)
    values = np.where((values.max(0) >= threshold) & ~np.isnan(values).any(0), values, 0)
    taste = np.sqrt((values**2).mean(0))
    relative = values / np.where(taste > 0, taste, 1)
    largest = relative[1:].max((1, 2))
    for head in scores.reaching(threshold):
        own = float((values[1:, *head] >= values[0, *head]).mean())
        p = (1 + int((largest >= relative[0, *head]).sum())) / (1 + len(others))
        words = f"other words there get as uneven a look in {own:.0%} of {len(others)} sets"
        words += f" (p = {p:.2f} over all heads)"
        bound = NO if own > OWN else CANDIDATE if p > P_MAX else None
        scores.remark(head, words, at_most=bound)
