"""Sets in a natural order, as far as a tokenizer spells their members as single tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from headwidgets.errors import NotMeasurable
from headwidgets.tasks.series import SETS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwidgets.model.engine import Engine

LEAST = 5
"""Members of a set that must be one token each."""
NONE = -1
"""No member."""


class Series(NamedTuple):
    """A set in a natural order, as far as a tokenizer spells it.

    Attributes
    ----------
    name : str
    ids : list of int
        Members that are one token.
    following : list of int
        Of each member, which member is next; -1 where that one is not spelled.
    places : list of int
        Of each member, its place in the whole set, from 0.
    """

    name: str
    ids: list[int]
    following: list[int]
    places: list[int]


def spelled(engine: Engine) -> list[Series]:
    """Return the sets of which enough members are one token.

    Raises
    ------
    NotMeasurable
        If there is no tokenizer.
    """
    if not engine.text.has_tokenizer:
        message = "no tokenizer: which tokens are numbers, days or letters is not known"
        raise NotMeasurable(message)
    return [
        found
        for name, (members, cyclic) in SETS.items()
        if (found := in_order(engine, name, [f" {one}" for one in members], cyclic=cyclic))
    ]


def in_order(engine: Engine, name: str, texts: Sequence[str], *, cyclic: bool) -> Series | None:
    """Return what a tokenizer spells of texts in a natural order; None if that is too little."""
    tokens = [engine.text.ids_after(text) for text in texts]
    there = [i for i, found in enumerate(tokens) if len(found) == 1]
    if len(there) < LEAST:
        return None
    place = {i: at for at, i in enumerate(there)}
    n = len(texts)
    after = [(i + 1) % n if cyclic else i + 1 for i in there]
    ids = [tokens[i][0] for i in there]
    return Series(name, ids, [place.get(i, NONE) for i in after], there)
