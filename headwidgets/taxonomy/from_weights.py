"""Scores that need no prompt: tokens that a head's OV circuit pairs with themselves, or the next.

Every pair is one item. The null keeps what a head answers to each token and permutes which
answer is right: a head that gives one answer to all then scores as much as before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from headwidgets.errors import NotMeasurable
from headwidgets.tasks.series import SETS
from headwidgets.taxonomy import ov
from headwidgets.taxonomy.measure import Scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from headwidgets.model.engine import Engine
    from headwidgets.taxonomy.measure import Measure

MEMBERS = 500
"""Tokens that associative memories are asked about."""
LEAST = 5
"""Members of a set that must be one token each."""
LEAST_PAIRS = 20
_NONE = -1
"""No member; also the answer of a head whose highest target is tied."""


class Series(NamedTuple):
    """A set in a natural order, as far as a tokenizer spells it.

    Attributes
    ----------
    name : str
    ids : list of int
        Members that are one token.
    following : list of int
        Of each member, which member is next; -1 where that one is not spelled.
    places : list of int
        Of each member, its place in the whole set, from 0.
    """

    name: str
    ids: list[int]
    following: list[int]
    places: list[int]


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

    Gould et al. 2023, arXiv 2312.09230: what the first MLP makes of a member goes in, the
    largest is sought among the members of its set.
    """
    engine = measure.engine
    if not engine.text.has_tokenizer:
        message = "no tokenizer: which tokens are numbers, days or letters is not known"
        raise NotMeasurable(message)
    known = list(spelled(engine))
    n = sum(sum(f != _NONE for f in one.following) for one in known)
    if n < LEAST_PAIRS:
        message = (
            f"{n} pairs of a member and the next one are single tokens here, of at least "
            f"{LEAST_PAIRS}"
        )
        raise NotMeasurable(message)
    random = np.random.default_rng(measure.seed)
    hits, parts = [], []
    for one in known:
        embedded = ov.effective(engine, one.ids, mlp_only=True)
        said = _said(engine, embedded, ov.unembedding(engine, one.ids))
        asked = np.array([i for i, f in enumerate(one.following) if f != _NONE])
        right = np.array(one.following)[asked]
        hits.append((said[asked] == right[:, None, None]).astype(np.float32))
        members = np.arange(len(one.ids))
        wrong = [random.permutation(members)[right] for _ in range(measure.draws)]
        parts.append((said[asked], right, wrong))
    scores = Scores(np.concatenate(hits), _reached(parts), words=f"weights, {n} pairs")
    for head in scores.reaching(measure.threshold):
        shares = (
            f"{s.name} {float(h[:, head.layer, head.head].mean()):.2f}"
            for s, h in zip(known, hits, strict=True)
        )
        scores.remark(head, ", ".join(shares))
    return scores


def spelled(engine: Engine) -> list[Series]:
    """Return the sets of which enough members are one token."""
    return [
        found
        for name, (members, cyclic) in SETS.items()
        if (found := in_order(engine, name, [f" {one}" for one in members], cyclic=cyclic))
    ]


def in_order(engine: Engine, name: str, texts: Sequence[str], *, cyclic: bool) -> Series | None:
    """Return what a tokenizer spells of texts in a natural order; None if that is too little."""
    tokens = [engine.text.ids_after(text) for text in texts]
    there = [i for i, found in enumerate(tokens) if len(found) == 1]
    if len(there) < LEAST:
        return None
    place = {i: at for at, i in enumerate(there)}
    n = len(texts)
    after = [(i + 1) % n if cyclic else i + 1 for i in there]
    ids = [tokens[i][0] for i in there]
    return Series(name, ids, [place.get(i, _NONE) for i in after], there)


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
