"""One head's circuits as pairs of tokens: what it writes for what it sees, what looks at what.

OV: E(t) W_V W_O W_U, the logits that a head adds where it attends to token t (Elhage et al. 2021,
"A Mathematical Framework for Transformer Circuits"). QK: E(q) W_Q (E(k) W_K)ᵀ, the attention
score of token q on token k, biases included. E(t) is the stream of the bare token: its embedding,
and above the first layer what the first MLP adds (see `ov`), through the head's own norm.

Softmax does not see a constant: from OV scores the mean over the outputs is taken off, from QK
scores the query's mean over the keys. Scales (of the final norm, of attention) are left out. No
array of vocabulary × vocabulary is made: tokens go through the head's width in blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
import torch

from headwidgets.errors import NotMeasurable
from headwidgets.methods.decompose import there
from headwidgets.model.work import checkpoint
from headwidgets.taxonomy import ov

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from headwidgets.heads import Head
    from headwidgets.model.engine import Engine

AMONG = 5
"""Tokens that are listed for one."""
BLOCK_BYTES = 32 << 20
"""The most that one block of scores takes."""
OV_COLUMNS = ("input_id", "input", "output_id", "output", "score")
QK_COLUMNS = ("query_id", "query", "key_id", "key", "score")
_AT_ONCE = 2048  # tokens that go through the model, or the unembedding
_ROUNDING = 1e-6  # of the largest product of lengths: what is smaller is no score
_STEPS = 10_000  # parts of the largest score: within one, the order of the tokens decides


def common_tokens(engine: Engine, most: int | None) -> list[int]:
    """Return tokens to look at: whole words first, by id, which as a rule is by frequency.

    Parameters
    ----------
    most : int or None
        How many; None: all that are not special and that training saw.
    """
    return _known(engine)[:most]


def ov_pairs(engine: Engine, head: Head, ids: Sequence[int], k: int) -> pd.DataFrame:
    """List the tokens whose sight moves the logits most, with the logits that move.

    Parameters
    ----------
    ids : sequence of int
        Tokens that may be looked at; see `common_tokens`.
    k : int
        How many of them to list.

    Returns
    -------
    DataFrame
        Columns `OV_COLUMNS`: of each listed token up to five outputs that it raises, the highest
        first, then up to five that it lowers, the lowest first. ``attrs``: through, what E is;
        tokens, how many may be looked at; copied and lowered, the share of them that are among
        their own five highest or lowest outputs (a tie is none), and chance, of that.

    Raises
    ------
    NotMeasurable
        If the head has no weights of its own, they are not finite, or nothing that it writes
        is read by the unembedding.
    """
    outputs = sorted({*_known(engine), *ids})
    left, right = _read(engine, head, ids, "W_V"), _written(engine, head, outputs)
    right -= right.mean(1, keepdim=True)
    own = torch.searchsorted(torch.tensor(outputs), torch.tensor(list(ids)))
    raised, lowered = _ends(left, right, own), _ends(left, -right, own)
    least = _rounding(left, right)
    rows = _largest(torch.maximum(raised.scores[:, 0], lowered.scores[:, 0]), least, k)
    if not rows:
        message = (
            "the unembedding reads nothing that it writes: it writes for heads and MLPs after it"
        )
        raise NotMeasurable(message)
    listed = [
        (ids[row], outputs[at], sign * score)
        for row in rows
        for sign, ends in ((1, raised), (-1, lowered))
        for at, score in ends.of(row, least)
    ]
    about = {"copied": raised.own, "lowered": lowered.own, "chance": AMONG / len(outputs)}
    return _table(engine, head, OV_COLUMNS, listed, len(ids), about)


def qk_pairs(engine: Engine, head: Head, ids: Sequence[int], k: int) -> pd.DataFrame:
    """List the tokens that, as queries, prefer some keys most, with these keys.

    Parameters
    ----------
    ids : sequence of int
        Tokens that may be queries, and keys; see `common_tokens`.
    k : int
        How many queries to list.

    Returns
    -------
    DataFrame
        Columns `QK_COLUMNS`: of each listed query up to five keys, the highest score first.
        ``attrs``: through and tokens, as for `ov_pairs`; same, the share of tokens that are
        among their own five highest keys (a tie is none), and chance, of that.

    Raises
    ------
    NotMeasurable
        If a pair of tokens has no one score here (rotary positions, normalised queries and
        keys), if the head has no weights of its own or they are not finite, or if all scores
        are equal.
    """
    why = why_no_scores(engine, head.layer)
    if why:
        raise NotMeasurable(why)
    left, right = _read(engine, head, ids, "W_Q"), _read(engine, head, ids, "W_K").T
    least = _rounding(left, right)
    found = _ends(left, right - right.mean(1, keepdim=True), torch.arange(len(ids)))
    rows = _largest(found.scores[:, 0], least, k)
    if not rows:
        message = (
            "every pair of bare tokens has the same score: it goes by positions, or by what "
            "earlier heads wrote"
        )
        raise NotMeasurable(message)
    listed = [(ids[row], ids[at], score) for row in rows for at, score in found.of(row, least)]
    about = {"same": found.own, "chance": AMONG / len(ids)}
    return _table(engine, head, QK_COLUMNS, listed, len(ids), about)


def why_no_scores(engine: Engine, layer: int) -> str:
    """Say why weights alone give a pair of tokens no attention score; "" where they do."""
    if engine.facts.rotary:
        return (
            "not defined here: rotary positions turn queries and keys by how far apart they are, "
            "so that a pair of tokens has no one score"
        )
    if there(engine, [f"blocks.{layer}.attn.hook_q_normed"]):
        return "not defined here: queries and keys are normalised before they meet (QK-norm)"
    return ""


def _known(engine: Engine) -> list[int]:
    return [i for i in engine.text.known_ids() if i < engine.weights.W_U.shape[1]]


class _Ends(NamedTuple):
    """The targets with the highest scores of each token.

    Attributes
    ----------
    at, scores : Tensor, [token, place]
    own : float
        Share of tokens that are among their own five highest.
    """

    at: Tensor
    scores: Tensor
    own: float

    def of(self, row: int, least: float) -> list[tuple[int, float]]:
        """Return one token's targets with scores above `least`."""
        both = zip(self.at[row].tolist(), self.scores[row].tolist(), strict=True)
        return [(at, score) for at, score in both if score > least]


def _ends(left: Tensor, right: Tensor, own: Tensor) -> _Ends:
    """Multiply [token, d_head] by [d_head, target] in blocks, and keep the highest of each row.

    `own` says which target is each token itself.
    """
    step = max(1, BLOCK_BYTES // (4 * right.shape[1]))
    among = min(AMONG, right.shape[1])
    at, scores = own.new_empty(len(left), among), left.new_empty(len(left), among)
    hits = 0
    for start in range(0, len(left), step):
        checkpoint(start, len(left), "pairs of tokens")
        here = slice(start, start + step)
        block = left[here] @ right
        torch.topk(block, among, out=(scores[here], at[here]))
        hits += int(((block >= block.gather(1, own[here, None])).sum(1) <= AMONG).sum())
    return _Ends(at, scores, hits / len(left))


def _read(engine: Engine, head: Head, ids: Sequence[int], name: str) -> Tensor:
    """Return what a head's W_V, W_Q or W_K makes of bare tokens, [token, d_head]."""
    layer = head.layer
    weight = ov.own_weights(engine, layer, name)[head.head]
    bias = {"W_Q": engine.weights.b_Q, "W_K": engine.weights.b_K}.get(name, lambda _: None)(layer)
    stream = ov.effective if layer else ov.bare
    parts = []
    for start in range(0, len(ids), _AT_ONCE):
        checkpoint(start, len(ids), "tokens by themselves")
        embedded = stream(engine, ids[start : start + _AT_ONCE])
        parts.append(ov.multiplied(layer, ov.normed(engine, layer, embedded), weight))
    found = torch.cat(parts)
    return ov.finite(layer, found if bias is None else found + bias[head.head].cpu())


def _written(engine: Engine, head: Head, outputs: Sequence[int]) -> Tensor:
    """Return what a head's output weights do to logits, [d_head, output]."""
    weight = ov.own_weights(engine, head.layer, "W_O")[head.head]
    parts = []
    for start in range(0, len(outputs), _AT_ONCE):
        read = ov.unembedding(engine, outputs[start : start + _AT_ONCE])
        parts.append(ov.multiplied(head.layer, weight, ov.gained(engine, head.layer, read)))
    return ov.finite(head.layer, torch.cat(parts, 1))


def _rounding(left: Tensor, right: Tensor) -> float:
    """Return the score from which on one is more than a rounding."""
    return _ROUNDING * float(left.norm(dim=1).max() * right.norm(dim=0).max())


def _largest(strength: Tensor, least: float, k: int) -> list[int]:
    """Return the rows of the `k` largest; of equal ones, the earlier ones."""
    top = float(strength.max())
    if top <= least:
        return []
    order = torch.sort((strength / top * _STEPS).round(), descending=True, stable=True).indices
    return [int(row) for row in order[:k] if float(strength[row]) > least]


def _table(
    engine: Engine,
    head: Head,
    columns: tuple[str, ...],
    listed: list[tuple[int, int, float]],
    n: int,
    about: dict[str, Any],
) -> pd.DataFrame:
    first, second, text = [row[0] for row in listed], [row[1] for row in listed], engine.text
    values = (first, text.labels(first), second, text.labels(second), [row[2] for row in listed])
    frame = pd.DataFrame(dict(zip(columns, values, strict=True)))
    through = "the embedding and the first MLP" if engine.facts.has_mlp else "the embedding"
    through = through if head.layer else "the embedding"
    frame.attrs = {"through": through, "tokens": n, **about}
    return frame
