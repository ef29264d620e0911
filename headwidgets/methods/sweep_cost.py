"""What a sweep costs, before it is begun: memory, and whole forwards."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, Decimal
from numbers import Real
from typing import TYPE_CHECKING

from headwidgets.errors import InputError
from headwidgets.methods.snapshot import position
from headwidgets.methods.sweep_plan import places
from headwidgets.model.climb import TOKENS

if TYPE_CHECKING:
    from headwidgets.methods.snapshot import Pair, Snapshot
    from headwidgets.methods.sweep_plan import Plan, Variant
    from headwidgets.model.engine import Engine

MEMORY = 1.0
"""Gigabytes that a sweep may take above the model's own."""
MOST = 20_000
"""Whole forwards that a sweep may cost."""
GB = 1e9


def bytes_a_token(engine: Engine) -> int:
    """Return the bytes that recording one token takes: both runs, and the keys and values."""
    facts = engine.facts
    each = 2 if facts.dtype in ("bfloat16", "float16") else 4
    z = facts.n_heads * facts.d_head
    kept = 2 * facts.d_model + z + 2 * facts.n_kv_heads * facts.d_head
    return each * facts.n_layers * (kept + z)


def bytes_at_work(engine: Engine, length: int) -> int:
    """Return the bytes that one call of a block takes: its rows, an MLP's width, the scores."""
    facts = engine.facts
    rows = max(1, TOKENS // length)
    return 4 * rows * length * (12 * facts.d_model + 3 * facts.n_heads * length)


def prompts_at_once(engine: Engine, snapshot: Snapshot, memory: float) -> int:
    """Return how many prompts to record together."""
    longest = max(len(pair.clean) for pair in snapshot.pairs)
    room = float(memory) * GB - bytes_at_work(engine, longest)
    fit = int(room // (bytes_a_token(engine) * longest))
    return max(1, min(fit, TOKENS // longest))


def forwards(engine: Engine, snapshot: Snapshot, plan: Plan, variants: list[Variant]) -> float:
    """Return how many whole forwards of a prompt a sweep is worth."""
    facts = engine.facts
    above = sum((facts.n_layers - layer) / facts.n_layers for layer, _ in plan.units(facts))
    where = places(plan, snapshot)
    total = 0.0
    for pair in snapshot.pairs:
        length = len(pair.clean)
        total += sum(
            above * (length - _start(snapshot, plan, pair, place)) / length for place in where
        )
    return total * len(variants) / (len(where) * len(plan.units(facts)))


def _start(snapshot: Snapshot, plan: Plan, pair: Pair, place: int | str | None) -> int:
    at = plan.at if place is None else place
    return 0 if at is None else min(position(at, pair, one_length=snapshot.one_length))


def rounded_up(number: float) -> str:
    """Write a positive number with three digits, none of them less than it."""
    unit = Decimal(1).scaleb(Decimal(number).adjusted() - 2)
    return f"{float(Decimal(number).quantize(unit, ROUND_CEILING)):.4g}"


def check_memory(memory: object) -> None:
    """Refuse what is no number of gigabytes.

    Raises
    ------
    InputError
        If `memory` is no finite number above 0.
    """
    if not 0 < _number(memory) < math.inf:
        message = f"expected memory= as gigabytes, a number above 0, got {memory!r:.80}"
        raise InputError(message)


def check_bounds(memory: object, most: object) -> None:
    """Refuse bounds that bound nothing.

    Raises
    ------
    InputError
        If `memory` is no number of gigabytes, or `most` no number of forwards.
    """
    check_memory(memory)
    if most is not None and not abs(_number(most)) < math.inf:
        message = (
            "expected most= as a number of whole forwards, or None to refuse nothing, "
            f"got {most!r:.80}"
        )
        raise InputError(message)


def _number(value: object) -> float:
    """Return a number as a float, NaN for what is none."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return math.nan
    return float(value)


def check_cost(
    engine: Engine,
    snapshot: Snapshot,
    plan: Plan,
    variants: list[Variant],
    memory: float,
    most: int | None,
) -> None:
    """Refuse a sweep that would take too much.

    Raises
    ------
    InputError
        With the estimate, and how to shrink it.
    """
    longest = max(len(pair.clean) for pair in snapshot.pairs)
    need = (bytes_at_work(engine, longest) + bytes_a_token(engine) * longest) / GB
    if need > memory:
        message = (
            f"a sweep over {longest} tokens of {engine.facts.name!r} takes about {need:.3g} GB "
            f"above the model's own, and memory={memory:g} allows less: shorten the prompts, or "
            f"pass memory={rounded_up(need)}"
        )
        raise InputError(message)
    cost = forwards(engine, snapshot, plan, variants)
    if most is not None and cost > most:
        message = (
            f"{len(variants):,} edits on {len(snapshot.pairs)} prompts of up to {longest} tokens "
            f"cost about {cost:,.0f} whole forwards, and most={most:,} allows fewer: sweep "
            "over='heads' with at=, name some heads=, take fewer or shorter prompts, or pass "
            f"most={int(cost * 1.1):,}"
        )
        raise InputError(message)
