"""Amplification heads: late, from the last tokens, they raise what already leads.

For the letters k of a multiple-choice question: the correlation of the logit that the stream
holds of k before the head's layer with what the head adds to it directly. Both are centered over
the letters of a prompt and over the prompts, so that a letter that always leads, and a head that
always adds the same, say nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headwidgets.heads import Head
from headwidgets.taxonomy.ending import ending
from headwidgets.taxonomy.letters import OPTIONS
from headwidgets.taxonomy.measure import Scores
from headwidgets.taxonomy.ov import unembedding
from headwidgets.taxonomy.verdict import NO

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headwidgets.taxonomy.ending import Ending
    from headwidgets.taxonomy.measure import Measure
    from headwidgets.taxonomy.on_task import OnTask

    Floats = NDArray[np.float32]

LAST = 3
"""Tokens at the end that the head must look at ..."""
LOOKS = 0.5
"""... with so much of the last token's attention,"""
GAIN = 0.02
"""and what it must add to a lead of one logit, at least."""
_TINY = 1e-12


def amplifying(measure: Measure) -> Scores:
    """Score how far what a head adds to the letters follows what the stream holds of them."""
    task = measure.task(OPTIONS)
    letters = task.asked.options[0]
    seen = ending(measure, task, letters)
    held = _centered(seen.held)[:, :, None]  # [prompt, layer, 1, letter]
    added = _centered(task.whole()[..., 2:])
    rows = len(held) * (held * added).sum(-1) / (_size(held) * _size(added) + _TINY)
    read = unembedding(measure.engine, letters).double().numpy()
    scores = Scores(
        rows.astype(np.float32),
        _null(measure, seen, read),
        task_accuracy=task.accuracy,
        words=task.words,
    )
    gain = (held * added).sum((0, -1)) / (_size(held) ** 2 + _TINY)
    _ask(task, scores, gain)
    return scores


def _centered(values: Floats) -> Floats:
    """Take the mean over letters, the last axis, and over prompts, the first, off."""
    values = values - values.mean(-1, keepdims=True)
    found: Floats = values - values.mean(0)
    return found


def _size(values: Floats) -> Floats:
    found: Floats = np.sqrt((values**2).sum((0, -1)))
    return found


def _null(measure: Measure, seen: Ending, read: NDArray[np.float64]) -> Floats:
    """Give every head a random W_O: what it then adds, correlated with what the stream holds.

    The letters read of a Gaussian matrix [d_head, d_model] are Gaussian too, with the inner
    products of the letters' directions: nothing as wide as the stream is drawn. Its norm does
    not matter to a correlation; the scales of the norms, alike in all prompts, are left out.
    """
    random = np.random.default_rng(measure.seed)
    read = read - read.mean(1, keepdims=True)
    values, vectors = np.linalg.eigh(read.T @ read)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T  # [letter, letter]
    held, z = _centered(seen.held), seen.z - seen.z.mean(0)
    _, layers, heads, width = z.shape
    out = np.empty((measure.draws, layers, heads), dtype=np.float32)
    for layer, head in np.ndindex(layers, heads):
        own, kept = z[:, layer, head].astype(float), held[:, layer].astype(float)
        writes = random.standard_normal((measure.draws, width, len(root))) @ root
        along = (writes * (own.T @ kept)).sum((1, 2))
        size = np.sqrt(np.clip((((own.T @ own) @ writes) * writes).sum((1, 2)), 0, None))
        out[:, layer, head] = along / (size * np.sqrt((kept**2).sum()) + _TINY)
    return out


def _ask(task: OnTask, scores: Scores, gain: Floats) -> None:
    looks = np.mean([one.attention[:, :, 0, -LAST:].sum(-1) for one in task.seen], axis=0)
    for layer, number in np.ndindex(*gain.shape):
        at, adds = float(looks[layer, number]), float(gain[layer, number])
        words = f"adds {adds:.3f} to a lead of 1, looks at the last {LAST} tokens with {at:.2f}"
        lacks = at < LOOKS or adds < GAIN
        scores.remark(Head(layer, number), words, at_most=NO if lacks else None)
