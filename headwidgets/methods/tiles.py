"""A text of any length as rows that a model can read.

A text longer than the model's context is read in tiles that overlap by half, BOS in front of each
where the text has it: each token is read once as a query, with at least half a context before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from headwidgets.methods.snapshot import Ids


class Tile(NamedTuple):
    """A row of tokens, part of a text or all of it.

    Attributes
    ----------
    ids : tuple of int
    first : int
        The first position that counts as a query; those before it counted in an earlier tile, or
        are the text's first token, which can look nowhere else than at itself.
    shift : int
        What is added to a position of the row for its position in the text.
    bos : bool
        Whether the row begins with BOS.
    text : int
        Which text it is of, from 0.
    """

    ids: Ids
    first: int = 1
    shift: int = 0
    bos: bool = False
    text: int = 0


def tiles(ids: Ids, room: int, bos_id: int | None, text: int = 0) -> list[Tile]:
    """Cut a text into tiles.

    Parameters
    ----------
    ids : tuple of int
    room : int
        Tokens that the model can read at once.
    bos_id : int or None
        The model's beginning-of-sequence token.
    text : int
        Which text it is.
    """
    bos = ids[0] == bos_id
    if len(ids) <= room:
        return [Tile(ids, 1, 0, bos, text)]
    front = ids[:1] if bos else ()
    width = room - len(front)
    out: list[Tile] = []
    start, done = len(front), 1
    while done < len(ids):
        shift = start - len(front)
        row = (*front, *ids[start : start + width])
        out.append(Tile(row, done - shift, shift, bos, text))
        done = shift + len(row)
        start += max(1, width // 2)
    return out
