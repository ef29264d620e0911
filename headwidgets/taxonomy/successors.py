"""The formula of the successor score, in the variants that are in use: once, for kind and lab.

A head that looks at a member t of a set brings to the members' logits
``N(E(t)) W_V W_O G W_U``; a pair of t and the next member is right if the next one's logit is the
largest of the set, alone (Gould et al. 2023, arXiv 2312.09230). What goes in, E, how the head reads
it, N, and what stands before the unembedding, G, is written in several ways:

| variant | E(t) | N | G | whose |
|---|---|---|---|---|
| raw | MLP0(W_E[t]) | none | none | the paper's formula; a replication's code |
| normed | MLP0(LN2(W_E[t])) | none | none | the same, as GPT-2 runs its first MLP |
| head-normed | MLP0(LN2(W_E[t])) | LN1 of the head's layer | gain | ours: the kind `successor` |
| stream | W_E[t] + MLP0(LN2(W_E[t])) | LN1 of the head's layer | gain | Lan et al. 2023 |

G is the gain of the last norm, and its centring; scales change no ranking and are left out. Lan et
al. (arXiv 2311.04131) let the first attention write on a prompt of one token, and count the next
member among the five highest; here attention writes nothing, and the highest counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy import ov
from headwidgets.taxonomy.orders import NONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from headwidgets.model.engine import Engine
    from headwidgets.taxonomy.orders import Series

VARIANTS = ("raw", "normed", "head-normed", "stream")
PAPER, KIND = "raw", "head-normed"
"""Which variant the paper writes, and which the kind `successor` scores."""
_THROUGH_NORMS = ("head-normed", "stream")


class Known(NamedTuple):
    """A set that a tokenizer spells, and what a variant makes of its members.

    Attributes
    ----------
    series : Series
    embedded : Tensor, float32, [member, d_model]
        What goes in.
    read : Tensor, float32, [d_model, member]
        What reads the members' logits off the stream.
    variant : str
    """

    series: Series
    embedded: Tensor
    read: Tensor
    variant: str

    @property
    def asked(self) -> NDArray[np.int64]:
        """Members that have a next one."""
        return np.flatnonzero(np.array(self.series.following) != NONE)

    @property
    def right(self) -> NDArray[np.int64]:
        """The next one of each."""
        return np.array(self.series.following)[self.asked]


def known_of(engine: Engine, series: Series, variant: str) -> Known:
    """Return what a variant makes of a set in a natural order.

    Parameters
    ----------
    variant : one of `VARIANTS`

    Raises
    ------
    NotMeasurable
        If the variant needs a first MLP, and there is none that runs.
    """
    ids = series.ids
    if variant in _THROUGH_NORMS:
        read = ov.unembedding(engine, ids)
    else:
        read = engine.weights.W_U[:, list(ids)].float().cpu()
    if variant == "raw":
        embedded = _without_norm(engine, ids)
    else:
        embedded = ov.effective(engine, ids, mlp_only=variant != "stream")
    return Known(series, embedded, read, variant)


def brought(engine: Engine, layer: int, one: Known, rows: Tensor | None = None) -> Tensor:
    """Return what a layer's heads bring to a set's members, by what they look at.

    Parameters
    ----------
    rows : Tensor, [row, d_model], optional
        What is looked at, in the place of the members themselves: such as edited ones.

    Returns
    -------
    Tensor, float32, [head, row, member]

    Raises
    ------
    NotMeasurable
        If the layer's weights do not multiply.
    """
    stream = one.embedded if rows is None else rows
    if one.variant in _THROUGH_NORMS:
        stream = ov.normed(engine, layer, stream)
    return ov.brought(engine, layer, stream, one.read)


def said(engine: Engine, layer: int, one: Known) -> NDArray[np.int64]:
    """Return which member each head raises most, [head, member looked at]; -1 where several tie."""
    found: NDArray[np.int64] = ov.first(brought(engine, layer, one)).numpy()
    return found


def _without_norm(engine: Engine, ids: Sequence[int]) -> Tensor:
    """Return MLP0 of the bare embeddings, its norm left out, [token, d_model]."""
    mlp = getattr(engine.view.blocks[0], "mlp", None)
    if mlp is None:
        message = "the first block has no MLP"
        raise NotMeasurable(message)
    bare = ov.bare(engine, ids).to(engine.weights.W_U.device, engine.weights.dtype)
    with torch.no_grad():
        try:
            found = mlp(bare[:, None])
        except RuntimeError as error:  # of OPT: its MLP is no module of its own
            message = f"the first MLP of {engine.facts.architecture} does not run by itself"
            raise NotMeasurable(message) from error
    if isinstance(found, tuple):  # of a mixture of experts: its output, then the router's scores
        found = found[0]
    shape = getattr(found, "shape", None)
    if shape is None or tuple(shape) != (len(bare), 1, bare.shape[-1]):
        returned = type(found).__name__ if shape is None else list(shape)
        message = f"the first MLP of {engine.facts.architecture} returns {returned}: no stream"
        raise NotMeasurable(message)
    rows: Tensor = found[:, 0].float().cpu()
    return rows
