"""Where one head looks, as tables: by offset, and look by look with the words around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwidgets.methods.looks import Look, Looked
    from headwidgets.methods.tiles import Tile
    from headwidgets.model.text import Text

OFFSETS = ("to", "offset", "attention", "uniform", "n")
CONTEXTS = (
    *("text", "query_position", "query", "key_position", "key", "offset", "attention", "size"),
    *("before", "between", "after"),
)
BOS = "BOS"
GAP = " … "
"""Stands for the tokens that are left out, before a key and between it and a query far from it."""
_AROUND = 6  # tokens shown in front of a key and of a query that is far from it
_NEXT = 3  # tokens shown after them
_ANCHOR = 4  # tokens of left context that decide how the next one is written


def offsets_table(looked: Looked) -> pd.DataFrame:
    """Lay out the mean attention by offset.

    Returns
    -------
    DataFrame
        to ("BOS", "itself", "1 back", …); offset, missing for BOS; attention, the mean over the
        queries that have such a token in sight; uniform, what a head that spreads evenly would
        have there; n, those queries. Offsets that no query has are left out.
    """
    names = [BOS, "itself", *(f"{d} back" for d in range(1, len(looked.n) - 1))]
    offset = pd.array([pd.NA, *range(len(looked.n) - 1)], dtype="Int64")
    columns = (names, offset, looked.attention, looked.uniform, looked.n)
    frame = pd.DataFrame(dict(zip(OFFSETS, columns, strict=True)))
    return frame[frame["n"] > 0].reset_index(drop=True)


def contexts_table(text: Text, looks: Sequence[Look]) -> pd.DataFrame:
    """Lay out single looks with the words around them.

    Returns
    -------
    DataFrame
        text, which of the texts, from 0; query_position, query, key_position, key, with positions
        in the whole text, BOS included; offset, how far the key is behind; attention; size, see
        `looks.Look`; before (the key), between (the two), after (the query): the surroundings, so
        that ``before + key + between + query + after`` reads on; where a head looks at the query
        itself, key and between are not part of it.
    """
    rows = [_row(text, look) for look in looks]
    return pd.DataFrame(rows, columns=list(CONTEXTS))


def _row(text: Text, look: Look) -> tuple[object, ...]:
    tile, query, key = look.tile, look.query, look.key
    start = max(0, key - _AROUND)
    before = (GAP.lstrip() if start else "") + _words(text, tile, start, key)
    if query - key <= _AROUND + _NEXT + 1:
        between = _words(text, tile, key + 1, query)
    else:
        near = _words(text, tile, key + 1, key + 1 + _NEXT)
        between = near + GAP + _words(text, tile, query - _AROUND, query)
    after = _words(text, tile, query + 1, query + 1 + _NEXT)
    pair = (_words(text, tile, at, at + 1) for at in (query, key))
    where = (at + tile.shift if at else 0 for at in (query, key))
    named = [value for both in zip(where, pair, strict=True) for value in both]
    return (
        *(tile.text, *named, query - key, look.attention, look.size),
        *(before, between, after),
    )


def _words(text: Text, tile: Tile, start: int, stop: int) -> str:
    """Return the text of some tokens of a row, read behind the few before them."""
    anchor = max(0, start - _ANCHOR)
    pieces = text.shown(tile.ids[anchor:stop])
    return "".join(pieces[start - anchor :])
