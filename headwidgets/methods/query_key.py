"""One attention score taken apart by who wrote the query and who wrote the key.

    score[q, k] = scale · Σ_c Σ_d  R_q W_Q norm(write_c[q])  ·  R_k W_K norm(write_d[k])

with the scale of the norm before the heads frozen: what is left of the norm, the projections and
the rotation of positions are linear, so that the score is a sum over pairs of components, one that
wrote to the stream at the query and one at the key (Elhage et al. 2021, "A Mathematical Framework
for Transformer Circuits"; heads of heads: Q- and K-composition). The biases are a part of their
own. A soft cap on the scores (Gemma 2) comes after, and is undone in what is shown.

A softmax does not see what all keys have in common, so a score can be held against those of other
keys: then the key's side is the key's own less the mean of theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from headwidgets.errors import InputError, NotMeasurable
from headwidgets.heads import Head
from headwidgets.methods.decompose import Apart, keep_at, norm_weight, there

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from headwidgets.methods.snapshot import Ids
    from headwidgets.model.engine import Engine, HookFn

BIAS = "bias"
SIDES = ("query", "key")
_TOLERANCE = 1e-3  # of float32 runs, of the largest score at hand
_SEEN = 1e-30  # attention whose logarithm says something


@dataclass(frozen=True)
class QueryKey:
    """One score, split.

    Attributes
    ----------
    head : Head
    parts : tuple of str
        Who wrote: "embedding", "positions", "0.3", "mlp 0", "attention bias 0", "bias".
    table : ndarray of float64, [part of the query, part of the key]
        It sums to `score`.
    score : float
        Before the softmax: the key's, less the mean of those it is held against.
    attention : float
        After the softmax, on the key.
    pattern : ndarray of float64, [key]
        After the softmax, on every key.
    error : float
        How far the parts' sum is from the model's own score.
    """

    head: Head
    parts: tuple[str, ...]
    table: NDArray[np.float64]
    score: float
    attention: float
    pattern: NDArray[np.float64]
    error: float

    def sides(self) -> pd.DataFrame:
        """Return what each component brings to the score by its side.

        Returns
        -------
        DataFrame
            side ("query" or "key"), part, value; the rows of either side sum to the score. The
            largest first.
        """
        rows = [
            {"side": side, "part": part, "value": float(value)}
            for axis, side in enumerate(SIDES)
            for part, value in zip(self.parts, self.table.sum(1 - axis), strict=True)
        ]
        frame = pd.DataFrame(rows, columns=["side", "part", "value"])
        order = frame["value"].abs().sort_values(ascending=False, kind="stable").index
        frame = frame.loc[order].sort_values("side", ascending=False, kind="stable")
        return frame.reset_index(drop=True)


def query_key(
    engine: Engine,
    ids: Ids,
    head: object,
    query: int,
    key: int,
    against: Sequence[int] = (),
) -> QueryKey:
    """Split one attention score of one prompt.

    Parameters
    ----------
    engine : Engine
    ids : token ids
    head : Head or what stands for one
    query, key : int
        Positions from 0; the key is the query or before it.
    against : sequence of int
        Keys whose mean score is taken off; none leaves the score as it is.

    Returns
    -------
    QueryKey

    Raises
    ------
    InputError
        If a position does not exist, or the query does not see it.
    NotMeasurable
        If this architecture's scores are no such sum (other positions than rotary and learned
        ones, norms on queries or keys), as the model's own attention
        shows.
    """
    one = Head.parse(head).within(engine.facts.n_layers, engine.facts.n_heads)
    for place in (query, key, *against):
        if not 0 <= place <= query < len(ids):
            message = (
                f"expected positions 0 to {min(query, len(ids) - 1)} for what position {query} of "
                f"{len(ids)} tokens looks at, got {place}"
            )
            raise InputError(message)
    spare = () if against else (0 if key else query,)  # a pattern alone shows differences
    run = _Run(engine, ids, one, [query, key, *against, *spare])
    names, vectors = run.writes()
    queries = run.project(vectors, engine.weights.W_Q, engine.weights.b_Q)[:, 0]
    keys = run.project(vectors, engine.weights.W_K, engine.weights.b_K)[:, 1:]
    scale, error = run.checked((keys.sum(0) @ queries.sum(0)).cpu().numpy())
    own = keys[:, 0] - (keys[:, 1:].mean(1) if against else 0)
    table = scale * torch.einsum("ad,bd->ab", queries, own).cpu().numpy()
    if run.scores is None:
        score = float(table.sum())
    else:
        others = float(np.mean(run.scores[list(against)])) if against else 0.0
        score = float(run.scores[key]) - others
    parts = (*names, BIAS)
    if not table[-1].any() and not table[:, -1].any():  # a model without biases
        parts, table = parts[:-1], table[:-1, :-1]
    return QueryKey(one, parts, table, score, float(run.pattern[key]), run.pattern, error)


class _Run:
    """One prompt, with what is at some places before one layer's heads.

    Attributes
    ----------
    pattern : ndarray of float, [key]
        The head's row of the query, after the softmax.
    scores : ndarray of float, [key], or None
        Before it; some architectures show none.
    """

    def __init__(self, engine: Engine, ids: Ids, head: Head, places: Sequence[int]) -> None:
        self._engine, self._head = engine, head
        block = engine.view.blocks[head.layer]
        stem = f"blocks.{head.layer}"
        self._norm = getattr(block, "ln1", None)
        self._apart = Apart(engine, [ids] * len(places), places)
        kept: dict[str, Tensor] = {}
        names = [f"{stem}.ln1.hook_scale", f"{stem}.attn.hook_cos", f"{stem}.attn.hook_sin"]
        rows: dict[str, NDArray[np.float64]] = {}
        seen = {"scores": f"{stem}.attn.hook_attn_scores", "pattern": f"{stem}.attn.hook_pattern"}
        # The chunks of a long prompt have their own start; a place falls into one of them.
        hooks = [(name, keep_at(kept, name, places)) for name in there(engine, names)]
        hooks += [(name, _row(rows, what, head.head, places[0])) for what, name in seen.items()]
        engine.run(torch.tensor([ids] * len(places)), hooks, stop_at_layer=_above(engine, head))
        if "pattern" not in rows:
            message = (
                f"layer {head.layer} shows no attention pattern: open the model with "
                "attn_implementation='eager'"
            )
            raise NotMeasurable(message)
        inner = getattr(block.attn, "original_component", None)
        cap = getattr(inner, "attn_logit_softcapping", None)
        self.pattern = rows["pattern"]
        scores = rows.get("scores", self.pattern)
        if cap is not None:
            with np.errstate(invalid="ignore"):  # of keys that a window hides
                scores = cap * np.arctanh(scores / cap)
        # Several architectures show the pattern in the place of the scores.
        self.scores = (
            None if np.allclose(rows.get("scores", self.pattern), self.pattern) else scores
        )
        self._kept, self._stem, self._keys = kept, stem, list(places[1:])
        own = getattr(inner, "scaling", None)
        usual = engine.facts.d_head**-0.5
        self._scales = (float(own),) if isinstance(own, float) else (usual, 1.0)

    def checked(self, products: NDArray[np.float64]) -> tuple[float, float]:
        """Return what the products of query and keys are multiplied by, and how far they are off.

        Raises
        ------
        NotMeasurable
            If they are not the model's own scores.
        """
        pattern = self.pattern[self._keys]
        seen = pattern > _SEEN
        if self.scores is None:
            logs = np.log(pattern[seen])
            wanted, found = logs - logs[:1], products[seen] - products[seen][:1]
        else:
            wanted, found = self.scores[self._keys], products
        errors = {one: float(np.abs(one * found - wanted).max(initial=0)) for one in self._scales}
        scale = min(errors, key=lambda one: errors[one])
        size = max(1.0, float(np.abs(wanted).max(initial=0)))
        enough = self.scores is not None or int(seen.sum()) > 1
        eps = torch.finfo(self._engine.weights.dtype).eps
        if enough and errors[scale] <= max(_TOLERANCE, 8 * eps) * size:
            return scale, errors[scale]
        message = (
            f"the attention of {self._engine.facts.architecture} is not what was written to the "
            f"stream gives (its scores are off by {errors[scale]:.3g}): it does something else to "
            "queries or keys, or shows too little of them, so this split would mislead"
        )
        raise NotMeasurable(message)

    def writes(self) -> tuple[list[str], Tensor]:
        """Return what was written below the layer, by whom, [part, place, d_model]."""
        names, vectors = [], []
        _ = self._apart.error  # raises where the writes do not sum
        for write in self._apart.writes():
            if write.layer is not None and write.layer >= self._head.layer:
                continue
            for number, vector in enumerate(write.vectors.unbind(1)):
                if write.part == "head":
                    names.append(f"{write.layer}.{number}")
                else:
                    names.append(
                        write.part if write.layer is None else f"{write.part} {write.layer}"
                    )
                vectors.append(vector.double())
        return names, torch.stack(vectors)

    def project(self, vectors: Tensor, weight: object, bias: object) -> Tensor:
        """Return the queries or keys that parts make, the biases' last, [part, place, d_head]."""
        layer, number = self._head
        matrix = weight(layer)[number].double()  # type: ignore[operator] # a method of Weights
        offset = bias(layer)  # type: ignore[operator]
        gain = norm_weight(self._norm)
        constant = torch.zeros(matrix.shape[1], dtype=torch.float64, device=matrix.device)
        if gain is not None:
            if not getattr(self._norm, "uses_rms_norm", False):
                vectors = vectors - vectors.mean(-1, keepdim=True)
            vectors = vectors / self._kept[f"{self._stem}.ln1.hook_scale"].double() * gain.double()
            shift = getattr(getattr(self._norm, "original_component", None), "bias", None)
            if shift is not None:
                constant = constant + shift.detach().double() @ matrix
        if offset is not None:
            constant = constant + offset[number].double()
        made = vectors.to(matrix.device) @ matrix
        made = torch.cat([made, constant.expand(1, made.shape[1], -1)])
        return self._rotated(made)

    def _rotated(self, made: Tensor) -> Tensor:
        """Turn queries or keys by their positions, where these are rotary."""
        cos = self._kept.get(f"{self._stem}.attn.hook_cos")
        sin = self._kept.get(f"{self._stem}.attn.hook_sin")
        if cos is None or sin is None:
            return made
        width = cos.shape[-1]
        turned, rest = made[..., :width], made[..., width:]
        one, two = turned.chunk(2, dim=-1)
        half = torch.cat([-two, one], dim=-1)
        turned = turned * cos.to(made) + half * sin.to(made)
        return torch.cat([turned, rest], dim=-1)


def _row(store: dict[str, NDArray[np.float64]], what: str, head: int, query: int) -> HookFn:
    """Return a hook that keeps one head's row of one query, of the first prompt."""

    def hook(tensor: Tensor, start: int) -> None:
        if 0 <= query - start < tensor.shape[2]:
            store[what] = tensor[0, head, query - start].detach().double().cpu().numpy()

    return hook


def _above(engine: Engine, head: Head) -> int | None:
    return head.layer + 1 if head.layer + 1 < engine.facts.n_layers else None
