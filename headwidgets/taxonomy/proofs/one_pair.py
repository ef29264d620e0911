"""Associative memories, proved: without the direction of one token, the head loses that token.

After Bietti et al. 2023 (arXiv 2306.00802): a memory is a sum of outer products, one for each pair,
and one can be taken out. On held-out prompts whose answer is a token that stands before, what lies
along the direction that W_V gives that token is taken out of the head's z at the last token,
everything after it recomputed. What is lost beyond that without the direction of another token
counts: the other pairs are to be kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy import ov
from headwidgets.taxonomy.confirmed import Confirmed, Cost, Said, judged
from headwidgets.taxonomy.from_weights import MEMBERS
from headwidgets.taxonomy.probing import said_at_end
from headwidgets.taxonomy.proofs import proof
from headwidgets.taxonomy.proofs.at_places import changed
from headwidgets.taxonomy.resampling import beside, enough, matched_heads, question

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from headwidgets.heads import Head
    from headwidgets.methods.metrics import LogitDiff
    from headwidgets.model.engine import Engine
    from headwidgets.taxonomy.confirmed import Floats
    from headwidgets.taxonomy.proofs.at_places import Change
    from headwidgets.taxonomy.registry import Kind


@proof("associative memories")
def taken_out(engine: Engine, kind: Kind, head: Head, n: int, seed: int) -> Confirmed:
    """Take one token's direction out of what a head reads, or another's.

    Raises
    ------
    NotMeasurable
        If there are too few prompts, or weights do not multiply.
    """
    snapshot, words = question(engine, kind, n, seed)
    enough(snapshot, n)
    rows = [pair.clean for pair in snapshot.pairs]
    asked = list(map(_tokens, snapshot.answers or ()))
    own = [answer for answer, _ in asked]
    other = _others(own, rows)
    matched = matched_heads(engine, kind, snapshot, head)
    clean = _leads(asked, said_at_end(engine, rows))
    embedded = [embeddings(engine, tokens) for tokens in (own, other)]

    def lost(one: Head) -> Floats:
        """Return what is lost without the answer beyond what is lost without another token."""
        falls = []
        for some in embedded:
            said = changed(engine, rows, one, _without(directions(engine, one, some)))
            falls.append(clean - _leads(asked, said))
        found: Floats = falls[0] - np.maximum(falls[1], 0)
        return found

    others = np.array([lost(one) for one in matched]).reshape(len(matched), len(rows))
    did = "without the direction of the answer at the last token, less without that of another"
    said = Said(words, did, beside(matched, engine))
    cost = Cost(lost(head), others, clean)
    return judged(kind, head, cost, said, matched=matched, seed=seed)


def embeddings(engine: Engine, tokens: Sequence[int]) -> Tensor:
    """Return tokens behind the first MLP, less the mean over whole words, [token, d_model]."""
    known = ov.effective(engine, engine.text.word_ids()[:MEMBERS])
    embedded: Tensor = ov.effective(engine, tokens) - known.mean(0)
    return embedded


def directions(engine: Engine, head: Head, embedded: Tensor) -> Tensor:
    """Return the directions of length one that a head's W_V gives tokens, [token, d_head].

    Parameters
    ----------
    embedded : Tensor, [token, d_model]
        See `embeddings`.
    """
    W_V = ov.own_weights(engine, head.layer, "W_V")
    read = ov.normed(engine, head.layer, embedded)
    found = ov.finite(head.layer, ov.multiplied(head.layer, read, W_V))[head.head].float()
    units: Tensor = found / found.norm(dim=1, keepdim=True).clamp(min=1e-30)
    return units


def _without(units: Tensor) -> Change:
    """Take a direction out of each row."""

    def change(z: Tensor, some: list[int]) -> Tensor:
        unit = units[some].to(z)
        return z - (z * unit).sum(1, keepdim=True) * unit

    return change


def _others(own: Sequence[int], rows: Sequence[Sequence[int]]) -> list[int]:
    """Return for each prompt the answer of another that it does not have; its own if none."""
    n = len(own)
    return [
        next((own[(i + k) % n] for k in range(1, n) if own[(i + k) % n] not in rows[i]), own[i])
        for i in range(n)
    ]


def _tokens(one: LogitDiff) -> tuple[int, int]:
    """Return a prompt's answer and its foil, tokens both."""
    if not (isinstance(one.answer, int) and isinstance(one.foil, int)):
        message = f"expected one token as answer and one as foil, got {one!r:.80}"
        raise NotMeasurable(message)
    return one.answer, one.foil


def _leads(asked: Sequence[tuple[int, int]], said: NDArray[np.float32]) -> Floats:
    """Return the answers' logits less those of their foils, [prompt]."""
    both = said.astype(float)[np.arange(len(said))[:, None], np.array(asked)]
    found: Floats = both[:, 0] - both[:, 1]
    return found
