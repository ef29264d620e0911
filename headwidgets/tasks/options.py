"""Options: what a sentence says, and four answers with labels in any order (for letter heads)."""

from __future__ import annotations

from functools import lru_cache
from itertools import permutations
from typing import TYPE_CHECKING

from headwidgets.tasks.item import Item, Written, write
from headwidgets.tasks.lists import COLOURS, NAMES, THINGS
from headwidgets.tasks.registry import task

if TYPE_CHECKING:
    from headwidgets.tasks.draw import Draw

# Four times a label and what it stands for, in the order of their places.
_BARE = "{L1}{O1}{L2}{O2}{L3}{O3}{L4}{O4}"
_COLONS = "{L1}:{O1}{L2}:{O2}{L3}:{O3}{L4}:{O4}"
_COMMAS = "{L1}{O1},{L2}{O2},{L3}{O3},{L4}{O4}"

_TEMPLATES = (
    "Today{WHO} has a{THING}. What is it?" + _COLONS + ". The answer is",
    "Here{WHO} found a{THING}. What is it?" + _BARE + ". The answer is",
    "My friend{WHO} has a{THING}. The options are" + _COMMAS + ". What is it? The answer is",
    "The hat of{WHO} is{COLOR}. What color is it?" + _BARE + ". The answer is",
    "The code of{WHO} is{COLOR}. The options are" + _COLONS + ". What is it? The answer is",
)
_HELD_OUT = (
    "My friend{WHO} has a{THING}. What is it?" + _BARE + ". The answer is",
    "Here{WHO} found a{THING}. The options are" + _COLONS + ". What is it? The answer is",
)
LABELS = ("A", "B", "C", "D")
_FIELDS = (*LABELS, *(f"OPTION_{label}" for label in LABELS), "WHO")
_ORDERS = tuple(permutations(LABELS))
_STRIDE = 7
"""From one order of the labels to the next; it shares no factor with their number."""


@task(
    name="options",
    title="Options with permuted labels",
    group="heads",
    asks="A sentence says what it is, four options have a letter each: give the right letter.",
    example="Today Mary has a ball. What is it? A: key C: hat B: ball D: cup. The answer is → B",
    source="As in Lieberum et al. 2023, arXiv 2307.09458, but answered by the prompt; sentences "
    "ours",
    templates=_TEMPLATES,
    held_out=_HELD_OUT,
    shown="the sentence says what another option, the foil, stands for",
)
def options(draw: Draw) -> Item:
    """Draw one; 96 in turn have each order of the labels with each place of the right one.

    The letters are labelled A to D wherever they stand, and what they stand for OPTION_A to
    OPTION_D; the right pair is LABEL and OPTION too.
    """
    letters = draw.words.single(LABELS, least=len(LABELS))
    order = _ORDERS[draw.turn // 4 * _STRIDE % len(_ORDERS)]
    right = order[draw.turn % 4]
    foil = order[(draw.turn + 1 + int(draw.rng.random() * 3)) % 4]
    template, things = _ordered(draw.template, order)
    contents = draw.sample(draw.words.single(things), 4)
    who = draw.pick(draw.words.single(NAMES))
    words = dict(zip(_FIELDS, (*letters, *contents, who), strict=True))
    text, marks = write(template, **words, SAID=words[f"OPTION_{right}"])
    return Item(
        clean=Written(text, marks | {"LABEL": marks[right], "OPTION": marks[f"OPTION_{right}"]}),
        corrupted=write(template, **words, SAID=words[f"OPTION_{foil}"]),
        answer=words[right],
        foil=words[foil],
        key=tuple(sorted(contents)),
        options=letters,
        after=".",
        more=draw.further(
            [(words[f"OPTION_{label}"], words[label]) for label in LABELS if label != right],
            ". The answer for{THING} is",
            "{THING}",
        ),
    )


@lru_cache(maxsize=1024)
def _ordered(template: str, order: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return a template with the labels in that order, and the words that it is about."""
    things = COLOURS if "{COLOR}" in template else THINGS
    template = template.replace("{COLOR}", "{SAID}").replace("{THING}", "{SAID}")
    for place, label in enumerate(order, 1):
        template = template.replace(f"{{L{place}}}", f"{{{label}}}")
        template = template.replace(f"{{O{place}}}", f"{{OPTION_{label}}}")
    return template, things
