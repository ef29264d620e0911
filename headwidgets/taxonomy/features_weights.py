"""What a head's weights are like, in a few numbers: sizes, what it copies, whom it reads.

Elhage et al. 2021 (*A Mathematical Framework for Transformer Circuits*): the eigenvalues of the
full OV and QK circuits, and composition. Norms between the parts are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from headwidgets.errors import NotMeasurable
from headwidgets.model.work import checkpoint
from headwidgets.taxonomy.features_seen import centred
from headwidgets.taxonomy.ov import own_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from headwidgets.model.engine import Engine

    Floats = NDArray[np.float64]

SIZES = ("ov_norm", "qk_norm", "ov_rank")
CIRCUITS = ("ov_copying", "qk_matching")
OF_QK = ("qk_norm", "qk_matching", "q_composition", "k_composition")
"""What rotary positions and QK norms change."""
READS = ("q_composition", "k_composition", "v_composition")
TOKENS = 5000
"""Of the vocabulary, at most: eigenvalues hardly change with more."""
MOST_HEADS = 1024
"""Beyond, who reads whom is not measured: the pairs are too many."""


class _Layer(NamedTuple):
    """A layer's weights, [head, d_model, d_head] and W_O [head, d_head, d_model]."""

    W_Q: Tensor
    W_K: Tensor
    W_V: Tensor
    W_O: Tensor


def weight_features(engine: Engine) -> dict[str, Floats]:
    """Return what weights tell of heads.

    Parameters
    ----------
    engine : Engine

    Returns
    -------
    dict of str to ndarray of float64, [layer, head]
        ov_norm and qk_norm, the natural logarithm of the Frobenius norms of W_V W_O and W_Q W_Kᵀ,
        less the model's median; ov_rank, (Σσ²)² / Σσ⁴ of W_V W_O as a share of d_head; ov_copying,
        Re Σλ / Σ|λ| over the eigenvalues of W_E W_V W_O W_U, 1 for a head that raises what it
        looks at, and qk_matching, the same of W_E W_Q W_Kᵀ W_Eᵀ; q_, k_ and v_composition, with
        the earlier head whose writes its queries, keys and values read most, less the model's
        median over pairs. NaN: a layer without attention weights of its own, weights that are not
        finite or do not meet, QK under rotary positions or QK norms, and composition in a model
        of more than 1,024 heads.
    """
    shape = engine.facts.n_layers, engine.facts.n_heads
    known = _known(engine)
    out = {name: np.full(shape, np.nan) for name in (*SIZES, *CIRCUITS)}
    ids = _ids(engine)
    W_E = engine.weights.W_E.cpu().double()[ids]
    W_U = engine.weights.W_U.cpu().double()[:, ids]
    for layer, weights in known.items():
        checkpoint(layer, shape[0], "what weights are like")
        for name, values in _sizes(weights).items():
            out[name][layer] = values
        if W_E.shape[1] == weights.W_V.shape[1] and W_U.shape[0] == weights.W_O.shape[2]:
            out["ov_copying"][layer] = _copying(weights, W_E, W_U)
            out["qk_matching"][layer] = _matching(weights, W_E)
    out |= {name: centred(out[name]) for name in ("ov_norm", "qk_norm")}
    out |= _composition(known, shape)
    if _blind(engine):
        out |= {name: np.full(shape, np.nan) for name in OF_QK}
    return out


def _known(engine: Engine) -> dict[int, _Layer]:
    """Return the weights of layers that have finite ones of their own."""
    out = {}
    for layer in range(engine.facts.n_layers):
        try:
            own = [own_weights(engine, layer, name).float() for name in _Layer._fields]
        except NotMeasurable:
            continue
        if all(bool(one.isfinite().all()) for one in own):
            out[layer] = _Layer(*own)
    return out


def _blind(engine: Engine) -> bool:
    """Whether what queries and keys meet in is not W_Q W_Kᵀ alone."""
    return engine.facts.rotary or hasattr(engine.view.blocks[0].attn, "q_norm")


def _ids(engine: Engine) -> list[int]:
    """Return tokens spread over the vocabulary."""
    n = min(engine.weights.W_E.shape[0], engine.weights.W_U.shape[1])
    some = np.unique(np.linspace(0, n - 1, min(n, TOKENS)).astype(int))
    return [int(one) for one in some]


def _sizes(one: _Layer) -> dict[str, Floats]:
    """Return sizes from d_head × d_head matrices: V O has the singular values of R_V O."""
    written = torch.linalg.qr(one.W_V.double(), mode="r").R @ one.W_O.double()
    squares = torch.linalg.svdvals(written).square()
    total = squares.sum(-1)
    asked = torch.linalg.qr(one.W_Q.double(), mode="r").R @ one.W_K.double().transpose(1, 2)
    qk = asked.square().sum((1, 2))
    rank = total.square() / squares.square().sum(-1) / one.W_V.shape[2]
    return {
        "ov_norm": _log(total),
        "qk_norm": _log(qk),
        "ov_rank": torch.nan_to_num(rank, nan=0.0).numpy(),
    }


def _log(squares: Tensor) -> Floats:
    found = 0.5 * squares.log()
    return torch.where(found.isfinite(), found, torch.nan).numpy()


def _copying(one: _Layer, W_E: Tensor, W_U: Tensor) -> Floats:
    """Return what share of the eigenvalues of W_E W_V W_O W_U is positive, [head]."""
    return _positive(one.W_O.double() @ (W_U @ W_E) @ one.W_V.double())


def _matching(one: _Layer, W_E: Tensor) -> Floats:
    """Return the same of W_E W_Q W_Kᵀ W_Eᵀ."""
    return _positive(one.W_K.double().transpose(1, 2) @ (W_E.T @ W_E) @ one.W_Q.double())


def _positive(matrices: Tensor) -> Floats:
    """Return Re Σλ / Σ|λ| of each matrix; 0 where all are zero."""
    values = torch.linalg.eigvals(matrices)
    sizes = values.abs().sum(-1)
    found: Floats = torch.where(sizes > 0, values.real.sum(-1) / sizes, 0.0).numpy()
    return found


def _composition(known: dict[int, _Layer], shape: tuple[int, int]) -> dict[str, Floats]:
    """Return how much of what earlier heads write each head reads, over both sizes (Elhage)."""
    if shape[0] * shape[1] > MOST_HEADS:
        return {name: np.full(shape, np.nan) for name in READS}
    written: list[Tensor] = []  # of every earlier head R_V W_O, over its norm
    best = {name: np.full(shape, np.nan) for name in READS}
    pairs: dict[str, list[Floats]] = {name: [] for name in READS}
    for layer, one in sorted(known.items()):
        before = torch.cat(written).flatten(0, 1) if written else None
        for name, reader in zip(READS, _readers(one), strict=True):
            for head, matrix in enumerate(reader if before is not None else ()):
                checkpoint()
                found = (before @ matrix).square().view(-1, one.W_V.shape[2], matrix.shape[1])
                sizes = found.sum((1, 2)).sqrt().double().numpy()
                best[name][layer, head] = sizes.max()
                pairs[name].append(sizes)
        made = torch.linalg.qr(one.W_V, mode="r").R @ one.W_O
        written.append(made / made.norm(dim=(1, 2), keepdim=True).clamp(min=1e-30))
    return {
        name: found - float(np.median(np.concatenate(pairs[name]))) if pairs[name] else found
        for name, found in best.items()
    }


def _readers(one: _Layer) -> tuple[Tensor, Tensor, Tensor]:
    """Return what reads a stream as query, key and value, [head, d_model, d_head], of norm one."""

    def narrow(wide: Tensor) -> Tensor:  # A Bᵀ has the norm of A R_Bᵀ
        factor: Tensor = torch.linalg.qr(wide, mode="r").R
        return factor.transpose(1, 2)

    found = (
        one.W_Q @ narrow(one.W_K),
        one.W_K @ narrow(one.W_Q),
        one.W_V @ narrow(one.W_O.transpose(1, 2)),
    )
    made = [one / one.norm(dim=(1, 2), keepdim=True).clamp(min=1e-30) for one in found]
    return made[0], made[1], made[2]
