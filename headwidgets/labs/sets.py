"""The sets in a natural order, as a session's tokenizer spells them: what all steps ask about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from headwidgets.errors import InputError, NotMeasurable
from headwidgets.heads import Head
from headwidgets.methods.options import read_known
from headwidgets.tasks.series import SETS
from headwidgets.taxonomy.orders import spelled
from headwidgets.taxonomy.successors import VARIANTS, known_of

if TYPE_CHECKING:
    from headwidgets.model.engine import Engine
    from headwidgets.taxonomy.orders import Series
    from headwidgets.taxonomy.successors import Known


def engine_of(session: Any) -> Engine:
    """Return a session's engine; an engine is one itself."""
    found: Engine = getattr(session, "engine", session)
    if not hasattr(found, "text"):
        message = f"expected a session or its engine, got {session!r:.80}"
        raise InputError(message)
    return found


def data(session: Any) -> pd.DataFrame:
    """Return the members of the eight sets, and which of them the tokenizer spells.

    Parameters
    ----------
    session : Session or Engine

    Returns
    -------
    DataFrame
        One row a member: set, place (from 0), member, token (its id, <NA> where it is several),
        next (the member that follows, "" at the end of a set that does not wrap), pair (whether
        both are one token).
    """
    engine = engine_of(session)
    there = {one.name: one for one in spelled(engine)}
    rows = []
    for name, (words, cyclic) in SETS.items():
        tokens = {member: engine.text.ids_after(f" {member}") for member in words}
        single = {member for member, ids in tokens.items() if len(ids) == 1}
        if name not in there:
            single = set()  # too few to ask about
        for place, member in enumerate(words):
            last = place + 1 == len(words)
            after = "" if last and not cyclic else words[(place + 1) % len(words)]
            token = tokens[member][0] if member in single else pd.NA
            rows.append((name, place, member, token, after, member in single and after in single))
    frame = pd.DataFrame(rows, columns=["set", "place", "member", "token", "next", "pair"])
    frame["token"] = frame["token"].astype("Int64")
    return frame


def members(series: Series) -> list[str]:
    """Return the members of a set that are one token, without the space in front."""
    return [SETS[series.name][0][place] for place in series.places]


def check_variant(variant: object) -> None:
    """Raise InputError unless there is such a variant."""
    read_known("a successor score", variant=(variant, VARIANTS))


def known_sets(engine: Engine, variant: str) -> list[Known]:
    """Return the sets that a tokenizer spells, as a variant has them.

    Raises
    ------
    InputError
        If there is no such variant.
    NotMeasurable
        If no set is spelled, or the variant needs a first MLP and there is none that runs.
    """
    check_variant(variant)
    found = spelled(engine)
    if not found:
        message = "the tokenizer cuts the members of all eight sets: there is nothing to ask"
        raise NotMeasurable(message)
    return [known_of(engine, one, variant) for one in found]


def known_set(engine: Engine, name: str, variant: str) -> Known:
    """Return one set.

    Raises
    ------
    InputError
        If there is none of that name, or no such variant.
    NotMeasurable
        If the tokenizer does not spell it.
    """
    if name not in list(SETS):  # a list takes whatever was given
        message = f"expected a set among {', '.join(SETS)}, got {name!r:.80}"
        raise InputError(message)
    check_variant(variant)
    found = [one for one in spelled(engine) if one.name == name]
    if not found:
        message = f"the tokenizer cuts the members of {name!r}"
        raise NotMeasurable(message)
    return known_of(engine, found[0], variant)


def asked(session: Any, head: object, name: str, variant: str) -> tuple[Engine, Head, Known]:
    """Return a session's engine, the head that is meant and a set in a variant.

    Raises
    ------
    InputError, NotMeasurable
        As `known_set`, or if there is no such head.
    """
    engine = engine_of(session)
    which = Head.parse(head).within(engine.facts.n_layers, engine.facts.n_heads)
    return engine, which, known_set(engine, name, variant)
