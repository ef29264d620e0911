"""Where heads look by place alone: a fixed number of tokens back, or all the way to a copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headwidgets.errors import NotMeasurable
from headwidgets.heads import Head
from headwidgets.taxonomy import broken, targets
from headwidgets.taxonomy.largest import look_most, mark_sinks
from headwidgets.taxonomy.measure import Scores
from headwidgets.taxonomy.reduce import Profile, profile
from headwidgets.taxonomy.verdict import NO, NOT_MEASURABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwidgets.taxonomy.measure import Measure
    from headwidgets.taxonomy.reduce import Floats
    from headwidgets.taxonomy.targets import Ints

FARTHEST = 8
"""Distances that are tried."""
MOST = 0.5
"""Share below which no head looks at one distance, though a real preference beats any null."""
COPIES = 4
_ROWS = 8
_SHORTEST = 6  # in shorter blocks no place is more than one away from every target
_MOVED = 64

Ids = tuple[int, ...]


# ---------------------------------------------------------------------- one distance


def positional(measure: Measure) -> Scores:
    """Share of queries that look most at one distance, the best of `FARTHEST`.

    Raises
    ------
    NotMeasurable
        If no row has more than eight tokens.
    """
    rows = measure.rows
    ids = rows.control or rows.ids
    used = [i for i, row in enumerate(ids) if len(row) - rows.first[i] > FARTHEST]
    if not used:
        message = f"{rows.words}: no row has more than {FARTHEST} tokens"
        raise NotMeasurable(message)
    first = [rows.first[i] for i in used]
    found = look_most(measure.engine, [ids[i] for i in used], first, hooks=measure.hooks)
    back = [_back(place, start) for place, start in zip(found.place, first, strict=True)]
    shares = np.stack([_shares(one) for one in back])
    shares[:, np.isnan(found.off)] = np.nan
    best = shares.mean(0).argmax(-1)
    per_row = np.take_along_axis(shares, best[None, ..., None], -1)[..., 0]
    windows = measure.engine.facts.windows
    scores = Scores(per_row, _turned(back, windows, measure.draws, measure.seed))
    if rows.control:
        scores.words = f"random tokens that do not repeat, {len(ids)} × {len(ids[0]) - first[0]}"
        scores.counted = rows.counted
    mark_sinks(scores, found.off)
    for layer, number in np.ndindex(*best.shape):
        head, places = Head(layer, number), int(best[layer, number]) + 1
        few = scores.mean[head] < MOST
        words = f"{'few queries look' if few else 'it looks'} {places} back"
        scores.remark(head, words, at_most=NO if few else None)
    return scores


def _back(place: Ints, first: int) -> Ints:
    """How far back each query looks, -1 for nowhere: [layer, head, query], BOS left out."""
    inside = place[..., first:]
    return np.where(inside < 0, -1, first + np.arange(inside.shape[-1]) - inside)


def _shares(back: Ints) -> Floats:
    """Share of the queries that have such a place: [layer, head, distance], from 1."""
    found = [(back[..., d:] == d).mean(-1) for d in range(1, FARTHEST + 1)]
    return np.stack(found, axis=-1).astype(np.float32)


def _turned(back: list[Ints], windows: Sequence[int | None], draws: int, seed: int) -> Floats:
    """Score with each query's attention turned round among the places that it sees.

    A place turned by a random number is a random place, whichever it was; what was nowhere
    stays nowhere.

    Returns
    -------
    ndarray of float32, [draw, layer, head]
    """
    random = np.random.default_rng(seed)
    sums = np.zeros((draws, FARTHEST, *back[0].shape[:2]), dtype=np.float32)
    for row in back:
        n = row.shape[-1]
        somewhere = (row >= 0).astype(np.float32)
        for window in dict.fromkeys(windows):
            layers = [layer for layer, one in enumerate(windows) if one == window]
            seen = np.minimum(np.arange(1, n + 1), window or n)
            drawn = random.integers(seen, size=(draws, n))
            for d in range(1, FARTHEST + 1):
                hit = (drawn == d).astype(np.float32) / (n - d)
                sums[:, d - 1, layers] += np.tensordot(hit, somewhere[layers], axes=(1, 2))
    best: Floats = sums.max(1) / np.float32(len(back))
    return best


# ---------------------------------------------------------------------- all copies


def global_retrieval(measure: Measure) -> Scores:
    """Attention on all earlier copies and on what followed them, in four copies of a block.

    Raises
    ------
    NotMeasurable
        If rows are given, or the context does not hold four copies of six tokens.
    """
    repeated, control, first = _blocks(measure)
    period = (len(repeated[0]) - first) // COPIES
    wanted = [_pairs(repeated, first, target) for target in _BOTH]
    echo, after = profile(
        measure.engine,
        repeated,
        [(pairs, _shifts(period)) for pairs in wanted],
        hooks=measure.hooks,
    )
    both = Profile(echo.pairs, echo.shifts, echo.values + after.values)
    still = profile(
        measure.engine, control, [(pairs, (0,)) for pairs in wanted], hooks=measure.hooks
    )
    unrepeated = still[0].values[..., 0] + still[1].values[..., 0]
    random = np.random.default_rng(measure.seed)
    null = broken.shifted(both, measure.threshold, measure.draws, random)
    fixed = broken.resampled(unrepeated, measure.draws, random)
    fixed[fixed >= measure.threshold] = 0  # a distance that some head keeps to: see _mark
    null = np.maximum(null, fixed)
    scores = Scores(both.values[..., 0], null, counted=measure.rows.counted)
    scores.words = f"random tokens, {len(repeated)} × {COPIES} × {period}"
    _mark(measure, scores, both, unrepeated.mean(0))
    parts = echo.values[..., 0].mean(0), after.values[..., 0].mean(0)
    for head in scores.reaching(measure.threshold):
        words = f"copies {parts[0][head]:.2f}, what followed them {parts[1][head]:.2f}"
        scores.remark(head, words)
    return scores


_BOTH = (targets.earlier_same, targets.after_earlier_same)


def _blocks(measure: Measure) -> tuple[list[Ids], list[Ids], int]:
    """Rows [BOS, x, x, x, x] and [BOS, x, y, z, w], of the tokens of the measure's own rows."""
    rows = measure.rows
    if rows.period is None:
        message = "it is measured on its own random tokens, not on rows that are given"
        raise NotMeasurable(message)
    first, n_ctx = rows.first[0], measure.engine.facts.n_ctx
    period = min(rows.period, (n_ctx - first) // COPIES)
    if period < _SHORTEST:
        message = (
            f"a context of {n_ctx} tokens and blocks of {rows.period} hold no block of at least "
            f"{_SHORTEST} random tokens {COPIES} times over"
        )
        raise NotMeasurable(message)
    pool = np.unique([row[first:] for row in (*rows.ids, *rows.control)])
    random = np.random.default_rng(measure.seed)
    repeated, control = [], []
    for bos in [row[:first] for row in rows.ids[:_ROWS]]:
        drawn = random.permutation(pool).tolist()
        short = COPIES * period - len(drawn)
        again = [random.permutation(drawn).tolist() for _ in range(-(-short // len(drawn)))]
        drawn = sum(again, drawn)
        repeated.append((*bos, *(drawn[:period] * COPIES)))
        control.append((*bos, *drawn[: COPIES * period]))
    return repeated, control, first


def _pairs(rows: list[Ids], first: int, target: targets.Target) -> list[targets.Pairs]:
    return [target.find(np.array(row), first) for row in rows]


def _shifts(period: int) -> tuple[int, ...]:
    """0, then all places that hold neither a copy, nor what follows one, nor the one before.

    A head that looks at copies alone has the same score one place to the left.
    """
    near = range(-_MOVED, _MOVED + 1)
    return (0, *(s for s in near if s % period not in (0, 1, period - 1)))


def _mark(measure: Measure, scores: Scores, seen: Profile, unrepeated: Floats) -> None:
    """Say where attention is NaN, out of reach, larger elsewhere, or there without copies."""
    everywhere = seen.values.mean(0)
    nearest = min(int((one.query - one.key).min()) for one in seen.pairs)
    for layer, number in np.ndindex(*everywhere.shape[:2]):
        head, values = Head(layer, number), everywhere[layer, number]
        window = measure.engine.facts.windows[layer]
        if np.isnan(values[0]):
            scores.remark(head, "its attention is NaN", at_most=NOT_MEASURABLE)
        elif window is not None and window <= nearest:
            words = f"it sees {window} tokens, the copies are {nearest} back"
            scores.remark(head, words, at_most=NOT_MEASURABLE)
        elif values[1:].max() >= values[0]:
            words = f"attends as much or more to other places ({values[1:].max():.3f})"
            scores.remark(head, words, at_most=NO)
        elif unrepeated[head] >= values[0] / 2:
            words = f"looks there where nothing repeats as well ({unrepeated[head]:.3f})"
            scores.remark(head, words, at_most=NO)
