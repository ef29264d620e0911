"""Yes or no: a question about a sentence, the two answers offered in both orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.tasks.item import Item, write
from headwidgets.tasks.lists import NAMES, PLACES, THINGS
from headwidgets.tasks.registry import task

if TYPE_CHECKING:
    from headwidgets.tasks.draw import Draw

# {A} and {B} are yes and no, in either order.
_TEMPLATES = (
    "The answer is{A} or{B}. Today{WHO} has a{SAID}. Has{WHO2} a{ASKED}? The answer is",
    "The answer is{A} or{B}. At the{PLACE}{WHO} found a{SAID}. Is it a{ASKED}?",
    "My friend{WHO} has a{SAID}. Now answer{A} or{B}. Is it a{ASKED}?",
    "Here{WHO} found a{SAID}. Now answer{A} or{B}. Has{WHO2} a{ASKED}?",
    "Today{WHO} found a{SAID} at the{PLACE}. Now answer{A} or{B}. Is it a{ASKED}? The answer is",
)
_HELD_OUT = (
    "The answer is{A} or{B}. My friend{WHO} has a{SAID}. Is it a{ASKED}?",
    "Here{WHO} found a{SAID}. Now answer{A} or{B}. Is it a{ASKED}? The answer is",
)


@task(
    name="yes no",
    title="Yes or no",
    group="heads",
    asks="A sentence says what somebody has: say whether it is what the question names.",
    example="My friend Mary has a ball. Now answer yes or no. Is it a key? → no",
    source="The form of Yu et al. 2024, arXiv 2408.00137; sentences ours",
    templates=_TEMPLATES,
    held_out=_HELD_OUT,
    shown="the sentence says another thing, and the other answer is right",
)
def yes_no(draw: Draw) -> Item:
    """Draw one; yes and no, and the two orders in which they are offered, come in turn.

    tYes and tNo are where they are offered, as in the negative attention score (Yu et al. 2024).
    """
    yes, no = draw.words.single(("yes", "no"), least=2)
    asked, other, third = draw.sample(draw.words.single(THINGS), 3)
    who = draw.pick(draw.words.single(NAMES))
    right = draw.turn % 2 == 0
    order = ("tYes", "tNo") if draw.turn // 2 % 2 == 0 else ("tNo", "tYes")
    template = draw.template.replace("{A}", f"{{{order[0]}}}").replace("{B}", f"{{{order[1]}}}")
    words = {"tYes": yes, "tNo": no, "WHO": who, "ASKED": asked}
    if "{WHO2}" in template:
        words["WHO2"] = who
    if "{PLACE}" in template:
        words["PLACE"] = draw.pick(draw.words.single(PLACES))
    said = asked if right else other
    rest = sorted({said, other, third} - {asked})
    return Item(
        clean=write(template, **words, SAID=said),
        corrupted=write(template, **words, SAID=other if right else asked),
        answer=yes if right else no,
        foil=no if right else yes,
        key=(who, asked),
        options=(yes, no),
        after=".",
        more=tuple(
            (f". Is it a{thing}?", yes if thing == said else no)
            for thing in draw.sample(rest, len(rest))
        ),
    )
