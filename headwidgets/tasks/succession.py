"""What comes next in a natural order (Gould et al. 2023, arXiv 2312.09230)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.tasks.item import combined
from headwidgets.tasks.lists import NAMES, OBJECTS, THINGS
from headwidgets.tasks.registry import task
from headwidgets.tasks.series import SETS, continued, runs_of

if TYPE_CHECKING:
    from headwidgets.tasks.draw import Draw
    from headwidgets.tasks.item import Item
    from headwidgets.tasks.words import Words

__all__ = ["SETS"]

# ---------------------------------------------------------------------- members alone


# A larger set comes oftener, about as the root of its size.
_OFTEN = (
    *["numbers"] * 6,
    *["letters"] * 3,
    *["number words"] * 2,
    *["months", "month prefixes", "days", "day prefixes", "ordinals"],
)

_ALONE_HELD_OUT = (
    "The list goes{M1},{M2},{M3},",
    "In order:{M1}{M2}{M3}",
    "They count:{M1},{M2}, and then",
    "In order:{M1}, then{M2}, then{M3}, then",
    "The list goes{M1},{M2}, and then",
)
_ALONE = combined(
    ("In order:", "They count:", "They count", "The list goes", "The list:", "Then", "Now:"),
    (
        "{M1},{M2},{M3},",
        "{M1},{M2},",
        "{M1}{M2}{M3}",
        "{M1}{M2}",
        "{M1},{M2},{M3}, and then",
        "{M1},{M2}, and then",
        "{M1}, then{M2}, then{M3}, then",
        "{M1}, then{M2}, then",
    ),
    without=_ALONE_HELD_OUT,
)


@task(
    name="succession",
    title="Succession",
    group="mechanism",
    asks="Go on: numbers, number words, ordinals, days, months, their short forms, letters.",
    example="In order: Monday, Tuesday, → Wednesday",
    source="Gould et al. 2023, arXiv 2312.09230: the eight sets; sentences ours",
    templates=_ALONE,
    held_out=_ALONE_HELD_OUT,
    shown="the members become others of the set, of which none leads to the next",
)
def succession(draw: Draw) -> Item:
    """Draw one: what may be new is the place of the first member in its set."""
    name = draw.pick(draw.words.once(_often))
    runs = draw.words.once(runs_of)[name]
    run = draw.pick(runs.by_length[draw.template.count("{M")])
    # With this key, a member and the next are always trained on in some stretch: a test holds it.
    return continued(draw, runs, run, (name, "begins", runs.place[run[0]]))


def _often(words: Words) -> tuple[str, ...]:
    """Return the sets that a tokenizer spells, or all, if there are none."""
    runs = words.once(runs_of)
    return tuple(name for name in _OFTEN if runs[name].spelled) or _OFTEN


# ---------------------------------------------------------------------- in sentences


def _people(start: str, says: str, rest: str = "") -> str:
    """Return three sentences about three people, and a fourth up to its member."""
    told = (f"{{N{i}}} {says}{{M{i}}}{rest}." for i in (1, 2, 3))
    return f"{start}{''.join(told)}{{N4}} {says}"


_SENTENCES = {
    _people("My friend", "was born in"): "months",
    _people("Then", "came home in"): "months",
    _people("My friend", "was born on"): "days",
    _people("Then", "came home on"): "days",
    _people("My friend", "has", " books"): "numbers",
    _people("Then", "lost", " games"): "numbers",
    _people("My friend", "got", " books"): "number words",
    _people("Then", "found", " books"): "number words",
    _people("My friend", "is in row"): "letters",
    _people("Then", "was in row"): "letters",
    _people("My friend", "came"): "ordinals",
    _people("Then", "was"): "ordinals",
    _people("In order:", "was born in"): "months",
    _people("In order:", "came home on"): "days",
    _people("Today", "found", " books"): "numbers",
    _people("Today", "got", " books"): "number words",
    _people("In order:", "is in row"): "letters",
    _people("Today", "came"): "ordinals",
}
_SENTENCES_HELD_OUT = {
    _people("Then", "was born in"): "months",
    _people("My friend", "came home on"): "days",
    _people("My friend", "found", " books"): "numbers",
    _people("Then", "got", " books"): "number words",
    _people("Then", "is in row"): "letters",
    _people("Then", "came"): "ordinals",
}
_SET_OF = _SENTENCES | _SENTENCES_HELD_OUT
_RUN_OF = 3


@task(
    name="succession in sentences",
    title="Succession in sentences",
    group="mechanism",
    asks="Sentences of people name members of a set in order: give the next member.",
    example="Mary was born in February. John was born in March. Tom was born in April. Anna was "
    "born in → May",
    source="Lan et al. 2023, arXiv 2311.04131 (repository MIT); names and sentences ours",
    templates=tuple(_SENTENCES),
    held_out=tuple(_SENTENCES_HELD_OUT),
    shown="the members become others of the set, of which none leads to the next",
)
def succession_in_sentences(draw: Draw) -> Item:
    """Draw one: what may be new is the first person with the first member."""
    name = _SET_OF[draw.template]
    runs = draw.words.once(runs_of)[name]
    run = draw.pick(runs.by_length[_RUN_OF])
    people = draw.sample(draw.words.single(NAMES), 4)
    names = {f"N{i}": person for i, person in enumerate(people, 1)}
    return continued(draw, runs, run, (run[0], people[0]), **names)


# ---------------------------------------------------------------------- numbered lists


_LISTED = tuple(dict.fromkeys((*THINGS, *OBJECTS)))
_LISTS_HELD_OUT = (
    "We have{M1}.{T1}{M2}.{T2}{M3}.{T3}",
    "My list:{M1}:{T1},{M2}:{T2},{M3}:{T3},",
    "Take{M1}:{T1},{M2}:{T2},",
)
_LISTS = combined(
    ("My list:", "We have", "The list:", "Take", "Here is my list:"),
    (
        "{M1}.{T1}{M2}.{T2}{M3}.{T3}",
        "{M1}.{T1}{M2}.{T2}",
        "{M1}:{T1},{M2}:{T2},{M3}:{T3},",
        "{M1}:{T1},{M2}:{T2},",
        "{M1}.{T1}.{M2}.{T2}.{M3}.{T3}.",
        "{M1}.{T1}.{M2}.{T2}.",
    ),
    without=_LISTS_HELD_OUT,
)
_FIRST = 16  # lists begin with a number up to it


@task(
    name="numbered lists",
    title="Numbered lists",
    group="mechanism",
    asks="Give the number of the next line of a list.",
    example="My list: 1. cup 2. bag 3. pen → 4",
    source="Gould et al. 2023, arXiv 2312.09230 (numbered lists in text); words ours",
    templates=_LISTS,
    held_out=_LISTS_HELD_OUT,
    shown="the numbers become others, of which none leads to the next",
)
def numbered_lists(draw: Draw) -> Item:
    """Draw one, its first number in turn: what may be new is that with the first thing."""
    runs = draw.words.once(runs_of)["numbers"]
    shown = draw.template.count("{M")
    run = draw.turned(runs.by_length[shown][:_FIRST])
    listed = draw.sample(draw.words.single(_LISTED), shown)
    things = {f"T{i}": thing for i, thing in enumerate(listed, 1)}
    few = runs._replace(members=runs.members[: _FIRST + shown + 1])
    return continued(draw, few, run, (run[0], listed[0]), **things)
