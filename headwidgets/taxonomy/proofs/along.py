"""A head moved along what a probe of its z tells apart, and judged by what the model then does.

After Li et al. 2023 (inference-time intervention, arXiv 2306.03341). The shift, from the mean z of
rows without a label to that of rows with it, is found on one set of prompts; on others the head's
z is moved along it, by three of the standard deviations along it, both ways, everything after it
recomputed. Half the difference is set against that of matched heads, each moved along its own
shift, and against directions of the same length taken at random. And what acts must go with the
labels: a head's z varies in few directions, so that a shift between rows of any sort may act.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from headwidgets.errors import NotMeasurable
from headwidgets.methods.held_out import MASS_MEAN, fit
from headwidgets.methods.interval import student_tail
from headwidgets.taxonomy.confirmed import (
    SHARE,
    Confirmed,
    Cost,
    Said,
    alike,
    by_group,
    judged,
    p_words,
)
from headwidgets.taxonomy.languages import STRENGTH
from headwidgets.taxonomy.output_norms import output_norms
from headwidgets.taxonomy.probing import ends, said_at_end
from headwidgets.taxonomy.proofs.at_places import changed
from headwidgets.taxonomy.resampling import LEAST_PROMPTS, beside

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from headwidgets.heads import Head
    from headwidgets.model.engine import Engine
    from headwidgets.taxonomy.asked import Ids
    from headwidgets.taxonomy.confirmed import Floats
    from headwidgets.taxonomy.probing import Labelled
    from headwidgets.taxonomy.proofs.at_places import Change
    from headwidgets.taxonomy.registry import Kind


DRAWS = 999
"""Times that labels are permuted, for the mean and the spread of what chance would tell."""
_ROUNDING = 1e-9


class Acting(NamedTuple):
    """What a model does on prompts that no probe was fitted on.

    Attributes
    ----------
    rows : tuple of token ids
    places : tuple of int
        Where a head is moved, of each row.
    read : callable
        Logits at the end, [row, vocabulary], to the metric of every prompt: what the shift is to
        raise.
    sign : ndarray of float, [prompt]
        What the metric is multiplied with, so that it is above 0 where the model does well.
    task, does : str
        What it is measured on, and what the head does to it.
    unit : str
        Of the metric.
    facts : tuple
        What each prompt is about, none of which the shift was found on: prompts about one count
        once, by their mean. Default: every prompt is about something else.
    """

    rows: tuple[Ids, ...]
    places: tuple[int, ...]
    read: Callable[[NDArray[np.float32]], Floats]
    sign: Floats
    task: str
    does: str
    unit: str = "logits"
    facts: tuple[object, ...] = ()


def moved(
    engine: Engine, kind: Kind, head: Head, seed: int, given: Labelled, acting: Acting
) -> Confirmed:
    """Move a head along what a probe's rows tell apart, and judge what that does.

    Parameters
    ----------
    engine : Engine
    kind : Kind
    head : Head
    seed : int
    given : Labelled
        Rows that the shift is found on.
    acting : Acting

    Raises
    ------
    NotMeasurable
        If there are fewer than ten prompts.
    """
    n = len(acting.sign)
    if n < LEAST_PROMPTS:
        message = f"{acting.task}: {n} prompts, {LEAST_PROMPTS} are needed"
        raise NotMeasurable(message)
    facts = acting.facts or range(n)
    z, labels = ends(engine, given.rows), torch.from_numpy(given.labels)
    matched = alike(output_norms(engine, acting.rows, acting.places), head)

    def gains(one: Head, step: Tensor) -> Floats:
        up, down = (
            acting.read(changed(engine, acting.rows, one, _adding(by), acting.places))
            for by in (step, -step)
        )
        return by_group((up - down) / 2, facts)

    def own_gains(one: Head) -> Floats:
        return gains(one, shift(z[:, one.layer, one.head], labels))

    own = own_gains(head)
    others = np.array([own_gains(one) for one in matched]).reshape(len(matched), len(own))
    clean = by_group(acting.sign * acting.read(said_at_end(engine, acting.rows)), facts)
    against, least = beside(matched, engine), 1.0
    if acting.facts:
        against += f", over {len(own)} facts that the shift was not found on"
    if own.mean() >= SHARE * abs(clean.mean()):  # else it fails, and no p is claimed
        own_z = z[:, head.layer, head.head]
        length = float(shift(own_z, labels).norm())
        basis = _basis(z.shape[-1], seed)
        every = [float(gains(head, length * one).mean()) for one in basis]
        by_chance = cosine_p(float(own.mean()), every)
        acts = own_z.double() @ (basis.double().T @ torch.tensor(every, dtype=torch.float64))
        by_labels = labels_p(acts.numpy(), given, seed)
        least = max(by_chance, by_labels)
        against += f"; {p_words(by_chance)} against directions at random"
        against += f"; {p_words(by_labels)} against labels permuted"
    did = f"moved by {STRENGTH:g} sd from {given.names[1]} to {given.names[0]} of {given.words}"
    cost = Cost(own, others, clean, restores=True, least_p=least, n=n)
    said = Said(acting.task, did, against, acting.does, acting.unit)
    return judged(kind, head, cost, said, matched=matched, seed=seed)


def shift(z: Tensor, labels: Tensor) -> Tensor:
    """Return the step from the mean without the label to that with it, three deviations long.

    Parameters
    ----------
    z : Tensor, [row, d_head]
    labels : Tensor of bool, [row]
    """
    weights, _ = fit(MASS_MEAN, z, labels[:, None])
    unit = (weights[:, 0] / weights[:, 0].norm().clamp(min=1e-30)).float()
    step: Tensor = STRENGTH * float((z @ unit).std()) * unit
    return step


def cosine_p(gain: float, every: Sequence[float]) -> float:
    """Return how likely a direction taken at random gains as much as one does.

    Parameters
    ----------
    gain : float
        Of the direction, as long as those of `every`.
    every : sequence of float
        Gains of directions at right angles that span all: where the gain is linear, they are its
        gradient, and the direction's cosine with that is the gain over their root sum of squares.
        Of a direction at random, cosine · √((d − 1) / (1 − cosine²)) has Student's t distribution
        with d − 1 degrees of freedom.
    """
    d, size = len(every), float(np.linalg.norm(every))
    if not gain > 0 or not size > 0 or d < 2:  # noqa: PLR2004 - along a line nothing is at random
        return 1.0
    cosine = min(gain / size, 1.0)
    sine = np.sqrt(max(1 - cosine**2, 1e-12))
    return student_tail(float(cosine * np.sqrt(d - 1) / sine), d - 1)


def labels_p(acts: Floats, given: Labelled, seed: int) -> float:
    """Return how likely rows that are labelled by chance differ as much in what acts.

    Parameters
    ----------
    acts : ndarray of float, [row]
        What each row's z brings to the metric, as far as that is linear.
    given : Labelled
        Labels are permuted within its blocks, units as wholes; the sum over rows with the label is
        held against its mean and standard deviation under that, as a normal distribution.
    seed : int
    """
    drawn = given.relabelled(DRAWS, np.random.default_rng(seed))
    centred = acts - acts.mean()
    sums = centred @ drawn
    spread = float(sums.std(ddof=1))
    if not spread > _ROUNDING * float(np.abs(acts).sum()):
        return 1.0
    beyond = (float(centred @ given.labels) - float(sums.mean())) / spread
    return student_tail(beyond, DRAWS - 1) if beyond > 0 else 1.0


def _adding(by: Tensor) -> Change:
    return lambda z, _: z + by.to(z)


def _basis(d: int, seed: int) -> Tensor:
    """Return directions at right angles, turned at random, [direction, d]."""
    drawn = np.random.default_rng(seed).standard_normal((d, d))
    return torch.from_numpy(np.linalg.qr(drawn)[0].T.astype(np.float32))
