"""Random tokens, some of which come twice: their model opens in every widget as it is."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from headwidgets.errors import InputError
from headwidgets.labs.emergence.batch import Batch
from headwidgets.labs.emergence.shape import count

_LEAST, _SHORTEST = 2, 3


@dataclass(frozen=True)
class Repeats:
    """``[<bos>, x, some tokens of x again]``: asked is what followed each of these in x.

    Which come again, and in what order, is drawn: were x repeated as it is, attention by distance
    alone, or on a token behind the right one, would do, and no induction head would form.

    Attributes
    ----------
    n_labels : int
        Tokens; token 0 begins every sequence and stands nowhere else.
    half : int
        Half of a sequence's length, but for ``<bos>``; half as many tokens come again.
    """

    n_labels: int = 40
    half: int = 12
    name: str = "repeats"
    n_features: int = 0
    parts: tuple[str, ...] = ("train",)

    def __post_init__(self) -> None:
        """Read the numbers."""
        object.__setattr__(self, "n_labels", count("n_labels", self.n_labels, _LEAST + 1))
        object.__setattr__(self, "half", count("half", self.half, _SHORTEST))
        if self.n_labels <= 2 * self.half:
            message = f"expected more than {2 * self.half} tokens for a half of {self.half}, got "
            message += str(self.n_labels)
            raise InputError(message)

    @property
    def n_tokens(self) -> int:
        """All of them."""
        return self.n_labels

    @property
    def made(self) -> dict[str, int]:
        """What `repeats` was called with."""
        return {"n_tokens": self.n_labels, "half": self.half}

    @property
    def length(self) -> int:
        """Tokens in a sequence."""
        return 2 * self.half + 1

    @property
    def labelled(self) -> tuple[int, ...]:
        """Positions whose attention on the one before counts as that of a previous-token head."""
        return tuple(range(1, self.length))

    def draw(self, n: int, random: torch.Generator, part: str = "train") -> Batch:
        """Draw sequences; see `Exemplars.draw`."""
        if part != "train":
            message = f"expected 'train', got {part!r:.80}"
            raise InputError(message)
        again = (self.half + 1) // 2
        size = 2 * self.half - again
        x = torch.rand(n, self.n_labels - 1, generator=random).argsort(1)[:, :size] + 1
        where = torch.rand(n, size - 1, generator=random).argsort(1)[:, :again]
        tokens = torch.cat([torch.zeros(n, 1, dtype=torch.long), x, x.gather(1, where)], 1)
        nowhere = torch.full_like(where, -1)
        return Batch(tokens, x.gather(1, where + 1), size + 1, where + 2, nowhere)


def repeats(n_tokens: int = 40, half: int = 12) -> Repeats:
    """Make sequences of random tokens, some of which come twice.

    Parameters
    ----------
    n_tokens : int
        Token 0, which begins every sequence, among them.
    half : int
        A sequence has ``2 * half + 1`` tokens.

    Returns
    -------
    Repeats

    Raises
    ------
    InputError
        If there are not enough tokens.
    """
    return Repeats(n_tokens, half)
