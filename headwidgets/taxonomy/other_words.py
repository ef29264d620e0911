"""The same prompts with other words in some places: whether a head looks for a word of its own.

A head that prefers some tokens to others, whatever they are, has a favorite among any few words.
One that looks for a word of its own has none among words drawn at random.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from headwidgets.taxonomy.verdict import CANDIDATE, NO, P_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from headwidgets.taxonomy.measure import Scores
    from headwidgets.taxonomy.on_task import OnTask

SETS = 99
"""Sets of other words."""
OWN = 0.05
"""Share of them that the head may look at as unevenly, at most."""


def other_words(
    task: OnTask, roles: Sequence[str], source: Sequence[str], *, prompts: int, seed: int
) -> OnTask | None:
    """Put words of other prompts in the places of `roles`.

    Parameters
    ----------
    task : OnTask
    roles : sequence of str
        Of one token each.
    source : sequence of str
        Roles whose words are taken, those of one token.
    prompts : int
        That get the same words.
    seed : int

    Returns
    -------
    OnTask or None
        Only ``asked.rows`` differ, and are `SETS` times `prompts`, see `row_of`; None if there
        are too few words to draw from.
    """
    asked, random = task.asked, np.random.default_rng(seed)
    known = {*asked.prompts.roles, *asked.prompts.spans}
    pool = sorted(
        {
            asked.rows[row][span[0]]
            for row in range(len(asked.rows))
            for role in source
            if role in known
            and (span := asked.span(role, row)) is not None
            and span[1] == span[0] + 1
        }
    )
    if len(pool) < 2 * len(roles):
        return None
    rows = []
    for number in range(SETS):
        words = random.choice(pool, size=len(roles), replace=False)
        for turn in range(prompts):
            row = row_of(number, turn, prompts, len(asked.rows))
            ids = list(asked.rows[row])
            for role, word in zip(roles, words, strict=True):
                ids[(asked.span(role, row) or (0, 0))[0]] = int(word)
            rows.append(tuple(ids))
    return replace(task, asked=replace(asked, rows=tuple(rows)))


def row_of(number: int, turn: int, prompts: int, n: int) -> int:
    """Return which of the task's `n` prompts a set's words stand in, at its turn of `prompts`.

    They are far apart: neighbors have their words in one order.
    """
    return (number + turn * (n // prompts)) % n


def mark(scores: Scores, threshold: float, others: NDArray[np.floating]) -> None:
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
    others : ndarray of float, [set, layer, head]
        The score with other words.
    """
    values = np.concatenate([scores.mean[None], others]).astype(float)
    values = np.where((values.max(0) >= threshold) & ~np.isnan(values).any(0), values, 0)
    taste = np.sqrt((values**2).mean(0))
    relative = values / np.where(taste > 0, taste, 1)
    largest = relative[1:].max((1, 2))
    for head in scores.reaching(threshold):
        own = float((values[1:, *head] >= values[0, *head]).mean())
        p = (1 + int((largest >= relative[0, *head]).sum())) / (1 + len(others))
        words = f"other words in those places get as uneven a look in {own:.0%} of {len(others)} sets"
        words += f" (p = {p:.2f} over all heads)"
        bound = NO if own > OWN else CANDIDATE if p > P_MAX else None
        scores.remark(head, words, at_most=bound)
