"""Every head edited by itself: what each one alone does to the metric, exactly.

Heads are rows of one batch: a call runs the same prompts once for each of several heads,
each copy with another head edited, some 2,000 tokens at a time.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from headwidgets.errors import InputError
from headwidgets.heads import Head
from headwidgets.methods.effects import metric_tokens
from headwidgets.methods.means import mean_tables
from headwidgets.methods.metrics import logit_difference
from headwidgets.methods.record import record, z_name
from headwidgets.methods.runs import logits
from headwidgets.methods.snapshot import Snapshot, position, unaligned
from headwidgets.methods.sweep_table import Plan, layout
from headwidgets.methods.trust import require_trust
from headwidgets.model.work import checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd
    from torch import Tensor

    from headwidgets.methods.edits import At
    from headwidgets.methods.snapshot import Pair
    from headwidgets.model.engine import Engine, HookFn, Hooks

KINDS = ("patch", "zero", "mean")
DIRECTIONS = ("denoise", "noise")
OVER = ("heads",)
TOKENS = 2048
"""Tokens a call: copies of the prompts, one copy a head."""
Values = NDArray[np.float64]


def sweep(
    engine: Engine,
    snapshot: Snapshot,
    kind: str = "patch",
    *,
    over: str = "heads",
    direction: str = "denoise",
    at: At = None,
    **unknown: object,
) -> pd.DataFrame:
    """Edit one head after another, each by itself, over the whole prompt set.

    The session's own edits are put aside: every number is of one head alone.

    Parameters
    ----------
    kind : {"patch", "zero", "mean"}
        Patch a head's z from the other run, or set it to zero or to its mean in the clean
        run.
    over : {"heads"}
    direction : {"denoise", "noise"}
        Of a patch: into the corrupted run, as ``transformer_lens.patching`` does, or into
        the clean run.
    at : int, str, list of them, optional
        Positions or roles; None is everywhere.

    Returns
    -------
    DataFrame
        One row a head, layer by layer: layer, head; effect, the mean change of the metric
        against the run that was edited; normalised, (M_edited − M_corrupted) / (M_clean −
        M_corrupted) as a ratio of means, NaN with the reason in ``attrs["normalised"]``;
        se of the effect; low and high, its 95 % interval by Student's t, each head by
        itself; n, prompts; normalised_se.

    Raises
    ------
    InputError
        For an unknown kind or option, and for a patch between prompts that do not align.
    EditDropped
        If the architecture does not read z where it is edited.
    """
    if unknown:
        message = f"sweep has no option {min(unknown)!r}: it has over, direction, at"
        raise InputError(message)
    plan = _plan(kind, over, direction, at)
    _check_aligned(plan, snapshot)
    base = replace(snapshot, edits=())
    heads = [
        Head(layer, head)
        for layer in range(engine.facts.n_layers)
        for head in range(engine.facts.n_heads)
    ]
    n = len(snapshot.pairs)
    edited = np.full((len(heads), n), math.nan)
    clean, corrupted = np.full(n, math.nan), np.full(n, math.nan)
    done = 0
    for batch in _batches(engine, base):
        tokens = _ends(engine, base, batch, clean, corrupted)
        for first, values in _edited(engine, base, plan, heads, batch, done * len(heads)):
            for row, measured in enumerate(_metrics(values, tokens)):
                edited[first + row, batch] = measured
        done += len(batch)
    return layout(plan, base, heads, edited, clean, corrupted)


def _plan(kind: str, over: str, direction: str, at: At) -> Plan:
    asked = {"kind": (kind, KINDS), "direction": (direction, DIRECTIONS), "over": (over, OVER)}
    for name, (value, known) in asked.items():
        if value not in known:
            message = f"expected {name} {', '.join(map(repr, known))} for a sweep, got {value!r}"
            hint = "; for a position of every head, sweep with at=" if name == "over" else ""
            raise InputError(message + hint)
    return Plan(kind, direction, at)


def _check_aligned(plan: Plan, snapshot: Snapshot) -> None:
    """Refuse a patch between runs whose positions do not correspond."""
    if plan.kind != "patch":
        return
    lacking = [(i, why) for i, pair in enumerate(snapshot.pairs) if (why := unaligned(pair))]
    if lacking:
        i, why = lacking[0]
        message = (
            f"a patch sweep needs a corrupted prompt of the same length for every clean one; "
            f"prompt {i} has {why}: set s.corrupted_prompt (or prompts with one), or sweep "
            "'zero' or 'mean'"
        )
        raise InputError(message)


def _batches(engine: Engine, snapshot: Snapshot) -> Iterator[list[int]]:
    longest = max(len(pair.clean) for pair in snapshot.pairs)
    limit = max(1, min(engine.rows_at_once(longest), TOKENS // longest))
    return snapshot.batches(limit=limit)


def _ends(
    engine: Engine, snapshot: Snapshot, batch: list[int], clean: Values, corrupted: Values
) -> list[tuple[list[int], list[int]]]:
    """Measure the two unedited runs of a batch; return the tokens that the metric compares."""
    values = logits(engine, snapshot, "clean", batch).values
    tokens = [metric_tokens(engine, snapshot, i, values[row]) for row, i in enumerate(batch)]
    clean[batch] = _metrics(values[None], tokens)[0]
    if all(snapshot.pairs[i].corrupted is not None for i in batch):
        values = logits(engine, snapshot, "corrupted", batch).values
        corrupted[batch] = _metrics(values[None], tokens)[0]
    return tokens


def _metrics(values: Tensor, tokens: list[tuple[list[int], list[int]]]) -> list[list[float]]:
    """Read the metric off logits [copy, prompt, vocabulary]."""
    return [
        [logit_difference(copy[row], *pair) for row, pair in enumerate(tokens)] for copy in values
    ]


def _edited(
    engine: Engine, snapshot: Snapshot, plan: Plan, heads: list[Head], batch: list[int], done: int
) -> Iterator[tuple[int, Tensor]]:
    """Yield logits [copy, prompt, vocabulary] of as many heads as fit a call, and the first."""
    pairs = [snapshot.pairs[i] for i in batch]
    rows = torch.tensor([pair.ids(plan.base) for pair in pairs])
    room = min(TOKENS // rows.shape[1], engine.rows_at_once(rows.shape[1]))
    step = max(1, room // len(rows))
    where = _mask(plan, snapshot, pairs)
    total = len(heads) * len(snapshot.pairs)
    for first in range(0, len(heads), step):
        checkpoint(done + first * len(batch), total, f"heads, {plan.kind}")
        some = heads[first : first + step]
        with engine.exclusive():
            hooks = _hooks(engine, snapshot, plan, some, pairs, where)
            values = engine.run(rows.repeat(len(some), 1), hooks)
        yield first, values.reshape(len(some), len(batch), -1)


def _mask(plan: Plan, snapshot: Snapshot, pairs: Sequence[Pair]) -> Tensor | None:
    """Where the edits act, bool [prompt, position]; None is everywhere."""
    if plan.at is None:
        return None
    mask = torch.zeros(len(pairs), len(pairs[0].clean), dtype=torch.bool)
    for row, pair in enumerate(pairs):
        mask[row, position(plan.at, pair, one_length=snapshot.one_length)] = True
    return mask


def _hooks(
    engine: Engine,
    snapshot: Snapshot,
    plan: Plan,
    heads: list[Head],
    pairs: Sequence[Pair],
    where: Tensor | None,
) -> Hooks:
    """Make one hook a layer: copy number k of the prompts has head number k edited."""
    layers = sorted({head.layer for head in heads})
    for layer in layers:
        require_trust(engine, layer, pairs[0].clean)
    names = [z_name(layer) for layer in layers]
    sources: dict[str, Tensor] = {}
    if plan.kind == "patch":
        sources = record(engine, [pair.ids(plan.giving) for pair in pairs], names)
    elif plan.kind == "mean":
        tables = mean_tables(engine, snapshot, names)
        sources = {name: t.rows(pairs, engine.text.bos_id) for name, t in tables.items()}
    hooks: list[tuple[str, HookFn]] = []
    for layer, name in zip(layers, names, strict=True):
        copies = [(k, head.head) for k, head in enumerate(heads) if head.layer == layer]
        hooks.append((name, _hook(copies, len(pairs), sources.get(name), where)))
    return hooks


def _hook(
    copies: list[tuple[int, int]], size: int, source: Tensor | None, where: Tensor | None
) -> HookFn:
    def hook(z: Tensor, start: int) -> Tensor:
        out = z.clone()
        stop = start + z.shape[1]
        given = torch.zeros_like(z[:size]) if source is None else source[:, start:stop].to(z)
        inside = None if where is None else where[:, start:stop, None].to(z.device)
        for copy, head in copies:
            mine = out[copy * size : (copy + 1) * size, :, head]
            new = given[:, :, head]
            mine[:] = new if inside is None else torch.where(inside, new, mine)
        return out

    return hook
