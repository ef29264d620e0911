"""What is measured on the logits at the end of a prompt: one number a run.

Each metric is a frozen value that can be shown, saved and compared; see `Metric`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from headwidgets.errors import InputError
from headwidgets.methods.metric import (
    DEFAULT,
    AnswerId,
    Metric,
    Side,
    Tokens,
    listed,
    read_metric,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "KL",
    "LogProb",
    "LogitDiff",
    "Prob",
    "Rank",
    "first_two",
    "kl_divergence",
    "read_metric",
]


@dataclass(frozen=True)
class LogitDiff(Metric):
    """Logit of the answer minus logit of the foil, at the last position, in logits.

    Parameters
    ----------
    answer, foil : str, int or list of them, optional
        Tokens; of a list, the logits are averaged. Text usually begins with a space.
        Without both, each prompt's own answer and foil.

    Raises
    ------
    InputError
        For an answer without a foil or the reverse, and for a token that is named twice:
        in one list, or as answer and as foil.

    References
    ----------
    Wang et al. 2022, "Interpretability in the Wild", arXiv 2211.00593, section 2.
    """

    kind: ClassVar[str] = DEFAULT
    unit: ClassVar[str] = "logits"

    answer: Side | None = None
    foil: Side | None = None

    def __post_init__(self) -> None:
        """Check both sides once, at the door."""
        if (self.answer is None) != (self.foil is None):
            there, lacking = ("answer", "foil") if self.foil is None else ("foil", "answer")
            message = f"expected {lacking} as well as {there}: hw.LogitDiff compares the two"
            raise InputError(message)
        super().__post_init__()
        check_apart(*(listed(side) for side in (self.answer, self.foil)))

    def ids(self, prompt: Sequence[int], answer_id: AnswerId) -> Tokens:
        """Return the token ids of answer and foil, no token twice; see `Metric.ids`."""
        right, wrong = super().ids(prompt, answer_id)
        check_apart(right, wrong)
        return right, wrong

    def __str__(self) -> str:
        """As it is shown beside a number."""
        if self.own_answers:
            return "logit of each prompt's answer minus its foil"
        return f"logit of {shown(self.answer)} minus {shown(self.foil)}"

    def columns(self, ids: Tokens) -> list[int]:
        """Return the tokens whose logits it reads, each once, in order."""
        return sorted({*ids[0], *ids[1]})

    def measure(self, logits: Tensor, ids: Tokens, clean: Tensor) -> Tensor:  # noqa: ARG002 - of any run by itself
        """Mean logit of the answers minus mean logit of the foils; see `Metric.measure`."""
        right, wrong = ids
        rows = logits.float()
        return rows[..., right].mean(-1) - rows[..., wrong].mean(-1)


def check_apart(answer: Sequence[object], foil: Sequence[object]) -> None:
    """Refuse sides that name a token twice, or that share one.

    Raises
    ------
    InputError
        With the token.
    """
    for side in (answer, foil):
        twice = [token for i, token in enumerate(side) if token in side[:i]]
        if twice:
            message = (
                f"expected each token of a side once, got {twice[0]!r} twice in {[*side]!r:.80}"
            )
            raise InputError(message)
    both = [token for token in answer if token in foil]
    if both:
        message = (
            f"expected answers and foils that differ, got {both[0]!r} on both sides: its logit "
            "minus itself is nothing"
        )
        raise InputError(message)


@dataclass(frozen=True)
class _OfAnswer(Metric):
    answer: Side | None = None
    _words: ClassVar[str] = ""

    def __str__(self) -> str:
        """As it is shown beside a number."""
        return self._words.format(
            "each prompt's answer" if self.answer is None else shown(self.answer)
        )


@dataclass(frozen=True)
class Prob(_OfAnswer):
    """Probability of the answer as the next token, at the last position, from 0 to 1.

    Parameters
    ----------
    answer : str, int or list of them, optional
        Of a list, the probability that the next token is one of them: the sum. Without it,
        each prompt's own answer.
    """

    kind: ClassVar[str] = "probability"
    unit: ClassVar[str] = "probability"
    least_gap: ClassVar[float] = 0.01
    _words: ClassVar[str] = "probability of {}"

    def measure(self, logits: Tensor, ids: Tokens, clean: Tensor) -> Tensor:
        """Sum of the answers' probabilities; see `Metric.measure`."""
        return _log_probability(logits, ids, clean).exp()


@dataclass(frozen=True)
class LogProb(_OfAnswer):
    """Log-probability of the answer as the next token, at the last position, in nats.

    Parameters
    ----------
    answer : str, int or list of them, optional
        Of a list, the logarithm of the probability that the next token is one of them.
        Without it, each prompt's own answer.
    """

    kind: ClassVar[str] = "log-probability"
    unit: ClassVar[str] = "nats"
    _words: ClassVar[str] = "log-probability of {}, nats"

    def measure(self, logits: Tensor, ids: Tokens, clean: Tensor) -> Tensor:
        """Logarithm of what `Prob` measures; see `Metric.measure`."""
        return _log_probability(logits, ids, clean)


@dataclass(frozen=True)
class Rank(_OfAnswer):
    """How many tokens are likelier than the answer, at the last position; 0 is the first.

    Parameters
    ----------
    answer : str, int or list of them, optional
        Of a list, the best one counts. Without it, each prompt's own answer.
    """

    kind: ClassVar[str] = "rank"
    unit: ClassVar[str] = "places"
    lower_is_better: ClassVar[bool] = True
    _words: ClassVar[str] = "rank of {} (0 = first)"

    def measure(self, logits: Tensor, ids: Tokens, clean: Tensor) -> Tensor:  # noqa: ARG002 - of any run by itself
        """Tokens with a higher logit than the best answer; see `Metric.measure`."""
        best = logits[..., ids[0]].amax(-1, keepdim=True)
        places = (logits > best).sum(-1).float()
        return torch.where(torch.isfinite(logits).all(-1), places, torch.nan)


@dataclass(frozen=True)
class KL(Metric):
    """KL(clean ‖ run) of the next-token distributions at the last position, in nats.

    Zero for the clean run, never negative: it says how far a run went, not which way.
    """

    kind: ClassVar[str] = "KL"
    unit: ClassVar[str] = "nats"
    lower_is_better: ClassVar[bool] = True

    def __str__(self) -> str:
        """As it is shown beside a number."""
        return "KL(clean ‖ run) of the next token, nats"

    def measure(self, logits: Tensor, ids: Tokens, clean: Tensor) -> Tensor:  # noqa: ARG002 - it looks at all tokens
        """Divergence of each row from the clean run; see `Metric.measure`."""
        return kl_divergence(clean, logits)


def first_two(logits: Tensor) -> Tokens:
    """Return the most likely token and the second, for the default metric."""
    first, second = torch.topk(logits, 2).indices.tolist()
    return [first], [second]


def kl_divergence(clean: Tensor, edited: Tensor) -> Tensor:
    """KL(clean ‖ edited) of the next-token distributions, in nats, [row].

    Parameters
    ----------
    clean, edited : Tensor
        Logits, [row, vocabulary]; computed in float32 from log-probabilities. A token whose clean
        logit is -inf has no share in it.
    """
    p, q = (torch.log_softmax(x.float(), dim=-1) for x in (clean, edited))
    each = (p.exp() * (p - q)).masked_fill(p == -torch.inf, 0.0)
    return each.sum(dim=-1).clamp(min=0.0)


def _log_probability(logits: Tensor, ids: Tokens, _clean: Tensor) -> Tensor:
    """Log-probability that the next token is one of the answers, [row]."""
    right = sorted(set(ids[0]))  # a token named twice is one token
    return torch.log_softmax(logits.float(), dim=-1)[..., right].logsumexp(-1)
