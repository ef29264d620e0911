"""In-context heads: what a head adds, at the last token, to the label that the examples teach.

Yu and Ananiadou 2024 (arXiv 2402.02872): the log probability of a label read off the stream that
enters the head's layer with the head's output added, less the same without it. A head that raises
every label alike teaches nothing: what it adds to the prompt's other label is taken off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from headwidgets.errors import NotMeasurable
from headwidgets.methods.record import stream_name
from headwidgets.model.finish import Finish
from headwidgets.model.work import checkpoint
from headwidgets.taxonomy import broken
from headwidgets.taxonomy.last_token import at_end, written
from headwidgets.taxonomy.letter_lead import least
from headwidgets.taxonomy.measure import Scores
from headwidgets.taxonomy.reduce import batches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from headwidgets.taxonomy.measure import Measure
    from headwidgets.taxonomy.on_task import OnTask
    from headwidgets.taxonomy.reduce import Floats

    Ints = NDArray[np.int64]

TASK = "few-shot labels"
LEAST = 8
"""Prompts on which a label is right, for it to count."""


def teaching(measure: Measure) -> Scores:
    """Score the right label's gain in log probability over the other's, where it is largest.

    The labels of a prompt exchanged at random are the null; of each draw the label that gains
    most is taken again.

    Raises
    ------
    NotMeasurable
        If no label is right often enough, or the model is at chance.
    """
    task = measure.task(TASK)
    pairs = np.array([task.asked.answer, task.asked.foil]).T  # [prompt, label]; the right one first
    right = pairs[:, 0]
    gains = _gains(measure, task, pairs)
    often = [label for label in np.unique(right) if (right == label).sum() >= LEAST]
    if not often:
        message = f"no label is right in {LEAST} of {len(right)} prompts of {task.words}"
        raise NotMeasurable(message)
    used = np.isin(right, often)
    rows = -least(-gains[used], right[used])
    names = ", ".join(repr(one) for one in measure.engine.text.pieces([int(i) for i in often]))
    words = f"{task.words}, labels {names}"
    null = _exchanged(gains, pairs, often, measure)
    return Scores(rows.astype(np.float32), null, task_accuracy=task.accuracy, words=words)


def _exchanged(gains: Floats, pairs: Ints, often: Sequence[int], measure: Measure) -> Floats:
    """Draw which label of each prompt is right; take the mean of the label that gains most.

    Returns
    -------
    ndarray of float32, [draw, layer, head]
    """
    random = np.random.default_rng(measure.seed)
    picks = random.integers(2, size=(measure.draws, len(pairs)))
    chosen = pairs[np.arange(len(pairs)), picks]  # [draw, prompt]
    signs = (1 - 2 * picks).astype(np.float32)
    out = np.full((measure.draws, *gains.shape[1:3]), -np.inf, np.float32)
    for label in often:
        mine = chosen == label
        total = np.tensordot(mine * signs, gains, axes=1)
        count = mine.sum(1)[:, None, None]
        out = np.maximum(out, np.where(count < LEAST, -np.inf, total / np.maximum(count, 1)))
    return out


def _gains(measure: Measure, task: OnTask, pairs: Ints) -> Floats:
    """Return what each head adds to the log odds of the right label, [prompt, layer, head]."""
    engine, rows = measure.engine, task.asked.rows
    layers = range(engine.facts.n_layers)
    streams = [stream_name(layer) for layer in layers]
    out = np.empty((len(rows), len(layers), engine.facts.n_heads), np.float32)
    with engine.exclusive(), torch.inference_mode():
        finish = Finish(engine)
        for batch in batches(engine, rows):
            seen = at_end(engine, [rows[i] for i in batch], streams, measure.hooks)
            labels = torch.from_numpy(pairs[batch])[:, None]
            for layer in layers:
                checkpoint()
                stream = seen[streams[layer]].float()[:, None]  # [row, 1, d_model]
                wrote = written(engine, layer, seen).to(stream)
                logs = finish.log_probs(torch.cat([stream, stream + wrote], 1))
                at = labels.to(logs.device).expand(-1, logs.shape[1], -1)
                found = logs.gather(-1, at)  # [row, 1 + head, label]
                odds = found[..., 0] - found[..., 1]
                out[batch, layer] = (odds[:, 1:] - odds[:, :1]).cpu().numpy()
    return broken.beyond_rounding(out)
