"""What the model would say of another last stream: norm and unembedding in float32.

Heads are cut off a stream, or added to it, and the change may be small: in half precision the
model's own modules would round it away. Whether norm and unembedding are all that there is at the
end, and heads, MLPs and embedding all that adds up before, is found out once for each model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from headwidgets.errors import NotMeasurable
from headwidgets.methods.decompose import Apart, norm_weight
from headwidgets.methods.logit_direction import centres
from headwidgets.model.finish import Finish

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from headwidgets.model.engine import Engine

_OFF = {torch.float32: 1e-3}
_OFF_IN_HALF = 0.05
_KEY = ("readout agrees",)


class Readout:
    """The end of a model's forward, float32.

    Parameters
    ----------
    engine : Engine
    row : sequence of token ids
        A prompt to find out with whether the model can be read so.

    Raises
    ------
    NotMeasurable
        If it cannot: it scales its logits, or what its blocks add.
    """

    def __init__(self, engine: Engine, row: Sequence[int]) -> None:
        norm = getattr(engine.view, "ln_final", None)
        own = getattr(norm, "original_component", None)
        self._weight, self._centred = norm_weight(norm), centres(engine)
        bias = getattr(own, "bias", None)
        self._bias = None if bias is None else bias.detach().float()
        self._eps = next(
            (float(getattr(own, name)) for name in _EPSILONS if hasattr(own, name)), 1e-5
        )
        self._unembed = engine.weights.W_U.float()
        bias = getattr(engine.view, "b_U", None)
        self._b_U = None if bias is None else bias.detach().float()
        self._cap = Finish(engine).cap
        self._require(engine, row)

    def logits(self, stream: Tensor) -> Tensor:
        """Return all logits, [..., vocabulary], of a last stream, [..., d_model]."""
        out = self._normed(stream) @ self._unembed.to(stream.device)
        if self._b_U is not None:
            out = out + self._b_U.to(out.device)
        return out if not self._cap else self._cap * torch.tanh(out / self._cap)

    def log_probs(self, stream: Tensor) -> Tensor:
        """Return the log probabilities of all tokens, [..., vocabulary]."""
        return self.logits(stream).log_softmax(-1)

    def _normed(self, stream: Tensor) -> Tensor:
        rows = stream.float()
        if self._weight is None:
            return rows
        if self._centred:
            rows = rows - rows.mean(-1, keepdim=True)
        rows = rows * torch.rsqrt(rows.square().mean(-1, keepdim=True) + self._eps)
        rows = rows * self._weight.to(rows.device)
        return rows if self._bias is None else rows + self._bias.to(rows.device)

    def _require(self, engine: Engine, row: Sequence[int]) -> None:
        if engine.cache.get(_KEY):
            return
        apart = Apart(engine, [tuple(row)], [len(row) - 1])
        _ = apart.error  # raises where the writes are not all
        own = apart.logits.float()
        off = float((self.logits(apart.total) - own.to(apart.total.device)).abs().max())
        allowed = _OFF.get(engine.weights.dtype, _OFF_IN_HALF)
        if not off <= allowed * max(1.0, float(own.abs().max())):
            message = (
                f"the last stream of {engine.facts.architecture}, read by its norm and its "
                f"unembedding, gives other logits than the model, off by {off:.3g}"
            )
            raise NotMeasurable(message)
        engine.cache.put(_KEY, True, 1)  # noqa: FBT003 - a value


_EPSILONS = ("eps", "variance_epsilon", "epsilon")
