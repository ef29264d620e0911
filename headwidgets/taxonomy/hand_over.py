"""Who hands over to whom: path patching from every claimed head to every later one, by stage.

Each edge is a path of Wang et al. 2022 (arXiv 2211.00593, section 3.1): the sender's output, as far
as one input of the receiver reads it, comes from the corrupted prompt; what it changes of the
metric is its effect. Summed by the stages of sender and receiver the edges make a 4 × 4 matrix;
what lies below its diagonal leads back to an earlier stage, which the survey calls to "cycle"
(Zheng et al. 2024, arXiv 2409.03752, section 3.1 and Figure 6). A head of several stages counts in
each with an equal part, so that the matrix sums to the effects of all edges. This part is ours.

The survey says that stages may be left out and gives no measure. Ours: a prompt skips expression
preparation where the claimed heads of that stage together write directly less than `SKIPS` of its
logit difference (direct attribution at the last token, the final norm frozen).
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from headwidgets.errors import InputError
from headwidgets.heads import Head, parse_heads
from headwidgets.methods.attribution import component_values
from headwidgets.methods.measuring import metric_name, metric_unit, require_foil
from headwidgets.methods.path_asked import path_question, read_frozen, read_path_plan
from headwidgets.methods.path_jobs import Jobs
from headwidgets.methods.receivers import PARTS, Receiver
from headwidgets.methods.runs import batches
from headwidgets.methods.summary import means, measured_on, summarised
from headwidgets.model.work import keeping
from headwidgets.taxonomy.registry import PREPARATION, STAGES, find

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine

COLUMNS = ("from", "to", "input", "effect", "se", "low", "high", "n", "stage_from", "stage_to")
SKIPS = 0.1
"""Share of the logit difference below which a stage is skipped; ours."""
MOST = 40_000
"""Paths times prompts that are run without being asked for."""


def hand_over(
    engine: Engine,
    snapshot: Snapshot,
    claimed: Mapping[str, object],
    *,
    kind: str = "patch",
    direction: str = "noise",
    mlps: str = "recomputed",
    seed: int = 0,
    most: int | None = MOST,
) -> pd.DataFrame:
    """Patch every path from a claimed head to the query, key or value of a later one.

    Parameters
    ----------
    engine : Engine
    snapshot : Snapshot
    claimed : mapping of str to heads
        By kind: ``{"s-inhibition": ["7.3", "7.9"], "name mover": "9.9"}``.
    kind, direction, mlps, seed
        As for `headwidgets.methods.paths.paths`.
    most : int or None
        Paths times prompts, at most; None refuses nothing.

    Returns
    -------
    DataFrame
        One row an edge between layers: from, to (heads), input ("q", "k" or "v"), effect (change
        of the metric, mean over prompts), se, low, high, n, stage_from, stage_to (several are
        joined by " + "). The largest first. ``attrs["stages"]`` has the sums by stage (see
        `by_stage`), ``attrs["skipping"]`` the share of prompts that skip expression preparation,
        ``attrs["runs"]`` paths times prompts.

    Raises
    ------
    InputError
        If fewer than two heads of different layers are claimed, a kind or head is unknown, it would
        take more than `most`, or a patch lacks aligned corrupted prompts.
    NotMeasurable
        If the model's blocks cannot be run one by one.
    Cancelled
        If it was cancelled; ``partial`` on the error has what was done.
    """
    kinds = read_claimed(engine, claimed)
    plan = read_path_plan("hand_over", kind, direction, None, seed)
    base = path_question(engine, snapshot, "paths", plan, None)
    stages = {head: stages_of(some) for head, some in kinds.items()}
    heads = sorted(stages)
    edges = [
        (one, Receiver(other.layer, other.head, part))
        for one, other, part in product(heads, heads, PARTS)
        if one.layer < other.layer
    ]
    if not edges:
        message = (
            f"expected claimed heads in at least two layers, got {', '.join(map(str, heads))}: "
            "score more kinds with s.scores(), or name heads by kind"
        )
        raise InputError(message)
    runs = len(edges) * len(base.pairs)
    if most is not None and runs > most:
        message = (
            f"{len(edges):,} paths on {len(base.pairs)} prompts are {runs:,} runs, and "
            f"most={most:,} allows fewer: name fewer heads, take fewer prompts, or pass "
            f"most={runs:,}"
        )
        raise InputError(message)
    jobs = Jobs(
        engine,
        base,
        plan,
        [([one], (end,)) for one, end in edges],
        frozen_mlps=read_frozen(mlps),
    )

    def table() -> pd.DataFrame:
        change = jobs.edited - jobs.ends[plan.base]
        frame = _layout(edges, stages, change)
        frame.attrs |= {
            "heads": {str(head): list(kinds[head]) for head in heads},
            "stages": _stages(edges, stages, change),
            "clean": float(means(jobs.ends["clean"])[0]),
            "metric": metric_name(base),
            "unit": metric_unit(base),
            "edit": f"{kind} into {plan.base}",
            "mlps": mlps,
            "measured_on": measured_on(base),
            "runs": runs,
        }
        if not np.isfinite(jobs.edited).all():
            done = int(np.isfinite(jobs.edited).sum())
            frame.attrs["incomplete"] = f"stopped: {done} of {runs} runs done"
        return frame

    with keeping(table):
        jobs.measure()
    frame = table()
    last = [head for head in heads if PREPARATION in stages[head]]
    frame.attrs["skipping"] = skipping(engine, base, last)
    return frame


def by_stage(frame: pd.DataFrame, what: str = "effect") -> pd.DataFrame:
    """Return the effects of a hand-over summed by stage.

    Parameters
    ----------
    frame : DataFrame
        As `hand_over` returns it.
    what : {"effect", "se", "edges"}
        The sum of the effects, its standard error over prompts, or how many edges there are.

    Returns
    -------
    DataFrame
        4 × 4: rows are the stage of who hands over, columns of who takes; NaN where there is no
        edge. Below the diagonal a later stage hands back to an earlier one.

    Raises
    ------
    InputError
        If the frame is no hand-over, or `what` is unknown.
    """
    found = frame.attrs.get("stages")
    if found is None or what not in found:
        known = ", ".join(map(repr, found)) if found else "a frame of s.hand_over()"
        message = f"expected {known}, got {what!r:.80}"
        raise InputError(message)
    out = pd.DataFrame(found[what], index=list(STAGES), columns=list(STAGES), dtype=float)
    return out.rename_axis(index="from", columns="to")


def cycling(frame: pd.DataFrame) -> float:
    """Return the share of all absolute effects by stage that lies below the diagonal."""
    size = by_stage(frame).abs().fillna(0.0).to_numpy()
    whole = float(size.sum())
    return float(np.tril(size, -1).sum()) / whole if whole else float("nan")


def skipping(engine: Engine, snapshot: Snapshot, heads: list[Head]) -> dict[str, Any]:
    """Return the share of prompts to whose logit difference some heads write next to nothing.

    Returns
    -------
    dict
        share (NaN without heads), n, heads, least (`SKIPS`), mean (their mean share of the
        difference), reason.
    """
    n = len(snapshot.pairs)
    out: dict[str, Any] = {"share": float("nan"), "mean": float("nan"), "n": n, "least": SKIPS}
    out |= {"heads": [str(head) for head in heads], "reason": ""}
    if not heads:
        return out | {"reason": "no head of expression preparation is claimed"}
    try:
        require_foil(snapshot, "direct attribution")
    except InputError as error:
        return out | {"reason": str(error)}
    shares = np.full(n, np.nan)
    for batch in batches(engine, snapshot):
        rows, whole, _ = component_values(engine, snapshot, batch, "end")
        mine = sum(
            values
            for (part, layer, head), values in rows
            if part == "head" and (layer, head) in set(heads)
        )
        shares[batch] = np.where(whole > 0, mine / np.where(whole > 0, whole, 1), np.nan)
    known = shares[np.isfinite(shares)]
    if not len(known):
        return out | {"reason": "the model prefers the foil on every prompt", "n": 0}
    skips = float((known < SKIPS).mean())
    return out | {"share": skips, "mean": float(known.mean()), "n": len(known)}


def read_claimed(engine: Engine, claimed: Mapping[str, object]) -> dict[Head, tuple[str, ...]]:
    """Return the kinds of each head.

    Raises
    ------
    InputError
        If a kind or a head is unknown.
    """
    facts = engine.facts
    out: dict[Head, tuple[str, ...]] = {}
    for kind, heads in claimed.items():
        name = find(kind).name
        for head in parse_heads(heads):
            one = head.within(facts.n_layers, facts.n_heads)
            out[one] = (*out.get(one, ()), name)
    return out


def stages_of(kinds: tuple[str, ...]) -> tuple[str, ...]:
    """Return the stages of some kinds, in the survey's order."""
    there = {find(kind).stage for kind in kinds}
    return tuple(stage for stage in STAGES if stage in there)


def _layout(
    edges: list[tuple[Head, Receiver]],
    stages: Mapping[Head, tuple[str, ...]],
    change: NDArray[np.float64],
) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "from": [str(one) for one, _ in edges],
            "to": [f"{end.layer}.{end.head}" for _, end in edges],
            "input": [end.part for _, end in edges],
            **summarised(change, "effect"),
            "stage_from": [" + ".join(stages[one]) for one, _ in edges],
            "stage_to": [" + ".join(stages[Head(end.layer, end.head)]) for _, end in edges],
        }
    )[list(COLUMNS)]
    order = frame["effect"].abs().sort_values(ascending=False, kind="stable").index
    return frame.loc[order].reset_index(drop=True)


def _stages(
    edges: list[tuple[Head, Receiver]],
    stages: Mapping[Head, tuple[str, ...]],
    change: NDArray[np.float64],
) -> dict[str, list[list[float]]]:
    """Return the sums by stage, their standard errors and how many edges are in each."""
    size = len(STAGES)
    total = np.zeros((size, size, change.shape[1]))
    count = np.zeros((size, size))
    for (one, end), values in zip(edges, change, strict=True):
        giving, taking = stages[one], stages[Head(end.layer, end.head)]
        for a, b in product(giving, taking):
            at = STAGES.index(a), STAGES.index(b)
            total[at] += values / (len(giving) * len(taking))
            count[at] += 1
    mean, error = means(total)
    for values in (mean, error):
        values[count == 0] = np.nan
    return {"effect": mean.tolist(), "se": error.tolist(), "edges": count.tolist()}
