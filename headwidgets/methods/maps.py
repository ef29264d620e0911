"""Attention maps of the pair on screen: one head exactly, all heads as thumbnails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from headwidgets.methods.runs import edited_hooks, run_key

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headwidgets.heads import Head
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine, Hooks

KEEP_ALL = 96 << 20  # all heads' maps are kept where they take less
THUMBNAIL_BYTES = 600_000
EDGES = (64, 32, 16, 8)


def attention(engine: Engine, snapshot: Snapshot, head: Head, run: str) -> NDArray[np.float32]:
    """Return one head's attention, [query, key], as the model has it.

    Parameters
    ----------
    head : Head
    run : {"clean", "corrupted", "edited"}
    """
    head.within(engine.facts.n_layers, engine.facts.n_heads)
    key = ("map", run_key(snapshot, run, [snapshot.pair]))
    for name in (None, head.layer, head):
        kept = engine.cache.get((*key, name))
        if kept is not None:
            return _pick(kept, name, head)
    ids, hooks = _question(engine, snapshot, run)
    length, facts = ids.shape[1], engine.facts
    one = 4 * length * length
    if one * facts.n_heads * facts.n_layers <= KEEP_ALL:
        name, layers, heads = None, range(facts.n_layers), slice(None)
    elif one * facts.n_heads <= KEEP_ALL:
        name, layers, heads = head.layer, range(head.layer, head.layer + 1), slice(None)
    else:
        name, layers = head, range(head.layer, head.layer + 1)
        heads = slice(head.head, head.head + 1)
    width = facts.n_heads if heads == slice(None) else 1
    out = np.zeros((len(layers), width, length, length), dtype=np.float32)

    def visit(layer: int, pattern: Tensor, start: int) -> None:
        part = pattern[0, heads].cpu().numpy()
        out[layer - layers[0], :, start : start + part.shape[1], : part.shape[2]] = part

    engine.patterns(ids, visit, hooks=hooks, layers=layers)
    engine.cache.put((*key, name), out, out.nbytes)
    return _pick(out, name, head)


def thumbnails(engine: Engine, snapshot: Snapshot, run: str) -> NDArray[np.uint8]:
    """Return all heads' attention as small pictures, uint8 [layer, head, edge, edge].

    Max-pooled, so that a sharp line stays visible, a layer at a time as the patterns are
    made, so that they never all exist; 255 is an attention of 1. The edge is the largest
    of 64, 32, 16, 8 that keeps all heads within 0.6 MB, or the prompt's length.
    """
    key = ("thumbnails", run_key(snapshot, run, [snapshot.pair]))
    kept = engine.cache.get(key)
    if kept is not None:
        return kept.copy()  # type: ignore[no-any-return]
    ids, hooks = _question(engine, snapshot, run)
    length, facts = ids.shape[1], engine.facts
    edge = min(length, thumbnail_edge(facts.n_layers * facts.n_heads))
    pooled = torch.zeros(facts.n_layers, facts.n_heads, edge, edge, dtype=torch.float32)
    bins = torch.arange(length) * edge // length

    def visit(layer: int, pattern: Tensor, start: int) -> None:
        one = pattern[0].nan_to_num(0.0).cpu()
        n_queries, n_keys = one.shape[1:]
        keys = bins[:n_keys].expand(*one.shape[:2], n_keys)
        narrow = one.new_zeros(*one.shape[:2], edge).scatter_reduce_(2, keys, one, "amax")
        rows = bins[start : start + n_queries, None].expand(n_queries, edge)
        pooled[layer].scatter_reduce_(1, rows.expand_as(narrow), narrow, "amax")

    engine.patterns(ids, visit, hooks=hooks)
    out = (pooled.clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    engine.cache.put(key, out, out.nbytes)
    return out.copy()


def thumbnail_edge(n_heads: int) -> int:
    """Return the edge in pixels at which `n_heads` thumbnails stay within 0.6 MB."""
    return next((e for e in EDGES if n_heads * e * e <= THUMBNAIL_BYTES), EDGES[-1])


def _question(engine: Engine, snapshot: Snapshot, run: str) -> tuple[Tensor, Hooks]:
    """Return the tokens and the edits of a run of the pair on screen."""
    if run == "edited" and snapshot.edits:
        base, compiled = edited_hooks(engine, snapshot, [snapshot.index])
        return torch.tensor([snapshot.pair.ids(base)]), compiled.hooks
    return torch.tensor([snapshot.pair.ids("clean" if run == "edited" else run)]), ()


def _pick(kept: NDArray[np.float32], name: object, head: Head) -> NDArray[np.float32]:
    layer = head.layer if name is None else 0
    one: NDArray[np.float32] = kept[layer, 0 if name == head else head.head]
    return one.copy()
