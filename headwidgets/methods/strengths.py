"""A direction added at several strengths: what the metric does, and what it costs elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from headwidgets.errors import InputError
from headwidgets.methods.activations import activations
from headwidgets.methods.adding import Adding
from headwidgets.methods.apply import check_target
from headwidgets.methods.edit import Edit
from headwidgets.methods.effects import mean_se
from headwidgets.methods.interval import interval
from headwidgets.methods.measuring import Reading, metric_name, metric_unit, order_tokens, reading
from headwidgets.methods.metrics import LogitDiff
from headwidgets.methods.neutral import cost, read_neutral
from headwidgets.methods.options import refuse_unknown
from headwidgets.methods.places import read_at
from headwidgets.methods.runs import batches, logits
from headwidgets.methods.summary import measured_on
from headwidgets.methods.vector import Direction
from headwidgets.model.work import keeping
from headwidgets.whole import whole

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from headwidgets.methods.places import At
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine

STRENGTHS = (-8, -4, -2, -1, 0, 1, 2, 4, 8)
DRAWS = 20
_MOST = 1 << 63  # what a seed can be
COLUMNS = ("strength", "metric", "se", "low", "high", "n", "flips", "kl_neutral", "random_sd")


class _Curve:
    """What is measured so far of some strengths, along the direction and random ones.

    Attributes
    ----------
    metric : ndarray of float, [strength, way, prompt]
        NaN where it was not measured; the first way is the direction itself.
    flips : ndarray of float, [strength, way, prompt]
        Whether answer and foil changed places, NaN where it was not measured.
    kl : ndarray of float, [strength]
        The cost on neutral text.
    """

    def __init__(self, sizes: int, ways: int, prompts: int) -> None:
        self.metric = np.full((sizes, ways, prompts), math.nan)
        self.flips = np.full((sizes, ways, prompts), math.nan)
        self.kl = np.full(sizes, math.nan)

    @property
    def there(self) -> NDArray[np.bool_]:
        """Which prompts were run in every way, [strength, prompt]."""
        there: NDArray[np.bool_] = ~np.isnan(self.flips).any(1)
        return there

    def said(self) -> str:
        """Say how far it came."""
        done, total = int(self.there.all(1).sum()), len(self.kl)
        cost = ", their cost on neutral text not" if done == total else ""
        return f"stopped: {done} of {total} strengths done{cost}"


def strengths(
    engine: Engine,
    snapshot: Snapshot,
    direction: Direction,
    strengths: Any = STRENGTHS,
    *,
    at: Any = None,
    neutral: Any = None,
    draws: int = DRAWS,
    seed: int = 0,
    **unknown: object,
) -> pd.DataFrame:
    """Add a direction to the clean runs at several strengths; the session's edits are put aside.

    a' = a + strength · sd · v̂, where sd is the standard deviation of a · v̂ over the prompts
    at `at`.

    Parameters
    ----------
    direction : Direction
        Where it was found is where it is added.
    strengths : sequence of float
    at : int, str, list or None
        As in `add`; None is everywhere.
    neutral : list of str or token ids, optional
        Texts on which the direction should change nothing. Default: the session's
        reference, else its own prompts, and ``attrs["neutral"]`` says which.
    draws, seed : int
        Random directions to compare with, of the same length at the same strength.

    Returns
    -------
    DataFrame
        One row a strength: strength; metric, its mean over the set; se; low and high, the
        95 % interval by Student's t; n; flips, the share of prompts on which answer and
        foil change their order; kl_neutral, the mean KL(clean ‖ edited) over all tokens
        of the neutral texts, in nats, with the direction added at every one of them;
        random_sd, the standard deviation of the metric's mean over the random directions.

    Raises
    ------
    InputError
        If the direction does not fit the model, or its projection does not vary, so that
        there is no unit; for an unknown option.
    Cancelled
        If it was cancelled; ``partial`` on the error is the table of what was done (NaN, and
        an n of 0, where a strength was not), where there is any, and ``attrs["incomplete"]``
        says how many.

    References
    ----------
    Li et al. 2023, "Inference-Time Intervention", arXiv 2306.03341, section 3.
    """
    if not isinstance(direction, Direction):
        message = f"expected a direction that find_direction returns, got {direction!r:.60}"
        raise InputError(message)
    refuse_unknown("strengths", unknown, "at, neutral, draws, seed")
    sizes = _read_strengths(strengths)
    n_draws, drawn = _read_whole("draws", draws), _read_whole("seed", seed)
    place = read_at(at)
    check_target(engine, Edit("add", direction.target, factor=1.0, direction=direction))
    base = replace(snapshot, edits=())
    texts, words = read_neutral(engine, base, neutral)
    sd, notes = _unit(engine, base, direction, place)
    ways = _ways(direction, n_draws, drawn)
    vectors = torch.tensor(sizes)[:, None, None] * sd * ways  # [strength, way, width]
    about = {
        "edit": f"add strength × {sd:.3g} along {direction.name} to {direction.target}"
        + ("" if place is None else f" at {place}"),
        "measured_on": measured_on(base),
        "metric": metric_name(base),
        "unit": metric_unit(base),
        "sd": sd,
        "neutral": words,
        "draws": n_draws,
        "notes": notes,
    }
    curve = _Curve(len(sizes), len(ways), len(base.pairs))

    def partial() -> pd.DataFrame | None:
        done = int(curve.there.any(0).sum())
        if not done:
            return None
        frame = _layout(sizes, curve)
        frame.attrs |= about | {"incomplete": curve.said(), "measured_on": measured_on(base, done)}
        return frame

    with keeping(partial):
        _measure(engine, base, direction.target, place, vectors, curve)
        curve.kl[:] = cost(engine, texts, Adding(engine, direction.target), vectors[:, 0])
    frame = _layout(sizes, curve)
    frame.attrs |= about
    return frame


def _ways(direction: Direction, draws: int, seed: int) -> Tensor:
    """Return the direction and random ones, each of length one, [way, width]."""
    unit = torch.from_numpy(direction.unit)
    generator = torch.Generator().manual_seed(seed)
    random = torch.randn(draws, len(unit), generator=generator)
    return torch.cat([unit[None], random / random.norm(dim=-1, keepdim=True)])


def _measure(
    engine: Engine, snapshot: Snapshot, target: str, at: At, vectors: Tensor, curve: _Curve
) -> None:
    """Run the set with each of `vectors`, [strength, way, width], added."""
    flat = vectors.flatten(0, 1)
    metric, flips = (into.reshape(len(flat), -1) for into in (curve.metric, curve.flips))  # views
    adding = Adding(engine, target)
    done = 0
    for batch in batches(engine, snapshot):
        clean = logits(engine, snapshot, "clean", batch).values
        read = reading(engine, snapshot, batch, clean)
        tokens = [order_tokens(engine, snapshot, i, clean[row]) for row, i in enumerate(batch)]
        order = Reading(LogitDiff(), tokens, clean)
        before = order(clean).sign()
        rows = [snapshot.pairs[i] for i in batch]
        for first, found in adding.runs(rows, flat, at, snapshot, done):
            some = slice(first, first + len(found))
            metric[some, batch] = read(found).cpu()
            flips[some, batch] = (order(found).sign() != before).cpu()
        done += len(batch)


def _layout(sizes: list[float], curve: _Curve) -> pd.DataFrame:
    rows = []
    metric = np.where(curve.there[:, None], curve.metric, math.nan)
    for i, size in enumerate(sizes):
        mean, se = mean_se(metric[i, 0])
        n = int(np.isfinite(metric[i, 0]).sum())
        low, high = interval(mean, se, n)
        draws = [mean_se(values)[0] for values in metric[i, 1:]]
        spread = float(np.std(draws, ddof=1)) if len(draws) > 1 else math.nan
        flips = mean_se(np.where(curve.there[i], curve.flips[i, 0], math.nan))[0]
        rows.append((size, mean, se, float(low), float(high), n, flips, curve.kl[i], spread))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _unit(
    engine: Engine, snapshot: Snapshot, direction: Direction, at: At
) -> tuple[float, list[str]]:
    """Return the standard deviation of the projection, and where it was taken if not at `at`."""
    unit = torch.from_numpy(direction.unit)
    for place in (at, None):
        found = torch.cat(activations(engine, snapshot, direction.target, place)) @ unit
        size = float(found.double().std()) if len(found) > 1 else 0.0
        if size > 1e-6 * max(1.0, float(found.abs().max())):
            note = "the unit is the spread over all positions: at= alone has none"
            return size, [note] if place != at else []
    message = (
        f"the projection on {direction.name} at {direction.target} is the same everywhere, so "
        "strengths have no unit: give several different prompts"
    )
    raise InputError(message)


def _read_strengths(value: Any) -> list[float]:
    listed = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]
    try:
        sizes = [float(size) for size in listed]
    except (TypeError, ValueError):
        sizes = []
    if not sizes or not all(math.isfinite(size) for size in sizes):
        message = f"expected strengths as finite numbers such as [-4, 0, 4], got {value!r:.60}"
        raise InputError(message)
    return sizes


def _read_whole(name: str, value: Any) -> int:
    found = whole(value)
    if found is None or not 0 <= found < _MOST:
        message = f"expected {name} as a whole number from 0, got {value!r:.40}"
        raise InputError(message)
    return found
