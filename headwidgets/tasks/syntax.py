"""Syntactic arcs: a verb agrees with its subject, not with the noun between (syntactic heads)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.tasks.item import Item, write
from headwidgets.tasks.lists import PLACES
from headwidgets.tasks.registry import task

if TYPE_CHECKING:
    from headwidgets.tasks.draw import Draw

_NOUNS = (
    ("boy", "boys"),
    ("girl", "girls"),
    ("man", "men"),
    ("woman", "women"),
    ("friend", "friends"),
    ("cat", "cats"),
    ("dog", "dogs"),
    ("bird", "birds"),
)
_NOW, _THEN = (" is", " are"), (" was", " were")

# The first word says which tense is asked for.
_TEMPLATES = (
    "Today the{SUBJECT} near the{DISTRACTOR}",
    "Yesterday the{SUBJECT} with the{DISTRACTOR}",
    "Today the{SUBJECT} behind the{DISTRACTOR} in the{PLACE}",
    "Yesterday the{SUBJECT} that saw the{DISTRACTOR}",
    "Today the old{SUBJECT} with the{DISTRACTOR} near the{PLACE}",
    "Yesterday the old{SUBJECT} behind the{DISTRACTOR}",
)
_HELD_OUT = (
    "Today the{SUBJECT} that saw the{DISTRACTOR}",
    "Yesterday the{SUBJECT} near the{DISTRACTOR}",
    "Today the old{SUBJECT} behind the{DISTRACTOR} in the{PLACE}",
)


@task(
    name="syntactic arcs",
    title="Syntactic arcs",
    group="heads",
    asks="A phrase stands between subject and verb: make the verb agree with the subject.",
    example="Today the boys near the girl → are",
    source="Linzen et al. 2016, arXiv 1611.01368, and Voita et al. 2019; sentences ours",
    templates=_TEMPLATES,
    held_out=_HELD_OUT,
    shown="the subject changes its number, and so does the verb",
)
def syntactic_arcs(draw: Draw) -> Item:
    """Draw one; each number of the subject meets each number of the noun between equally often."""
    subject, distractor = draw.sample(draw.words.pairs(_NOUNS), 2)
    number, other = draw.turn % 2, draw.turn // 2 % 2
    verbs = _NOW if draw.template.startswith("Today") else _THEN
    words = {"DISTRACTOR": distractor[other]}
    if "{PLACE}" in draw.template:
        words["PLACE"] = draw.pick(draw.words.single(PLACES))
    return Item(
        clean=write(draw.template, **words, SUBJECT=subject[number]),
        corrupted=write(draw.template, **words, SUBJECT=subject[1 - number]),
        answer=verbs[number],
        foil=verbs[1 - number],
        key=(subject[0], distractor[0]),
        options=(verbs[number], verbs[1 - number]),
        after=" happy.",
    )
