"""Every word that the trained tasks use, found by drawing from them."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache
from itertools import chain, islice
from typing import TYPE_CHECKING

from tokenizers import pre_tokenizers

from headwidgets.errors import InputError
from headwidgets.model.text import Text
from headwidgets.tasks.draw import SPLITS, items
from headwidgets.tasks.item import Written
from headwidgets.tasks.registry import all_tasks
from headwidgets.tasks.words import Words
from headwidgets.zoo.planted_tokenizer import planted_tokenizer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwidgets.tasks.item import Item
    from headwidgets.tasks.registry import Task

DRAWS = 400
"""Items of each split of each task."""

_FIELD = re.compile(r"\{[^}]*\}")
_CUT = pre_tokenizers.ByteLevel(add_prefix_space=False)


def trained_tasks() -> tuple[Task, ...]:
    """Return the tasks that the bundled model is trained on."""
    return tuple(one for one in all_tasks() if one.trained and one.group != "common")


@lru_cache(maxsize=100_000)
def pieces(text: str) -> tuple[str, ...]:
    """Cut a text into words as the tokenizer will, the space in front of each kept."""
    return tuple(text[a:b] for _, (a, b) in _CUT.pre_tokenize_str(text))


class Wanted(Words):
    """Word lists before there is a tokenizer: every word that is asked for will be one token.

    Attributes
    ----------
    asked : dict of str to None
        Words that tasks asked for, in order.
    """

    def __init__(self) -> None:
        super().__init__(Text.of(planted_tokenizer()))
        self.asked: dict[str, None] = {}

    def count(self, word: str) -> int:
        """Return how many tokens a word will be, and note them."""
        found = pieces(word)
        self.asked.update(dict.fromkeys(found))
        return len(found)


def words_by_task(draws: int = DRAWS) -> dict[str, tuple[str, ...]]:
    """Return the words of each trained task, spaces in front included, in alphabetical order."""
    return {task.name: tuple(sorted(_words(task, draws))) for task in trained_tasks()}


def _words(task: Task, draws: int) -> set[str]:
    wanted = Wanted()
    found: set[str] = set()
    for split in SPLITS:
        with suppress(InputError):  # a task of words that must be cut: they need no token
            for _, item in islice(items(task, wanted, 0, split), draws):
                for text in texts(item):
                    found.update(pieces(text))
    for template in (*task.templates, *task.held_out):
        for fixed in _FIELD.split(template) if _FIELD.search(template) else ():
            found.update(pieces(fixed))
    return found | set(wanted.asked)


def texts(item: Item) -> Iterator[str]:
    """Yield every text of an item: what is read, what is answered, what comes after."""
    for answer in (item.answer, item.foil, *item.options):
        if isinstance(answer, str):
            yield answer
    for prompt in (item.clean, item.corrupted):
        if isinstance(prompt, Written):
            yield prompt.text
    yield from chain.from_iterable(item.more)
    yield item.after
