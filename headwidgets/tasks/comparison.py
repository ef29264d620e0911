"""Comparison: two people, two numbers, the one with more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.tasks.item import Item, write
from headwidgets.tasks.lists import NAMES, PLACES
from headwidgets.tasks.registry import task

if TYPE_CHECKING:
    from headwidgets.tasks.draw import Draw

NUMBERS = tuple(str(number) for number in range(1, 100))
_LEAST = 9
"""Numbers that a tokenizer must have: those of one digit are enough."""

_TEMPLATES = (
    "Today{P} has{N} and{Q} has{M}. The one with more is",
    "Here{P} found{N} and{Q} found{M}. The one who found more is",
    "At the{PLACE}{P} got{N} and{Q} got{M}. The one with more is",
    "When{P} got{N},{Q} got{M}. The one who got more is",
    "Yesterday{P} sent{N} and{Q} sent{M}. The one who sent more is",
)
_HELD_OUT = (
    "Yesterday{P} found{N} and{Q} found{M}. The one with more is",
    "When{P} sent{N},{Q} sent{M}. The one who sent more is",
)


@task(
    name="comparison",
    title="Comparison",
    group="heads",
    asks="Two people have a number each: give the one with more.",
    example="Today Mary has 3 and John has 7. The one with more is → John",
    source="As in the greater-than task of Hanna et al. 2023, arXiv 2305.00586; sentences ours",
    templates=_TEMPLATES,
    held_out=_HELD_OUT,
    shown="the numbers change places, and the other one has more",
)
def comparison(draw: Draw) -> Item:
    """Draw one; the first and the second have more in turn."""
    more, less = draw.sample(draw.words.single(NAMES), 2)
    numbers = draw.words.single(NUMBERS, least=_LEAST)
    i, j = draw.sample(range(len(numbers)), 2)
    low, high = numbers[min(i, j)], numbers[max(i, j)]
    first, second = (("MORE", "HIGH"), ("LESS", "LOW"))[:: 1 if draw.turn % 2 == 0 else -1]
    template = draw.template
    for field, label in zip("PNQM", (*first, *second), strict=True):
        template = template.replace(f"{{{field}}}", f"{{{label}}}")
    words = {"MORE": more, "LESS": less}
    if "{PLACE}" in template:
        words["PLACE"] = draw.pick(draw.words.single(PLACES))
    return Item(
        clean=write(template, **words, HIGH=high, LOW=low),
        corrupted=write(template, **words, HIGH=low, LOW=high),
        answer=more,
        foil=less,
        key=(low, high),
        options=(more, less),
        after=".",
    )
