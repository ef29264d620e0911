"""Phrases of film reviews with their sentiment (SST-2: Socher et al. 2013)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.tasks.cells import Cells, Read
from headwidgets.tasks.item import Item, Written, join, marked, write
from headwidgets.tasks.lists import words
from headwidgets.tasks.registry import task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwidgets.tasks.draw import Draw

# The n-th words of the two lists are each other's opposites, roughly; none begins with a vowel.
_PRAISE = words("good wonderful lovely funny beautiful brilliant charming moving clever fresh")
_BLAME = words("bad horrible nasty boring grim stupid silly dull lazy stale")
LABELS = ("negative", "positive")
"""In the order of the benchmark's numbers, 0 and 1."""

_TEMPLATES = (
    "Review: a{ADJ} and{ADJ2} film\nSentiment:",
    "Review: this{ADJ} story makes for a{ADJ2} evening\nSentiment:",
    "Review: the cast is{ADJ}, and so is the{ADJ2} plot\nSentiment:",
    "Review: from its{ADJ} start to its{ADJ2} end\nSentiment:",
    "Review: never less than{ADJ}, and often{ADJ2}\nSentiment:",
)
_HELD_OUT = (
    "Review: a{ADJ} story with a{ADJ2} cast\nSentiment:",
    "Review: the plot is{ADJ}, and the end is{ADJ2}\nSentiment:",
    "Review: what a{ADJ} story, and what a{ADJ2} film\nSentiment:",
    "Review: a film that is{ADJ} and an evening that is{ADJ2}\nSentiment:",
)


@task(
    name="sst-2",
    title="SST-2",
    group="common",
    asks="A phrase of a film review: say whether it is positive or negative.",
    example="Review: a lovely and clever film Sentiment: → positive",
    source="Socher et al. 2013 (Stanford Sentiment Treebank, licence unclear); phrases ours",
    templates=_TEMPLATES,
    held_out=_HELD_OUT,
    shown="both adjectives become their opposites",
    trained=False,
)
def sst_2(draw: Draw) -> Item:
    """Draw one; praise and blame come in turn. The whole phrase is labelled TEXT."""
    labels = draw.words.single(LABELS, least=len(LABELS))
    pairs = draw.words.pairs(tuple(zip(_BLAME, _PRAISE, strict=True)))
    first, second = draw.sample(pairs, 2)
    kind = draw.turn % 2
    phrase = draw.template.removeprefix("Review:").removesuffix("\nSentiment:")
    return Item(
        clean=review(write(phrase, ADJ=first[kind], ADJ2=second[kind])),
        corrupted=review(write(phrase, ADJ=first[1 - kind], ADJ2=second[1 - kind])),
        answer=labels[kind],
        foil=labels[1 - kind],
        key=(first[kind], second[kind]),
        options=labels,
        after=".",
    )


def review(text: Written | str) -> Written:
    """Put a phrase, a space in front of it, into the frame; label it TEXT."""
    return join("Review:", marked("TEXT", text), "\nSentiment:")


COLUMNS = (("sentence", "text"), ("label",))


def read(cells: Cells, _others: Sequence[Cells]) -> Read:
    """Read a row of the benchmark: sentence or text, label (0 negative, 1 positive)."""
    kind = cells.label("label", LABELS)
    labels = tuple(f" {label}" for label in LABELS)
    item = Item(
        clean=review(f" {cells.text('sentence', 'text')}"),
        corrupted=None,
        answer=labels[kind],
        foil=labels[1 - kind],
        key=(cells.place,),
        options=labels,
    )
    return Read(item, "sst-2")
