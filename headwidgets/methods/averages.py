"""Attention over the whole prompt set: means that are added up, never stacked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from headwidgets.errors import InputError
from headwidgets.methods.pooling import Pooled
from headwidgets.methods.runs import edited_hooks, run_key
from headwidgets.methods.weighting import norms_hook, value_name
from headwidgets.model.work import checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from headwidgets.heads import Head
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine, Hooks

_MOST_LENGTHS = 6
_MOST_PICTURES = 8  # prompts whose thumbnails exist at once


def why_no_mean(snapshot: Snapshot, run: str) -> str:
    """Say why there is no mean of a run over the set; "" where there is one."""
    run = snapshot.base if run == "edited" else run
    lacking = sum(run == "corrupted" and pair.corrupted is None for pair in snapshot.pairs)
    if lacking:
        return f"{lacking} of {len(snapshot.pairs)} prompts have no corrupted partner"
    lengths = sorted({len(pair.ids(run)) for pair in snapshot.pairs})
    if len(lengths) == 1:
        return ""
    named = ", ".join(map(str, lengths[:_MOST_LENGTHS]))
    more = " …" if len(lengths) > _MOST_LENGTHS else ""
    return f"the prompts differ in length: {named}{more} tokens"


def mean_map(
    engine: Engine, snapshot: Snapshot, head: Head, run: str, *, by_value: bool
) -> NDArray[np.float32]:
    """Return the mean over the set of a head's attention, [query, key].

    Parameters
    ----------
    by_value : bool
        Of A[q, k] · ‖v_k W_O‖, prompt by prompt; see `weighting`.

    Raises
    ------
    InputError
        If the prompts differ in length.
    """
    key = ("mean map", run_key(snapshot, run, snapshot.pairs), head, by_value)
    kept: NDArray[np.float32] | None = engine.cache.get(key)
    if kept is None:
        kept = _add_up(engine, snapshot, head, run, by_value=by_value)
        engine.cache.put(key, kept, kept.nbytes)
    return kept


def _add_up(
    engine: Engine, snapshot: Snapshot, head: Head, run: str, *, by_value: bool
) -> NDArray[np.float32]:
    total: Tensor | None = None
    for ids, hooks in _batches(engine, snapshot, run):
        rows, length = ids.shape
        total = torch.zeros(length, length) if total is None else total
        norms = torch.ones(rows, length)

        def visit(
            _layer: int, pattern: Tensor, start: int, total: Tensor = total, norms: Tensor = norms
        ) -> None:
            one = pattern[:, head.head].cpu()
            n_queries, n_keys = one.shape[1:]
            part = (one * norms[:, None, :n_keys]).sum(0)
            total[start : start + n_queries, :n_keys] += part

        def keep(some: Tensor, start: int, norms: Tensor = norms) -> None:
            norms[:, start : start + some.shape[2]] = some[:, head.head].cpu()

        watching = [(value_name(head.layer), norms_hook(engine, head.layer, keep))]
        seen = [*hooks, *(watching if by_value else [])]
        engine.patterns(ids, visit, hooks=seen, layers=[head.layer])
    mean = torch.empty(0) if total is None else total / len(snapshot.pairs)
    out: NDArray[np.float32] = mean.numpy()
    return out


def mean_thumbnails(engine: Engine, snapshot: Snapshot, run: str, *, bos: bool) -> Tensor:
    """Return the mean of every prompt's thumbnails, float32 [layer, head, edge, edge]."""
    total: Tensor | None = None
    for ids, hooks in _batches(engine, snapshot, run, most=_MOST_PICTURES):
        pooled = Pooled(engine, ids, bos=bos)
        engine.patterns(ids, pooled.visit, hooks=hooks)
        some = pooled.values.sum(0)
        total = some if total is None else total + some
    return torch.empty(0) if total is None else total / len(snapshot.pairs)


def _batches(
    engine: Engine, snapshot: Snapshot, run: str, most: int = 64
) -> Iterator[tuple[Tensor, Hooks]]:
    """Yield the set as tokens and edits, so many rows at once as fit."""
    why = why_no_mean(snapshot, run)
    if why:
        message = f"no mean over the set: {why}; look at one pair"
        raise InputError(message)
    edited = run == "edited" and bool(snapshot.edits)
    base = snapshot.base if edited else "clean" if run == "edited" else run
    limit = min(most, engine.rows_at_once(len(snapshot.pair.ids(base))))
    done = 0
    for batch in snapshot.batches(limit=limit):
        checkpoint(done, len(snapshot.pairs), "prompts")
        hooks: Hooks = edited_hooks(engine, snapshot, batch)[1].hooks if edited else ()
        yield torch.tensor([snapshot.pairs[i].ids(base) for i in batch]), hooks
        done += len(batch)
