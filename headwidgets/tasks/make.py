"""A task, how many of it, and of which split: a prompt set in the tokens of any model."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from headwidgets.errors import InputError
from headwidgets.model.text import Text
from headwidgets.tasks.draw import check_split, items
from headwidgets.tasks.registry import find
from headwidgets.tasks.spelling import prompt_set, reasons, spelled
from headwidgets.tasks.words import Words
from headwidgets.whole import whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from headwidgets.prompts import Prompts
    from headwidgets.tasks.registry import Task
    from headwidgets.tasks.spelling import Row

LEAST = 20
"""Prompts that a tokenizer must be able to spell."""
MOST = 100_000
_AT_ONCE, _AT_LEAST = 256, 64
_TRIES = 12
"""Draws for each prompt that is asked for, before the task counts as used up."""


@dataclass(frozen=True)
class TaskSet:
    """Prompts of a task that wait for a tokenizer: assign it to ``s.prompts``.

    Attributes
    ----------
    task : Task
    n, seed : int
    split : {"train", "test", "templates"}
    """

    task: Task
    n: int = 100
    seed: int = 0
    split: str = "train"

    def __post_init__(self) -> None:
        """Check every number at the door."""
        for name in ("n", "seed"):
            object.__setattr__(self, name, read_number(name, getattr(self, name)))
        check_split(self.split)

    def prompts(self, tokenizer: Any, n_ctx: int | None = None) -> Prompts:
        """Spell the prompts.

        Parameters
        ----------
        tokenizer : Text or a Hugging Face tokenizer
        n_ctx : int, optional
            The model's context: a longer prompt is refused, never cut.

        Returns
        -------
        Prompts
            With roles, template, options, chance, and notes: what was dropped, and why.

        Raises
        ------
        InputError
            If fewer than 20 prompts can be spelled (or fewer than `n`, where that is less),
            with the words that are cut; if a prompt exceeds the context.
        """
        text = tokenizer if isinstance(tokenizer, Text) else Text.of(tokenizer)
        return _prompts(self, text, n_ctx)


def read_number(name: str, value: object) -> int:
    """Return `n` or `seed` as a whole number within its bounds."""
    low, high = {"n": (1, MOST), "seed": (0, 2**32 - 1)}[name]
    read = whole(value)
    if read is not None and low <= read <= high:
        return read
    message = f"expected {name} as a whole number from {low:,} to {high:,}, got {value!r}"
    raise InputError(message)


def task(name: str, n: int = 100, *, seed: int = 0, split: str = "train") -> TaskSet:
    """Ask for prompts of a task; ``s.prompts = hw.task("ioi", n=100)`` spells them.

    Parameters
    ----------
    name : str
        One of `hw.tasks`.
    n : int
        How many.
    seed : int
        The same seed gives the same prompts.
    split : {"train", "test", "templates"}
        What the bundled model was trained on; names, pairs and other contents that it
        was not; and templates that it was not.

    Returns
    -------
    TaskSet
        ``.prompts(tokenizer)`` gives the `Prompts` for any tokenizer.

    Raises
    ------
    InputError
        If there is no such task or split, or `n` or `seed` is out of range.
    """
    return TaskSet(find(name), n, seed, split)


def rows(
    found: Task,
    text: Text,
    seed: int,
    split: str,
    dropped: Counter[str],
    n_ctx: int | None = None,
    at_once: int = _AT_ONCE,
) -> Iterator[Row]:
    """Yield items as tokens, for ever or until the split is used up; count what is dropped.

    So many are drawn and spelled at once; which they are does not depend on it.
    """
    words = Words(text, n_ctx)
    drawn = items(found, words, seed, split)
    while some := list(islice(drawn, at_once)):
        before = dropped.total()
        yield from spelled(some, text, dropped)
        if dropped.total() - before == len(some):  # not one of them can be spelled
            return


def _prompts(asked: TaskSet, text: Text, n_ctx: int | None) -> Prompts:
    dropped: Counter[str] = Counter()
    kept: dict[tuple[int, ...], Row] = {}
    at_once = min(_AT_ONCE, max(_AT_LEAST, asked.n + asked.n // 4))  # some come twice
    drawn = rows(asked.task, text, asked.seed, asked.split, dropped, n_ctx, at_once)
    for row in islice(drawn, _TRIES * max(asked.n, LEAST)):
        if len(kept) == asked.n or sum(dropped.values()) > _TRIES * max(asked.n, LEAST):
            break
        check_context(row, n_ctx)
        kept.setdefault(row.ids, row)
    name = asked.task.name
    if len(kept) < min(asked.n, LEAST):
        why = "; ".join(reasons(dropped))
        message = (
            f"this tokenizer spells only {len(kept)} different prompts of task {name!r} in split "
            f"{asked.split!r}, of at least {min(asked.n, LEAST)}: {why or 'there are no more'}"
        )
        raise InputError(message)
    notes = reasons(dropped)
    if len(kept) < asked.n:
        notes.insert(0, f"{len(kept)} of {asked.n}: there are no more different prompts")
    made = prompt_set(list(kept.values()), text.d_vocab)
    return replace(made, name=f"{asked.task.title}, {asked.split}", notes=tuple(notes))


def check_context(row: Row, n_ctx: int | None) -> None:
    """Refuse a prompt that is longer than the model's context."""
    if n_ctx is not None and len(row.ids) > n_ctx:
        message = (
            f"a prompt has {len(row.ids)} tokens, BOS included; this model's context is {n_ctx}: "
            "choose another task, or a model with a longer context"
        )
        raise InputError(message)
