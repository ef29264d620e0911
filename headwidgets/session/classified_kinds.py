"""Each kind of head, learnt from all models but one and judged on that one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from headwidgets.errors import InputError
from headwidgets.methods.over_heads import (
    can_leave_out,
    fit_over_heads,
    leave_one_out,
    mean_auc,
    permuted_within,
)
from headwidgets.model.work import checkpoint
from headwidgets.session.classified import EXPLORATORY, HeadClassifier, Labelled, marked
from headwidgets.taxonomy.confirmed import holm
from headwidgets.taxonomy.head_features import DEPTH

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from headwidgets.methods.over_heads import Fitted, Judged

TOLD = 3
"""Features that a kind is said to be told by."""
COLUMNS = (
    *("kind", "models", "n_positive", "n", "auc", "balanced", "accuracy", "majority", "depth_auc"),
    *("null_mean", "null_max", "p", "p_corrected", "in_layer_mean", "p_in_layer"),
    *("p_in_layer_corrected", "told_by", "reason", "evidence"),
)
BY_MODEL = (
    *("kind", "model", "n_positive", "n", "auc", "balanced", "accuracy", "false_claims"),
    "evidence",
)


class How(NamedTuple):
    """How a classifier is fitted and judged.

    Attributes
    ----------
    how : {"logistic", "scikit-learn"}
    draws, seed : int
        Of the null.
    """

    how: str
    draws: int
    seed: int


def classified(
    table: pd.DataFrame, features: tuple[str, ...], models: dict[str, str], asked: How
) -> HeadClassifier:
    """Judge every kind.

    Parameters
    ----------
    table : DataFrame
        One row a model, kind and head: model, kind, layer, head, confirmed, and the features.
    features : tuple of str
    models : dict of str to str
        Of each model's weights the name.
    asked : How

    Raises
    ------
    InputError
        If no kind can be learnt from one model and judged on another.
    """
    random = np.random.default_rng(asked.seed)
    rows: list[dict[str, Any]] = []
    beside: list[dict[str, Any]] = []
    labelled: dict[str, Labelled] = {}
    order = {name: i for i, name in enumerate(models.values())}
    kinds = list(dict.fromkeys(table["kind"]))
    for done, kind in enumerate(kinds):
        checkpoint(done, len(kinds), f"classifying heads: {kind}")
        mine = table[table["kind"] == kind]
        one = Labelled(
            mine[list(features)].to_numpy(dtype=float),
            mine["confirmed"].to_numpy(dtype=bool),
            mine["model"].map(order).to_numpy(dtype=np.int64),
            mine[["model", "layer", "head"]].reset_index(drop=True),
        )
        row = {"kind": kind, "n_positive": int(one.y.sum()), "n": len(one.y), "models": 0}
        if not can_leave_out(one.y, one.model):
            rows.append({**row, "reason": _why(one, list(order))})
            continue
        labelled[kind] = one
        judged = leave_one_out(one.x, one.y[:, None], one.model, asked.how)
        rows.append({**row, **_against_chance(one, judged, features, asked, random)})
        beside += [{"kind": kind, **line} for line in _lines(one, judged, list(order))]
    if not labelled:
        why = "; ".join(f"{row['kind']}: {row['reason']}" for row in rows[:3])
        message = f"no kind can be learnt from one of these models and judged on another: {why}"
        raise InputError(message)
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    for name in ("p", "p_in_layer"):
        frame[f"{name}_corrected"] = holm(frame[name].to_numpy(dtype=float))
    frame["evidence"] = EXPLORATORY
    by_model = pd.DataFrame(beside, columns=list(BY_MODEL)).assign(evidence=EXPLORATORY)
    attrs = {"models": list(order), "draws": asked.draws, "seed": asked.seed, "how": asked.how}
    return HeadClassifier(
        marked(frame, **attrs), marked(by_model, **attrs), labelled, features, models, asked.how
    )


def _against_chance(
    one: Labelled,
    judged: dict[int, Judged],
    features: tuple[str, ...],
    asked: How,
    random: np.random.Generator,
) -> dict[str, Any]:
    """Set what was found beside permuted labels and the plainest guesses."""
    auc = float(mean_auc(judged)[0])
    null, p = _by_chance(one, auc, one.model, asked, random)
    layers = one.where.groupby(["model", "layer"]).ngroup().to_numpy(dtype=np.int64)
    own = np.random.default_rng([asked.seed, 1])
    in_layer, p_in_layer = _by_chance(one, auc, layers, asked, own)
    known = {k: part for k, part in judged.items() if np.isfinite(part.auc[0])}
    depth = one.x[:, [features.index(DEPTH)]]
    alone = leave_one_out(depth, one.y[:, None], one.model, asked.how)
    shares = [float(one.y[one.model == k].mean()) for k in known]
    return {
        "models": len(known),
        "auc": auc,
        "balanced": _mean(part.balanced for part in known.values()),
        "accuracy": _mean(part.right for part in known.values()),
        "majority": float(np.mean([max(share, 1 - share) for share in shares])),
        "depth_auc": float(mean_auc(alone)[0]),
        "null_mean": float(null.mean()),
        "null_max": float(null.max()),
        "p": p,
        "in_layer_mean": float(in_layer.mean()),
        "p_in_layer": p_in_layer,
        "told_by": _told(fit_over_heads(one.x, one.y[:, None], asked.how), features),
        "reason": "",
    }


def _by_chance(
    one: Labelled, auc: float, within: NDArray[np.int64], asked: How, random: np.random.Generator
) -> tuple[NDArray[np.float64], float]:
    """Return AUCs of labels permuted among the heads of one number, and the share that reach it.

    The labels that were found count as one draw.
    """
    drawn = permuted_within(one.y, within, asked.draws, random)
    null = mean_auc(leave_one_out(one.x, drawn, one.model, asked.how))
    return null, float((1 + (null >= auc - 1e-9).sum()) / (1 + asked.draws))


def _lines(one: Labelled, judged: dict[int, Judged], names: list[str]) -> list[dict[str, Any]]:
    """Return a row for each model that was left out."""
    return [
        {
            "model": names[number],
            "n_positive": int(one.y[one.model == number].sum()),
            "n": int((one.model == number).sum()),
            "auc": float(part.auc[0]),
            "balanced": float(part.balanced[0]),
            "accuracy": float(part.right[0]),
            "false_claims": float(part.false[0]),
        }
        for number, part in judged.items()
    ]


def _mean(parts: Iterable[NDArray[np.float64]]) -> float:
    return float(np.mean([part[0] for part in parts]))


def _told(fitted: Fitted, features: tuple[str, ...]) -> str:
    """Name the most weighted features."""
    weights = fitted.weights[:, 0]
    best = np.argsort(-np.abs(weights), kind="stable")[:TOLD]
    return ", ".join(f"{features[i]} {weights[i]:+.2f}" for i in best)


def _why(one: Labelled, names: list[str]) -> str:
    """Say why a kind cannot be judged."""
    if one.y.all():
        return "one class: every head is one"
    there = [names[number] for number in np.unique(one.model[one.y])]
    if not there:
        return "one class: no head of these models is confirmed"
    if len(np.unique(one.model)) == 1:
        return f"it could be measured in {names[int(one.model[0])]} alone"
    return f"confirmed in {', '.join(there)} alone: the other models have nothing to learn from"
