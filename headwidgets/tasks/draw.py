"""Drawing items of a task: which template, which words, and what is held out."""

from __future__ import annotations

import random
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from headwidgets.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headwidgets.tasks.item import Item
    from headwidgets.tasks.registry import Task
    from headwidgets.tasks.words import Words

SPLITS = ("train", "test", "templates")
"""Trained templates with trained keys; with held-out keys; held-out templates with those."""
HELD_OUT = 5
"""One key of so many is held out."""
MISSES = 400
"""Draws in a row that may fall outside the split before it counts as empty."""

Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Draw:
    """What a task's function draws from.

    Attributes
    ----------
    rng : random.Random
        The only source of chance.
    words : Words
    template : str
    turn : int
        Counts the items: labels that follow it are balanced.
    """

    rng: random.Random
    words: Words
    template: str
    turn: int

    def pick(self, things: Sequence[Thing]) -> Thing:
        """Return one of them."""
        return things[int(self.rng.random() * len(things))]

    def sample(self, things: Sequence[Thing], k: int) -> list[Thing]:
        """Return `k` different ones, in random order."""
        return self.rng.sample(things, k)

    def further(
        self, answers: Sequence[tuple[str, str]], question: str, field: str
    ) -> tuple[tuple[str, str], ...]:
        """Return an item's further questions, in any order: whole ones, or a bare list.

        Parameters
        ----------
        answers : sequence of (str, str)
            What is asked for, and the answer.
        question : str
            It has a field.
        field : str
        """
        some = self.sample(answers, len(answers))
        if self.rng.random() < 0.5:  # noqa: PLR2004 - as often
            return tuple((question.replace(field, one), answer) for one, answer in some)
        between = (". In short:", *("," for _ in some))
        return tuple((f"{b}{one}", answer) for b, (one, answer) in zip(between, some, strict=False))

    def turned(self, things: Sequence[Thing]) -> Thing:
        """Return them in turn: balanced."""
        return things[self.turn % len(things)]


def check_split(split: object) -> str:
    """Return `split`, or say which there are."""
    if split in SPLITS:
        return str(split)
    message = f"expected split 'train', 'test' or 'templates', got {split!r}"
    raise InputError(message)


def held_out(task: str, key: tuple[object, ...]) -> bool:
    """Whether items with that key are kept from the "train" split; the same on every machine."""
    return zlib.crc32(repr((task, *key)).encode()) % HELD_OUT == 0


def items(task: Task, words: Words, seed: int, split: str) -> Iterator[tuple[str, Item]]:
    """Yield items of a split and their templates, for ever, or until the split seems empty.

    Parameters
    ----------
    task : Task
    words : Words
    seed : int
    split : {"train", "test", "templates"}
    """
    rng = random.Random(f"{task.name} {split} {seed}")  # noqa: S311 - drawing, not keeping secrets
    templates = task.held_out if split == "templates" else task.templates
    turn = misses = 0
    while misses < MISSES:
        template = templates[int(rng.random() * len(templates))]
        item = task.make(Draw(rng, words, template, turn))
        if held_out(task.name, item.key) == (split == "train"):
            misses += 1
            continue
        turn, misses = turn + 1, 0
        yield template, item
