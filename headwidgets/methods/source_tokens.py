"""A head's direct attribution, key by key: which token it brings the logit difference from.

    A[at, key] · (v[key] · W_O · direction)

summed over the keys is the head's own attribution: v has the value bias in it, and rows of
a pattern with a sink, which sum to less than one, are taken as they are.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from headwidgets.errors import InputError, NotMeasurable
from headwidgets.heads import Head, parse_heads
from headwidgets.methods.decompose import (
    FINAL_SCALE,
    keep_at,
    places_of,
    post_scale,
    post_weight,
    there,
)
from headwidgets.methods.logit_direction import LogitDirection
from headwidgets.methods.measuring import reading
from headwidgets.methods.record import z_name
from headwidgets.methods.runs import batches, logits
from headwidgets.methods.summary import largest, summarised
from headwidgets.methods.weighting import value_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from headwidgets.methods.edits import At
    from headwidgets.methods.snapshot import Pair, Snapshot
    from headwidgets.model.engine import Engine, HookFn

MOST_ROWS = 200_000
REST = "rest"


def by_source(engine: Engine, snapshot: Snapshot, at: At, heads: object) -> pd.DataFrame:
    """Attribute the metric to heads and the tokens that they attend to; see `attribution`."""
    facts = engine.facts
    chosen = [Head(i, h) for i in range(facts.n_layers) for h in range(facts.n_heads)]
    if heads is not None:
        asked = [head.within(facts.n_layers, facts.n_heads) for head in parse_heads(heads)]
        chosen = list(dict.fromkeys(asked))
    sources = Sources(snapshot)
    if len(chosen) * len(sources.labels) > MOST_ROWS:
        message = (
            f"{len(chosen)} heads times {len(sources.labels)} tokens are more than "
            f"{MOST_ROWS:,} rows: "
            "name the heads, as in heads=['9.9', '10.0']"
        )
        raise InputError(message)
    n = len(snapshot.pairs)
    values = np.full((len(chosen), len(sources.labels), n), math.nan)
    errors = []
    for batch in batches(engine, snapshot):
        found, error = _batch(engine, snapshot, batch, at, chosen)
        for row, i in enumerate(batch):
            values[:, :, i] = sources.sums(found[row], i)
        errors.append(error)
    index = [(*head, label) for head in chosen for label in sources.labels]
    frame = pd.DataFrame(index, columns=["layer", "head", "source"])
    frame = frame.assign(**summarised(values.reshape(-1, n), "attribution"))
    frame.attrs |= {"error": largest(errors), "notes": sources.notes}
    if sources.by_position:
        frame.attrs["tokens"] = engine.text.labels(list(snapshot.pair.clean))
    return frame


class Sources:
    """What the tokens of a set are called: positions where lengths agree, else roles.

    Attributes
    ----------
    labels : list of int or str
        With roles, each is summed by itself, so that a token may count for several; the
        last is "rest": all tokens that have none.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._pairs: tuple[Pair, ...] = snapshot.pairs
        self.by_position = snapshot.one_length
        self.notes: list[str] = []
        if self.by_position:
            self.labels: list[int | str] = list(range(len(snapshot.pair.clean)))
            return
        shared = set.intersection(*[set(pair.roles) for pair in self._pairs]) - {"end", REST}
        self.labels = [*(r for r in self._pairs[0].roles if r in shared), "end", REST]
        self.notes.append("the prompts differ in length: by role")
        shared_tokens = sum(self._doubled(i) for i in range(len(self._pairs)))
        if shared_tokens:
            self.notes.append(
                f"on {shared_tokens} of {len(self._pairs)} prompts a token has several of these "
                "roles, and counts for each: the rows of a head do not sum to the head"
            )

    def sums(self, values: NDArray[np.float64], i: int) -> NDArray[np.float64]:
        """Add up numbers of the positions of prompt `i`, [..., position], by label."""
        if self.by_position:
            return values
        places = self._places(i)
        free = np.ones(values.shape[-1], dtype=bool)
        free[places] = False
        rest = values[..., free].sum(-1)
        return np.concatenate([values[..., places], rest[..., None]], axis=-1)

    def _places(self, i: int) -> list[int]:
        """Return the position of every role of prompt `i`, in the order of the labels."""
        pair = self._pairs[i]
        known = {**pair.roles, "end": len(pair.clean) - 1}
        return [known[str(label)] for label in self.labels[:-1]]

    def _doubled(self, i: int) -> bool:
        places = self._places(i)
        return len(set(places)) < len(places)


def _batch(
    engine: Engine, snapshot: Snapshot, batch: Sequence[int], at: At, heads: Sequence[Head]
) -> tuple[NDArray[np.float64], float]:
    """Return [prompt, head, key], and how far the keys of a head are from its attribution."""
    rows = [snapshot.pairs[i].clean for i in batch]
    places = places_of(snapshot, batch, at)
    read = reading(engine, snapshot, batch, logits(engine, snapshot, "clean", batch).values)
    direction = LogitDirection(engine, read.tokens).vectors
    layers = sorted({head.layer for head in heads})
    scales: dict[str, Tensor] = {}
    names = [FINAL_SCALE, *[n for layer in layers for n in (post_scale(layer), z_name(layer))]]
    hooks = [(name, keep_at(scales, name, places)) for name in there(engine, names)]
    seen: dict[int, Keys] = {}
    for layer in layers:
        weight = post_weight(engine, layer)
        along = direction if weight is None else direction * weight
        reads = torch.einsum("hdm,rm->rhd", engine.weights.W_O(layer).to(along.device), along)
        seen[layer] = Keys(reads, places, len(rows[0]))
        hooks += [(value_name(layer), seen[layer].value)]
        hooks += [(f"blocks.{layer}.attn.hook_pattern", seen[layer].pattern)]
    engine.run(torch.tensor(rows), hooks)
    out = np.zeros((len(batch), len(heads), len(rows[0])))
    errors = []
    for layer in layers:
        keys = seen[layer]
        if not keys.shown:
            message = (
                f"layer {layer} shows no attention pattern: open the model with "
                "attn_implementation='eager'"
            )
            raise NotMeasurable(message)
        scale = scales.get(FINAL_SCALE, torch.ones(len(rows), 1)).double()
        if post_scale(layer) in scales:
            scale = scale * scales[post_scale(layer)].double()
        values = keys.attended * keys.worth / scale[..., None].cpu()
        whole = torch.einsum("rhd,rhd->rh", scales[z_name(layer)].double(), keys.reads.double())
        whole = whole.cpu() / scale.cpu()
        size = float(torch.maximum(whole.abs().max(), values.abs().max()))
        errors.append(float((values.sum(-1) - whole).abs().max()) / max(size, 1e-30))
        for column, head in enumerate(heads):
            if head.layer == layer:
                out[:, column] = values[:, head.head].numpy()
    return out, largest(errors)


class Keys:
    """Attention of one query a row and the worth of every key, kept as a run goes by.

    Parameters
    ----------
    reads : Tensor, float32, [row, head, d_head]
        W_O along the metric's direction.
    places : sequence of int
        The query of each row.
    length : int
    """

    def __init__(self, reads: Tensor, places: Sequence[int], length: int) -> None:
        self.reads, self._places = reads, places
        self.attended = torch.zeros(*reads.shape[:2], length, dtype=torch.float64)
        self.worth = torch.zeros_like(self.attended)
        self.shown = False

    @property
    def value(self) -> HookFn:
        """Hook for the values, [row, position, key/value head, d_head]."""

        def hook(tensor: Tensor, start: int) -> None:
            n_heads, d_head = self.reads.shape[1:]
            v = tensor.detach().double().reshape(*tensor.shape[:2], -1, d_head)
            v = v.repeat_interleave(n_heads // v.shape[2], dim=2)
            worth = torch.einsum("rkhd,rhd->rhk", v, self.reads.double())
            self.worth[..., start : start + v.shape[1]] = worth.cpu()

        return hook

    @property
    def pattern(self) -> HookFn:
        """Hook for the pattern, [row, head, query, key]."""

        def hook(tensor: Tensor, start: int) -> None:
            for row, place in enumerate(self._places):
                if 0 <= place - start < tensor.shape[2]:
                    kept = tensor[row, :, place - start].detach().double().cpu()
                    self.attended[row, :, : kept.shape[-1]] = kept
                    self.shown = True

        return hook
