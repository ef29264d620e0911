"""Backup name movers, proved: without the name movers, the head is worth more than with them.

Wang et al. 2022 (arXiv 2211.00593), section 4.2. On held-out templates the name movers, the head,
and both together get their output at the last token of another prompt, everything after it
recomputed. What both cost beyond the sum of what each costs is what the head had held ready; at
most what it costs without the name movers, for one that only lowers what they write helps more by
being removed with them there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from headwidgets.errors import NotMeasurable
from headwidgets.methods.edits import resample
from headwidgets.methods.effects import measure as measured
from headwidgets.model.work import checkpoint
from headwidgets.taxonomy.asked import END
from headwidgets.taxonomy.confirmed import Confirmed, Cost, Said, judged
from headwidgets.taxonomy.measure import Measure
from headwidgets.taxonomy.movers import name_movers
from headwidgets.taxonomy.proofs import proof
from headwidgets.taxonomy.random_tokens import random_rows
from headwidgets.taxonomy.resampling import beside, enough, matched_heads, question

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from headwidgets.heads import Head
    from headwidgets.model.engine import Engine
    from headwidgets.taxonomy.registry import Kind

ROWS, LENGTH = 2, 4  # random tokens are not looked at: a measure wants some


@proof("backup name mover")
def taken_together(engine: Engine, kind: Kind, head: Head, n: int, seed: int) -> Confirmed:
    """Remove a head and the name movers, together and apart.

    Raises
    ------
    NotMeasurable
        If there are no name movers, or the head is one of them.
    """
    movers = name_movers(Measure(engine, random_rows(engine, rows=ROWS, length=LENGTH)))
    named = ", ".join(map(str, movers))
    if head in movers:
        message = f"{head} is one of the name movers ({named}): it backs up none"
        raise NotMeasurable(message)
    snapshot, words = question(engine, kind, n, seed)
    enough(snapshot, n)
    matched = matched_heads(engine, kind, snapshot, head, movers)

    def lead(out: Sequence[Head]) -> NDArray[np.float64]:
        checkpoint()
        edits = tuple(resample(one, at=END, seed=seed) for one in out)
        return measured(engine, replace(snapshot, edits=edits)).edited

    clean, without = lead(()), lead(movers)

    def more(one: Head) -> NDArray[np.float64]:
        """Return what both cost beyond the sum of each, or without the movers, if that is less."""
        alone, then = clean - lead((one,)), without - lead((*movers, one))
        return np.minimum(then - alone, then)

    others = np.array([more(one) for one in matched]).reshape(len(matched), len(clean))
    did = f"resampled at the last token with and without {named}"
    said = Said(words, did, beside(matched, engine, movers))
    costs = Cost(more(head), others, clean)
    return judged(kind, head, costs, said, matched=matched, seed=seed)
