"""The estimates of attribution patching beside the exact effects of a sweep, of one question."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from headwidgets.errors import InputError
from headwidgets.methods.places import read_at
from headwidgets.methods.source_tokens import REST

if TYPE_CHECKING:
    import pandas as pd

_KEYS = ("layer", "head", "position")
_SAME = {
    "over": "over",
    "direction": "direction",
    "at": "at",
    "metric": "metric",
    "measured_on": "prompts",
    "prompts": "prompts (tokens, roles and answers)",
    "model": "model",
    "numerics": "numerics",
    "dtype": "dtype",
}
"""What the two must agree in, and what it is called."""


def compare_with_exact(estimate: pd.DataFrame, sweep: pd.DataFrame) -> pd.DataFrame:
    """Put the estimates of attribution patching beside the exact effects of a sweep.

    Parameters
    ----------
    estimate : DataFrame
        Of `attribution_patching`.
    sweep : DataFrame
        Of a sweep of patches, in the same direction, over the same, of the same prompts.

    Returns
    -------
    DataFrame
        layer, head(, position), estimate, exact, error (estimate − exact). ``attrs`` have
        correlation (Pearson's, NaN where one side does not vary), largest_error,
        sign_disagreements: rows whose signs differ, and left_out: rows that an estimate
        alone has, the "rest" of prompts that differ in length.

    Raises
    ------
    InputError
        If the two are not of one question: a sweep of another kind, or paths; other heads,
        places, direction, metric, prompts or model; a sweep that was stopped.
    """
    _check_kinds(estimate, sweep)
    _check_question(estimate.attrs, sweep.attrs)
    on = [name for name in _KEYS if name in estimate]
    if on != [name for name in _KEYS if name in sweep]:
        message = "expected both over heads, or both over heads x positions"
        raise InputError(message)
    rest = estimate["position"].eq(REST) if "position" in on else estimate["layer"].lt(0)
    mine = estimate[~rest]
    exact = sweep[[*on, "effect"]].rename(columns={"effect": "exact"})
    out = mine[[*on, "estimate"]].merge(exact, on=on, how="inner")
    if len(out) != len(mine) or len(out) != len(sweep):
        message = (
            f"expected the same rows on both sides, got {len(mine)} estimates and "
            f"{len(sweep)} exact effects, {len(out)} of them shared"
        )
        raise InputError(message)
    _check_prompts(mine, sweep)
    out["error"] = out["estimate"] - out["exact"]
    a, b = out["estimate"].to_numpy(dtype=float), out["exact"].to_numpy(dtype=float)
    varied = len(out) > 1 and a.std() > 0 and b.std() > 0
    out.attrs |= estimate.attrs | {
        "correlation": float(np.corrcoef(a, b)[0, 1]) if varied else math.nan,
        "largest_error": float(np.abs(a - b).max()),
        "sign_disagreements": int((a * b < 0).sum()),
        "left_out": f"{int(rest.sum())} rows {REST!r}: a sweep has none" if rest.any() else "",
    }
    return out


def _check_kinds(estimate: Any, sweep: Any) -> None:
    for frame, column, call in (
        (estimate, "estimate", "s.attribution_patching()"),
        (sweep, "effect", "s.sweep('patch')"),
    ):
        if column not in getattr(frame, "columns", ()):
            message = f"expected a frame with a column {column!r}, as {call} returns one"
            raise InputError(message)
    attrs = sweep.attrs
    found = attrs.get("sweep", "no sweep")
    if "to" in attrs:
        found = f"the paths to {attrs['to']}"
    if found != "patch":
        message = f"expected a sweep of patches, as s.sweep('patch') returns one, got {found}"
        raise InputError(message)
    if "incomplete" in attrs:
        message = f"expected a whole sweep, got one that was {attrs['incomplete']}: run it again"
        raise InputError(message)


def _check_question(estimate: dict[str, Any], sweep: dict[str, Any]) -> None:
    for name, words in _SAME.items():
        if name not in estimate or name not in sweep:
            continue
        one, other = estimate[name], sweep[name]
        same = _places(one) == _places(other) if name == "at" else one == other
        if not same:
            shown = "" if name == "prompts" else f", got {one!r} (estimate) and {other!r} (sweep)"
            message = f"expected both of one {words}{shown}: measure one of them again"
            raise InputError(message)


def _places(at: Any) -> list[str]:
    """Return where, each place once, in one order."""
    read = read_at(at)
    return sorted({repr(place) for place in (read if isinstance(read, tuple) else (read,))})


def _check_prompts(estimate: pd.DataFrame, sweep: pd.DataFrame) -> None:
    """Refuse means that are not over the same number of prompts."""
    if "n" not in estimate or "n" not in sweep:
        return
    one, other = (sorted({int(n) for n in frame["n"]}) for frame in (estimate, sweep))
    if one != other:
        message = (
            "expected both over the same prompts, got n = "
            f"{', '.join(map(str, one))} (estimate) and {', '.join(map(str, other))} (sweep)"
        )
        raise InputError(message)
