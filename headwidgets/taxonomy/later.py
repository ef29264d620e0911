"""Kinds whose score needs a method that scoring does not run yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from headwidgets.errors import NotMeasurable

if TYPE_CHECKING:
    from headwidgets.taxonomy.measure import Measure


_NOT_YET = "no score runs for this kind yet"


def later(_measure: Measure, method: str) -> NoReturn:
    """Say by which method a kind will be measured.

    Raises
    ------
    NotMeasurable
        Always.
    """
    message = f"{_NOT_YET}; its method is {method}"
    raise NotMeasurable(message)


def is_later(reason: str) -> bool:
    """Whether a verdict's reason is that no score runs for the kind yet."""
    return reason.startswith(_NOT_YET)
