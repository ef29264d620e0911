"""Few-shot labels: words of two kinds with a label each, which only the examples explain."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

from headwidgets.errors import InputError
from headwidgets.tasks.item import Item, write
from headwidgets.tasks.lists import NAMES, PLACES
from headwidgets.tasks.lists import words as _words
from headwidgets.tasks.registry import task

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headwidgets.tasks.draw import Draw
    from headwidgets.tasks.words import Words

KINDS = {
    "animal": _words("cat dog bird fish"),
    "colour": _words("red blue green black white yellow"),
    "place": PLACES,
    "person": _words("boy girl man woman friend mother father"),
    "name": NAMES[:20],
    "day": _words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday"),
    "number": _words("two three four five six seven eight nine ten"),
}
LABELS = (("foo", "bar"), ("yes", "no"), ("up", "down"), ("old", "new"), ("big", "little"))
"""Labels that say nothing about what they stand for."""

SHOTS = 4
_ORDERS = tuple(sorted(set(permutations((0, 0, 1, 1)))))
_LEAST = 3  # words of a kind: two examples and the one asked for


def _frame(start: str, example: str, between: str) -> str:
    """Return `example`, with {X} and {L}, four times, and once more up to its label."""
    shots = [example.replace("X", f"X{i}").replace("L", f"L{i}") for i in range(1, SHOTS + 1)]
    last = example.partition("{L}")[0].replace("X", "ASKED")
    return start + between.join([*shots, last])


TEMPLATES = (
    _frame("Look:", "{X} :{L}", ","),
    _frame("Look:", "{X} is{L}", "."),
    _frame("Words:", "{X} is{L}", ","),
    _frame("Words:", "{X} :{L}", "."),
    _frame("The word", "{X} is{L}", ". The word"),
)
HELD_OUT = (
    _frame("Look: The word", "{X} is{L}", ", the word"),
    _frame("Words:", "{X} is{L}", "."),
    _frame("Look:", "{X} is{L}", ","),
)


@task(
    name="few-shot labels",
    title="Few-shot labels",
    group="heads",
    asks="Words of two kinds bear labels of no meaning: give the next word's label.",
    example="Look: dog : foo, red : bar, blue : bar, cat : foo, green : → bar",
    source="As in Yu and Ananiadou 2024, arXiv 2402.02872 (labels foo and bar); words ours",
    templates=TEMPLATES,
    held_out=HELD_OUT,
    shown="the two labels change places in the examples: the answer is the other",
)
def few_shot_labels(draw: Draw) -> Item:
    """Draw one: two examples of each kind in any order; label and kind asked for in turn.

    The names of the two kinds are labels too, right way round or not.
    """
    kinds, plain = draw.words.once(_usable)
    (one, first), (two, second) = draw.sample(kinds, 2)
    named = (f" {one}", f" {two}")
    could = [*plain, named] if all(draw.words.count(word) == 1 for word in named) else plain
    pair = draw.pick(could)
    labels = pair if draw.turn % 2 == 0 else pair[::-1]
    asked = draw.turn // 2 % 2
    order = draw.pick(_ORDERS)
    pools = (draw.sample(first, len(first)), draw.sample(second, len(second)))
    words = {"ASKED": pools[asked].pop()}
    words |= {f"X{i}": pools[kind].pop() for i, kind in enumerate(order, 1)}
    right = {f"L{i}": labels[kind] for i, kind in enumerate(order, 1)}
    wrong = {f"L{i}": labels[1 - kind] for i, kind in enumerate(order, 1)}
    return Item(
        clean=write(draw.template, **words, **right),
        corrupted=write(draw.template, **words, **wrong),
        answer=labels[asked],
        foil=labels[1 - asked],
        key=(*sorted((one, two)), *sorted(pair)),
        options=(labels[asked], labels[1 - asked]),
        # A label follows once its kind has had one.
        learned=tuple(f"L{i + 1}" for i in range(SHOTS) if order[i] in order[:i]),
        after=".",
        more=tuple(_shots(draw, pools, labels)),
    )


def _shots(
    draw: Draw, pools: Sequence[list[str]], labels: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Yield more examples of both kinds, of the words that are left, in the template's form."""
    between, _, end = draw.template.partition("{L3}")[2].partition("{X4}")
    middle = end.partition("{L4}")[0]
    for _ in range(SHOTS):
        kind = int(draw.rng.random() * 2)
        if pools[kind]:
            yield f"{between}{pools[kind].pop()}{middle}", labels[kind]


def _usable(words: Words) -> tuple[list[tuple[str, tuple[str, ...]]], tuple[tuple[str, str], ...]]:
    """Return the kinds of which a tokenizer has three words, and the labels that it has."""
    asked = [(kind, words.single(members, least=0)) for kind, members in KINDS.items()]
    kinds = [(kind, members) for kind, members in asked if len(members) >= _LEAST]
    if len(kinds) < 2:  # noqa: PLR2004 - two kinds of words, two labels
        cut = ", ".join(f"{word!r} ({count})" for word, count in list(words.split.items())[:8])
        message = (
            f"expected two kinds of words with at least {_LEAST} words of one token each, "
            f"got {len(kinds)}; cut into several: {cut}"
        )
        raise InputError(message)
    return kinds, words.pairs(LABELS, least=1)
