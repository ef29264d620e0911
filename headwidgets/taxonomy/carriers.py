"""Which heads take a step: those that a kind's score found, or whose path counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from headwidgets.heads import Head
from headwidgets.methods.path_jobs import Jobs
from headwidgets.methods.summary import means
from headwidgets.methods.sweep_plan import Plan
from headwidgets.taxonomy.asked import END
from headwidgets.taxonomy.verdict import CANDIDATE, CONSISTENT, NOT_MEASURABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from headwidgets.methods.receivers import Receiver
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine

MOST = 3
"""Heads of a step; the best."""
SHARE = 0.1
"""Of the answer's lead that a head's path must cost for it to carry a step; ours."""
SURE = 2.0
"""Standard errors above 0 that this must stand."""
BY_PATH = "by its path"


@dataclass(frozen=True)
class Carrier:
    """One head of a step, its score, and what that makes it."""

    head: Head
    score: float
    verdict: str


@dataclass(frozen=True)
class Carriers:
    """The heads of a step, the best first; or why there is none."""

    heads: tuple[Carrier, ...] = ()
    reason: str = ""


def of_scores(scores: pd.DataFrame) -> Carriers:
    """Read the heads of a kind off its scores: those consistent with it, else the candidates.

    Parameters
    ----------
    scores : DataFrame
        As `Session.score` returns it, of one kind.
    """
    kind = str(scores["kind"].iloc[0])
    if (scores["verdict"] == NOT_MEASURABLE).all():
        return Carriers(reason=f"{kind}: {scores['reason'].iloc[0]}")
    for verdict in (CONSISTENT, CANDIDATE):
        rows = scores[scores["verdict"] == verdict].sort_values("score", ascending=False)
        if len(rows):
            found = [
                Carrier(Head(int(row.layer), int(row.head)), float(row.score), verdict)
                for row in rows.head(MOST).itertuples()
            ]
            return Carriers(tuple(found))
    best = scores.loc[scores["score"].idxmax()]
    said = f"{best['layer']}.{best['head']} comes nearest with {best['score']:.3g}"
    return Carriers(reason=f"no head was found: none is a candidate for {kind}; {said}")


def by_path(engine: Engine, snapshot: Snapshot, receivers: Sequence[Receiver]) -> Carriers:
    """Find the heads whose output at the end reaches some receivers and counts there.

    Each head below gets, as far as the receivers read it, its output of another prompt of that
    length; all other heads are held. It carries the step if that costs a tenth of the lead.
    """
    if not receivers:
        return Carriers(reason="no head was found: there is none that it could hand over to")
    lengths = Counter(len(ids) for ids in {pair.clean for pair in snapshot.pairs})
    some = [i for i, pair in enumerate(snapshot.pairs) if lengths[len(pair.clean)] > 1]
    if not some:
        return Carriers(reason="it takes another prompt of this length, and there is none")
    part = narrowed(snapshot, some)
    top = max(one.layer for one in receivers)
    heads = [Head(a, b) for a in range(top) for b in range(engine.facts.n_heads)]
    ends = tuple(sorted(receivers))
    jobs = Jobs(engine, part, Plan("resample", at=END), [([head], ends) for head in heads])
    jobs.measure()
    cost, error = means(jobs.ends["clean"] - jobs.edited)
    lead = float(np.mean(jobs.ends["clean"]))
    share = cost / lead if lead > 0 else np.full(len(heads), np.nan)
    order = np.argsort(-share)
    kept = [i for i in order if share[i] >= SHARE and cost[i] > SURE * error[i]]
    found = tuple(Carrier(heads[i], float(share[i]), BY_PATH) for i in kept[:MOST])
    fed = ", ".join(map(str, ends))
    if found or not len(order):
        return Carriers(found, f"share of the lead that its path into {fed} carries")
    said = f"{heads[order[0]]} comes nearest with {share[order[0]]:.0%} of the lead"
    return Carriers(reason=f"no head was found whose path into {fed} counts; {said}")


def narrowed(snapshot: Snapshot, some: Sequence[int]) -> Snapshot:
    """Return the question for some of its prompts."""
    answers = snapshot.answers
    return replace(
        snapshot,
        pairs=tuple(snapshot.pairs[i] for i in some),
        answers=None if answers is None else tuple(answers[i] for i in some),
        index=0,
    )
