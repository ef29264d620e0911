"""The null of a score on a task: the same numbers with the labels of the prompts permuted.

A prompt has a right label and matched wrong ones (the other options, the other name, the
other order). The score is a function of the right one; a draw takes, in each prompt, a label at
random. What a head does whatever is right (always the last option, always the nearest name)
then scores as much in the draws as on the prompts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def contrast(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each label's value minus the mean of the others', along the last axis."""
    n = values.shape[-1]
    others = (values.sum(-1, keepdims=True) - values) / (n - 1)
    found: NDArray[np.float32] = values - others
    return found


def right_of(
    table: NDArray[np.float32], right: Sequence[int] | NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return what each prompt's right label scores: [prompt, layer, head] of [..., label]."""
    rows = np.arange(len(table))
    found: NDArray[np.float32] = table[rows, :, :, np.asarray(right)]
    return found


def relabelled(
    table: Sequence[NDArray[np.float32]] | NDArray[np.float32],
    draws: int,
    random: np.random.Generator,
) -> NDArray[np.float32]:
    """Return the mean over prompts of a random label's score, [draw, layer, head].

    Parameters
    ----------
    table : for each prompt an ndarray of float32, [layer, head, label]
        Its score, were that label the right one; prompts may differ in their labels.
    draws : int
    random : numpy Generator
    """
    out = np.zeros((*table[0].shape[:-1], draws), dtype=np.float32)
    for row in table:
        out += row[..., random.integers(row.shape[-1], size=draws)]
    out /= len(table)
    return np.moveaxis(out, -1, 0)


def permuted(
    hits: NDArray[np.float32], draws: int, random: np.random.Generator
) -> NDArray[np.float32]:
    """Return the mean of a table read along a random permutation, [draw, layer, head].

    Parameters
    ----------
    hits : ndarray of float32, [item, layer, head, target]
        As many targets as items: what each item would score, were that target its own.
    draws : int
    random : numpy Generator
    """
    n = len(hits)
    items = np.arange(n)
    out = np.empty((draws, *hits.shape[1:3]), dtype=np.float32)
    for draw in range(draws):
        out[draw] = hits[items, :, :, random.permutation(n)].mean(0)
    return out
