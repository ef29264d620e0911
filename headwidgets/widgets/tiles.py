"""Requests for one head's values: an exact tile of a long map, the exact value at a place.

A tile's bytes do not depend on the length of the prompt: at most 512 × 512 float16. A
value is one float32.
"""

from __future__ import annotations

import reprlib
from typing import TYPE_CHECKING, Any

import numpy as np

from headwidgets.errors import InputError
from headwidgets.heads import Head
from headwidgets.methods.shown import OVER, WEIGHTINGS
from headwidgets.widgets.envelope import Answer
from headwidgets.widgets.looks import Shown
from headwidgets.widgets.pictures import MAP_EDGE, RUNS
from headwidgets.widgets.wire import encode, encode_scaled

if TYPE_CHECKING:
    from headwidgets.widgets.protocol import SessionLike

_CHOICES = {"run": RUNS, "weighting": WEIGHTINGS, "over": OVER}


def tile(session: SessionLike, body: dict[str, Any]) -> Answer:
    """Return the values from (query, key) on, [edge, edge] or up to the end, scaled float16."""
    about = _about(body, "query", "key", "edge")
    edge = _whole(body, "edge", 1, MAP_EDGE)
    shown = Shown.of(session, about)
    query, key = (_whole(body, axis, 0, shown.n - 1) for axis in ("query", "key"))
    window = shown.read((query, min(query + edge, shown.n)), (key, min(key + edge, shown.n)))
    header, buffer = encode_scaled(np.ascontiguousarray(window))
    return Answer({**about, "query": query, "key": key, "array": header}, [buffer])


def value(session: SessionLike, body: dict[str, Any]) -> Answer:
    """Return the value at (query, key), exact: float32 [1]."""
    about = _about(body, "query", "key")
    shown = Shown.of(session, about)
    query, key = (_whole(body, axis, 0, shown.n - 1) for axis in ("query", "key"))
    one = shown.read((query, query + 1), (key, key + 1))
    header, buffer = encode(np.ascontiguousarray(one.reshape(1)))
    return Answer({**about, "query": query, "key": key, "array": header}, [buffer])


SERVED = {"tile": tile, "value": value}


def _about(body: dict[str, Any], *more: str) -> dict[str, Any]:
    """Read which map is meant."""
    unknown = sorted(set(body) - {"head", *_CHOICES, *more})
    if unknown:
        message = f"expected no fields but {['head', *_CHOICES, *more]}, got {unknown!r:.80}"
        raise InputError(message)
    about: dict[str, Any] = {"head": str(Head.parse(body.get("head")))}
    for name, choices in _CHOICES.items():
        about[name] = body.get(name, choices[0])
        if about[name] not in choices:
            message = (
                f"expected {name!r} to be one of {', '.join(choices)}, "
                f"got {reprlib.repr(about[name])}"
            )
            raise InputError(message)
    return about


def _whole(body: dict[str, Any], name: str, low: int, high: int) -> int:
    value = body.get(name)
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return value
    message = (
        f"expected {name!r} to be a whole number from {low} to {high}, got {reprlib.repr(value)}"
    )
    raise InputError(message)
