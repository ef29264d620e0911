"""Reading what stands for a prompt, an answer or a position: at the door."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from headwidgets.errors import InputError
from headwidgets.whole import whole

Prompt = str | tuple[int, ...]
"""A text, or token ids as the model is to see them (nothing is put in front of ids)."""
Answer = str | int
COLUMNS = ("clean", "corrupted", "answer", "foil")
RESERVED = ("end", "bos", *COLUMNS)


def read_prompt(value: object) -> Prompt:
    """Read one prompt: a text, or token ids.

    Raises
    ------
    InputError
        If it is neither.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        message = "expected a prompt as text or token ids, got bytes: decode them first"
        raise InputError(message)
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Sequence) and value and isinstance(value[0], list) and len(value) == 1:
        value = value[0]  # [1, position], as to_tokens gives it
    if isinstance(value, Sequence):
        ids = tuple(whole(v) for v in value)
        if not ids:
            message = "the prompt has no tokens: give at least one id"
            raise InputError(message)
        if None not in ids:
            return ids  # type: ignore[return-value]
    message = f"expected a prompt as text or a list of token ids, got {value!r:.80}"
    raise InputError(message)


def uncast(value: Any) -> Any:
    """Undo what pandas does to whole numbers beside an empty cell."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def any_given(values: Iterable[object]) -> bool:
    """Whether any of `values` is not None."""
    return any(v is not None for v in values)


def any_absent(values: Iterable[object]) -> bool:
    """Whether any of `values` is None."""
    return any(v is None for v in values)


def as_list(values: object, what: str, n: int | None = None) -> list[Any]:
    """Return `values` as a list, of `n`."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        message = f"expected {what} as a list, one entry a prompt, got {values!r:.80}"
        raise InputError(message)
    items = list(values)
    if n is not None and len(items) != n:
        message = f"expected {n} {what} entries, one for each clean prompt, got {len(items)}"
        raise InputError(message)
    return items


def read_answer(value: object, what: str) -> Answer:
    """Read an answer: a text, or one token id."""
    read = value if isinstance(value, str) and value else whole(value)
    if read is not None:
        return read
    message = f"expected the {what} as text or one token id, got {value!r:.80}"
    raise InputError(message)


def read_positions(role: object, values: object, n: int) -> tuple[int | None, ...]:
    """Read the name of a role, and where it stands in each of `n` prompts."""
    if not isinstance(role, str) or not role or role in RESERVED:
        message = f"expected a role name other than {', '.join(RESERVED)}, got {role!r}"
        raise InputError(message)
    items = as_list(values, f"positions of role {role!r}", n)
    places = [None if v is None else whole(v) for v in items]
    if any(v is not None and (p is None or p < 0) for v, p in zip(items, places, strict=True)):
        message = f"expected token positions from 0 for role {role!r}, got {items!r:.80}"
        raise InputError(message)
    return tuple(places)


def read_spans(role: object, values: object, n: int) -> tuple[tuple[int, int] | None, ...]:
    """Read where a role of several tokens begins and ends in each prompt."""
    out: list[tuple[int, int] | None] = []
    for value in as_list(values, f"spans of role {role!r}", n):
        if value is None:
            out.append(None)
            continue
        ends = [whole(v) for v in value] if isinstance(value, Sequence) else []
        start, stop = ends if len(ends) == 2 else (None, None)  # noqa: PLR2004 - its two ends
        if start is None or stop is None or not 0 <= start < stop:
            message = f"expected a span (start, stop) for role {role!r}, got {value!r:.80}"
            raise InputError(message)
        out.append((start, stop))
    return tuple(out)
