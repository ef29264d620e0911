"""A kind's evidence on a task: attention on labelled words, and what they bring to answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headwidgets.errors import InputError, NotMeasurable
from headwidgets.tasks.make import TaskSet
from headwidgets.tasks.registry import find
from headwidgets.taxonomy.seen import Look, Seen, see

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from headwidgets.model.engine import Engine, Hooks
    from headwidgets.prompts import Prompts

N = 100
"""Prompts of a task."""
FEW = 8
"""Options, or answers of other prompts, that are looked at one by one, at most."""
END = "end"
SURE = 3.0
"""Standard errors above chance that the model's accuracy must stand, for its heads to be asked."""

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
    """

    prompts: Prompts
    rows: tuple[Ids, ...]
    answer: tuple[int, ...]
    foil: tuple[int, ...]
    options: tuple[Ids, ...]

    def span(self, role: str, row: int) -> Span | None:
        """Return the first token of a labelled place, and the one after its last."""
        if role == END:
            return len(self.rows[row]) - 1, len(self.rows[row])
        if role in self.prompts.spans:
            return self.prompts.spans[role][row]
        place = self.prompts.roles[role][row] if role in self.prompts.roles else None
        return None if place is None else (place, place + 1)


def ask(
    engine: Engine,
    name: str,
    *,
    seed: int,
    split: str = "test",
    n: int = N,
    longest: int | None = None,
) -> Asked:
    """Spell a task's prompts.

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
    try:
        prompts = TaskSet(find(name), n, seed, split).prompts(engine.text, n_ctx)
    except InputError as error:
        raise NotMeasurable(str(error)) from error
    text = engine.text
    written = [one for one in prompts.clean if isinstance(one, str)]
    read = iter(text.encode_all(written))
    rows = tuple(tuple(next(read)) if isinstance(one, str) else one for one in prompts.clean)

    def ids(answers: Sequence[Sequence[str | int]]) -> list[Ids]:
        pairs = [(rows[i], one) for i, some in enumerate(answers) for one in some]
        found = iter(text.answers_ids(pairs))
        return [tuple(next(found)[0] for _ in some) for some in answers]

    both = ids(list(zip(prompts.answer or (), prompts.foil or (), strict=True)))
    options = ids(prompts.options) if prompts.options is not None else []
    return Asked(
        prompts, rows, tuple(a for a, _ in both), tuple(f for _, f in both), tuple(options)
    )


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


@dataclass(frozen=True)
class OnTask:
    """What every head does on a task.

    Attributes
    ----------
    asked : Asked
    seen : tuple of Seen
        One a prompt.
    queries : tuple of str
        The roles whose last token looks.
    accuracy : float
        The model's own.
    """

    asked: Asked
    seen: tuple[Seen, ...]
    queries: tuple[str, ...]
    accuracy: float

    @property
    def words(self) -> str:
        """What was measured on: ``"IOI, test, n = 100"``."""
        return f"{self.asked.prompts.name}, n = {len(self.seen)}"

    def attention(self, *roles: str, query: int = 0) -> NDArray[np.float32]:
        """Return the attention on each role, summed over its tokens: [prompt, layer, head, role].

        NaN where a prompt has no such role.
        """
        rows = [
            self._sums(seen.attention[:, :, query], i, roles) for i, seen in enumerate(self.seen)
        ]
        return np.stack(rows)

    def brought(self, *roles: str, query: int = 0) -> NDArray[np.float32]:
        """Return what each role brings to each token's logit.

        Returns
        -------
        ndarray of float32, [prompt, layer, head, role, token]
        """
        out = []
        for i, seen in enumerate(self.seen):
            of_token = [
                self._sums(seen.brought[:, :, query, :, token], i, roles)
                for token in range(seen.brought.shape[-1])
            ]
            out.append(np.stack(of_token, axis=-1))
        return np.stack(out)

    def whole(self, query: int = 0) -> NDArray[np.float32]:
        """Return the direct attribution to each token's logit: [prompt, layer, head, token]."""
        return np.stack([seen.brought[:, :, query].sum(2) for seen in self.seen])

    def _sums(
        self, values: NDArray[np.float32], row: int, roles: Sequence[str]
    ) -> NDArray[np.float32]:
        out = np.full((*values.shape[:2], len(roles)), np.nan, dtype=np.float32)
        for column, role in enumerate(roles):
            span = self.asked.span(role, row)
            if span is not None:
                out[..., column] = values[..., slice(*span)].sum(-1)
        return out


def answers(asked: Asked, row: int) -> Ids:
    """Ask about a prompt's answer, its foil, and its options where they are few."""
    options = asked.options[row] if asked.options else ()
    return (asked.answer[row], asked.foil[row], *(options if len(options) <= FEW else ()))


def on_task(
    engine: Engine,
    name: str,
    queries: tuple[str, ...],
    tokens: Callable[[Asked, int], Ids],
    *,
    seed: int,
    hooks: Hooks = (),
) -> OnTask:
    """Run a task's prompts once.

    Parameters
    ----------
    queries : tuple of str
        Roles whose last token looks; prompts that lack one are left out by the task's card.
    tokens : callable
        ``tokens(asked, row)`` names the tokens whose logits are attributed.

    Raises
    ------
    NotMeasurable
        If the task cannot be spelled, or the model is at chance on it.
    """
    asked = ask(engine, name, seed=seed)
    looks = []
    for row, ids in enumerate(asked.rows):
        spans = [asked.span(role, row) for role in queries]
        if None in spans:
            message = f"a prompt of task {name!r} has no place called {queries!r}"
            raise NotMeasurable(message)
        places = tuple(span[1] - 1 for span in spans if span is not None)
        looks.append(Look(ids, places, tokens(asked, row)))
    seen = tuple(see(engine, looks, hooks=hooks))
    right = accuracy(asked, [one.logits for one in seen])
    require_skill(asked, right)
    return OnTask(asked, seen, queries, right)


def accuracy(asked: Asked, logits: Sequence[NDArray[np.float32]]) -> float:
    """Return the share of prompts that the model gets right, from their last logits."""
    return float(np.mean([_right(asked, row, one) for row, one in enumerate(logits)]))


def require_skill(asked: Asked, right: float) -> None:
    """Refuse a model that is at chance.

    Raises
    ------
    NotMeasurable
        If its accuracy is within three standard errors of a guess.
    """
    n, chance = len(asked.rows), asked.prompts.chance or 0.0
    error = np.sqrt(max(chance * (1 - chance), 1e-9) / n)
    if not right > chance + SURE * error:
        message = (
            f"the model is at chance on {asked.prompts.name}: accuracy {right:.2f}, a guess has "
            f"{chance:.2f}, n = {n}"
        )
        raise NotMeasurable(message)


def _right(asked: Asked, row: int, values: NDArray[np.float32]) -> float:
    """Return 1 where the answer is the likeliest of its rivals, a share of 1 where it ties."""
    rivals = values[sorted(set(asked.options[row]))] if asked.options else values
    largest = rivals.max()
    return float(values[asked.answer[row]] == largest) / int((rivals == largest).sum() or 1)
