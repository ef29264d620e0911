"""Key and value: facts of several people, one of them asked for (for retrieval heads)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from headwidgets.tasks.item import Item, write
from headwidgets.tasks.lists import COLOURS, NAMES
from headwidgets.tasks.registry import task

if TYPE_CHECKING:
    from headwidgets.tasks.draw import Draw

# A statement, made two to four times of different people, and the question.
_TEMPLATES = (
    "The code of{KEY} is{VALUE}. ... The code of{ASKED} is",
    "The ball of{KEY} is{VALUE}. ... The ball of{ASKED} is",
    "Today{KEY} has a{VALUE} ball. ... The ball of{ASKED} is",
    "My friend{KEY} likes{VALUE}. ... My friend{ASKED} likes",
    "Here{KEY} has a{VALUE} hat. ... Here{ASKED} has a",
)
_HELD_OUT = (
    "The hat of{KEY} is{VALUE}. ... The hat of{ASKED} is",
    "Today{KEY} has a{VALUE} hat. ... Today{ASKED} has a",
    "Here{KEY} has a{VALUE} ball. ... The ball of{ASKED} is",
)
_MOST = 4


@task(
    name="key value",
    title="Key and value",
    group="heads",
    asks="Two to four people have a colour each: give the colour of one of them.",
    example="The code of Mary is red. The code of John is blue. The code of John is → blue",
    source="Retrieval as in Wu et al. 2024, arXiv 2404.15574, in small; sentences ours",
    templates=_TEMPLATES,
    held_out=_HELD_OUT,
    shown="two people change places in the statements: the foil is right",
)
def key_value(draw: Draw) -> Item:
    """Draw one; each place among the statements is asked for equally often.

    KEY and VALUE are the statement that is asked for, KEY2 and VALUE2 the foil's.
    """
    n = 2 + draw.turn % (_MOST - 1)
    at = draw.turn // (_MOST - 1) % n
    foil_at = (at + 1 + int(draw.rng.random() * (n - 1))) % n
    keys = draw.sample(draw.words.single(NAMES), n)
    values = draw.sample(draw.words.single(COLOURS), n)
    template, labels = _prompt(draw.template, n, at, foil_at)
    question = template.rpartition(".")[2]
    said = dict(zip((value for _, value in labels), values, strict=True))
    names = dict(zip((key for key, _ in labels), keys, strict=True))
    swapped = names | {"KEY": keys[foil_at], "KEY2": keys[at]}
    return Item(
        clean=write(template, **names, **said, ASKED=keys[at]),
        corrupted=write(template, **swapped, **said, ASKED=keys[at]),
        answer=values[at],
        foil=values[foil_at],
        key=tuple(sorted(keys)),
        options=tuple(values),
        after=".",
        more=draw.further(
            [(keys[i], values[i]) for i in range(n) if i != at], "." + question, "{ASKED}"
        ),
    )


@lru_cache(maxsize=1024)
def _prompt(template: str, n: int, at: int, foil_at: int) -> tuple[str, list[tuple[str, str]]]:
    """Return the whole prompt, and the labels of each statement's key and value in it."""
    statement, question = template.split(" ... ")
    others = (f"{i}" for i in range(3, n + 1))
    numbers = ["" if i == at else "2" if i == foil_at else next(others) for i in range(n)]
    labels = [(f"KEY{number}", f"VALUE{number}") for number in numbers]
    said = [
        statement.replace("{KEY}", f"{{{key}}}").replace("{VALUE}", f"{{{value}}}")
        for key, value in labels
    ]
    return " ".join([*said, question]), labels
