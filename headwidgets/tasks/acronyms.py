"""Acronyms: three words, the first letters of two, give the third's (for letter movers)."""

from __future__ import annotations

from string import ascii_uppercase
from typing import TYPE_CHECKING

from headwidgets.tasks.item import Item, combined, write
from headwidgets.tasks.lists import NAMES
from headwidgets.tasks.registry import task
from headwidgets.tasks.words import CutWordsError

if TYPE_CHECKING:
    from headwidgets.tasks.draw import Draw
    from headwidgets.tasks.words import Words

_HELD_OUT = (
    "In short, the{W1}{W2}{W3} is called{L1}{L2}",
    "Here is{W1}{W2}{W3}, called{L1}{L2}",
    "The letters of{W1}{W2}{W3} are{L1}{L2}",
)
_TEMPLATES = combined(
    (
        "The",
        "Here is",
        "Here is the",
        "Here:",
        "In short,",
        "In short, the",
        "In short:",
        "The letters of",
        "The letters of the",
        "The first letters of",
    ),
    ("{W1}{W2}{W3}",),
    (
        " is called",
        " is",
        " are",
        " are called",
        ", called",
        ", or",
        ", in short",
        ". In short:",
        ":",
    ),
    ("{L1}{L2}",),
    without=_HELD_OUT,
)
_LETTERS = 4
"""Three in the prompt, and the foil."""


@task(
    name="acronyms",
    title="Acronyms",
    group="heads",
    asks="Three words are shortened to their first letters: give the third letter.",
    example="The Mary John Alice is called M J → A",
    source="García-Carrasco et al. 2024, arXiv 2405.04156; words and sentences ours",
    templates=_TEMPLATES,
    held_out=_HELD_OUT,
    shown="the third word begins with another letter, the foil",
)
def acronyms(draw: Draw) -> Item:
    """Draw one: three words with different letters, each letter the answer equally often."""
    initials = draw.words.once(_initials)
    letters = tuple(initials)
    answer = draw.turned(letters)
    first, second, foil = draw.sample([one for one in letters if one != answer], 3)
    one, two, three, other = (draw.pick(initials[x]) for x in (first, second, answer, foil))
    words = {"W1": one, "W2": two, "L1": first, "L2": second}
    return Item(
        clean=write(draw.template, **words, W3=three),
        corrupted=write(draw.template, **words, W3=other),
        answer=answer,
        foil=foil,
        key=(two, three),
        options=letters,
        learned=("L1", "L2"),
        after=".",
    )


def _initials(words: Words) -> dict[str, tuple[str, ...]]:
    """Return the names that begin with each letter, where both are one token."""
    names = words.single(NAMES)
    letters = words.single(ascii_uppercase, least=_LETTERS)
    found = {x: tuple(name for name in names if name.startswith(x)) for x in letters}
    found = {letter: some for letter, some in found.items() if some}
    if len(found) < _LETTERS:
        raise CutWordsError((*NAMES, *ascii_uppercase), len(found), _LETTERS, words)
    return found
