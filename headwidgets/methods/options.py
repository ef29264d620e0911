"""What a method can be told, and what it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.errors import InputError

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
