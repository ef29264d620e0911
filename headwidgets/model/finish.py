"""From the last residual stream to logits: the final norm, the unembedding, a soft cap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from headwidgets.model.engine import Engine


class Finish:
    """The end of a model's forward, in parts; the caller holds the engine.

    Parameters
    ----------
    engine : Engine
    """

    def __init__(self, engine: Engine) -> None:
        self._view, self._weights = engine.view, engine.weights
        config = getattr(engine.view.original_model, "config", None)
        config = getattr(config, "text_config", None) or config
        self.cap: float | None = getattr(config, "final_logit_softcapping", None)

    def norm(self, residual: Tensor) -> Tensor:
        """Return what the unembedding reads, [..., d_model] as `residual`."""
        rows = residual.reshape(1, -1, residual.shape[-1])
        norm = getattr(self._view, "ln_final", None)
        return (rows if norm is None else norm(rows)).reshape(residual.shape)

    def logits(self, normed: Tensor) -> Tensor:
        """Return all logits, float32 [row, vocabulary], of rows that `norm` returned."""
        out = self._view.unembed(normed[None])[0].float()
        return self._capped(out)

    def columns(self, normed: Tensor, tokens: Sequence[int]) -> Tensor:
        """Return the logits of some tokens only, float32 [..., token]."""
        chosen = list(tokens)
        weight = self._weights.W_U[:, chosen].to(normed.device)
        out = normed.float() @ weight
        bias = getattr(self._view, "b_U", None)
        return self._capped(out if bias is None else out + bias[chosen].detach().float())

    def _capped(self, logits: Tensor) -> Tensor:
        return logits if not self.cap else self.cap * torch.tanh(logits / self.cap)
