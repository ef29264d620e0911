"""Accuracy by task while the model is trained: on contents that training never sees."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import torch

from headwidgets.errors import InputError
from headwidgets.tasks.make import rows
from headwidgets.zoo.recipe.examples import NOTHING, example
from headwidgets.zoo.recipe.fillers import Fillers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from headwidgets.model.text import Text
    from headwidgets.tasks.registry import Task

_AT_ONCE = 64


@dataclass(frozen=True)
class Question:
    """A prompt to be answered.

    Attributes
    ----------
    ids : tuple of int
    answer : int
    options : tuple of int
        Empty: every token.
    chance : float
    """

    ids: tuple[int, ...]
    answer: int
    options: tuple[int, ...]
    chance: float


def questions(task: Task, text: Text, n: int, split: str, n_ctx: int) -> list[Question]:
    """Draw `n` prompts of a split; every second one behind filler that is held out too."""
    rng = random.Random(f"{task.name} questions")  # noqa: S311 - drawing, not keeping secrets
    fillers = Fillers(text, held_out=True)
    found: list[Question] = []
    for row in islice(rows(task, text, 0, split, Counter()), n):
        filler = fillers.draw(rng) if len(found) % 2 else ()
        ids = example(row, filler, NOTHING).ids[:-1]
        chance = row.item.chance or 1 / max(1, len(row.options))
        fits = ids if len(ids) <= n_ctx else row.ids
        found.append(Question(fits, row.answer, row.options, chance))
    return found


def spellable(tasks: Iterable[Task], text: Text, n_ctx: int) -> tuple[list[Task], dict[str, str]]:
    """Return the tasks that this tokenizer and context can do, and why not the others."""
    good, bad = [], {}
    for task in tasks:
        dropped: Counter[str] = Counter()
        try:
            some = list(islice(rows(task, text, 0, "train", dropped), _AT_ONCE))
        except InputError as error:
            bad[task.name] = str(error)
            continue
        if not some:
            bad[task.name] = "; ".join(dropped) or "no prompt in the training split"
        elif max(len(row.ids) for row in some) + 2 > n_ctx:
            bad[task.name] = f"prompts are longer than {n_ctx} tokens"
        else:
            good.append(task)
    return good, bad


def accuracy(model: Any, asked: Mapping[str, list[Question]], device: str) -> dict[str, float]:
    """Return the share of right answers of each task, of the options where there are some."""
    return {name: sum(right(model, some, device)) / len(some) for name, some in asked.items()}


def skills(found: Mapping[str, float], asked: Mapping[str, list[Question]]) -> dict[str, float]:
    """Return (accuracy - chance) / (1 - chance) of each task."""
    chances = {name: sum(q.chance for q in some) / len(some) for name, some in asked.items()}
    return {name: (found[name] - c) / (1 - c) if c < 1 else 0.0 for name, c in chances.items()}


def right(model: Any, asked: list[Question], device: str) -> list[bool]:
    """Return of each question whether the model answers it."""
    order = sorted(range(len(asked)), key=lambda i: len(asked[i].ids))
    found = [False] * len(asked)
    with torch.inference_mode():
        for start in range(0, len(order), _AT_ONCE):
            some = [asked[i] for i in order[start : start + _AT_ONCE]]
            width = len(some[-1].ids)
            ids = torch.tensor([[*q.ids, *(0,) * (width - len(q.ids))] for q in some])
            ends = torch.tensor([len(q.ids) - 1 for q in some])
            hidden = model.base_model(input_ids=ids.to(device), use_cache=False)[0]
            last = hidden[torch.arange(len(some), device=device), ends.to(device)]
            logits = model.lm_head(last).float().cpu()
            for i, question, row in zip(order[start:], some, logits, strict=False):
                found[i] = _best(row, question.options) == question.answer
    return found


def _best(logits: torch.Tensor, options: tuple[int, ...]) -> int:
    if not options:
        return int(logits.argmax())
    among = torch.tensor(options)
    return int(among[logits[among].argmax()])
