"""What a view of the taxonomy asks of heads that work together: a walk, a break, a hand-over."""

from __future__ import annotations

import math
from typing import Any

from headwidgets.errors import InputError
from headwidgets.widgets.envelope import Answer


def walk(session: Any, body: dict[str, Any]) -> Answer:
    """Take a walk: ``{"walk"}``."""
    session.walk(_read(body, "walk")["walk"])
    session.state.need_kinds()
    return Answer({})


def break_walk(session: Any, body: dict[str, Any]) -> Answer:
    """Break steps of a walk that was taken: ``{"walk", "steps"}``."""
    name, steps = _read_steps(body)
    found = session.break_walk(name, *steps)
    plain = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in found.items()
    }
    return Answer({**plain, "steps": steps})


def walk_python(session: Any, body: dict[str, Any]) -> Answer:
    """Write a walk that was taken as code, with what is broken: ``{"walk", "steps"}``."""
    name, steps = _read_steps(body)
    return Answer({"python": session.walk_as_python(name, *steps)})


def hand_over(session: Any, body: dict[str, Any]) -> Answer:
    """Measure who hands over to whom: ``{"task", "candidates"}``; "" is the session's prompts."""
    asked = _read(body, "task", "candidates")
    session.hand_over(asked["task"] or None, candidates=bool(asked["candidates"]))
    session.state.need_kinds()
    return Answer({})


def _read_steps(body: dict[str, Any]) -> tuple[Any, list[str]]:
    """Return which walk, and which of its steps."""
    asked = _read(body, "walk", "steps")
    steps = asked["steps"]
    if not isinstance(steps, list) or not all(isinstance(step, str) for step in steps):
        message = f"expected 'steps' as a list of names, got {steps!r:.80}"
        raise InputError(message)
    return asked["walk"], steps


def _read(body: dict[str, Any], *names: str) -> dict[str, Any]:
    if set(body) != set(names):
        message = f"expected {' and '.join(names)}, got {body!r:.120}"
        raise InputError(message)
    return body


SERVED = {
    "walk": walk,
    "break walk": break_walk,
    "walk python": walk_python,
    "hand over": hand_over,
}
