"""The null of an attention score: the same attention with its structure broken.

A draw moves the target away in two ways and takes, for each head, the larger value:

* every row by its own random shift, so that no fixed line survives the mean over rows.
  One shift for all rows would not do: a sharp previous-token head, at the one shift that
  turns "the token after its earlier copy" into "the previous token", would then stand in
  the way of every induction head of its model;
* all rows by one random shift, where that line stays below the kind's threshold. A line
  above it is another head's job; a line below it is what position alone gives by chance,
  the same in all rows, and a weak head has to beat that.

For whatever is about repetition a third value is taken from rows that repeat nothing.
Over heads the maximum is taken later, by `verdict.p_values`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from headwidgets.taxonomy.reduce import Floats, Profile

_ROUNDING = 1e-4


def shifted(seen: Profile, threshold: float, draws: int, random: np.random.Generator) -> Floats:
    """Attention on the target moved at random.

    Parameters
    ----------
    seen : Profile
    threshold : float
        The kind's own.
    draws : int
    random : numpy Generator

    Returns
    -------
    ndarray of float32, [draw, layer, head]
    """
    moved = seen.values[..., 1:]
    rows, *shape, n_shifts = moved.shape
    own = np.zeros((*shape, draws), dtype=np.float32)
    for row in moved:
        own += row[..., random.integers(n_shifts, size=draws)]
    line = moved.mean(axis=0)[..., random.integers(n_shifts, size=draws)]
    line[line >= threshold] = 0
    return np.moveaxis(np.maximum(own / rows, line), -1, 0)


def resampled(values: Floats, draws: int, random: np.random.Generator) -> Floats:
    """Mean over rows that were drawn with replacement (bootstrap).

    Parameters
    ----------
    values : ndarray of float32, [row, layer, head]
    draws : int
    random : numpy Generator

    Returns
    -------
    ndarray of float32, [draw, layer, head]
    """
    rows = len(values)
    counts = random.multinomial(rows, np.full(rows, 1 / rows), size=draws).astype(np.float32)
    means: Floats = np.tensordot(counts / np.float32(rows), values, axes=1)
    return means


def about_zero(values: Floats, draws: int, random: np.random.Generator) -> Floats:
    """Mean over rows drawn with replacement, each head's own mean taken off, [draw, layer, head].

    What chance makes of a head without an effect whose rows spread as much.

    Parameters
    ----------
    values : ndarray of float32, [row, layer, head]
    """
    return resampled(values - values.mean(axis=0), draws, random)


def beyond_rounding(values: Floats) -> Floats:
    """Return values with those set to 0 that are rounding: less than 1e-4 logits or nats.

    Else a change of 1e-8 would beat a null that is exactly zero.
    """
    found: Floats = np.where(np.abs(values) < _ROUNDING, np.float32(0), values)
    return found
