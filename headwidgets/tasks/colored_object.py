"""Which color has the thing (ColoredObject: Merullo et al. 2024, arXiv 2310.08744)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from headwidgets.tasks.item import Item, join, write
from headwidgets.tasks.lists import COLOURS, THINGS, words
from headwidgets.tasks.registry import task

if TYPE_CHECKING:
    from headwidgets.tasks.draw import Draw

_SURFACES = words("table desk floor bed")
_COLORS = tuple((color, color.capitalize()) for color in COLOURS)

# {C} is a color, {O} the thing that has it; {Q} is asked for.
_THREE = "a{C1}{O1}, a{C2}{O2}, and a{C3}{O3}"
_WHICH = "What color is the{Q}?\nA:"
_OF_WHAT = "What is the color of the{Q}?\nA:"
_TEMPLATES = (
    f"Q: On the{{PLACE}}, there is {_THREE}. {_WHICH}",
    f"Q: On the{{PLACE}}, I see {_THREE}. {_WHICH}",
    f"Q: There is {_THREE} on the{{PLACE}}. {_WHICH}",
    f"Q: On the{{PLACE}}, they put {_THREE}. {_OF_WHAT}",
)
_HELD_OUT = (
    f"Q: I see {_THREE} on the{{PLACE}}. {_WHICH}",
    f"Q: On the{{PLACE}}, there is {_THREE}. {_OF_WHAT}",
)
_LABELS = ("O1", "O2", "O3", "xO1", "xO2", "xO3", "C1", "C2", "C3", "xC1", "xC2", "xC3")


@task(
    name="colored object",
    title="Colored objects",
    group="mechanism",
    asks="Three things lie there in three colors: give the color of one.",
    example="Q: On the table, there is a red cup, a blue pen, and a green hat. What color is the "
    "pen? A: → Blue",
    source="Merullo et al. 2024, arXiv 2310.08744 (repository MIT); words and sentences ours",
    templates=_TEMPLATES,
    held_out=_HELD_OUT,
    shown="another of the three things is asked for",
)
def colored_object(draw: Draw) -> Item:
    """Draw one behind a solved one; the first, second and third thing are asked for in turn."""
    things, colors = draw.words.single(THINGS, least=6), draw.words.pairs(_COLORS)
    surfaces = draw.words.single(_SURFACES, least=1)
    asked, solved = draw.turn % 3, int(draw.rng.random() * 3)
    instead = (asked + 1 + draw.turn // 3 % 2) % 3
    some = draw.sample(things, 6)
    here, there = some[:3], some[3:]
    tints, others = draw.sample(colors, 3), draw.sample(colors, 3)
    filled = (*here, *there, *[color for color, _ in tints], *[color for color, _ in others])
    told, end = _told(draw.template)
    front = write(
        told,
        **dict(zip(_LABELS, filled, strict=True)),
        PLACE=draw.pick(surfaces),
        xPLACE=draw.pick(surfaces),
        xQ=there[solved],
        xA=others[solved][1],
    )
    return Item(
        clean=join(front, write(end, Q=here[asked])),
        corrupted=join(front, write(end, Q=here[instead])),
        answer=tints[asked][1],
        foil=tints[instead][1],
        key=(here[asked], tints[asked][0]),
        options=tuple([named for _, named in tints]),
        learned=("xA",),
        after="\n",
        more=draw.further(
            [(here[i], tints[i][1]) for i in range(3) if i != asked],
            f"\nQ: {_WHICH}",
            "{Q}",
        ),
    )


@cache
def _told(template: str) -> tuple[str, str]:
    """Return what stands before the thing asked for, with a solved copy in front, and the rest.

    The labels of the solved copy begin with x.
    """
    solved = template.replace("{", "{x")
    front, field, end = template.partition("{Q}")
    return f"{solved}{{xA}}\n{front}", field + end
