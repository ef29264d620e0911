"""What is measured on the logits at the end of a prompt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from headwidgets.errors import InputError
from headwidgets.whole import whole

AnswerId = Callable[[Sequence[int], str | int], int]


@dataclass(frozen=True)
class LogitDiff:
    """Logit of the answer minus logit of the foil, at the last position, in logits.

    Parameters
    ----------
    answer, foil : str, int or list of them
        Tokens; of a list, the logits are averaged. Text usually begins with a space.

    References
    ----------
    Wang et al. 2022, "Interpretability in the Wild", arXiv 2211.00593, section 2.
    """

    answer: str | int | tuple[str | int, ...]
    foil: str | int | tuple[str | int, ...]

    def __post_init__(self) -> None:
        """Check both sides once, at the door."""
        object.__setattr__(self, "answer", _side(self.answer, "answer"))
        object.__setattr__(self, "foil", _side(self.foil, "foil"))

    def __str__(self) -> str:
        """As it is shown beside a number."""
        return f"logit of {_shown(self.answer)} minus {_shown(self.foil)}"

    def ids(self, prompt: Sequence[int], answer_id: AnswerId) -> tuple[list[int], list[int]]:
        """Return the token ids of both sides after `prompt`."""
        sides = [v if isinstance(v, tuple) else (v,) for v in (self.answer, self.foil)]
        right, wrong = ([answer_id(prompt, a) for a in side] for side in sides)
        return right, wrong

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; see `from_json`."""
        sides = {"answer": self.answer, "foil": self.foil}
        listed = {k: list(v) if isinstance(v, tuple) else v for k, v in sides.items()}
        return {"kind": "logit difference", **listed}

    @classmethod
    def from_json(cls, value: object) -> LogitDiff:
        """Read what `to_json` wrote.

        Raises
        ------
        InputError
            If it is no such mapping.
        """
        if isinstance(value, LogitDiff):
            return value
        if not isinstance(value, Mapping) or not {"answer", "foil"} <= set(value):
            message = f"expected a metric such as hw.LogitDiff(' Mary', ' John'), got {value!r:.80}"
            raise InputError(message)
        return cls(value["answer"], value["foil"])


def logit_difference(logits: Tensor, right: Sequence[int], wrong: Sequence[int]) -> float:
    """Mean logit of `right` minus mean logit of `wrong`; `logits` is [vocabulary]."""
    return float(logits[list(right)].mean() - logits[list(wrong)].mean())


def first_two(logits: Tensor) -> tuple[list[int], list[int]]:
    """Return the most likely token and the second, for the default metric."""
    first, second = torch.topk(logits, 2).indices.tolist()
    return [first], [second]


def kl_divergence(clean: Tensor, edited: Tensor) -> Tensor:
    """KL(clean ‖ edited) of the next-token distributions, in nats, [row].

    Parameters
    ----------
    clean, edited : Tensor
        Logits, [row, vocabulary]; computed in float32 from log-probabilities.
    """
    p, q = (torch.log_softmax(x.float(), dim=-1) for x in (clean, edited))
    return (p.exp() * (p - q)).sum(dim=-1).clamp(min=0.0)


def _side(value: Any, what: str) -> str | int | tuple[str | int, ...]:
    if getattr(value, "ndim", 0) == 1:
        value = value.tolist()
    listed = isinstance(value, list | tuple)
    items = list(value) if listed else [value]
    read = [v if isinstance(v, str) else whole(v) for v in items]
    good = [v for v in read if v is not None and v != ""]
    if not items or len(good) != len(items):
        message = (
            f"expected the {what} as a token such as ' Mary', an id, or a list, got {value!r:.80}"
        )
        raise InputError(message)
    return tuple(good) if listed else good[0]


def _shown(side: str | int | tuple[str | int, ...]) -> str:
    return " | ".join(map(repr, side)) if isinstance(side, tuple) else repr(side)
