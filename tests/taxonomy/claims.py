"""How often a kind is claimed of models in which it cannot be: who claims what, and counts."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import numpy as np
import pandas as pd

from headwidgets.errors import NotMeasurable
from headwidgets.heads import Head
from headwidgets.taxonomy import all_kinds, in_words, on_task, retrieved, scores
from headwidgets.taxonomy.confirm import confirm, holm
from headwidgets.taxonomy.verdict import CONSISTENT, NOT_MEASURABLE, P_MAX

GATED = (on_task, in_words, retrieved)
SCORED_BY = ("attention", "weights")
"""Evidence that needs no proof for a claim."""
MODELS, HEADS = 0.05, 0.01
"""The bars: share of models with any claim, share of heads claimed."""
COLUMNS = ("kind", "models", "open", "asked", "any", "heads", "of", "unproved", "outcome")


@contextmanager
def gates_off():
    """Ask a model that is at chance all the same; yield the names of the tasks where it is."""
    real, refused = on_task.require_skill, set()

    def note(asked, right):
        try:
            real(asked, right)
        except NotMeasurable:
            refused.add(asked.prompts.name)

    with ExitStack() as stack:
        for module in GATED:
            stack.enter_context(patch.object(module, "require_skill", note))
        yield refused


def judged(engine, **options):
    """Score every head as every kind, gates off, and prove whatever waits for a proof.

    Returns the rows of `scores`, and: open, whether the gate of its task lets the kind through;
    unproved, whether nothing but a proof was lacking and it failed; claimed.
    """
    facts = engine.facts
    heads = [Head(a, b) for a in range(facts.n_layers) for b in range(facts.n_heads)]
    every = {(kind.name, head): True for kind in all_kinds() for head in heads}
    with gates_off() as refused:
        frame = scores(engine, proved=every, **options)
    on = {kind: attrs["measured_on"] for kind, attrs in frame.attrs.pop("kinds").items()}
    shut = {kind for kind, words in on.items() if words.startswith(tuple(refused))}
    frame["open"] = ~frame["kind"].isin(shut)
    reached = frame["verdict"] == CONSISTENT
    waiting = frame[reached & ~frame["evidence"].isin(SCORED_BY)]
    frame["unproved"] = False
    frame.loc[waiting.index, "unproved"] = [not one for one in _proofs(engine, waiting)]
    frame["claimed"] = reached & ~frame["unproved"]
    return frame


def _proofs(engine, waiting):
    """Whether each proof passes, corrected for their number as a session does."""
    tried = []
    for kind, layer, head in waiting[["kind", "layer", "head"]].itertuples(index=False):
        try:
            found = confirm(engine, kind, Head(layer, head))
            tried.append((found.passed, found.p))
        except NotMeasurable:
            tried.append((False, np.nan))
    p = holm(np.array([p for _, p in tried], dtype=float))
    return [bool(passed and one <= P_MAX) for (passed, _), one in zip(tried, p, strict=True)]


def counted(frames, kinds):
    """Count over models: one row a kind.

    models, in which it could be measured with the gate off; open, in how many of them the gate
    lets it through; any, with a claim; heads, claimed; of, measured; unproved, heads whose proof
    failed.
    """
    rows = []
    for kind in kinds:
        mine = [frame[frame["kind"] == kind] for frame in frames]
        known = [one for one in mine if (one["verdict"] != NOT_MEASURABLE).any()]
        claims = [int(one["claimed"].sum()) for one in known]
        of = sum(int((one["verdict"] != NOT_MEASURABLE).sum()) for one in known)
        unproved = sum(int(one["unproved"].sum()) for one in known)
        some, heads = sum(map(bool, claims)), sum(claims)
        kept = some <= MODELS * len(frames) and heads <= HEADS * of
        rows.append(
            (
                kind,
                len(frames),
                sum(bool(one["open"].all()) for one in known),
                len(known),
                *(some, heads, of, unproved),
                "kept" if kept else "BROKEN",
            )
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))
