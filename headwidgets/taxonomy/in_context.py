"""In-context heads: what a head adds, at the last token, to the label that the examples teach.

Yu and Ananiadou 2024 (arXiv 2402.02872): the log probability of a label read off the stream that
enters the head's layer with the head's output added, less the same without it. A head that raises
every label alike, or one of them whatever is asked, teaches nothing: what it adds to the prompt's
other label is taken off, and of each pair of labels what it adds to one on all prompts alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from headwidgets.errors import NotMeasurable
from headwidgets.methods.record import stream_name
from headwidgets.model.work import checkpoint
from headwidgets.taxonomy import broken
from headwidgets.taxonomy.last_token import at_end, written
from headwidgets.taxonomy.letter_lead import least
from headwidgets.taxonomy.measure import Scores
from headwidgets.taxonomy.readout import Readout
from headwidgets.taxonomy.reduce import batches
from headwidgets.taxonomy.verdict import CANDIDATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headwidgets.taxonomy.measure import Measure
    from headwidgets.taxonomy.on_task import OnTask
    from headwidgets.taxonomy.reduce import Floats

    Ints = NDArray[np.int64]

TASK = "few-shot labels"
EXAMPLES = ("L1", "L2", "L3", "L4")
"""Roles of the examples' labels."""
LEAST = 8
"""Prompts on which a label is right, for it to count."""
LOOKS = 0.1
"""Attention on the right label's examples above the other's, at least."""


def teaching(measure: Measure) -> Scores:
    """Score the right label's gain in log probability over the other's, where it is largest.

    What chance makes of prompts that spread as much about zero is the null; of each draw the label
    that gains most is taken again.

    Raises
    ------
    NotMeasurable
        If no label is right often enough, the model is at chance, or its end cannot be read.
    """
    task = measure.task(TASK)
    pairs = np.array([task.asked.answer, task.asked.foil]).T  # [prompt, label]; the right one first
    gains, used = _unbiased(_gains(measure, task, pairs), pairs)
    right = pairs[:, 0]
    often = [label for label in np.unique(right[used]) if (right[used] == label).sum() >= LEAST]
    if not often:
        message = f"no label is right in {LEAST} of {len(right)} prompts of {task.words}"
        raise NotMeasurable(message)
    used &= np.isin(right, often)
    rows = -least(-gains[used], right[used])
    names = ", ".join(repr(one) for one in measure.engine.text.pieces([int(i) for i in often]))
    words = f"{task.words}, labels {names}"
    null = _by_chance(measure, gains[used], right[used])
    scores = Scores(rows.astype(np.float32), null, task_accuracy=task.accuracy, words=words)
    looks = _looks(task)
    for head in scores.reaching(measure.threshold):
        at = float(looks[head])
        said = f"looks at the right label's examples with {at:.2f} more (asked: {LOOKS:g})"
        scores.remark(head, said, at_most=None if at >= LOOKS else CANDIDATE)
    return scores


def _unbiased(gains: Floats, pairs: Ints) -> tuple[Floats, NDArray[np.bool_]]:
    """Take off what each head adds to one label of a pair whichever is right.

    Returns
    -------
    gains : ndarray of float32, [prompt, layer, head]
    used : ndarray of bool, [prompt]
        Whether either label of the prompt's pair is right somewhere.
    """
    out, used = gains.copy(), np.zeros(len(gains), dtype=bool)
    for one, other in np.unique(np.sort(pairs, axis=1), axis=0):
        sides = [(pairs == pair).all(1) for pair in ((one, other), (other, one))]
        if not all(side.any() for side in sides):
            continue
        bias = (gains[sides[0]].mean(0) - gains[sides[1]].mean(0)) / 2
        out[sides[0]] -= bias
        out[sides[1]] += bias
        used |= sides[0] | sides[1]
    return out, used


def _by_chance(measure: Measure, gains: Floats, right: Ints) -> Floats:
    """Draw the prompts of each label again, its mean taken off; take the label that gains most.

    Returns
    -------
    ndarray of float32, [draw, layer, head]
    """
    random = np.random.default_rng(measure.seed)
    parts = [
        broken.about_zero(gains[right == label], measure.draws, random)
        for label in np.unique(right)
    ]
    found: Floats = np.max(parts, axis=0)
    return found


def _gains(measure: Measure, task: OnTask, pairs: Ints) -> Floats:
    """Return what each head adds to the log odds of the right label, [prompt, layer, head]."""
    engine, rows = measure.engine, task.asked.rows
    layers = range(engine.facts.n_layers)
    streams = [stream_name(layer) for layer in layers]
    out = np.empty((len(rows), len(layers), engine.facts.n_heads), np.float32)
    read = Readout(engine, rows[0])
    with torch.inference_mode():
        for batch in batches(engine, rows):
            seen = at_end(engine, [rows[i] for i in batch], streams, measure.hooks)
            labels = torch.from_numpy(pairs[batch])[:, None]
            for layer in layers:
                checkpoint()
                stream = seen[streams[layer]].float()[:, None]  # [row, 1, d_model]
                wrote = written(engine, layer, seen).to(stream)
                logs = read.logits(torch.cat([stream, stream + wrote], 1))
                at = labels.to(logs.device).expand(-1, logs.shape[1], -1)
                found = logs.gather(-1, at)  # [row, 1 + head, label]
                odds = found[..., 0] - found[..., 1]
                out[batch, layer] = (odds[:, 1:] - odds[:, :1]).cpu().numpy()
    return broken.beyond_rounding(out)


def _looks(task: OnTask) -> Floats:
    """Return attention on the right label's examples above the other's, [layer, head]."""
    looks = task.attention(*EXAMPLES)  # [prompt, layer, head, example]
    right = np.zeros((len(looks), len(EXAMPLES)), np.float32)
    for row, ids in enumerate(task.asked.rows):
        for i, role in enumerate(EXAMPLES):
            span = task.asked.span(role, row)
            mine = span is not None and ids[span[0]] == task.asked.answer[row]
            right[row, i] = 0 if span is None else 1 if mine else -1
    found: Floats = np.einsum("plhe,pe->lh", np.nan_to_num(looks), right) / len(looks)
    return found
