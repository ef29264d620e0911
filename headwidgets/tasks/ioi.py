"""Indirect object identification (Wang et al. 2022, arXiv 2211.00593)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.tasks.item import Item, write
from headwidgets.tasks.lists import NAMES, OBJECTS, PLACES
from headwidgets.tasks.registry import task

if TYPE_CHECKING:
    from headwidgets.tasks.draw import Draw

# The first two fields are the pair, in either order; {S2} comes again, {IO} is asked for.
_TEMPLATES = (
    "When{A} and{B} went to the{PLACE},{S2} gave a{OBJECT} to",
    "Then{A} and{B} went to the{PLACE}.{S2} gave a{OBJECT} to",
    "After{A} and{B} came to the{PLACE},{S2} handed a{OBJECT} to",
    "Yesterday{A} and{B} met at the{PLACE}.{S2} sent a{OBJECT} to",
    "While{A} and{B} were working at the{PLACE},{S2} gave a{OBJECT} to",
    "The friends{A} and{B} found a{OBJECT} at the{PLACE}.{S2} gave it to",
    "When{A} and{B} were in the{PLACE}, it began to rain, and{S2} gave a{OBJECT} to",
    "Then{A} and{B} were at the{PLACE}. It was late, they were tired, and{S2} gave a{OBJECT} to",
)
_HELD_OUT = (
    "After{A} and{B} went to the{PLACE},{S2} gave a{OBJECT} to",
    "While{A} and{B} were at the{PLACE}, it was late, and{S2} handed a{OBJECT} to",
    "The friends{A} and{B} met in the{PLACE}.{S2} sent a{OBJECT} to",
)


@task(
    name="ioi",
    title="Indirect object identification",
    group="mechanism",
    asks="Two people are named, one of them again: give the other.",
    example="When Mary and John went to the store, John gave a drink to → Mary",
    source="Wang et al. 2022, arXiv 2211.00593 (repository MIT); names and sentences ours",
    templates=_TEMPLATES,
    held_out=_HELD_OUT,
    shown="the second subject becomes a third name (p_ABC): nothing says who is asked for",
)
def ioi(draw: Draw) -> Item:
    """Draw one; both orders of the pair come equally often."""
    first, second, third = draw.sample(draw.words.single(NAMES), 3)
    place, thing = draw.pick(draw.words.single(PLACES)), draw.pick(draw.words.single(OBJECTS))
    subject_first = draw.turn % 2 == 0
    subject, other = (first, second) if subject_first else (second, first)
    names = ("S1", "IO") if subject_first else ("IO", "S1")
    template = draw.template.replace("{A}", f"{{{names[0]}}}").replace("{B}", f"{{{names[1]}}}")
    words = {names[0]: first, names[1]: second, "PLACE": place, "OBJECT": thing}
    return Item(
        clean=write(template, **words, S2=subject),
        corrupted=write(template, **words, S2=third),
        answer=other,
        foil=subject,
        key=tuple(sorted((first, second))),
        options=(other, subject),
        after=".",
    )
