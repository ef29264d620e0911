"""Kinds whose score needs a method that scoring does not run yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from headwidgets.errors import NotMeasurable

if TYPE_CHECKING:
    from headwidgets.taxonomy.measure import Measure


def later(_measure: Measure, method: str) -> NoReturn:
    """Say by which method a kind will be measured.

    Raises
    ------
    NotMeasurable
        Always.
    """
    message = f"no score runs for this kind yet; its method is {method}"
    raise NotMeasurable(message)
