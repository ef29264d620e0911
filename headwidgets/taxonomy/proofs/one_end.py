"""Semantic induction heads, proved: where one looks at one end, without it the other end falls.

Ren et al. 2024 (arXiv 2402.13055). Held-out prompts are cut behind each query that looks at one end
of a relation that they have stated, 2.2 times as much as at anything else; there the head gets its
output of another such prompt of that length, everything after it recomputed. What the other end
loses against the other ends of the prompt's other relations counts, the mean over each prompt.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from headwidgets.errors import NotMeasurable
from headwidgets.methods.metrics import LogitDiff
from headwidgets.methods.snapshot import Pair, Snapshot
from headwidgets.methods.sweep import changes
from headwidgets.taxonomy import relations
from headwidgets.taxonomy.asked import END
from headwidgets.taxonomy.confirmed import Confirmed, Cost, Said, by_group, judged
from headwidgets.taxonomy.proofs import proof
from headwidgets.taxonomy.proofs.at_places import asking
from headwidgets.taxonomy.resampling import LEAST_PROMPTS, SPLIT, beside, matched_heads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headwidgets.heads import Head
    from headwidgets.model.engine import Engine
    from headwidgets.taxonomy.asked import Asked
    from headwidgets.taxonomy.registry import Kind

EACH = 4
"""Queries of a prompt, at most, drawn at random."""


@proof("semantic induction")
def without_its_end(engine: Engine, kind: Kind, head: Head, n: int, seed: int) -> Confirmed:
    """Resample a head where it looks at one end of a relation.

    Raises
    ------
    NotMeasurable
        If no task that states relations is spelled, or too few queries look at one.
    """
    measure = asking(engine, seed)
    asked = relations.told(measure, SPLIT, n)
    random = np.random.default_rng(seed)
    pairs, answers, of = [], [], []
    for row, attention in relations.attending(measure, asked):
        found = _events(asked, row, attention[head.layer, head.head])
        for i in random.permutation(len(found))[:EACH]:
            query, answer = found[i]
            pairs.append(Pair(asked.rows[row][: query + 1]))
            answers.append(answer)
            of.append(row)
    lengths = Counter(len(ids) for ids in {pair.clean for pair in pairs})
    kept = [i for i, pair in enumerate(pairs) if lengths[len(pair.clean)] > 1]
    prompts = [of[i] for i in kept]
    words = f"{asked.prompts.name}, n = {len(set(prompts))}, {len(kept)} queries"
    if len(kept) < relations.LEAST or len(set(prompts)) < LEAST_PROMPTS:
        message = (
            f"{words} look at one end of a relation beside which another is stated: "
            f"{relations.LEAST} are needed, in {LEAST_PROMPTS} prompts"
        )
        raise NotMeasurable(message)
    some = Snapshot(tuple(pairs[i] for i in kept), answers=tuple(answers[i] for i in kept))
    matched = matched_heads(engine, replace(kind, proof_at=END), some, head)
    change, clean = changes(engine, some, "resample", [head, *matched], at=END, seed=seed)
    cost = by_group(-change, prompts)
    said = Said(words, "resampled where it looks at one end", beside(matched, engine))
    costs = Cost(cost[0], cost[1:], by_group(clean, prompts))
    return judged(kind, head, costs, said, matched=matched, seed=seed)


def _events(asked: Asked, row: int, attention: NDArray[np.float32]) -> list[tuple[int, LogitDiff]]:
    """Return the queries that look at one end, with what the other one is held against."""
    ids, known = np.array(asked.rows[row]), relations.stated(asked, row)
    if len(ids) == 1 or not known:
        return []
    counts, looked = relations.at_an_end(ids, known, attention)
    out = []
    for query in np.flatnonzero(counts).tolist():
        seen = {one.head: one.tail for one in known if one.complete <= query}
        own = seen.pop(int(looked[query]), None)
        rest = tuple(dict.fromkeys(tail for tail in seen.values() if tail != own))
        if own is not None and rest:
            out.append((query, LogitDiff(own, rest)))
    return out
