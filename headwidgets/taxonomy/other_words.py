"""The same prompts with other words in some places: whether a head looks for a word of its own.

A head that prefers some tokens to others, whatever they are, has a favorite among any few words.
One that looks for a word of its own has none among words drawn at random.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from headwidgets.taxonomy.verdict import NO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from headwidgets.heads import Head
    from headwidgets.taxonomy.measure import Scores
    from headwidgets.taxonomy.on_task import OnTask

SETS = 20
"""Sets of other words."""
REACH = 1
"""Of them that may be looked at as unevenly."""


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
        In a row that get the same words.
    seed : int

    Returns
    -------
    OnTask or None
        Only ``asked.rows`` differ, and are `SETS` times `prompts` (the task's own rows, from the
        first again where they run out); None if there are too few words to draw from.
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
        for prompt in range(number * prompts, (number + 1) * prompts):
            ids = list(asked.rows[prompt % len(asked.rows)])
            for role, word in zip(roles, words, strict=True):
                ids[(asked.span(role, prompt % len(asked.rows)) or (0, 0))[0]] = int(word)
            rows.append(tuple(ids))
    return replace(task, asked=replace(asked, rows=tuple(rows)))


def mark(scores: Scores, heads: Sequence[Head], others: NDArray[np.floating]) -> None:
    """Mark heads that score as much on other words, [set, layer, head]."""
    for head in heads:
        reach = int((others[:, *head] >= scores.mean[head]).sum())
        words = f"{reach} of {len(others)} sets of other words in those places get as uneven a look"
        scores.remark(head, words, at_most=NO if reach > REACH else None)
