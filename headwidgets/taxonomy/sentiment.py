"""Sentiment summarizers: what heads move from words with sentiment to the neutral tokens behind.

Along one direction of sentiment d (Tigges et al. 2023, arXiv 2310.15154): the difference of the
mean residual streams at adjectives of praise and of blame, of the layer in which it tells the
neutral tokens' streams apart best. It is fitted on one half of the adjectives; the score is taken
on reviews with the other half.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from headwidgets.errors import NotMeasurable
from headwidgets.methods.record import keep_into, resid_name
from headwidgets.methods.weighting import value_name
from headwidgets.model.work import checkpoint
from headwidgets.taxonomy import broken
from headwidgets.taxonomy.measure import Scores
from headwidgets.taxonomy.reduce import batches
from headwidgets.taxonomy.summaries import CONTENT, TASK, neutral

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from headwidgets.model.engine import HookFn
    from headwidgets.taxonomy.asked import Asked
    from headwidgets.taxonomy.measure import Measure
    from headwidgets.taxonomy.reduce import Floats

    Ints = NDArray[np.int64]

LEAST = 10
"""Reviews of each half, at least."""


class Held(NamedTuple):
    """The stream of each review, before every layer and behind the last.

    Attributes
    ----------
    word : ndarray of float32, [review, layer + 1, d_model]
        At the adjective.
    neutral : ndarray of float32, [review, layer + 1, d_model]
        Summed over the neutral tokens.
    """

    word: Floats
    neutral: Floats


def summarizing(measure: Measure) -> Scores:
    """Score the share of the sentiment at the neutral tokens that each head brings there.

    Raises
    ------
    NotMeasurable
        If the adjectives do not come in two halves, or the neutral tokens hold no sentiment.
    """
    task = measure.task(TASK)
    asked = task.asked
    sign = np.where(np.array(asked.answer) == min(asked.answer), 1.0, -1.0).astype(np.float32)
    fitted, tested = halves(asked)
    held = _held(measure, asked)
    layer, direction = _direction(held, sign, fitted)
    total = float((sign[tested] * (held.neutral[tested, -1] @ direction)).sum())
    if not total > 0:
        mean = total / len(tested)
        message = f"nothing is summed up: the neutral tokens hold {mean:+.2f} of the sentiment"
        raise NotMeasurable(message)
    random = np.random.default_rng(measure.seed)
    others = random.standard_normal((len(direction), measure.draws // 2)).astype(np.float32)
    others /= np.linalg.norm(others, axis=0)
    along = np.concatenate([direction[:, None], others], axis=1)
    moved = _moved(measure, asked, tested, along)  # [review, layer, head, direction]
    moved *= (sign[tested] * len(tested) / total)[:, None, None, None]
    own = broken.beyond_rounding(moved[..., 0])
    flips = (
        random.permuted(np.tile(sign[tested], (measure.draws - others.shape[1], 1)), axis=1)
        * sign[tested]
    )
    null = np.concatenate(
        [np.tensordot(flips, own, axes=1) / len(tested), np.moveaxis(moved[..., 1:].mean(0), -1, 0)]
    )
    words = f"{task.words}, half of the adjectives; the direction of layer {layer}'s stream"
    return Scores(own, null.astype(np.float32), task_accuracy=task.accuracy, words=words)


def halves(asked: Asked) -> tuple[Ints, Ints]:
    """Return the reviews of either half of the adjectives: every other word of each verdict.

    Raises
    ------
    NotMeasurable
        If a half has too few reviews of a verdict.
    """
    words = [row[_adjective(asked, i)] for i, row in enumerate(asked.rows)]
    first = np.zeros(len(words), dtype=bool)
    for verdict in set(asked.answer):
        mine = [answer == verdict for answer in asked.answer]
        own = sorted({word for word, one in zip(words, mine, strict=True) if one})
        first |= np.isin(words, own[::2]) & np.array(mine)
    found = np.flatnonzero(first), np.flatnonzero(~first)
    fewest = min(
        sum(asked.answer[i] == verdict for i in half)
        for half in found
        for verdict in set(asked.answer)
    )
    if fewest < LEAST:
        name = asked.prompts.name
        message = f"{name}: half of the adjectives leave {fewest} reviews of a verdict, of {LEAST}"
        raise NotMeasurable(message)
    return found


def _adjective(asked: Asked, row: int) -> int:
    span = asked.span("ADJ", row)
    if span is None:
        message = f"a prompt of {asked.prompts.name} has no adjective"
        raise NotMeasurable(message)
    return span[1] - 1


def _direction(held: Held, sign: Floats, fitted: Ints) -> tuple[int, Floats]:
    """Return the layer, and the direction of length one, [d_model]."""
    own = sign[fitted]
    best, found = -np.inf, (0, np.zeros(held.word.shape[-1], np.float32))
    for layer in range(held.word.shape[1]):
        word = held.word[fitted, layer]
        difference = word[own > 0].mean(0) - word[own < 0].mean(0)
        length = float(np.linalg.norm(difference))
        if not length > 0:
            continue
        direction = difference / length
        along = held.neutral[fitted, -1] @ direction
        groups = along[own > 0], along[own < 0]
        apart = float(groups[0].mean() - groups[1].mean())
        spread = float(np.sqrt(np.mean([group.var() for group in groups]))) + 1e-12
        if apart / spread > best:
            best, found = apart / spread, (layer, direction)
    return found


def _held(measure: Measure, asked: Asked) -> Held:
    engine, rows = measure.engine, asked.rows
    n_layers = engine.facts.n_layers
    names = [resid_name(layer, n_layers) for layer in range(n_layers + 1)]
    shape = (len(rows), len(names), engine.facts.d_model)
    held = Held(np.zeros(shape, np.float32), np.zeros(shape, np.float32))
    for batch in batches(engine, rows):
        checkpoint()

        def watch(number: int, batch: list[int] = batch) -> HookFn:
            def hook(stream: Tensor, start: int) -> None:
                here = range(start, start + stream.shape[1])
                for at, row in enumerate(batch):
                    one = stream[at].detach().float().cpu().numpy()
                    word = _adjective(asked, row)
                    if word in here:
                        held.word[row, number] = one[word - start]
                    places = [place - start for place in neutral(asked, row) if place in here]
                    held.neutral[row, number] += one[places].sum(0)

            return hook

        ids = torch.tensor([rows[i] for i in batch])
        watching = [(name, watch(number)) for number, name in enumerate(names)]
        engine.run(ids, [*measure.hooks, *watching])
    return held


def _moved(measure: Measure, asked: Asked, tested: Ints, along: Floats) -> Floats:
    """Return what each head moves along directions, [review, layer, head, direction]."""
    engine, facts = measure.engine, measure.engine.facts
    rows = [asked.rows[i] for i in tested]
    out = np.zeros((len(rows), facts.n_layers, facts.n_heads, along.shape[1]), np.float32)
    reads = torch.from_numpy(along)
    for batch in batches(engine, rows):
        checkpoint()
        values: dict[int, list[Tensor]] = {layer: [] for layer in range(facts.n_layers)}

        def visit(
            layer: int,
            pattern: Tensor,
            start: int,
            batch: list[int] = batch,
            values: dict[int, list[Tensor]] = values,
        ) -> None:
            weights = engine.weights.W_O(layer).float().cpu()
            writes = torch.einsum("hdm,mr->hdr", weights, reads)
            v = torch.cat(values[layer], 1).float().cpu()
            v = v.reshape(*v.shape[:2], -1, weights.shape[1])
            for at, row in enumerate(batch):
                content, places = _places(asked, int(tested[row]))
                here = [one - start for one in places if start <= one < start + pattern.shape[2]]
                seen = pattern[at][:, here].float().cpu()[:, :, content].sum(1)  # [head, word]
                own = v[at, content].repeat_interleave(facts.n_heads // v.shape[2], dim=1)
                brought = torch.einsum("hc,chd,hdr->hr", seen, own, writes)
                out[row, layer] += brought.numpy()

        ids = torch.tensor([rows[i] for i in batch])
        watching = [
            (value_name(layer), keep_into(values[layer])) for layer in range(facts.n_layers)
        ]
        engine.patterns(ids, visit, hooks=[*measure.hooks, *watching])
    return out


def _places(asked: Asked, row: int) -> tuple[list[int], Sequence[int]]:
    """Return the words with sentiment, and the neutral tokens behind the first of them."""
    spans = [asked.span(role, row) for role in CONTENT]
    content = sorted(at for span in spans if span is not None for at in range(*span))
    return content, neutral(asked, row)
