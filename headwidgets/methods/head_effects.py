"""What each head does to the logits: in all, by itself, through norms, through others.

    total     = M(x) − M(x | do z := z̃)                everything after it recomputed
    direct    = M(x) − M(residual + change)              all others frozen, norms' scales frozen
    layernorm = what recomputing those norms adds to it  the final norm; on Gemma 2 and 3 also
                                                         the one after the head's attention
    indirect  = total − direct − layernorm               through at least one other component

so that direct + layernorm + indirect = total. Effects are those of the head on the logits:
positive where the metric falls without it. (In causal mediation analysis the words mean
something else: there the "indirect effect" is that of a changed *prompt*, as far as it passes
through a component, which is what is called the total effect of a patch here: Vig et al. 2020,
arXiv 2004.12265; Meng et al. 2022, arXiv 2202.05262.)
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from headwidgets.errors import InputError
from headwidgets.heads import Head, parse_heads
from headwidgets.methods.attribution import frame_about
from headwidgets.methods.decompose import scale_of
from headwidgets.methods.logit_direction import read_at_scale
from headwidgets.methods.means import describe
from headwidgets.methods.measuring import Reading, reading
from headwidgets.methods.metrics import LogitDiff
from headwidgets.methods.replaced import Replaced, check_kind
from headwidgets.methods.summary import means, stopped, summarised
from headwidgets.model.finish import Finish
from headwidgets.model.work import checkpoint, keeping

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headwidgets.methods.edits import At
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine

SIGN = "effects of the head on the logits: metric of the clean run minus metric without the head"
_SURE = 2.0  # standard errors
_LEAST = 0.01  # of the direct effect: what is less is no repair
_ROUNDING = 1e-4  # of the largest direct effect


def effects(
    engine: Engine,
    snapshot: Snapshot,
    heads: object = None,
    *,
    kind: str = "patch",
    at: At = None,
    **unknown: object,
) -> pd.DataFrame:
    """Tell what each head does to the clean run directly from what it does through others.

    Parameters
    ----------
    heads : sequence of heads, or one head, optional
        All of them by default.
    kind : {"patch", "zero", "mean"}
        What the head's z becomes: that of the corrupted run (noising), zero, or its mean.
    at : int, str, list of them, optional
        Positions or roles; None is everywhere. The direct effect is of the last one alone.

    Returns
    -------
    DataFrame
        layer, head; total, direct, layernorm, indirect, where the last three sum to the
        first; total_se, direct_se, layernorm_se, indirect_se; low and high, the 95 % interval
        of the total by Student's t; n; self_repair: |total| < |direct| and the indirect effect
        has the other sign, both beyond two standard errors (of one prompt there are none),
        and is at least 1 % of the direct one, so that rounding is no repair.
        Of a logit difference all is before a soft cap; with another metric the cap is in it.

    Raises
    ------
    InputError
        For an unknown kind, head or place, and for a patch between prompts that do not align.
    EditDropped
        If the architecture does not read z where it is edited.
    Cancelled
        If it was cancelled; ``partial`` on the error is the table of the prompts that are done.
    """
    if unknown:
        message = f"head effects have no option {min(unknown)!r}: they have heads, kind, at"
        raise InputError(message)
    check_kind(kind)
    facts = engine.facts
    chosen = [Head(i, h) for i in range(facts.n_layers) for h in range(facts.n_heads)]
    if heads is not None:
        asked = parse_heads(heads)
        chosen = sorted({head.within(facts.n_layers, facts.n_heads) for head in asked})
    if not chosen:
        message = "expected at least one head, got none; leave heads= out for all of them"
        raise InputError(message)
    base = replace(snapshot, edits=())
    n, ran = len(base.pairs), list[int]()
    values = np.full((3, len(chosen), n), math.nan)  # total, direct, direct with norms recomputed
    more: dict[str, Any] = {"effects": kind, "at": at, "sign": SIGN, "notes": []}
    more["done"] = f"z of one head {_DONE[kind]}; direct: all others and the norms' scales frozen"
    if kind == "mean":
        more["mean"] = describe(base)
    if Finish(engine).cap and _before_cap(base):
        more["notes"] = ["the metric is before the model's final soft cap"]

    def partial() -> pd.DataFrame | None:
        if not ran:
            return None
        frame = _layout(chosen, *values[..., ran])
        return frame_about(frame, base, more | stopped(base, len(ran)))

    with keeping(partial):
        for batch in base.batches(limit=Replaced.room(engine, base)):
            checkpoint(len(ran) * len(chosen), n * len(chosen), f"effects, {kind}")
            with engine.exclusive(), torch.no_grad():
                values[..., batch] = _batch(engine, base, batch, chosen, kind, at)
            ran += batch
    return frame_about(_layout(chosen, *values), base, more)


_DONE = {"patch": "as in the corrupted run", "zero": "set to zero", "mean": "set to its mean"}


def _batch(
    engine: Engine, snapshot: Snapshot, batch: list[int], heads: list[Head], kind: str, at: At
) -> NDArray[np.float64]:
    """Measure the three effects of some pairs of one length, [3, head, prompt]."""
    replaced = Replaced(engine, snapshot, batch, kind, at)
    recorded = replaced.recording
    read = Read(engine, snapshot, reading(engine, snapshot, batch, recorded.logits))
    last = recorded.residual[-1][:, -1].float()
    before = read(last)
    total = [read(some) for some in replaced.ends(heads)]
    frozen, again = [], []
    for layer in sorted({head.layer for head in heads}):
        mine = [head.head for head in heads if head.layer == layer]
        written = replaced.written(layer, mine, slice(-1, None))[:, :, 0]
        still, moved = replaced.through_post_norm(layer, written)
        frozen.append(read.frozen(last, still))
        again.append(read(last + moved))
    rows = [torch.cat(some) for some in (total, frozen, again)]
    return np.stack([(before - some).double().cpu().numpy() for some in rows])


class Read:
    """A metric, read off last residual streams.

    Parameters
    ----------
    engine : Engine
        Held by the caller.
    read : Reading
    """

    def __init__(self, engine: Engine, snapshot: Snapshot, read: Reading) -> None:
        self._engine, self._end = engine, Finish(engine)
        if _before_cap(snapshot):
            self._end.cap = None
        self._columns = read.columns
        self._read = read if self._columns is None else read.narrowed()

    def __call__(self, residual: Tensor) -> Tensor:
        """Return the metric, [..., prompt], of residual streams [..., prompt, d_model]."""
        return self._of(self._end.norm(residual.to(self._engine.weights.dtype)).float())

    def frozen(self, residual: Tensor, change: Tensor) -> Tensor:
        """Return the metric where `change` is added and the final norm's scale stays."""
        dtype = self._engine.weights.dtype
        scale = scale_of(getattr(self._engine.view, "ln_final", None), residual.to(dtype))
        normed = self._end.norm(residual.to(dtype)).float()
        return self._of(normed + read_at_scale(self._engine, change, scale))

    def _of(self, normed: Tensor) -> Tensor:
        rows = normed.reshape(-1, *normed.shape[-2:])
        if self._columns is not None:
            out = self._read(self._end.columns(rows, self._columns))
        else:  # all logits, copy by copy: they are large
            dtype = self._engine.weights.dtype
            out = torch.stack([self._read(self._end.logits(copy.to(dtype))) for copy in rows])
        return out.reshape(normed.shape[:-1])


def _before_cap(snapshot: Snapshot) -> bool:
    return snapshot.metric is None or isinstance(snapshot.metric, LogitDiff)


def _layout(
    heads: list[Head],
    total: NDArray[np.float64],
    direct: NDArray[np.float64],
    again: NDArray[np.float64],
) -> pd.DataFrame:
    frame = pd.DataFrame(heads, columns=["layer", "head"])
    parts = {
        "total": total,
        "direct": direct,
        "layernorm": again - direct,
        "indirect": total - again,
    }
    for name, values in parts.items():
        frame[name], frame[f"{name}_se"] = means(values)
    columns = summarised(total, "total")
    frame["low"], frame["high"], frame["n"] = (columns[name] for name in ("low", "high", "n"))
    frame["self_repair"] = _repaired(parts)
    names = [*parts, *[f"{name}_se" for name in parts]]
    return frame[["layer", "head", *names, "low", "high", "n", "self_repair"]]


def _repaired(parts: dict[str, NDArray[np.float64]]) -> NDArray[np.bool_]:
    """Whether later components make up for a head: see `effects`."""
    total, _ = means(parts["total"])
    direct, _ = means(parts["direct"])
    indirect, indirect_se = means(parts["indirect"])
    # how much less the total is than the direct effect, prompt by prompt, in its direction
    less, less_se = means(np.sign(direct)[:, None] * (parts["direct"] - parts["total"]))
    other = np.sign(indirect) == -np.sign(direct)
    least = np.maximum(_LEAST * np.abs(direct), _ROUNDING * np.abs(direct).max())
    sure = (less > _SURE * np.nan_to_num(less_se)) & (
        np.abs(indirect) > _SURE * np.nan_to_num(indirect_se)
    )
    repaired = (np.abs(total) < np.abs(direct)) & other & sure & (direct != 0)
    found: NDArray[np.bool_] = repaired & (np.abs(indirect) > least)
    return found
