"""Muon: momentum whose singular values are all made alike before it is a step.

Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024), with the scale of
Liu et al., "Muon is Scalable for LLM Training" (2025), equation 4. PyTorch has one too; it works
in bfloat16 on one matrix at a time, which on a processor without bfloat16 takes longer than the
rest of a step of so small a model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.optim import AdamW, Optimizer

if TYPE_CHECKING:
    from collections.abc import Iterable

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the odd polynomial of fifth degree that draws singular values towards 1 (Jordan et al.)."""
ROUNDS = 5
SCALE = 0.2
"""Root mean square of a step over the learning rate: that of AdamW, so that one rate serves."""
DECAY = 0.05
_TINY = 1e-7


def orthogonal(matrices: torch.Tensor) -> torch.Tensor:
    """Return about U Vᵀ for each of ``matrices = U S Vᵀ`` [matrix, rows, columns]."""
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + _TINY)
    a, b, c = COEFFICIENTS
    for _ in range(ROUNDS):
        square = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


class Muon(Optimizer):
    """Muon for matrices; those of one shape are stepped together."""

    def __init__(self, params: Iterable[torch.Tensor], lr: float, momentum: float = 0.95) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Take one step."""
        for group in self.param_groups:
            alike: dict[torch.Size, list[torch.Tensor]] = {}
            for param in group["params"]:
                if param.grad is not None:
                    alike.setdefault(param.shape, []).append(param)
            for params in alike.values():
                self._step(params, group["lr"], group["momentum"])

    def _step(self, params: list[torch.Tensor], rate: float, momentum: float) -> None:
        ahead = []
        for param in params:
            gradient: Any = param.grad
            kept = self.state[param]
            if not kept:
                kept["momentum"] = torch.zeros_like(param)
            kept["momentum"].lerp_(gradient, 1 - momentum)
            ahead.append(gradient.lerp(kept["momentum"], momentum))
        scale = SCALE * max(params[0].shape) ** 0.5
        for param, step in zip(params, orthogonal(torch.stack(ahead)), strict=True):
            param.mul_(1 - rate * DECAY).add_(step, alpha=-rate * scale)


class Both:
    """Muon for the matrices between the embeddings, AdamW for all else."""

    def __init__(self, model: Any, rate: float, **adamw: Any) -> None:
        ends = {id(p) for p in model.get_input_embeddings().parameters()}
        ends |= {id(p) for p in model.get_output_embeddings().parameters()}
        inner = [p for p in model.parameters() if p.ndim == 2 and id(p) not in ends]  # noqa: PLR2004
        mine = {id(p) for p in inner}
        rest = [p for p in model.parameters() if id(p) not in mine]
        self.parts: tuple[Optimizer, Optimizer] = (
            Muon(inner, rate),
            AdamW(rest, lr=rate, weight_decay=DECAY, **adamw),
        )

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """Of both."""
        return [group for part in self.parts for group in part.param_groups]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for part in self.parts:
            part.zero_grad(set_to_none=True)

    def step(self) -> None:
        """Take one step."""
        for part in self.parts:
            part.step()

    def state_dict(self) -> dict[str, Any]:
        """Return what both must know to go on."""
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, kept: dict[str, Any]) -> None:
        """Go on from there."""
        for part, state in zip(self.parts, kept["parts"], strict=True):
            part.load_state_dict(state)
