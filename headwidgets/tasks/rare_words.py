"""Rare words: the one word that stands among common ones (for rare-words heads)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.tasks.item import Item, Written, write
from headwidgets.tasks.lists import OBJECTS, words
from headwidgets.tasks.registry import task

if TYPE_CHECKING:
    from headwidgets.tasks.draw import Draw

_COMMON = words("cat dog bird fish boy girl man woman")
_RARE = (
    *words("lantern feather ribbon candle needle pebble trumpet violin"),
    *OBJECTS,
)
_SLOTS = ("N1", "N2", "N3", "N4", "N5", "N6")

# Two common words fill five of the six places, the rare one the sixth.
_TEMPLATES = (
    "The{N1} saw the{N2}. The{N3} saw the{N4}. The{N5} saw the{N6}. The strange word was",
    "Here is a{N1}, a{N2}, a{N3}, a{N4}, a{N5} and a{N6}. The strange word is",
    "Words:{N1}{N2}{N3}{N4}{N5}{N6}. The new word is",
    "We saw a{N1} and a{N2}, then a{N3} and a{N4}, then a{N5} and a{N6}. The new word was",
    "The{N1} and the{N2} like the{N3}. The{N4} and the{N5} like the{N6}. The strange word is",
)
_HELD_OUT = (
    "The{N1} and the{N2} saw the{N3}. The{N4} and the{N5} saw the{N6}. The strange word was",
    "Here is a{N1} and a{N2}, then a{N3} and a{N4}, then a{N5} and a{N6}. The new word is",
)


@task(
    name="rare words",
    title="Rare words",
    group="heads",
    asks="Two words come again and again, one comes once: give that one.",
    example="The cat saw the dog. The dog saw the lantern. The cat saw the dog. "
    "The strange word was → lantern",
    source="The heads of Voita et al. 2019, arXiv 1905.09418; sentences ours",
    templates=_TEMPLATES,
    held_out=_HELD_OUT,
    shown="the rare word becomes one of the common ones: nothing is rare",
)
def rare_words(draw: Draw) -> Item:
    """Draw one; the rare word comes equally often at each of the six places."""
    one, two = draw.sample(draw.words.single(_COMMON), 2)
    rare = draw.pick(draw.words.single(_RARE))
    others = draw.sample((one, one, one, two, two), 5)
    at = draw.turn % len(_SLOTS)
    last = max(i for i, word in enumerate(others) if word == one)
    places = {"RARE": at, "COMMON": last + (last >= at)}
    return Item(
        clean=_written(draw.template, [*others[:at], rare, *others[at:]], places),
        corrupted=_written(draw.template, [*others[:at], two, *others[at:]], places),
        answer=rare,
        foil=one,
        key=(rare, *sorted((one, two))),
        options=(rare, one, two),
        after=".",
    )


def _written(template: str, filled: list[str], places: dict[str, int]) -> Written:
    """Fill the six places; only those in `places` keep a label."""
    written = write(template, **dict(zip(_SLOTS, filled, strict=True)))
    return Written(written.text, {m: written.marks[_SLOTS[i]] for m, i in places.items()})
