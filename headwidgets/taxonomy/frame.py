"""From scores to a table: one row a head, the same columns for every kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from headwidgets.heads import Head
from headwidgets.taxonomy.agreement import first, say
from headwidgets.taxonomy.registry import EXPLORATORY
from headwidgets.taxonomy.verdict import CANDIDATE, NOT_MEASURABLE, Remark, decide, p_values

if TYPE_CHECKING:
    from headwidgets.model.facts import Facts
    from headwidgets.taxonomy.measure import Measure, Scores
    from headwidgets.taxonomy.registry import Kind

COLUMNS = (
    "layer",
    "head",
    "kind",
    "score",
    "se",
    "null_mean",
    "null_max",
    "p",
    "percentile",
    "n",
    "task_accuracy",
    "evidence",
    "verdict",
    "reason",
    "edits",
)
_NUMBERS = ("score", "se", "null_mean", "null_max", "p", "percentile", "task_accuracy")

_BOUND = {
    EXPLORATORY: (Remark("exploratory: no calibrated null is known", at_most=CANDIDATE),),
}
"""What a kind's claim allows at most."""


def frame(measure: Measure, kind: Kind, scores: Scores, *, edits: str = "") -> pd.DataFrame:
    """Lay out the scores of one kind.

    Returns
    -------
    pandas.DataFrame
        Columns, exactly: layer, head; kind (name); score, mean over rows; se, its standard
        error over rows, NaN for one row; null_mean, mean of the head's own draws; null_max,
        the largest that any head of the model reached in any draw; p, see
        `verdict.p_values`; percentile, share of this model's heads (0 to 100) that score at
        most as much, never part of a verdict; n, rows that count; task_accuracy of the model
        on these rows; evidence (class); verdict; reason; edits in force.
        ``attrs``: measured_on, n_counts, model, revision, numerics, threshold,
        threshold_origin, unit, seed, draws, first_on_random or first_on_text.
    """
    facts = measure.engine.facts
    rows = len(scores.per_row)
    mean = scores.mean.reshape(-1).astype(float)
    spread = scores.per_row.reshape(rows, -1).astype(float)
    error = spread.std(axis=0, ddof=1) / np.sqrt(rows) if rows > 1 else np.full(len(mean), np.nan)
    null = scores.null.reshape(len(scores.null), -1)
    p = np.maximum(p_values(mean, null), scores.least_p)
    numbers = {
        "score": mean,
        "se": error,
        "null_mean": null.mean(axis=0, dtype=float),
        "null_max": _largest(null),
        "p": p,
        "percentile": pd.Series(mean).rank(pct=True, method="max").to_numpy() * 100,
        "n": rows,
        "task_accuracy": scores.task_accuracy,
    }
    decisions = [
        decide(
            mean[number],
            p[number],
            threshold=kind.threshold,
            evidence=kind.evidence,
            remarks=(*scores.remarks.get(head, ()), *_BOUND.get(kind.claim, ())),
            proved=scores.proved.get(head),
        )
        for number, head in enumerate(_heads(facts))
    ]
    table = _layout(facts, kind, numbers, decisions, edits)
    table.attrs = _attrs(facts, kind) | {
        "measured_on": scores.words or measure.rows.words,
        "by_rows": not scores.words,
        "n_counts": scores.counted if scores.words else measure.rows.counted,
        "seed": measure.seed,
        "draws": measure.draws,
        "first_on_text" if measure.rows.period is None else "first_on_random": say(first(table)),
    }
    return table


def empty_frame(facts: Facts, kind: Kind, reason: str, edits: str = "") -> pd.DataFrame:
    """Lay out a kind that this model, or these rows, cannot be asked about."""
    nothing = dict.fromkeys(_NUMBERS, np.nan) | {"n": 0}
    decisions = [(NOT_MEASURABLE, reason)] * (facts.n_layers * facts.n_heads)
    table = _layout(facts, kind, nothing, decisions, edits)
    table.attrs = _attrs(facts, kind) | {"measured_on": f"nothing: {reason}"}
    return table


def _layout(
    facts: Facts,
    kind: Kind,
    numbers: dict[str, Any],
    decisions: list[tuple[str, str]],
    edits: str,
) -> pd.DataFrame:
    heads = _heads(facts)
    columns: dict[str, Any] = {
        "layer": [head.layer for head in heads],
        "head": [head.head for head in heads],
        "kind": kind.name,
        **numbers,
        "evidence": kind.evidence,
        "verdict": [verdict for verdict, _ in decisions],
        "reason": [reason for _, reason in decisions],
        "edits": edits,
    }
    return pd.DataFrame(columns, columns=list(COLUMNS)).astype(dict.fromkeys(_NUMBERS, float))


def _attrs(facts: Facts, kind: Kind) -> dict[str, Any]:
    return {
        "kind": kind.name,
        "model": facts.name,
        "revision": facts.revision,
        "numerics": facts.numerics,
        "threshold": kind.threshold,
        "threshold_origin": kind.threshold_origin,
        "unit": kind.unit,
    }


def _heads(facts: Facts) -> list[Head]:
    return [Head(layer, head) for layer in range(facts.n_layers) for head in range(facts.n_heads)]


def _largest(null: np.ndarray[Any, Any]) -> float:
    return float(np.nanmax(null)) if not np.isnan(null).all() else float("nan")
