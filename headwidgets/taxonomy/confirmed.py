"""What a proof found, and the rule by which it passes.

A head, or what stands for it, is broken on prompts that its score has not seen; the cost is set
against that of matched heads: those within one layer that write about as much, within a factor of
two. It passes if it is worth a tenth of the metric and more than they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from headwidgets.heads import Head
from headwidgets.methods.held_out import numbers
from headwidgets.methods.interval import student_tail
from headwidgets.taxonomy.on_task import SURE
from headwidgets.taxonomy.verdict import P_MAX

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from headwidgets.taxonomy.registry import Kind

    Floats = NDArray[np.float64]

SHARE = 0.1
"""Of the metric that the head must be worth."""
ALIKE = 2.0
"""Factor within which a matched head writes."""
NEAR = 1
"""Layers away that it stands, at most."""
LEAST_HEADS = 5
DRAWS, PARTS = 99_999, 20
"""Of the bootstrap: fine enough for a correction over hundreds of proofs; made in parts."""


@dataclass(frozen=True)
class Confirmed:
    """What removing a head does.

    Attributes
    ----------
    kind : str
    head : Head
    task : str
        What it was measured on, in words.
    effect, se : float
        Mean change of the logit difference, in logits: of the answer above what the card names.
    clean : float
        The logit difference with the head.
    share : float
        What is lost (for a kind that lowers the metric: gained), as a share of `clean`.
    p : float
        Share of bootstrap samples of the prompts in which the head costs no more than the
        matched heads do on average; of the facts or tasks that prompts share, where `reason`
        says so.
    matched : tuple of Head
    n : int
        Prompts.
    passed : bool
        ``share >= 0.1`` and ``p <= .01`` and, for a kind that raises the metric, `clean` three
        standard errors above 0: a model that does not do the task proves nothing.
    reason : str
    """

    kind: str
    head: Head
    task: str
    effect: float
    se: float
    clean: float
    share: float
    p: float
    matched: tuple[Head, ...]
    n: int
    passed: bool
    reason: str


class Cost(NamedTuple):
    """What breaking a head, and each of those beside it, did to every prompt.

    Attributes
    ----------
    own : ndarray of float, [prompt]
        What is lost of the metric: above 0, as the kind predicts.
    others : ndarray of float, [other, prompt]
        The same of what it is held against.
    clean : ndarray of float, [prompt]
        The metric; of a proof that restores, what was lost of it.
    restores : bool
        Whether something broken was mended, so that what is above 0 is a gain.
    least_p : float
        What p is at least: that of another test that the head has to pass.
    n : int
        Prompts, where what is given are means over those that share something (see `by_group`):
        they are no evidence apart, and p and the errors count groups.
    """

    own: Floats
    others: Floats
    clean: Floats
    restores: bool = False
    least_p: float = 0.0
    n: int = 0


class Said(NamedTuple):
    """A proof in words.

    Attributes
    ----------
    task : str
        What it was measured on.
    did : str
        What was done, as a sentence begins: "resampled at the last token".
    beside : str
        What it was held against: "12 matched heads".
    verb : str
        What the head does to the metric; default: "costs", or "frees" for a kind that lowers it.
    unit : str
        Of the metric.
    """

    task: str
    did: str
    beside: str
    verb: str = ""
    unit: str = "logits"


def judged(
    kind: Kind, head: Head, cost: Cost, said: Said, *, matched: tuple[Head, ...], seed: int
) -> Confirmed:
    """Judge a proof.

    Parameters
    ----------
    kind : Kind
    head : Head
    cost : Cost
    said : Said
    matched : tuple of Head
    seed : int
        Of the bootstrap.
    """
    mean = float(cost.clean.mean())
    share = float(cost.own.mean()) / abs(mean) if mean else float("nan")
    p = _p(cost.own - (cost.others.mean(0) if len(cost.others) else 0), seed)
    p = max(p, cost.least_p)
    n = len(cost.clean)
    off = float(cost.clean.std(ddof=1) / np.sqrt(n))
    does = (mean if kind.proof_sign > 0 else abs(mean)) > SURE * off
    passed = share >= SHARE and p <= P_MAX and does
    verb = said.verb or ("costs" if kind.proof_sign > 0 else "frees")
    reason = f"{said.did} on {said.task}, {head} {verb} {share:.0%} of {mean:.2f} {said.unit}"
    reason += f", {p_words(p)} against {said.beside}"
    if not does:
        reason += f": the model does not do the task (± {off:.2f})"
    effect = cost.own if cost.restores else -kind.proof_sign * cost.own
    error = float(effect.std(ddof=1) / np.sqrt(n))
    return Confirmed(
        *(kind.name, head, said.task, float(effect.mean()), error, mean, share, p),
        *(matched, cost.n or n, passed, reason),
    )


def by_group(values: Floats, groups: Sequence[object]) -> Floats:
    """Return the mean over the prompts of each group, [..., group], in the order they come in.

    Parameters
    ----------
    values : ndarray of float, [..., prompt]
    groups : sequence
        What each prompt shares with others: a fact, a task.
    """
    of = numbers(groups)
    means = [values[..., of == group].mean(-1) for group in range(int(of.max()) + 1)]
    return np.stack(means, axis=-1)


def p_words(p: float) -> str:
    """Say a p: "p = 0.0123"."""
    return f"p = {p:.4f}" if p >= 1e-4 else "p < 0.0001"  # noqa: PLR2004 - four digits


def weakest(*found: Confirmed) -> Confirmed:
    """Take several proofs of one head for one: it passes if all of them do.

    The share and the effect are those of the least; p is the largest, as befits a claim that is
    false where any part of it is (intersection-union: Berger 1982).
    """
    least = min(found, key=lambda one: (one.passed, one.share))
    return replace(
        least,
        p=max(one.p for one in found),
        passed=all(one.passed for one in found),
        reason="; ".join(one.reason for one in found),
    )


def alike(
    norms: NDArray[np.float64], head: Head, without: Collection[Head] = ()
) -> tuple[Head, ...]:
    """Return the heads that a head is compared with.

    Parameters
    ----------
    norms : ndarray of float, [layer, head]
        How much each writes.
    head : Head
    without : collection of Head
        Those that are none to compare with.

    Returns
    -------
    tuple of Head
        Within one layer and a factor of two; all others where these are fewer than five.
    """
    everyone = (Head(int(a), int(b)) for a, b in np.ndindex(norms.shape))
    others = [one for one in everyone if one != head and one not in without]
    own = norms[head.layer, head.head]

    def near(one: Head) -> bool:
        ratio = norms[one.layer, one.head] / max(own, 1e-30)
        return abs(one.layer - head.layer) <= NEAR and 1 / ALIKE <= ratio <= ALIKE

    some = [one for one in others if near(one)]
    return tuple(some if len(some) >= LEAST_HEADS else others)


def _p(beyond: Floats, seed: int) -> float:
    """Share of bootstrap means that are not above zero (NaN is not); the sample counts as one.

    At least the p of Student's one-sided t: a bootstrap of few values is too sure of itself.
    """
    random = np.random.default_rng(seed)
    n, not_above = len(beyond), 0
    for part in np.array_split(np.arange(DRAWS), PARTS):
        means = beyond[random.integers(n, size=(len(part), n))].mean(1)
        not_above += int((~(means > 0)).sum())
    return max((1 + not_above) / (1 + DRAWS), _student(beyond))


def _student(values: Floats) -> float:
    """Return the one-sided p of a mean above zero, by Student's t; 1 where there is no telling."""
    n = len(values)
    spread = float(values.std(ddof=1)) if n > 1 else float("nan")
    mean = float(values.mean())
    if not np.isfinite(spread) or not mean > 0:
        return 1.0
    if spread == 0:
        return 2.0**-n  # as a sign test has it
    return student_tail(mean / spread * float(np.sqrt(n)), n - 1)


def holm(ps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return p-values corrected for their number (Holm 1979), in the order given; NaN stays."""
    out = np.full(len(ps), np.nan)
    known = np.flatnonzero(~np.isnan(ps))
    order = known[np.argsort(ps[known])]
    highest = 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * float(ps[i])))
        out[i] = highest
    return out
