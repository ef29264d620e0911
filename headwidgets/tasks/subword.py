"""Subword pieces: words that a tokenizer cuts, begun a second time (for subword merge heads)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from headwidgets.errors import InputError
from headwidgets.tasks.item import Item, Spelled
from headwidgets.tasks.lists import words as _words
from headwidgets.tasks.registry import task

if TYPE_CHECKING:
    from headwidgets.tasks.draw import Draw
    from headwidgets.tasks.words import Words

LONG = _words("""
    sunflower sunlight sunrise moonlight rainbow raincoat rainstorm snowball snowman snowflake
    football doorbell bluebird blackbird blackberry butterfly buttercup dragonfly firefly
    grasshopper hedgehog bumblebee goldfish starfish watermelon waterfall windmill wheelbarrow
    milkmaid beekeeper lamplighter storyteller gatekeeper housekeeper bookshop bookkeeper
    greenhouse farmhouse lighthouse treehouse riverbank fisherman fireplace candlestick
    toothbrush paintbrush hairbrush armchair wheelchair handwriting birdwatcher nightingale
    thunderstorm strawberry cornflower playground gingerbread shopkeeper clockmaker skyscraper
""")
"""Sixty longer words; a tokenizer spells some of them in several pieces."""

_LEAST = 6
_TEMPLATES = (
    "We saw the{A} and the{B}, and again the{C}",
    "One day a{A} was near a{B}. They looked at the{C}",
    "I like the{A} and the{B}. You like the{C}",
    "Here is the{A}, and there is the{B}. Look at the{C}",
)
_HELD_OUT = (
    "Here is the{A}, and there is the{B}. You like the{C}",
    "We saw the{A} and the{B}. They looked at the{C}",
)


class Cut(NamedTuple):
    """A word in pieces, and the words that may stand beside it.

    Attributes
    ----------
    word : str
    ids : tuple of int
    rivals : tuple of (str, tuple of int)
        Words of as many pieces, of which the first ones and the last are others.
    """

    word: str
    ids: tuple[int, ...]
    rivals: tuple[tuple[str, tuple[int, ...]], ...]


@task(
    name="subword pieces",
    title="Subword pieces",
    group="heads",
    asks="A word of several pieces comes again, all but its last piece: give that.",
    example="We saw the butter·fly and the sun·flower, and again the butter → fly",
    source="The heads of Ferrando and Voita 2024, arXiv 2403.00824; words and sentences ours",
    templates=_TEMPLATES,
    held_out=_HELD_OUT,
    shown="the pieces at the end are those of the other word",
)
def subword_pieces(draw: Draw) -> Item:
    """Draw one; which of the two words comes again is balanced."""
    cut = draw.pick(draw.words.once(_cut))
    rival, pieces = draw.pick(cut.rivals)
    a, b, c = draw.words.once(_carriers)[draw.template]
    first, second = (cut.ids, pieces) if draw.turn % 2 == 0 else (pieces, cut.ids)
    begun = len(a) + len(first) + len(b) + len(second) + len(c)
    front = (*a, *first, *b, *second, *c)
    at = len(a) if draw.turn % 2 == 0 else begun - len(c) - len(second)
    size = len(cut.ids)
    marks = {
        "WORD": (at, at + size),
        "LAST": (at + size - 1, at + size),
        "FIRST": (begun, begun + 1),
        "PIECES": (begun, begun + size - 1),
    }
    return Item(
        clean=Spelled((*front, *cut.ids[:-1]), marks),
        corrupted=Spelled((*front, *pieces[:-1]), marks),
        answer=cut.ids[-1],
        foil=pieces[-1],
        key=tuple(sorted((cut.word, rival))),
        options=(cut.ids[-1], pieces[-1]),
        after=".",
    )


def _pieces(words: Words, text: str) -> tuple[int, ...]:
    """Return the tokens of `text` behind another word."""
    before = words.text.encode("a")
    return tuple(words.text.encode(f"a{text}")[len(before) :])


def _cut(words: Words) -> tuple[Cut, ...]:
    """Return the words that the tokenizer cuts and that have a rival."""
    spelled = {f" {word}": _pieces(words, f" {word}") for word in LONG}
    several = {word: ids for word, ids in spelled.items() if len(ids) > 1}
    found = []
    for word, ids in several.items():
        rivals = tuple(
            (other, pieces)
            for other, pieces in several.items()
            if len(pieces) == len(ids) and pieces[:-1] != ids[:-1] and pieces[-1] != ids[-1]
        )
        if rivals:
            found.append(Cut(word, ids, rivals))
    if len(found) < _LEAST:
        whole = [repr(word) for word, ids in spelled.items() if len(ids) == 1]
        message = (
            f"expected at least {_LEAST} words of several tokens, as many in one as in another, "
            f"got {len(found)}; one token each: {', '.join(whole[:8]) or 'none'}"
        )
        raise InputError(message)
    return tuple(found)


def _carriers(words: Words) -> dict[str, tuple[tuple[int, ...], ...]]:
    """Return the tokens of what stands before, between and behind the words of a template."""
    return {template: _around(words, template) for template in (*_TEMPLATES, *_HELD_OUT)}


def _around(words: Words, template: str) -> tuple[tuple[int, ...], ...]:
    before, rest = template.split("{A}")
    between, rest = rest.split("{B}")
    start = words.text.encode(before)
    bos = int(words.text.prepend_bos)
    return tuple(start[bos:]), _pieces(words, between), _pieces(words, rest.partition("{C}")[0])
