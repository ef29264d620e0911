"""What a method can be told, and what it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.errors import InputError
from headwidgets.whole import whole

if TYPE_CHECKING:
    from collections.abc import Collection


def refuse_unknown(method: str, unknown: Collection[str], known: str) -> None:
    """Refuse options that a method does not have.

    Parameters
    ----------
    method : str
        What it is called on a session.
    unknown : collection of str
        What was given beside its options.
    known : str
        Its options in words.

    Raises
    ------
    InputError
        If there are any.
    """
    if unknown:
        message = f"{method} has no option {min(unknown)!r}: it has {known}"
        raise InputError(message)


def read_known(what: str, **asked: tuple[object, Collection[str]]) -> None:
    """Refuse a value that is none of those that there are.

    Parameters
    ----------
    what : str
        For which method, in words.
    **asked : (value, known)
        Of each option.

    Raises
    ------
    InputError
        For the first that is not known.
    """
    for name, (value, known) in asked.items():
        if value not in known:
            message = f"expected {name} {', '.join(map(repr, known))} for {what}, got {value!r:.80}"
            raise InputError(message)


def read_seed(seed: object) -> int:
    """Return a seed as a whole number from 0, or raise InputError."""
    drawn = whole(seed)
    if drawn is None or drawn < 0:
        message = f"expected seed= as a whole number from 0, got {seed!r:.80}"
        raise InputError(message)
    return drawn
