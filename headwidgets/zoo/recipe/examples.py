"""A prompt, its answer and what comes after, as one row of tokens with a weight each."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from headwidgets.tasks.make import rows
from headwidgets.zoo.recipe.mixture import BY_HEADS, REST, TOGETHER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headwidgets.model.text import Text
    from headwidgets.tasks.item import Item
    from headwidgets.tasks.registry import Task
    from headwidgets.tasks.spelling import Row
    from headwidgets.zoo.recipe.fillers import Fillers

TRIES = 3
"""Rows drawn for each that is wanted, while short ones are looked for."""


@dataclass(frozen=True)
class Example:
    """One row of the training.

    Attributes
    ----------
    ids : tuple of int
        BOS, filler, prompt, answer, what comes after.
    weights : tuple of float
        How much each token counts in the loss when it is predicted; BOS never is.
    by_heads : bool
        Whether it must do with the first MLP and the heads above it.
    """

    ids: tuple[int, ...]
    weights: tuple[float, ...]
    by_heads: bool = False


NOTHING = Example((), ())


def example(row: Row, filler: tuple[int, ...], rest: Example) -> Example:
    """Put a prompt behind filler, its answer behind it, and what follows this."""
    prompt = list(row.ids)
    weights = [REST] * len(prompt)
    learned = {i for mark in row.item.learned for i in range(*row.places.get(mark, (0, 0)))}
    each = max(REST, min(1.0, TOGETHER / max(1, len(learned))))
    for i in learned:
        weights[i] = each
    ids = (prompt[0], *filler, *prompt[1:], row.answer, *rest.ids)
    weighed = (0.0, *(REST for _ in filler), *weights[1:], 1.0, *rest.weights)
    return Example(ids, weighed)


def following(item: Item, encode: Callable[[str], tuple[int, ...]]) -> Example:
    """Return what follows an item's answer: further questions, their answers, an end."""
    ids: list[int] = []
    weights: list[float] = []
    for text, answer in item.more:
        asked, answered = encode(text), encode(answer)
        ids += asked + answered
        weights += [REST] * len(asked) + [1.0] * len(answered)
    end = encode(item.after)
    return Example((*ids, *end), (*weights, *(REST for _ in end)))


def join(first: Example, between: tuple[int, ...], second: Example) -> Example:
    """Put two rows one behind the other, with one BOS; all MLPs are there for them."""
    return Example(
        (*first.ids, *between, *second.ids[1:]),
        (*first.weights, *(REST for _ in between), *second.weights[1:]),
    )


def draw(
    task: Task, text: Text, fillers: Fillers, *, count: int, seed: int, longest: int, n_ctx: int
) -> list[Example]:
    """Draw examples of a task from its training split.

    Parameters
    ----------
    task : Task
    text : Text
    fillers : Fillers
    count : int
        How many; fewer come only if the task has none at all.
    seed : int
    longest : int
        Tokens of a prompt; longer ones fill up only where there are not enough.
    n_ctx : int
        Tokens of a row: filler that does not fit is left out.
    """
    rng = random.Random(f"{task.name} {seed} filler")  # noqa: S311 - drawing, not keeping secrets
    encode = lru_cache(maxsize=10_000)(
        lambda part: tuple(text.encode(part)[int(text.prepend_bos) :]) if part else ()
    )
    made = []
    for row in short(rows(task, text, seed, "train", Counter()), count, longest):
        rest = following(row.item, encode)
        filler = fillers.draw(rng)
        if len(row.ids) + len(filler) + 1 + len(rest.ids) > n_ctx:
            filler = ()
        by_heads = rng.random() < BY_HEADS.get(task.name, 0.0)
        made.append(replace(example(row, filler, rest), by_heads=by_heads))
    return made


def short(drawn: Iterator[Row], count: int, longest: int) -> list[Row]:
    """Return `count` rows of at most `longest` tokens, or the shortest of those that come."""
    kept: list[Row] = []
    longer: list[Row] = []
    for row in islice(drawn, TRIES * count):
        (kept if len(row.ids) <= longest else longer).append(row)
        if len(kept) == count:
            return kept
    longer.sort(key=lambda row: len(row.ids))
    kept += longer[: count - len(kept)]
    return [kept[i % len(kept)] for i in range(count)] if kept else []
