"""Successor scores of many models: one row each, and curves over checkpoints.

Gould et al. 2023 (arXiv 2312.09230) find successor heads from 31 million to 12 thousand million
weights, in Pythia, GPT-2 and Llama 2, and follow scores over Pythia's checkpoints. Nothing runs:
a model is opened, its weights are read, and it is let go before the next.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from headwidgets.errors import Cancelled, HeadwidgetsError, NotMeasurable
from headwidgets.heads import Head, parse_heads
from headwidgets.labs.listed import listed
from headwidgets.labs.sets import check_variant
from headwidgets.labs.succession import scores
from headwidgets.labs.watched import watched
from headwidgets.methods.options import refuse_unknown
from headwidgets.model.engine import Engine
from headwidgets.model.work import checkpoint, keeping
from headwidgets.taxonomy.from_weights import LEAST_PAIRS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwidgets.labs.listed import Asked

_COLUMNS = (
    *("model", "revision", "step", "weights", "architecture", "layers", "heads"),
    *("head", "score", "macro", "runner_up", "runner_up_score", "null_max", "pairs", "reason"),
)
_OPTIONS = ("device", "dtype", "numerics", "trust_remote_code")
_BROKEN = (ValueError, RuntimeError, LookupError, TypeError, AttributeError, ImportError)
"""What opening a model of others may raise: a package that is missing, a config that is wrong."""


def across(models: Any, variant: str = "normed", **options: Any) -> pd.DataFrame:
    """Score the heads of several models.

    Parameters
    ----------
    models : list, str or Path
        Each a session, a name, a folder, a bridge, or a (name, revision) pair; a folder without
        a model of its own stands for the models in it, in the order of their numbers. None is
        the bundled model, as in `Session`.
    variant : see `headwidgets.labs.succession.scores`
    **options
        Those of `Session` that open a model: device, dtype, numerics, trust_remote_code; any
        other is refused.

    Returns
    -------
    DataFrame
        One row a model, in the order given: model, revision, step (of a revision or folder
        called "step1000", "checkpoint-1000" or "1000", else NaN), weights (how many),
        architecture, layers, heads, head (the best), score and macro (of it), runner_up,
        runner_up_score, null_max (what the best of as many random circuits as it has heads exceeds
        one time in a hundred), pairs (that the tokenizer spells), reason ("", or why the model
        could not be read: the row then has
        nothing else; or why its numbers say nothing).

    Raises
    ------
    InputError
        If there is no model, no such variant or no such option.
    Cancelled
        If it was cancelled; ``partial`` on the error are the rows that are done.

    References
    ----------
    Gould et al. 2023: the best head of Pythia-1.4B is 12.0, its score about 8 times the next.
    """
    rows: list[dict[str, Any]] = []
    with watched("models"), keeping(lambda: _table(rows)):
        for one, found in _scored(models, variant, options):
            rows.append(_row(one, found))
    return _table(rows)


def curve(models: Any, heads: object = None, variant: str = "normed", **options: Any) -> Any:
    """Follow heads over checkpoints.

    Parameters
    ----------
    models, variant, **options : see `across`
    heads : sequence of heads, or one head, optional
        None: every head that is the best of some checkpoint.

    Returns
    -------
    DataFrame
        One row a model: model, revision, step, a column for each head (NaN in models that have no
        such head), null_max, reason.

    Raises
    ------
    InputError, Cancelled
        As `across`.
    """
    wanted = None if heads is None else [str(head) for head in parse_heads(heads)]
    found: list[tuple[Asked, _Found]] = []

    def table() -> pd.DataFrame | None:
        return _follow(found, wanted) if found else None

    with watched("models"), keeping(table):
        found.extend(_scored(models, variant, options))
    return _follow(found, wanted)


class _Found(NamedTuple):
    """What was read of a model: its facts with its scores, or why not."""

    facts: dict[str, Any]
    scores: pd.DataFrame | None
    reason: str


def _scored(models: Any, variant: str, options: dict[str, Any]) -> Iterator[tuple[Asked, _Found]]:
    check_variant(variant)
    known = ", ".join(_OPTIONS)
    refuse_unknown("across", [name for name in options if name not in _OPTIONS], known)
    asked = listed(models)
    for at, one in enumerate(asked):
        checkpoint(at, len(asked), "models")
        yield one, _read(one, variant, options)


def _read(one: Asked, variant: str, options: dict[str, Any]) -> _Found:
    facts: dict[str, Any] = {}
    try:
        engine = getattr(one.model, "engine", one.model)
        if not hasattr(engine, "text"):
            asked = options if one.revision is None else options | {"revision": one.revision}
            engine = Engine.open(one.model, **asked)
        shape = engine.facts
        total = sum(p.numel() for p in engine.view.original_model.parameters())
        facts |= {"weights": total, "architecture": shape.architecture}
        facts |= {"layers": shape.n_layers, "heads": shape.n_heads}
        found = scores(engine, variant)
        return _Found(facts, found, doubt(found))
    except Cancelled:
        raise
    except NotMeasurable as error:
        return _Found(facts, None, f"not measurable here: {error}")
    except (HeadwidgetsError, OSError, *_BROKEN) as error:
        return _Found(facts, None, f"{type(error).__name__}: {error}"[:400])


def doubt(found: pd.DataFrame) -> str:
    """Say why scores, with their null, say nothing; "" if they do say something."""
    n, best = int(found["n"].iloc[0]), float(found["micro"].max())
    if n < LEAST_PAIRS:
        return f"{n} of 290 pairs are single tokens, of at least {LEAST_PAIRS}: too few to say"
    if best <= _best_by_chance(found):
        return f"nothing found: no head is above what the best of {len(found)} random ones has"
    return ""


def _best_by_chance(found: pd.DataFrame) -> float:
    """Return what the best of so many random heads as there are exceeds one time in a hundred.

    By a normal distribution of the mean and spread of single ones; at least the best of these.
    """
    null = found.attrs["null"]
    beyond = NormalDist().inv_cdf(0.99 ** (1 / len(found)))
    return float(max(null["micro largest"], null["micro mean"] + beyond * null["micro sd"]))


def _row(one: Asked, found: _Found) -> dict[str, Any]:
    row = {"model": one.name, "revision": one.revision or "", "step": one.step, **found.facts}
    row["reason"] = found.reason
    if found.scores is None:
        return row
    frame = found.scores.sort_values("micro", ascending=False, kind="stable")
    best = frame.iloc[0]
    row |= {"head": _head(best), "score": best["micro"], "macro": best["macro"]}
    if len(frame) > 1:
        row |= {"runner_up": _head(frame.iloc[1]), "runner_up_score": frame.iloc[1]["micro"]}
    row |= {"null_max": _best_by_chance(found.scores), "pairs": int(best["n"])}
    return row


def _head(row: Any) -> str:
    return str(Head(int(row["layer"]), int(row["head"])))


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    for name in ("weights", "layers", "heads", "pairs"):
        frame[name] = frame[name].astype("Int64")
    for name in ("head", "runner_up", "architecture", "reason"):
        frame[name] = frame[name].astype(object).where(frame[name].notna(), "")
    return frame


def _follow(found: list[tuple[Asked, _Found]], wanted: list[str] | None) -> pd.DataFrame:
    rows = [_row(one, read) for one, read in found]
    if wanted is None:
        wanted = list(dict.fromkeys(row["head"] for row in rows if row.get("head")))
    out = []
    for row, (_, read) in zip(rows, found, strict=True):
        known = {}
        if read.scores is not None:
            known = {_head(one): float(one["micro"]) for _, one in read.scores.iterrows()}
        line = {name: row.get(name, np.nan) for name in ("model", "revision", "step")}
        line |= {head: known.get(head, np.nan) for head in wanted}
        out.append(line | {"null_max": row.get("null_max", np.nan), "reason": row["reason"]})
    return pd.DataFrame(out)
