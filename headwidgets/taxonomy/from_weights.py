"""Scores that need no prompt: tokens that a head's OV circuit pairs with themselves, or the next.

Every pair is one item. The null keeps what a head answers to each token and permutes which
answer is right: a head that gives one answer to all then scores as much as before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy import ov, successors
from headwidgets.taxonomy.measure import Scores
from headwidgets.taxonomy.orders import spelled

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from headwidgets.model.engine import Engine
    from headwidgets.taxonomy.measure import Measure

MEMBERS = 500
"""Tokens that associative memories are asked about."""
LEAST_PAIRS = 20


def associative(measure: Measure) -> Scores:
    """Score how many of some frequent tokens each OV circuit pairs with themselves.

    Mean embedding and mean unembedding are taken out.
    """
    engine = measure.engine
    ids = engine.text.word_ids()[:MEMBERS]
    if len(ids) < LEAST_PAIRS:
        message = f"{len(ids)} whole words are tokens: recall needs at least {LEAST_PAIRS}"
        raise NotMeasurable(message)
    embedded, read = ov.effective(engine, ids), ov.unembedding(engine, ids)
    said = _said(engine, embedded - embedded.mean(0), read - read.mean(1, keepdim=True))
    own = np.arange(len(ids))
    random = np.random.default_rng(measure.seed)
    null = _reached([(said, own, [random.permutation(own) for _ in range(measure.draws)])])
    hits = (said == own[:, None, None]).astype(np.float32)
    return Scores(hits, null, words=f"weights, {len(ids)} tokens")


def succession(measure: Measure) -> Scores:
    """Score how many members of natural orders each OV circuit answers with the next.

    Gould et al. 2023, arXiv 2312.09230, in the variant `successors.KIND`: what the first MLP makes
    of a member goes in through the norm of the head's layer, the largest is sought among the
    members of its set.
    """
    engine = measure.engine
    series = spelled(engine)
    n = sum(sum(f >= 0 for f in one.following) for one in series)
    if n < LEAST_PAIRS:
        message = (
            f"{n} pairs of a member and the next one are single tokens here, of at least "
            f"{LEAST_PAIRS}"
        )
        raise NotMeasurable(message)
    random = np.random.default_rng(measure.seed)
    hits, parts = [], []
    for one in series:
        known = successors.known_of(engine, one, successors.KIND)
        layers = range(engine.facts.n_layers)
        found = np.stack([successors.said(engine, layer, known) for layer in layers])
        said, right = found[..., known.asked].transpose(2, 0, 1), known.right
        hits.append((said == right[:, None, None]).astype(np.float32))
        members = np.arange(len(one.ids))
        wrong = [random.permutation(members)[right] for _ in range(measure.draws)]
        parts.append((said, right, wrong))
    scores = Scores(np.concatenate(hits), _reached(parts), words=f"weights, {n} pairs")
    for head in scores.reaching(measure.threshold):
        shares = (
            f"{s.name} {float(h[:, head.layer, head.head].mean()):.2f}"
            for s, h in zip(series, hits, strict=True)
        )
        scores.remark(head, ", ".join(shares))
    return scores


def _said(engine: Engine, embedded: Tensor, read: Tensor) -> NDArray[np.int64]:
    """Return which target each head writes most, [token, layer, head]; -1 where several tie."""
    out = [ov.first(found) for _, found in ov.written(engine, embedded, read)]
    said: NDArray[np.int64] = torch.stack(out).permute(2, 0, 1).numpy()
    return said


def _reached(
    parts: list[tuple[NDArray[np.int64], NDArray[np.int64], list[NDArray[np.int64]]]],
) -> NDArray[np.float32]:
    """Return the share of items that permuted answers make right, [draw, layer, head]."""
    draws = len(parts[0][2])
    n = sum(len(right) for _, right, _ in parts)
    out = np.zeros((draws, *parts[0][0].shape[1:]), dtype=np.float32)
    for said, _, wrong in parts:
        for draw, one in enumerate(wrong):
            out[draw] += (said == one[:, None, None]).sum(0)
    out /= n
    return out
