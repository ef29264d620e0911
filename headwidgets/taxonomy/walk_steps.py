"""One step of a walk: its heads, where they look and why, and what it costs to break it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headwidgets.errors import NotMeasurable
from headwidgets.methods.query_key import query_key
from headwidgets.taxonomy.seen import Look, see
from headwidgets.taxonomy.walk_breaks import breaking, cost, leads, receivers_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine
    from headwidgets.taxonomy.carriers import Carrier, Carriers
    from headwidgets.taxonomy.walk_plans import Plan, Step

LOOKS = 0.3
"""Mean attention on the key from which on a head is the one shown, though another scores more."""


def looks_of(engine: Engine, snapshot: Snapshot, plan: Plan) -> dict[str, NDArray[np.float64]]:
    """Return every head's mean attention on the key of each step, [layer, head]."""
    roles = list(dict.fromkeys(step.query for step in plan.steps))
    n = engine.facts.n_layers, engine.facts.n_heads
    total = {step.name: np.zeros(n) for step in plan.steps}
    count = dict.fromkeys(total, 0)
    pairs = snapshot.pairs
    wanted = [
        Look(pair.clean, tuple(pair.roles.get(role, len(pair.clean) - 1) for role in roles))
        for pair in pairs
    ]
    for pair, seen in zip(pairs, see(engine, wanted), strict=True):
        for step in plan.steps:
            if step.query in pair.roles and step.key in pair.roles:
                number = roles.index(step.query)
                total[step.name] += seen.attention[:, :, number, pair.roles[step.key]]
                count[step.name] += 1
    return {name: value / max(1, count[name]) for name, value in total.items()}


def shown(own: Carriers, looks: NDArray[np.float64]) -> Carrier:
    """Return the head of a step that is shown: the best of those that look at its key."""
    return next((one for one in own.heads if looks[one.head] >= LOOKS), own.heads[0])


def held_against(step: Step, roles: Mapping[str, int]) -> list[int]:
    """Return the keys whose mean score is taken off that of a step's key, on a prompt."""
    query, key = roles[step.query], roles[step.key]
    named = {roles[role] for role in step.against if role in roles}
    places = named if step.against else range(query + 1)
    return sorted(place for place in places if place <= query and place != key)


def take(
    engine: Engine,
    snapshot: Snapshot,
    step: Step,
    known: Mapping[str, Carriers],
    clean: NDArray[np.float64],
    looks: NDArray[np.float64],
    about: dict[str, Any],
) -> dict[str, Any]:
    """Measure one step; `looks` is the mean attention on its key, [layer, head]."""
    own = known[step.name]
    row: dict[str, Any] = {
        "step": step.name,
        "kind": step.kind,
        "stage": step.stage,
        "query": step.query,
        "key": step.key,
        "reason": own.reason,
        "n": 0,
        **dict.fromkeys(("head", "heads", "verdict", "breaks", "against"), ""),
        **dict.fromkeys(("query_token", "key_token", "looks_token"), ""),
    }
    if not own.heads:
        return row
    first = shown(own, looks)
    heads = [one.head for one in own.heads]
    row |= {
        "head": str(first.head),
        "heads": ", ".join(map(str, heads)),
        "score": first.score,
        "verdict": first.verdict,
        "attention_mean": float(looks[first.head]),
    }
    row |= _looking(engine, snapshot, step, first.head, about)
    edits, words = breaking(step, heads, receivers_of(step, known), snapshot)
    about["edits"][step.name] = [edit.to_json() for edit in edits]
    after = leads(engine, snapshot, edits)
    return row | {"breaks": words} | cost(clean, after, snapshot.index)


def _looking(
    engine: Engine, snapshot: Snapshot, step: Step, head: Any, about: dict[str, Any]
) -> dict[str, Any]:
    """Return where a step's head looks on the prompt, and who made its query and its key."""
    pair = snapshot.pair
    query, key = pair.roles.get(step.query), pair.roles.get(step.key)
    if query is None or key is None or key > query:
        lacking = step.query if query is None else step.key
        return {"reason": f"this prompt has no place {lacking!r} that it could look at"}
    others = held_against(step, pair.roles)
    named = [role for role in step.against if pair.roles.get(role) in others]
    named = named if step.against else ["all other tokens"]
    tokens = engine.text.shown(list(pair.clean))
    where = {
        "query_at": query,
        "query_token": tokens[query],
        "key_at": key,
        "key_token": tokens[key],
    }
    try:
        split = query_key(engine, pair.clean, head, query, key, others)
    except NotMeasurable as error:
        return where | {"reason": str(error)}
    most = int(split.pattern.argmax())
    rows = split.sides()
    about["sides"][step.name] = rows.to_numpy().tolist()
    about["looks"][step.name] = [round(float(one), 5) for one in split.pattern[: query + 1]]
    return where | {
        "attention": split.attention,
        "looks_at": most,
        "looks_token": tokens[most],
        "looks_attention": float(split.pattern[most]),
        "qk": split.score,
        "against": ", ".join(named),
    }
