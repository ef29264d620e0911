"""A question whose answers are of any length, some of them true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from headwidgets.errors import InputError


class Choices(NamedTuple):
    """A question with answers of any length (the form of TruthfulQA's multiple choice).

    Attributes
    ----------
    prompt : str
        What the answers continue.
    one : tuple of str
        Answers of which the first alone is right (MC1); each brings its leading space.
    true, false : tuple of str
        Right answers and wrong ones (MC2).
    """

    prompt: str
    one: tuple[str, ...]
    true: tuple[str, ...]
    false: tuple[str, ...]


def read_choices(value: object, what: str) -> Choices | None:
    """Read a question with its answers; None stays None.

    Raises
    ------
    InputError
        If it is none, has no prompt, or lacks a right or a wrong answer.
    """
    if value is None:
        return None
    given: Mapping[str, Any] = value._asdict() if isinstance(value, Choices) else _mapping(value)
    prompt = given.get("prompt")
    lists = [given.get(name) for name in Choices._fields[1:]]
    if isinstance(prompt, str) and prompt and all(_are_texts(some) for some in lists):
        one, true, false = (tuple(some) for some in lists if some is not None)
        if len(one) > 1:
            return Choices(prompt, one, true, false)
    message = (
        f"expected {what} with a prompt, at least two answers in 'one', and at least one each in "
        f"'true' and 'false', got {value!r:.120}"
    )
    raise InputError(message)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _are_texts(values: object) -> bool:
    """Whether `values` are one text or more, none of them empty."""
    if not isinstance(values, Sequence) or isinstance(values, str | bytes):
        return False
    return bool(values) and all(isinstance(value, str) and value.strip() for value in values)
