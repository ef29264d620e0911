"""What an edit is made to, and where: heads, MLPs, the residual stream; positions and roles."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from headwidgets.errors import InputError
from headwidgets.heads import Head, parse_heads
from headwidgets.whole import whole

At = int | str | tuple[int | str, ...] | None
"""Where: a token position, a role, several of them, or None for everywhere."""

_LAYERS = re.compile(r"\s*(mlp|resid)[ _.]?(\d+)\s*", re.IGNORECASE)


def read_target(value: object) -> str:
    """Read what is edited: a head in any spelling, ``"mlp 3"``, or ``"resid 5"``.

    ``"resid 5"`` is the residual stream as block 5 reads it; of a model of 12 layers,
    ``"resid 12"`` is the last, which the final norm reads.
    """
    match = _LAYERS.fullmatch(value) if isinstance(value, str) else None
    if match:
        return f"{match[1].lower()} {int(match[2])}"
    try:
        return str(Head.parse(value))
    except InputError as error:
        message = (
            "expected a head such as '9.9' or an MLP such as 'mlp 3' (or the residual stream, "
            f"such as 'resid 5'), got {value!r}"
        )
        raise InputError(message) from error


def read_heads(value: object) -> str:
    """Read several heads, ``"9.6, 9.9"``: each once, in order.

    Raises
    ------
    InputError
        If there is none, or one is no head.
    """
    if isinstance(value, str):
        value = [part for part in value.split(", ") if part]
    several = isinstance(value, Iterable) and getattr(value, "ndim", True)
    parts: list[object] = list(value) if several else [value]  # type: ignore[call-overload]
    one = any(whole(part) is not None for part in parts)  # 9, 6: layer and head
    heads = sorted(set(parse_heads([value] if one else parts)))
    if not heads:
        message = "expected at least one head to keep or to send, such as '9.9', got none"
        raise InputError(message)
    return ", ".join(map(str, heads))


def listed_at(at: Any) -> int | str | list[int | str] | None:
    """Return where as plain values that JSON can hold."""
    read = read_at(at)
    return list(read) if isinstance(read, tuple) else read


def read_at(value: Any) -> At:
    """Read where: a position, a role, several of them, or None.

    Raises
    ------
    InputError
        If it is none of these.
    """
    if value is None:
        return None
    if getattr(value, "ndim", 0) == 1:
        value = value.tolist()
    listed = isinstance(value, list | tuple | range | set)
    items = list(value) if listed else [value]
    out: list[int | str] = []
    for item in items:
        place = item if isinstance(item, str) and item else whole(item)
        if place is not None:
            out.append(place)
        else:
            message = (
                "expected at= as a token position, a role such as 'end', a list of these, "
                f"or None for everywhere, got {value!r:.80}"
            )
            raise InputError(message)
    if not out:
        message = "expected at least one position in at=, got none; None means everywhere"
        raise InputError(message)
    return tuple(out) if listed else out[0]
