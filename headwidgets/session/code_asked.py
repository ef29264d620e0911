"""What a frame was asked, kept on it as plain values, so that the question can be written again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwidgets.errors import InputError
from headwidgets.methods.metric import Metric
from headwidgets.methods.places import read_at
from headwidgets.whole import whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from headwidgets.methods.snapshot import Snapshot

_KEPT = ("by", "kind", "over", "direction", "mlps", "seed")
_DEFAULTS: dict[str, dict[str, Any]] = {
    "sweep": {"kind": "patch", "over": "heads", "direction": "denoise", "seed": 0, "at": None},
    "paths": {"kind": "patch", "direction": "noise", "mlps": "recomputed", "at": None},
    "edges": {"kind": "patch", "direction": "noise", "mlps": "recomputed", "at": None},
    "head_effects": {"kind": "patch", "at": None},
    "attribution": {"by": "component", "at": "end"},
    "logit_lens": {"by": "layer", "at": "end", "k": 5},
    "attribution_patching": {"over": "heads", "direction": "denoise", "at": None},
}


def asked_of(
    method: str, options: Mapping[str, Any], frame: pd.DataFrame, snapshot: Snapshot
) -> dict[str, Any]:
    """Return what was asked, as plain values that JSON can hold.

    Parameters
    ----------
    method : str
        The session's method, such as "sweep".
    options : mapping
        What it was called with, checked by the method.
    frame : DataFrame
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
    if "over" in frame.attrs:
        out["over"] = frame.attrs["over"]
    at = read_at(given["at"])
    out["at"] = list(at) if isinstance(at, tuple) else at
    if isinstance(given.get("metric"), Metric):
        out["metric"] = given["metric"].to_json()
    if method == "edges":
        out["edges"] = frame[["sender", "receiver"]].to_numpy().tolist()
    elif "to" in frame.attrs:
        out["to"] = frame.attrs["to"]
    if method == "logit_lens":
        out["k"] = whole(given["k"])
    if method != "edges" and any(given.get(name) is not None for name in ("heads", "senders")):
        rows = frame[["layer", "head"]].drop_duplicates()
        out["heads"] = rows.to_numpy().tolist()
    return out


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
        message = f"expected a frame that one of {calls} returned, got one that is of none of them"
        raise InputError(message)
    at = value.get("at")
    heads = value.get("heads")
    named = None if heads is None else [(int(layer), int(head)) for layer, head in heads]
    return {**value, "heads": named, "at": tuple(at) if isinstance(at, list) else at}
