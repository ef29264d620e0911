"""A needle in a haystack: one sentence to be found in many (Kamradt 2023; MIT)."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from headwidgets.errors import InputError
from headwidgets.tasks.item import Item, join, marked, write
from headwidgets.tasks.lists import words
from headwidgets.tasks.registry import task

if TYPE_CHECKING:
    from headwidgets.tasks.draw import Draw
    from headwidgets.tasks.item import Written
    from headwidgets.tasks.words import Words

LENGTH, LONGEST = 256, 1024
"""Tokens of the longest prompts where no model is named; the most with any model."""

_CITIES = words("""
    Paris London Rome Berlin Madrid Tokyo Moscow Athens Cairo Oslo Lisbon Warsaw Stockholm
    Beijing Ankara Copenhagen
""")
_NUMBERS = (*map(str, range(11, 100)), *words("two three four five six seven eight nine ten"))

_OPENING = "Here is a text."
_NEEDLE = " In{CITY} the magic number is{NUMBER}."
_QUESTION = "\nWhat number goes with{ASKED}? The answer is"
"""No two tokens in a row are the same as in the needle."""

_HAYSTACK = tuple(
    line.strip()
    for line in """
    The garden behind the house was new.
    A cat sat near the door of the kitchen.
    They looked at a blue cup on the table.
    The old clock in the church was late.
    It began to rain in the park.
    The boys went to the river with a basket.
    My mother likes to look at the sea.
    The cook was at the market.
    Then they walked to the station.
    A red ball was behind the tree.
    The farmer has a cow and a horse.
    Here people like to drink tea.
    A teacher told a story of a frog.
    It was cold and the grass was white with snow.
    My friend found a hat on the chair.
    The girls played in the garden.
    A dog ran to the man with the bag.
    We drank coffee and looked at the birds.
    The lamp on the desk is old.
    The door of the library was green.
    The birds sat in the tree.
    The women were tired and went home.
    The driver was at the airport.
    Every day the clerk goes to the office.
    My father works in the hospital.
    The judge walked to the court.
    There was a bottle of milk on the floor.
    A key was in the box.
    The stories were long and sad.
    It was late and they went to bed.
    The flowers were yellow and red.
    A boy gave a book to the girl.
    The ring was in a small box near the bed.
    """.strip().splitlines()
)
"""Filler sentences; none names a city or a number of the needle."""

# Parts of the context that a prompt fills, and how deep the needle lies, per cent of the filler.
_CELLS = {
    f"length {part} of the context, needle at {depth} %": (share, depth)
    for part, share in (("1/4", 0.25), ("1/2", 0.5), ("1/1", 1.0))
    for depth in (0, 25, 50, 75, 100)
}
_CELLS_HELD_OUT = {
    f"length 3/4 of the context, needle at {depth} %": (0.75, depth) for depth in (10, 40, 60, 90)
}
_ORDERS = 12


class _Hay(NamedTuple):
    """Filler sentences in one order over and over, and how many tokens the first ones have."""

    sentences: tuple[str, ...]
    ends: tuple[int, ...]


class _Stack(NamedTuple):
    """What a tokenizer makes of the filler, of everything else, and of the context."""

    orders: tuple[_Hay, ...]
    around: int
    length: int


@task(
    name="needle in a haystack",
    title="Needle in a haystack",
    group="common",
    asks="One sentence of many names a number: find it. Length and depth are the templates.",
    example="A dog ran … In Rome the magic number is 42. It was … What number goes with Rome? The "
    "answer is → 42",
    source="Kamradt 2023, github.com/gkamradt/LLMTest_NeedleInAHaystack (MIT); sentences ours",
    templates=tuple(_CELLS),
    held_out=tuple(_CELLS_HELD_OUT),
    shown="the needle names another number",
    trained=False,
)
def needle_in_a_haystack(draw: Draw) -> Item:
    """Draw one: filler up to a part of the model's context, at most 1,024 tokens of it.

    The whole sentence is labelled NEEDLE, within it CITY and NUMBER; ASKED is the city in
    the question, which shares no two neighboring words with the needle.
    """
    share, depth = {**_CELLS, **_CELLS_HELD_OUT}[draw.template]
    city = f" {draw.pick(_CITIES)}"
    numbers = draw.words.single(_NUMBERS)
    number, other = draw.sample(numbers, 2)
    stack = draw.words.once(_stack)
    hay = draw.pick(stack.orders)
    room = int(share * stack.length) - stack.around
    lines = hay.sentences[: bisect_right(hay.ends, room)]
    place = round(depth / 100 * len(lines))
    before, after = " ".join([_OPENING, *lines[:place]]), " ".join(["", *lines[place:]])

    def hidden(found: str) -> Written:
        needle = marked("NEEDLE", write(_NEEDLE, CITY=city, NUMBER=found))
        return join(before, needle, after, write(_QUESTION, ASKED=city))

    return Item(
        clean=hidden(number),
        corrupted=hidden(other),
        answer=number,
        foil=other,
        key=(city, number),
        options=numbers,
        after=".",
    )


def _stack(words: Words) -> _Stack:
    """Return filler in several orders, as long as the model's context.

    Raises
    ------
    InputError
        If the shortest prompt has no room for a sentence of filler.
    """
    length = min(words.n_ctx or LENGTH, LONGEST)
    # A sentence has at least as many tokens as words.
    sizes = {line: max(words.count(f" {line}"), line.count(" ") + 1) for line in _HAYSTACK}
    fixed = _OPENING, _NEEDLE, _QUESTION
    longest = max(_CITIES, key=lambda one: words.count(f" {one}"))
    texts = [one.format(CITY=f" {longest}", NUMBER=" 42", ASKED=f" {longest}") for one in fixed]
    around = 1 + sum(words.count(one) for one in texts)  # BOS and what is no filler
    shortest = int(min(share for share, _ in _CELLS.values()) * length)
    if shortest - around < max(sizes.values()):
        line = max(sizes, key=lambda one: sizes[one])
        message = (
            f"a quarter of the context, {shortest} tokens, is too short: needle and question are "
            f"{around} tokens, and a sentence of filler has to fit too: {line!r} ({sizes[line]})"
        )
        raise InputError(message)
    rng = Random(0)  # noqa: S311 - an order, not a secret
    orders = []
    for _ in range(_ORDERS):
        lines = rng.sample(_HAYSTACK, len(_HAYSTACK))
        again = 1 + length // sum(sizes.values())
        sentences = tuple(lines * again)
        orders.append(_Hay(sentences, tuple(accumulate(sizes[line] for line in sentences))))
    return _Stack(tuple(orders), around, length)
