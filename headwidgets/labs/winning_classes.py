"""The classes of a successor head's winning cases, as Gould et al. 2023 have them.

arXiv 2312.09230, section 5; see `headwidgets.labs.on_text.on_text`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.tasks.series import SETS

if TYPE_CHECKING:
    from collections.abc import Sequence

CLASSES = ("successorship", "acronym", "copying", "greater-than", "none")
"""In the order in which they are asked."""
_LEAST = 2  # letters of an acronym


def classed(pieces: Sequence[str], at: int, attended: Sequence[int]) -> tuple[str, str]:
    """Class what comes after position `at`, by the keys attended to, the most first.

    Returns
    -------
    class : str
        One of `CLASSES`.
    because : str
        The attended token that it is due to, "" for none.
    """
    right = pieces[at + 1].strip()
    words = [pieces[key].strip() for key in attended]
    for word in words:
        if right and right in _after(word):
            return "successorship", word
    if words and _shortens(pieces, at + 1) and words[0][:1].upper() == right[-1]:
        return "acronym", words[0]
    if right and right in words:
        return "copying", right
    for word in words:
        if _later(right, word):
            return "greater-than", word
    return "none", ""


def _after(word: str) -> list[str]:
    """Return the members that follow a word, in any set."""
    out = []
    for members, cyclic in SETS.values():
        if word in members:
            place = members.index(word) + 1
            if place < len(members) or cyclic:
                out.append(members[place % len(members)])
    return out


def _later(right: str, word: str) -> bool:
    return any(
        right in members and word in members and members.index(right) > members.index(word)
        for members, _ in SETS.values()
    )


def _shortens(pieces: Sequence[str], at: int) -> bool:
    """Whether a token is capital letters, several of them with what it goes on from."""
    word = pieces[at].strip()
    if not (word.isalpha() and word.isupper()):
        return False
    goes_on = pieces[at][:1].isalpha() and pieces[at - 1][-1:].isupper()
    return len(word) >= _LEAST or goes_on
