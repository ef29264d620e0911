"""A task's prompts in a model's tokens, with the places and the answers that kinds ask about."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from headwidgets.errors import InputError, NotMeasurable
from headwidgets.tasks.make import TaskSet
from headwidgets.tasks.registry import find

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwidgets.model.engine import Engine
    from headwidgets.model.text import Text
    from headwidgets.prompts import Prompts

N = 100
"""Prompts of a task."""
FEW = 8
"""Options, or answers of other prompts, that are looked at one by one, at most."""
END = "end"
KEPT = 32
"""Prompt sets that are kept of a tokenizer; those that were asked for last."""

Ids = tuple[int, ...]
Span = tuple[int, int]


@dataclass(frozen=True)
class Asked:
    """A task's prompts in a model's tokens.

    Attributes
    ----------
    prompts : Prompts
    rows : tuple of token ids
        Clean prompts.
    answer, foil : tuple of int
    options : tuple of tuple of int
        Empty for a task without.
    corrupted : tuple of token ids
        The partner of each prompt, of its length.
    """

    prompts: Prompts
    rows: tuple[Ids, ...]
    answer: tuple[int, ...]
    foil: tuple[int, ...]
    options: tuple[Ids, ...]
    corrupted: tuple[Ids, ...] = ()

    def span(self, role: str, row: int) -> Span | None:
        """Return the first token of a labelled place, and the one after its last."""
        if role == END:
            return len(self.rows[row]) - 1, len(self.rows[row])
        if role in self.prompts.spans:
            return self.prompts.spans[role][row]
        place = self.prompts.roles[role][row] if role in self.prompts.roles else None
        return None if place is None else (place, place + 1)


_KEPT: WeakKeyDictionary[Text, OrderedDict[object, Asked]] = WeakKeyDictionary()


def ask(
    engine: Engine,
    name: str,
    *,
    seed: int,
    split: str = "test",
    n: int = N,
    longest: int | None = None,
) -> Asked:
    """Spell a task's prompts, or return them as they were spelled for the same tokenizer before.

    Parameters
    ----------
    engine : Engine
    name : str
        Of `hw.tasks`.
    seed, split, n
        Of `hw.task`.
    longest : int, optional
        Tokens that a prompt may have, where the model's context has more.

    Raises
    ------
    NotMeasurable
        If this tokenizer or context cannot hold them.
    """
    n_ctx = min(engine.facts.n_ctx, longest or engine.facts.n_ctx)
    if not engine.text.has_tokenizer:
        message = f"no tokenizer: the task {name!r} cannot be spelled"
        raise NotMeasurable(message)
    key = find(name), n, seed, split, n_ctx
    kept = _KEPT.setdefault(engine.text, OrderedDict())
    found = kept.pop(key, None)
    try:
        found = found or _spelled(engine.text, TaskSet(find(name), n, seed, split), n_ctx)
    except InputError as error:
        raise NotMeasurable(str(error)) from error
    kept[key] = found
    while len(kept) > KEPT:
        kept.popitem(last=False)
    return found


def _spelled(text: Text, task: TaskSet, n_ctx: int) -> Asked:
    """Draw the prompts and spell them, their answers and their options."""
    prompts = task.prompts(text, n_ctx)
    rows = _rows(text, prompts.clean)

    def ids(answers: Sequence[Sequence[str | int]]) -> list[Ids]:
        pairs = [(rows[i], one) for i, some in enumerate(answers) for one in some]
        found = iter(text.answers_ids(pairs))
        return [tuple(next(found)[0] for _ in some) for some in answers]

    both = ids(list(zip(prompts.answer or (), prompts.foil or (), strict=True)))
    options = ids(prompts.options) if prompts.options is not None else []
    return Asked(
        *(prompts, rows, tuple(a for a, _ in both), tuple(f for _, f in both), tuple(options)),
        corrupted=_rows(text, [one for one in prompts.corrupted or () if one is not None]),
    )


def _rows(text: Text, prompts: Sequence[str | Ids]) -> tuple[Ids, ...]:
    """Spell those prompts that are text."""
    read = iter(text.encode_all([one for one in prompts if isinstance(one, str)]))
    return tuple(tuple(next(read)) if isinstance(one, str) else tuple(one) for one in prompts)


def other_answers(asked: Asked, row: int) -> Ids:
    """Return answers of other prompts that are no option of this one, eight at most.

    Raises
    ------
    NotMeasurable
        If there is none.
    """
    own = {asked.answer[row], *(asked.options[row] if asked.options else ())}
    n = len(asked.answer)
    others = (asked.answer[(row + step) % n] for step in range(1, n))
    some = tuple(dict.fromkeys(one for one in others if one not in own))[:FEW]
    if not some:
        message = "all prompts have the same options: there are no answers to compare with"
        raise NotMeasurable(message)
    return some
