"""A kind's evidence on a task: attention on labelled words, and what they bring to answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy.asked import FEW, Asked, Ids, ask
from headwidgets.taxonomy.seen import Look, Seen, see

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from headwidgets.model.engine import Engine, Hooks

SURE = 3.0
"""Standard errors above chance that the model's accuracy must stand, for its heads to be asked."""


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
        where = "at chance" if right <= chance + error else "not surely above chance"
        message = (
            f"the model is {where} on {asked.prompts.name}: accuracy {right:.2f}, a guess has "
            f"{chance:.2f}, n = {n}"
        )
        raise NotMeasurable(message)


def _right(asked: Asked, row: int, values: NDArray[np.float32]) -> float:
    """Return 1 where the answer is the likeliest of its rivals, a share of 1 where it ties."""
    rivals = values[sorted(set(asked.options[row]))] if asked.options else values
    largest = rivals.max()
    return float(values[asked.answer[row]] == largest) / int((rivals == largest).sum() or 1)
