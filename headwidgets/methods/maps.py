"""Attention maps: one head's values, or a window of them, and all heads as thumbnails.

Of the pair on screen, or the mean over the prompt set (`averages`). A head's pattern is
held as the blocks of queries in which the engine shows it, so that a window of a long
prompt is read without the square ever being whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from headwidgets.errors import InputError
from headwidgets.methods.averages import mean_map, mean_thumbnails
from headwidgets.methods.pooling import Pooled
from headwidgets.methods.runs import edited_hooks, run_key
from headwidgets.methods.weighting import norms_hook, value_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headwidgets.heads import Head
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine, Hooks

KEEP_ALL = 96 << 20  # all heads' maps are kept where they take less
Span = tuple[int, int]


@dataclass(frozen=True)
class Asked:
    """Which map: a head of a run, weighted, of the pair or over the set."""

    head: Head
    run: str = "clean"
    weighting: str = "raw"
    over: str = "pair"


def attention(
    engine: Engine,
    snapshot: Snapshot,
    asked: Asked,
    queries: Span | None = None,
    keys: Span | None = None,
) -> NDArray[np.float32]:
    """Return one head's attention, [query, key].

    Parameters
    ----------
    asked : Asked
    queries, keys : (start, stop), optional
        Only this window; all positions without.
    """
    head = asked.head
    head.within(engine.facts.n_layers, engine.facts.n_heads)
    length = len(snapshot.pair.ids(base_run(snapshot, asked.run)))
    (top, bottom), (left, right) = _span(queries, length), _span(keys, length)
    if asked.over == "set":
        whole = mean_map(engine, snapshot, head, asked.run, by_value=asked.weighting == "value")
        out = whole[top:bottom, left:right].copy()
    else:
        out = _window(engine, snapshot, head, asked.run, (top, bottom), (left, right))
        if asked.weighting == "value":
            out *= _norms(engine, snapshot, asked.run, head.layer)[head.head, left:right]
    if asked.weighting == "no bos" and left == 0:
        out[:, :1] = 0.0
    return out


def thumbnails(
    engine: Engine, snapshot: Snapshot, run: str, *, bos: bool = True, over: str = "pair"
) -> NDArray[np.uint8]:
    """Return all heads' attention as small pictures, uint8 [layer, head, edge, edge].

    Max-pooled, so that a sharp line stays visible, a layer at a time as the patterns are
    made, so that they never all exist; 255 is an attention of 1. The edge is the largest
    of 64, 32, 16, 8 that keeps all heads within 0.6 MB, or the prompt's length. Over the
    set: the mean of every prompt's picture.

    Parameters
    ----------
    bos : bool
        With the first column, or without.
    """
    over_set = over == "set"
    pairs = snapshot.pairs if over_set else [snapshot.pair]
    key = ("thumbnails", run_key(snapshot, run, pairs), bos, over)
    kept: NDArray[np.uint8] | None = engine.cache.get(key)
    if kept is None:
        if over_set:
            small = mean_thumbnails(engine, snapshot, run, bos=bos)
        else:
            ids, hooks = question(engine, snapshot, run)
            pooled = Pooled(engine, ids, bos=bos)
            engine.patterns(ids, pooled.visit, hooks=hooks)
            small = pooled.values[0]
        kept = (small.clamp(0, 1) * 255).round().to(torch.uint8).numpy()
        engine.cache.put(key, kept, kept.nbytes)
    return kept.copy()


def base_run(snapshot: Snapshot, run: str) -> str:
    """Return the run whose tokens `run` has."""
    return snapshot.base if run == "edited" else run


def question(engine: Engine, snapshot: Snapshot, run: str) -> tuple[Tensor, Hooks]:
    """Return the tokens and the edits of a run of the pair on screen."""
    if run == "edited" and snapshot.edits:
        base, compiled = edited_hooks(engine, snapshot, [snapshot.index])
        return torch.tensor([snapshot.pair.ids(base)]), compiled.hooks
    return torch.tensor([snapshot.pair.ids("clean" if run == "edited" else run)]), ()


def _window(
    engine: Engine, snapshot: Snapshot, head: Head, run: str, queries: Span, keys: Span
) -> NDArray[np.float32]:
    """Read a window of a head's pattern from what is kept, or after a run."""
    key = ("map", run_key(snapshot, run, [snapshot.pair]))
    scope: object
    for scope in (None, head.layer, head):
        blocks = _kept(engine, (*key, scope), queries)
        if blocks is not None:
            return _pick(blocks, scope, head, queries, keys)
    scope, blocks = _record(engine, snapshot, head, run)
    for start, block in blocks:
        engine.cache.put((*key, scope, start), block, block.nbytes)
    engine.cache.put((*key, scope), [(at, at + b.shape[2]) for at, b in blocks], 64 * len(blocks))
    return _pick(blocks, scope, head, queries, keys)


Blocks = list[tuple[int, "NDArray[np.float32]"]]


def _kept(engine: Engine, key: tuple[object, ...], queries: Span) -> Blocks | None:
    """Return the blocks that hold these queries, if all of them are still there."""
    spans = engine.cache.get(key)
    if spans is None:
        return None
    wanted = [start for start, stop in spans if start < queries[1] and stop > queries[0]]
    blocks = [(start, engine.cache.get((*key, start))) for start in wanted]
    there = [(start, block) for start, block in blocks if block is not None]
    return there if len(there) == len(wanted) else None


def _record(engine: Engine, snapshot: Snapshot, head: Head, run: str) -> tuple[object, Blocks]:
    """Run, and take the patterns of all heads, of the layer or of the head: what fits.

    A block is [layer, head, query, key] and ends at the last key that its queries see.
    """
    ids, hooks = question(engine, snapshot, run)
    facts, one = engine.facts, 4 * ids.shape[1] ** 2
    scope: object = head
    layers, heads = range(head.layer, head.layer + 1), slice(head.head, head.head + 1)
    if one * facts.n_heads * facts.n_layers <= KEEP_ALL:
        scope, layers, heads = None, range(facts.n_layers), slice(None)
    elif one * facts.n_heads <= KEEP_ALL:
        scope, heads = head.layer, slice(None)
    found: dict[int, NDArray[np.float32]] = {}

    def visit(layer: int, pattern: Tensor, start: int) -> None:
        part = pattern[0, heads].cpu().numpy()
        if start not in found:
            found[start] = np.zeros((len(layers), *part.shape), np.float32)
        found[start][layer - layers[0], ..., : part.shape[2]] = part

    engine.patterns(ids, visit, hooks=hooks, layers=layers)
    return scope, sorted(found.items())


def _pick(
    blocks: Blocks, scope: object, head: Head, queries: Span, keys: Span
) -> NDArray[np.float32]:
    (top, bottom), (left, right) = queries, keys
    out = np.zeros((bottom - top, right - left), np.float32)
    for start, block in blocks:
        one = block[head.layer if scope is None else 0, 0 if scope == head else head.head]
        part = one[max(0, top - start) : max(0, bottom - start), left:right]
        at = max(0, start - top)
        out[at : at + part.shape[0], : part.shape[1]] = part
    return out


def _norms(engine: Engine, snapshot: Snapshot, run: str, layer: int) -> NDArray[np.float32]:
    """Return ‖v W_O‖ of a layer's heads, float32 [head, key]."""
    key = ("value norms", run_key(snapshot, run, [snapshot.pair]), layer)
    kept: NDArray[np.float32] | None = engine.cache.get(key)
    if kept is None:
        ids, hooks = question(engine, snapshot, run)
        parts: list[Tensor] = []
        seen = norms_hook(engine, layer, lambda norms, _start: parts.append(norms[0].cpu()))
        above = layer + 1
        stop = above if above < engine.facts.n_layers else None
        engine.run(ids, [*hooks, (value_name(layer), seen)], stop_at_layer=stop)
        kept = torch.cat(parts, dim=1).numpy()
        engine.cache.put(key, kept, kept.nbytes)
    return kept


def _span(asked: Span | None, length: int) -> Span:
    if asked is None:
        return 0, length
    start, stop = asked
    if 0 <= start < stop <= length:
        return start, stop
    message = f"expected positions (start, stop) within 0 to {length}, got {asked!r:.80}"
    raise InputError(message)


__all__ = ["Asked", "attention", "base_run", "question", "thumbnails"]
