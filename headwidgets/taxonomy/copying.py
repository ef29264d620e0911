"""Whether a head, where it looks at a token, makes that token more likely.

Eigenvalue score of the full OV circuit W_E W_V W_O W_U (Elhage et al. 2021, "A Mathematical
Framework for Transformer Circuits", section "Detecting copying"): the sum of its eigenvalues
over the sum of their sizes, +1 for a copier, -1 for a head that suppresses what it sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from headwidgets.errors import NotMeasurable
from headwidgets.model.work import checkpoint

if TYPE_CHECKING:
    from headwidgets.heads import Head
    from headwidgets.model.engine import Engine

_PERMUTATIONS = 999
_TOKENS = 4096  # more do not make the test sharper, only slower
_P_MAX = 0.01


@dataclass(frozen=True)
class Copying:
    """Copying score of one head.

    Attributes
    ----------
    value : float
        From -1 to 1; 0 where the circuit writes nothing.
    p : float
        Share of permutations of the output vocabulary that reach its numerator.
    """

    value: float
    p: float

    @property
    def copies(self) -> bool:
        """Positive, and more than a head of this size shows by chance."""
        return self.value > 0 and self.p <= _P_MAX


def copying(engine: Engine, head: Head, *, seed: int = 0) -> Copying:
    """Score one head from its weights.

    The circuit has rank d_head, so its eigenvalues are those of the d_head × d_head product
    W_O W_U W_E W_V; no matrix of vocabulary squared is built. Mean embedding and mean
    unembedding are taken out first (they say nothing about which token it is). The gains of
    the norms on the way, and the first MLP, are left out. A head of random weights scores
    0 ± 0.2 at d_head 8, so "above 0" alone would be a coin flip: the score must also stand
    out from the same head with the vocabulary of its output permuted.

    Raises
    ------
    NotMeasurable
        If embedding, OV circuit and unembedding do not multiply, or hold NaN.
    """
    reads, writes = _circuit(engine, head)
    checkpoint()
    generator = torch.Generator().manual_seed(seed)
    some = torch.randperm(len(reads), generator=generator)[:_TOKENS].to(reads.device)
    value, p = _ratio(writes @ reads), _permuted(reads[some], writes.T[some], generator)
    return Copying(value, p)


def _permuted(reads: Tensor, writes: Tensor, generator: torch.Generator) -> float:
    """Share of permutations whose sum of eigenvalues, the trace, reaches the head's own.

    Both arguments are [token, d_head].
    """
    own = float((reads * writes).sum())
    reached = 0
    for _ in range(_PERMUTATIONS):
        mixed = torch.randperm(len(reads), generator=generator).to(reads.device)
        reached += float((reads * writes[mixed]).sum()) >= own
    return (1 + reached) / (1 + _PERMUTATIONS)


def _circuit(engine: Engine, head: Head) -> tuple[Tensor, Tensor]:
    """W_E W_V [vocabulary, d_head] and W_O W_U [d_head, vocabulary], means taken out."""
    weights = engine.weights
    W_E, W_U = weights.W_E, weights.W_U
    W_V, W_O = weights.W_V(head.layer)[head.head], weights.W_O(head.layer)[head.head]
    if W_E.shape[1] != W_V.shape[0] or W_O.shape[1] != W_U.shape[0]:
        message = (
            f"copying needs W_E W_V W_O W_U, and their widths do not meet: {W_E.shape[1]} and "
            f"{W_V.shape[0]}, {W_O.shape[1]} and {W_U.shape[0]}"
        )
        raise NotMeasurable(message)
    common = min(W_E.shape[0], W_U.shape[1])
    reads, writes = W_E[:common] @ W_V, W_O @ W_U[:, :common]
    if not (reads.isfinite().all() and writes.isfinite().all()):
        message = "copying has no value: weights of this head are not finite"
        raise NotMeasurable(message)
    return reads - reads.mean(0), writes - writes.mean(1, keepdim=True)


def _ratio(product: Tensor) -> float:
    eigenvalues = torch.linalg.eigvals(product.double().cpu())
    size = float(eigenvalues.abs().sum())
    return float(eigenvalues.real.sum()) / size if size > 0 else 0.0
