"""Chains of thought: a result is written step by step, each step from the last and one input.

Cabannes et al. 2024, arXiv 2406.02128: ``[x1 ... xn, =, s1 ... sn]`` with s_t = F(s_{t-1}, x_t).
Rows have one length here, since the lab's model knows positions by their distance alone: the head
that looks at the next input is then a positional one, as the kind's traps say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
import torch

from headwidgets.errors import InputError
from headwidgets.labs.emergence.batch import Batch, generator, pick
from headwidgets.labs.emergence.shape import count

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from headwidgets.labs.emergence.trained import Trained

TASKS: dict[str, tuple[int, Callable[[Tensor, Tensor], Tensor]]] = {
    "copy": (2, lambda _, x: x),
    "parity": (2, lambda s, x: (s + x) % 2),
    "polynomial": (3, lambda s, x: (s * x + 1) % 3),
}
"""Name -> how many values an input has, and the next state from the last one and an input."""
_MANY = 500


@dataclass(frozen=True)
class Steps:
    """Rows of inputs and their states; every state is asked for.

    Attributes
    ----------
    task : str
        One of `TASKS`.
    inputs : int
        Of a row.
    """

    task: str = "parity"
    inputs: int = 12
    name: str = "steps"
    n_features: int = 0
    parts: tuple[str, ...] = ("train",)

    def __post_init__(self) -> None:
        """Read what is asked."""
        if self.task not in list(TASKS):
            message = f"expected a task among {', '.join(TASKS)}, got {self.task!r:.80}"
            raise InputError(message)
        object.__setattr__(self, "inputs", count("inputs", self.inputs, 2))

    @property
    def made(self) -> dict[str, str | int]:
        """What it was made with."""
        return {"task": self.task, "inputs": self.inputs}

    @property
    def n_labels(self) -> int:
        """Values, and the sign that ends a row."""
        return TASKS[self.task][0] + 1

    @property
    def n_tokens(self) -> int:
        """The same."""
        return self.n_labels

    @property
    def length(self) -> int:
        """Inputs, the sign, and all states but the last."""
        return 2 * self.inputs

    @property
    def labelled(self) -> tuple[int, ...]:
        """Positions whose attention on the one before counts as that of a previous-token head."""
        return tuple(range(1, self.length))

    def draw(self, n: int, random: torch.Generator, part: str = "train") -> Batch:
        """Draw rows; see `Exemplars.draw`."""
        if part != "train":
            message = f"expected 'train', got {part!r:.80}"
            raise InputError(message)
        values, step = TASKS[self.task]
        x = pick(random, values, (n, self.inputs))
        state, states = torch.zeros(n, dtype=torch.long), []
        for t in range(self.inputs):
            state = step(state, x[:, t])
            states.append(state)
        all_states = torch.stack(states, 1)
        sign = torch.full((n, 1), values)
        tokens = torch.cat([x, sign, all_states[:, :-1]], 1)
        shown = torch.arange(self.inputs).expand(n, -1)
        return Batch(tokens, all_states, self.inputs, shown, torch.full_like(shown, -1))


def iterating(trained: Trained, n: int = _MANY, seed: int = 0) -> pd.DataFrame:
    """Score heads by the attention that states give to the input which comes next.

    Returns
    -------
    DataFrame
        One row a head: layer, head, score (attention, 0 to 1), elsewhere (the largest mean
        attention on another input at a constant distance).

    Raises
    ------
    InputError
        If it was trained on other data.
    """
    if not isinstance(getattr(trained, "data", None), Steps):
        message = f"expected what a run of iteration() trained, got {trained!r:.80}"
        raise InputError(message)
    batch = trained.data.draw(n, generator(seed, 1))
    patterns = trained.patterns(batch)[..., batch.rows, : trained.data.inputs].mean(0)
    rows = []
    for layer, heads in enumerate(patterns):
        for head, one in enumerate(heads):
            others = [float(one.diagonal(off).mean()) for off in range(-3, 4) if off]
            rows.append((layer, head, float(one.diagonal().mean()), max(others)))
    return pd.DataFrame(rows, columns=["layer", "head", "score", "elsewhere"])


def guessing(data: Steps, n: int = 20_000, seed: int = 0) -> dict[str, float]:
    """Return what guessing costs, in nats a state.

    Returns
    -------
    dict
        "uniform" over the values; "frequencies" of the states; "last state": the chances of a
        state given the one before, and no input.
    """
    states = data.draw(n, generator(seed, 2)).targets
    values = TASKS[data.task][0]
    shares = torch.bincount(states.flatten(), minlength=values).double()
    shares /= shares.sum()
    before = torch.cat([torch.zeros(n, 1, dtype=torch.long), states[:, :-1]], 1)
    pairs = torch.bincount((before * values + states).flatten(), minlength=values**2).double()
    joint = (pairs / pairs.sum()).view(values, values)
    given = joint / joint.sum(1, keepdim=True).clamp(min=1e-300)
    return {
        "uniform": float(torch.tensor(float(values)).log()),
        "frequencies": _entropy(shares, shares),
        "last state": _entropy(joint, given),
    }


def _entropy(weights: Tensor, chances: Tensor) -> float:
    there = weights > 0
    return float(-(weights[there] * chances[there].log()).sum())
