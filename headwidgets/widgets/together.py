"""Heads that work together, on the wire: the walks that were taken, and who hands over to whom.

Both travel as JSON in one trait of the session's state: a walk is some eight steps of thirty short
values, and of the parts that wrote a query or a key only the largest are told of.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from headwidgets.taxonomy.hand_over import cycling
from headwidgets.taxonomy.registry import STAGES
from headwidgets.taxonomy.walk_plans import PLANS

if TYPE_CHECKING:
    import pandas as pd

PARTS = 6
"""Parts of a side that are told of by name."""
PAIRS = 12
"""Pairs of heads that are told of, the strongest."""
WALK, HAND_OVER = "walk: ", "hand-over"


def pack_all(session: Any) -> dict[str, Any]:
    """Return what a session has found: the latest walks by name, and the hand-over."""
    frames = dict(session.frames)
    walks = {
        name: pack_walk(frame, stale=bool(session.is_stale(frame)))
        for name in PLANS
        if (frame := frames.get(f"{WALK}{name}")) is not None
    }
    plans = [{"name": plan.name, "title": plan.title} for plan in PLANS.values()]
    out: dict[str, Any] = {"plans": plans, "walks": walks}
    frame = frames.get(HAND_OVER)
    if frame is not None:
        out["hand_over"] = pack_hand_over(frame, stale=bool(session.is_stale(frame)))
    return out


def pack_walk(frame: pd.DataFrame, *, stale: bool = False) -> dict[str, Any]:
    """Write a walk as plain values."""
    attrs = frame.attrs
    steps = []
    for row in frame.to_dict("records"):
        name = str(row["step"])
        asks = attrs["asks"].get(name, ["", ""])
        told = {key: _plain(value) for key, value in row.items()}
        told |= {"says": attrs["says"][name], "asks": asks[0], "answers": asks[1]}
        told["looks"] = attrs["looks"].get(name, [])
        told["sides"] = {side: _side(attrs["sides"].get(name, []), side) for side in _SIDES}
        told["broken"] = name in attrs["edits"]
        steps.append(told)
    about = ("title", "source", "tokens", "answer", "foil", "index", "notes", "measured_on")
    return {
        **{name: attrs[name] for name in about},
        "incomplete": attrs.get("incomplete", ""),
        "steps": steps,
        "stale": stale,
    }


def pack_hand_over(frame: pd.DataFrame, *, stale: bool = False) -> dict[str, Any]:
    """Write a hand-over as plain values."""
    attrs = frame.attrs
    matrix = {
        name: [[_plain(value) for value in row] for row in rows]
        for name, rows in attrs["stages"].items()
    }
    pairs = [
        {key: _plain(value) for key, value in row.items()}
        for row in frame.head(PAIRS).to_dict("records")
    ]
    skipping = {key: _plain(value) for key, value in attrs.get("skipping", {}).items()}
    return {
        "stages": list(STAGES),
        **matrix,
        "pairs": pairs,
        "n_pairs": len(frame),
        "heads": attrs["heads"],
        "clean": _plain(attrs["clean"]),
        "unit": attrs["unit"],
        "metric": attrs["metric"],
        "measured_on": attrs["measured_on"],
        "cycling": _plain(cycling(frame)),
        "skipping": skipping,
        "incomplete": attrs.get("incomplete", ""),
        "stale": stale,
    }


_SIDES = ("query", "key")


def _side(rows: list[list[Any]], side: str) -> list[list[Any]]:
    """Return the largest parts of a side, and what all others bring together."""
    mine = [(str(part), float(value)) for of, part, value in rows if of == side]
    some = [list(one) for one in mine[:PARTS]]
    rest = mine[PARTS:]
    if rest:
        some.append([f"{len(rest)} others", sum(value for _, value in rest)])
    return some


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; None for what is no number."""
    if hasattr(value, "item"):
        value = value.item()
    if value is None or isinstance(value, str | bool | list):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, int) else None
