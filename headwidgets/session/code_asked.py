"""What a frame or a direction was asked, kept on it as plain values: it can be written again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwidgets.errors import InputError
from headwidgets.methods.metric import Metric
from headwidgets.methods.places import read_at
from headwidgets.methods.strengths import DRAWS
from headwidgets.methods.vector import Direction
from headwidgets.prompts import Prompts
from headwidgets.whole import whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from headwidgets.methods.snapshot import Snapshot

_KEPT = ("by", "kind", "over", "direction", "mlps", "how")
_WHOLE = ("k", "seed", "subsets", "draws")
_PATHS = {"kind": "patch", "direction": "noise", "mlps": "recomputed", "seed": 0, "at": None}
_DEFAULTS: dict[str, dict[str, Any]] = {
    "sweep": {"kind": "patch", "over": "heads", "direction": "denoise", "seed": 0, "at": None},
    "paths": _PATHS,
    "edges": _PATHS,
    "head_effects": {"kind": "patch", "at": None},
    "attribution": {"by": "component", "at": "end"},
    "logit_lens": {"by": "layer", "at": "end", "k": 5},
    "attribution_patching": {"over": "heads", "direction": "denoise", "at": None},
    "circuit": {"kind": "mean", "subsets": 10, "seed": 0, "at": None},
    "strengths": {"draws": DRAWS, "seed": 0, "neutral": None, "at": None},
    "direction": {"how": "mean difference", "groups": None, "at": "end"},
}


def asked_of(
    method: str, options: Mapping[str, Any], found: pd.DataFrame | Direction, snapshot: Snapshot
) -> dict[str, Any]:
    """Return what was asked, as plain values that JSON can hold.

    Parameters
    ----------
    method : str
        The session's method, such as "sweep".
    options : mapping
        What it was called with, checked by the method.
    found : DataFrame or Direction
        The answer: its rows say which heads, or which edges.
    snapshot : Snapshot

    Returns
    -------
    dict
        method, index (of the prompt on screen) and the method's options, each of them;
        metric and heads where they were given.
    """
    given = {**_DEFAULTS[method], **options}
    out: dict[str, Any] = {"method": method, "index": snapshot.index}
    out |= {name: given[name] for name in _KEPT if name in given}
    out |= {name: whole(given[name]) for name in _WHOLE if name in given}
    at = read_at(given["at"])
    out["at"] = list(at) if isinstance(at, tuple) else at
    if isinstance(given.get("metric"), Metric):
        out["metric"] = given["metric"].to_json()
    if isinstance(found, Direction):
        return {**out, **_of_direction(given, found)}
    attrs = found.attrs
    out |= {name: attrs[name] for name in ("over", "to") if name in attrs}
    if method == "edges":
        out["edges"] = found[["sender", "receiver"]].to_numpy().tolist()
    elif method == "circuit":
        out["circuit"] = attrs["classes"] or attrs["circuit"].split(", ")
    elif method == "strengths":
        out |= _of_strengths(given, found)
    elif any(given.get(name) is not None for name in ("heads", "senders")):
        rows = found[["layer", "head"]].drop_duplicates()
        out["heads"] = rows.to_numpy().tolist()
    return out


def _of_strengths(given: Mapping[str, Any], found: pd.DataFrame) -> dict[str, Any]:
    neutral = given["neutral"]
    texts = [] if neutral is None else Prompts.read(neutral).clean
    return {
        "strengths": found["strength"].tolist(),
        "direction": given["direction"].to_json(),
        "neutral": None if neutral is None else [p if isinstance(p, str) else [*p] for p in texts],
        "everywhere": given["at"] is None or bool(found.attrs["notes"]),
    }


def _of_direction(given: Mapping[str, Any], found: Direction) -> dict[str, Any]:
    groups = given["groups"]
    return {
        "target": found.target,
        "groups": None if groups is None else [bool(side) for side in groups],
        "vector": found.to_json()["vector"] if found.how == "given" else "",
    }


def read_asked(value: object, known: Iterable[str]) -> dict[str, Any]:
    """Read what `asked_of` kept.

    Raises
    ------
    InputError
        If it says nothing that can be written.
    """
    methods = list(known)
    if not isinstance(value, dict) or value.get("method") not in methods:
        calls = ", ".join(f"s.{name}" for name in methods)
        message = f"expected what one of {calls} returned, got something that is of none of them"
        raise InputError(message)
    at = value.get("at")
    heads = value.get("heads")
    named = None if heads is None else [(int(layer), int(head)) for layer, head in heads]
    return {**value, "heads": named, "at": tuple(at) if isinstance(at, list) else at}
