"""A session's metric on a batch of its prompts: which words, which tokens, which numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from headwidgets.errors import InputError
from headwidgets.methods.metric import Metric
from headwidgets.methods.metrics import LogitDiff, first_two

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwidgets.methods.metric import Tokens
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine


@dataclass(frozen=True)
class Reading:
    """The metric on some prompts, ready to be read off their runs.

    Attributes
    ----------
    metric : Metric
    tokens : list of pair of lists of int
        Answer and foil of each prompt.
    clean : Tensor, [prompt, vocabulary]
        Logits of the clean runs.
    """

    metric: Metric
    tokens: list[Tokens]
    clean: Tensor

    def __call__(self, logits: Tensor) -> Tensor:
        """Return the metric of runs, float32 [..., prompt], of logits [..., prompt, vocabulary]."""
        found = [
            self.metric.measure(
                logits[..., row, :].reshape(-1, logits.shape[-1]), ids, self.clean[row]
            )
            for row, ids in enumerate(self.tokens)
        ]
        return torch.stack(found, dim=-1).reshape(logits.shape[:-1])

    @property
    def columns(self) -> list[int] | None:
        """Which logits decide the numbers of any of the prompts; None where all of them do."""
        each = [self.metric.columns(ids) for ids in self.tokens]
        if any(one is None for one in each):
            return None
        return sorted({token for one in each for token in one or ()})

    def narrowed(self) -> Reading:
        """Return the reading for logits that hold `columns` alone, in their order.

        Raises
        ------
        ValueError
            If the metric needs them all: `columns` is None.
        """
        columns = self.columns
        if columns is None:
            message = f"{self.metric} looks at every logit"
            raise ValueError(message)
        place = {token: i for i, token in enumerate(columns)}
        tokens = [
            ([place[t] for t in right], [place[t] for t in wrong]) for right, wrong in self.tokens
        ]
        return replace(self, tokens=tokens, clean=self.clean[:, columns])


def reading(engine: Engine, snapshot: Snapshot, batch: Sequence[int], clean: Tensor) -> Reading:
    """Make the metric ready for some pairs.

    Parameters
    ----------
    batch : sequence of int
        Indices of pairs.
    clean : Tensor, [row, vocabulary]
        Logits of their clean runs.

    Raises
    ------
    InputError
        If the metric takes each prompt's own answer and the prompts have none.
    """
    tokens = [metric_tokens(engine, snapshot, i, clean[row]) for row, i in enumerate(batch)]
    return Reading(snapshot.metric or LogitDiff(), tokens, clean)


def metric_tokens(
    engine: Engine, snapshot: Snapshot, i: int, clean: Tensor | None = None
) -> Tokens:
    """Token ids that the metric looks at on a pair.

    `clean`, logits [vocabulary] of its clean run, decides where neither the metric nor the
    set names an answer.
    """
    answers = None if snapshot.answers is None else snapshot.answers[i]
    if snapshot.metric is None and answers is None and clean is not None:
        return first_two(clean)
    metric = (snapshot.metric or LogitDiff()).of(answers)
    return metric.ids(snapshot.pairs[i].clean, engine.text.answer_id)


def order_tokens(engine: Engine, snapshot: Snapshot, i: int, clean: Tensor) -> Tokens:
    """Token ids of an answer and a foil whose order may flip, whatever the metric is."""
    if isinstance(snapshot.metric, LogitDiff):
        return metric_tokens(engine, snapshot, i, clean)
    return metric_tokens(engine, replace(snapshot, metric=None), i, clean)


def asked_alone(snapshot: Snapshot, metric: object = None) -> Snapshot:
    """Return the question without the session's edits, and with another metric if one is given.

    Raises
    ------
    InputError
        If `metric` is no metric.
    """
    if metric is None:
        return replace(snapshot, edits=())
    if not isinstance(metric, Metric):
        message = (
            "expected metric= as a metric such as hw.LogitDiff(' Mary', ' John') or hw.KL(), "
            f"got {metric!r:.80}"
        )
        raise InputError(message)
    return replace(snapshot, edits=(), metric=metric)


def metric_name(snapshot: Snapshot) -> str:
    """Say what the metric is."""
    if snapshot.metric is not None:
        return str(snapshot.metric)
    if snapshot.answers is not None:
        return str(LogitDiff())
    return "logit of the clean run's first token minus its second"


def metric_unit(snapshot: Snapshot) -> str:
    """Say what the metric is counted in."""
    return (snapshot.metric or LogitDiff).unit


def least_gap(snapshot: Snapshot) -> float:
    """Say which difference of clean and corrupted a normalised effect needs at least."""
    return (snapshot.metric or LogitDiff).least_gap


def require_foil(snapshot: Snapshot, what: str) -> None:
    """Refuse a metric that is no logit difference where a formula needs one.

    Raises
    ------
    InputError
        If the metric is of another kind.
    """
    if snapshot.metric is not None and not isinstance(snapshot.metric, LogitDiff):
        message = (
            f"{what} is of a logit difference; the metric is the {snapshot.metric}: set "
            "s.metric = hw.LogitDiff(' Mary', ' John'), or None for the answers of the set"
        )
        raise InputError(message)
