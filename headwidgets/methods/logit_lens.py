"""The logit lens: what the model would say if it ended at a layer, and what a head writes.

By layer, the residual stream is read by the model's own final norm, recomputed for each
stage, and its unembedding (and its soft cap, if it has one). By head, a head's own write is
read at the frozen scale of the run: that is its direct attribution.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from headwidgets.errors import InputError
from headwidgets.methods.attribution import FROZEN, attribution, frame_about
from headwidgets.methods.decompose import Apart, keep_at, places_of, there
from headwidgets.methods.logit_direction import read_at_scale
from headwidgets.methods.measuring import reading, require_foil
from headwidgets.methods.runs import batches
from headwidgets.methods.summary import summarised
from headwidgets.model.finish import Finish
from headwidgets.model.work import checkpoint
from headwidgets.whole import whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headwidgets.methods.edits import At
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine

BY = ("layer", "head")
Stage = tuple[str, int | None]


def logit_lens(
    engine: Engine, snapshot: Snapshot, by: str = "layer", *, k: int = 5, at: At = "end"
) -> pd.DataFrame:
    """Read the clean run's metric off the residual stream on its way, or off each head.

    Parameters
    ----------
    by : {"layer", "head"}
    k : int
        How many tokens to name, of the prompt on screen.
    at : int or str
        The position or role that is read.

    Returns
    -------
    DataFrame
        By layer: stage ("embedding", "attention", "mlp"; "block" where attention and MLP
        work side by side or there is no MLP), layer, metric (as if the model ended there),
        se, low, high, n, top (the k likeliest tokens), p (their probabilities). The last
        row is the model itself. By head: layer, head, attribution, se, low, high, n,
        promoted and suppressed (the k tokens that the head's own write raises and lowers
        most against the mean of all).

    Raises
    ------
    InputError
        For an unknown `by` or place, a k that is no number of tokens, and by head for a
        metric that is no logit difference.

    References
    ----------
    nostalgebraist 2020, "interpreting GPT: the logit lens".
    """
    if by not in BY:
        message = f"expected by={' or '.join(map(repr, BY))} for a logit lens, got {by!r}"
        raise InputError(message)
    count = whole(k)
    if count is None or not 1 <= count <= engine.facts.d_vocab:
        message = f"expected k from 1 to {engine.facts.d_vocab}, got {k!r}"
        raise InputError(message)
    if by == "head":
        return _by_head(engine, snapshot, count, at)
    return _by_layer(engine, snapshot, count, at)


def _by_layer(engine: Engine, snapshot: Snapshot, k: int, at: At) -> pd.DataFrame:
    found: dict[Stage, np.ndarray] = {}
    top: dict[Stage, tuple[tuple[str, ...], tuple[float, ...]]] = {}
    for batch in batches(engine, snapshot):
        stages, clean = _stages(engine, snapshot, batch, at)
        read = reading(engine, snapshot, batch, clean)
        shown = batch.index(snapshot.index) if snapshot.index in batch else None
        for stage, residual in stages:
            checkpoint()
            with engine.exclusive(), torch.no_grad():
                end = Finish(engine)
                logits = end.logits(end.norm(residual))
            into = found.setdefault(stage, np.full(len(snapshot.pairs), math.nan))
            into[batch] = read(logits).double().cpu().numpy()
            if shown is not None:
                best = torch.softmax(logits[shown], -1).topk(k)
                labels = engine.text.labels(best.indices.tolist())
                top[stage] = tuple(labels), tuple(best.values.tolist())
    frame = pd.DataFrame(list(found), columns=["stage", "layer"])
    frame["layer"] = frame["layer"].astype("Int64")
    frame = frame.assign(**summarised(np.stack(list(found.values())), "metric"))
    frame["top"] = [top[stage][0] for stage in found]
    frame["p"] = [top[stage][1] for stage in found]
    done = "each stage read by the model's own final norm, recomputed, and unembedding"
    return frame_about(frame, snapshot, {"lens": "layer", "at": at, "done": done})


def _stages(
    engine: Engine, snapshot: Snapshot, batch: Sequence[int], at: At
) -> tuple[Iterator[tuple[Stage, Tensor]], Tensor]:
    """Return the residual stream after every stage, [prompt, d_model], and the clean logits."""
    facts, seen = engine.facts, dict[str, Tensor]()
    halves = facts.has_mlp and not facts.parallel
    last = f"blocks.{facts.n_layers - 1}.hook_resid_post"
    names = [last]
    for layer in range(facts.n_layers):
        names += [f"blocks.{layer}.hook_resid_pre", f"blocks.{layer}.hook_attn_out"]
    places = places_of(snapshot, batch, at)
    hooks = [(name, keep_at(seen, name, places)) for name in there(engine, names)]
    rows = torch.tensor([snapshot.pairs[i].clean for i in batch])
    clean = engine.run(rows, hooks)

    def stages() -> Iterator[tuple[Stage, Tensor]]:
        yield ("embedding", None), seen["blocks.0.hook_resid_pre"]
        for layer in range(facts.n_layers):
            before = seen[f"blocks.{layer}.hook_resid_pre"]
            if halves:
                yield ("attention", layer), before + seen[f"blocks.{layer}.hook_attn_out"]
            after = seen.get(f"blocks.{layer + 1}.hook_resid_pre", seen[last])
            yield ("mlp" if halves else "block", layer), after

    return stages(), clean


def _by_head(engine: Engine, snapshot: Snapshot, k: int, at: At) -> pd.DataFrame:
    require_foil(snapshot, "the logit lens by head")
    every = attribution(engine, snapshot, at=at)
    heads = every[every["part"] == "head"].drop(columns=["part", "name"]).reset_index(drop=True)
    frame = heads.astype({"layer": int, "head": int})
    one = [snapshot.index]
    apart = Apart(engine, [snapshot.pair.clean], places_of(snapshot, one, at))
    up: list[tuple[str, ...]] = []
    down: list[tuple[str, ...]] = []
    for part, _, written in apart.writes():
        if part != "head":
            continue
        checkpoint(len(up), len(frame), "heads, tokens")
        raised = read_at_scale(engine, written[0], apart.scale) @ engine.weights.W_U
        for into, sign in ((up, 1), (down, -1)):
            best = (sign * raised).topk(k).indices.tolist()
            into += [tuple(engine.text.labels(row)) for row in best]
    frame["promoted"], frame["suppressed"] = up, down
    return frame_about(frame, snapshot, {"lens": "head", "at": at, "done": FROZEN})
