"""What the lab's models learn from: two exemplars with a label each, then one of them again.

The labels of a sequence are drawn anew, so that only the sequence itself tells which belongs to
which (Singh et al. 2024, arXiv 2404.07129, section 3). The paper's exemplars are features of
Omniglot's characters; `headwidgets.labs.emergence.made` makes others, or takes any array.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from headwidgets.errors import InputError
from headwidgets.labs.emergence.batch import Batch, pick

if TYPE_CHECKING:
    from torch import Tensor

_LEAST = 2
PARTS = ("train", "new classes", "new exemplars", "relabelled")


@dataclass(frozen=True, eq=False)
class Exemplars:
    """Classes of exemplars, which of them are trained on, and which pairs of labels.

    Attributes
    ----------
    features : Tensor, [class, exemplar, feature]
    trained : int
        Classes trained on, the first ones; the others are new.
    shown : int
        Exemplars of a class that are trained on, the first ones.
    pairs, held : Tensor of int, [pair, 2]
        Pairs of labels that training has, and those that it has not.
    n_labels : int
    name : str
    """

    features: Tensor
    trained: int
    shown: int
    pairs: Tensor
    held: Tensor
    n_labels: int
    name: str = "exemplars"
    made: dict[str, Any] | None = None
    length: int = 5
    labelled: tuple[int, ...] = (1, 3)

    @property
    def n_features(self) -> int:
        """The width of an exemplar."""
        return self.features.shape[2]

    @property
    def n_tokens(self) -> int:
        """Labels and exemplars."""
        return self.n_labels + self.features.shape[0] * self.features.shape[1]

    @property
    def parts(self) -> tuple[str, ...]:
        """What can be asked: "train", and what training has not, where it is there."""
        there = (
            True,
            self.features.shape[0] - self.trained >= _LEAST,
            self.features.shape[1] > self.shown,
            len(self.held) > 0,
        )
        return tuple(part for part, has in zip(PARTS, there, strict=True) if has)

    def table(self) -> Tensor:
        """Return the features of every exemplar in the order of their tokens."""
        return self.features.flatten(0, 1)

    def draw(self, n: int, random: torch.Generator, part: str = "train") -> Batch:
        """Draw sequences.

        Parameters
        ----------
        n : int
        random : torch.Generator
        part : str
            One of `parts`.

        Raises
        ------
        InputError
            If there is no such part.
        """
        if part not in self.parts:
            message = f"expected one of {', '.join(self.parts)}, got {part!r:.80}"
            raise InputError(message)
        classes, each = self.features.shape[:2]
        start, stop = (self.trained, classes) if part == "new classes" else (0, self.trained)
        first, last = (self.shown, each) if part == "new exemplars" else (0, self.shown)
        a = pick(random, stop - start, n)
        b = (a + 1 + pick(random, stop - start - 1, n)) % (stop - start)
        one = torch.stack([a, b], 1) + start
        which = pick(random, last - first, (n, 2)) + first
        shown = self.n_labels + one * each + which
        pairs = self.held if part == "relabelled" else self.pairs
        labels = pairs[pick(random, len(pairs), n)]
        turned = pick(random, 2, n).bool()[:, None]
        labels = torch.where(turned, labels.flip(1), labels)
        asked = pick(random, 2, (n, 1))
        tokens = torch.stack([shown, labels], 2).flatten(1)
        tokens = torch.cat([tokens, shown.gather(1, asked)], 1)
        right = labels.gather(1, asked)
        return Batch(tokens, right, self.length - 1, 2 * asked + 1, 3 - 2 * asked)
