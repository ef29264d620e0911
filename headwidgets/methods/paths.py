"""Path patching as tables: every sender to the logits or to chosen readers; edges one by one."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from headwidgets.errors import InputError
from headwidgets.heads import Head, parse_heads
from headwidgets.methods.measuring import reading
from headwidgets.methods.path_run import PathRun, require_replay
from headwidgets.methods.read_off import measured
from headwidgets.methods.receivers import Receiver, has_path, read_receivers
from headwidgets.methods.runs import logits
from headwidgets.methods.sweep_cost import MEMORY, prompts_at_once
from headwidgets.methods.sweep_plan import Plan, Variant, check_aligned, read_plan
from headwidgets.methods.sweep_table import layout
from headwidgets.model.climb import TOKENS
from headwidgets.model.finish import Finish
from headwidgets.model.work import checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pandas as pd
    from numpy.typing import NDArray
    from torch import Tensor

    from headwidgets.methods.metric import Metric
    from headwidgets.methods.places import At
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine

MLPS = ("recomputed", "frozen")


def paths(  # noqa: PLR0913 - each is one thing that can be asked
    engine: Engine,
    snapshot: Snapshot,
    to: object = "logits",
    *,
    senders: Iterable[object] | None = None,
    kind: str = "patch",
    direction: str = "noise",
    at: At = None,
    mlps: str = "recomputed",
    metric: Metric | None = None,
) -> pd.DataFrame:
    """Patch every sender's path to the receivers, each sender by itself.

    Parameters
    ----------
    to : "logits", or one or several of ``"9.9.q"``, ``"9.9.k"``, ``"9.9.v"``
        The receivers, patched together: what they read is changed by the sender's write
        alone, all other heads held as they are in the run.
    senders : iterable of heads, optional
        Default: every head.
    kind : {"patch", "zero", "mean", "resample"}
        What takes the place of a sender's z.
    direction : {"noise", "denoise"}
        Of a patch: into the clean run, as the paper does, or into the corrupted run.
    at : int, str, list of them, optional
        Where senders write something else; None is everywhere.
    mlps : {"recomputed", "frozen"}
        Whether a path may pass through MLPs, as in the paper, or through nothing.

    Returns
    -------
    DataFrame
        As `sweep` over heads; a sender of the receivers' layer or a later one has no path:
        its effect is exactly 0, and ``attrs["no_path"]`` says how many there are.

    Raises
    ------
    InputError
        As `sweep`.
    NotMeasurable
        If the model's blocks cannot be run one by one.

    References
    ----------
    Wang et al. 2022, "Interpretability in the Wild", arXiv 2211.00593, section 3.1.
    """
    ends = read_receivers(to, engine.facts)
    chosen = _senders(engine, senders)
    jobs = [([head], ends) for head in chosen]
    base, plan = _asked(engine, snapshot, kind, direction, at, metric)
    edited, runs = _measure(engine, base, plan, jobs, frozen_mlps=_frozen(mlps))
    variants = [Variant(*head, None) for head in chosen]
    frame = layout(plan, base, variants, edited, runs["clean"], runs["corrupted"])
    return _about(frame, engine, ends, mlps, jobs)


def edges(  # noqa: PLR0913 - each is one thing that can be asked
    engine: Engine,
    snapshot: Snapshot,
    senders: Iterable[object],
    receivers: object,
    *,
    kind: str = "patch",
    direction: str = "noise",
    at: At = None,
    mlps: str = "recomputed",
    metric: Metric | None = None,
) -> pd.DataFrame:
    """Patch every path from one sender to one receiver, each by itself.

    Parameters
    ----------
    senders : iterable of heads
    receivers : one or several of "logits", ``"9.9.q"``, ``"9.9.k"``, ``"9.9.v"``
    kind, direction, at, mlps, metric
        As for `paths`.

    Returns
    -------
    DataFrame
        One row an edge: sender, receiver, then as `sweep`.
    """
    chosen = _senders(engine, senders)
    listed = [receivers] if isinstance(receivers, str) else list(receivers)  # type: ignore[call-overload]
    ends = [read_receivers(one, engine.facts) for one in listed]
    jobs = [([head], end) for head in chosen for end in ends]
    base, plan = _asked(engine, snapshot, kind, direction, at, metric)
    edited, runs = _measure(engine, base, plan, jobs, frozen_mlps=_frozen(mlps))
    variants = [Variant(*heads[0], None) for heads, _ in jobs]
    frame = layout(plan, base, variants, edited, runs["clean"], runs["corrupted"])
    names = [(str(heads[0]), str(end[0]) if end else "logits") for heads, end in jobs]
    frame.insert(0, "sender", [sender for sender, _ in names])
    frame.insert(1, "receiver", [receiver for _, receiver in names])
    every = tuple(one for end in ends for one in end)
    return _about(frame.drop(columns=["layer", "head"]), engine, every, mlps, jobs)


Job = tuple["list[Head]", "tuple[Receiver, ...]"]
"""Senders that are changed together, and the receivers that they are carried to."""


def _senders(engine: Engine, senders: Iterable[object] | None) -> list[Head]:
    facts = engine.facts
    if senders is None:
        return [Head(i, h) for i in range(facts.n_layers) for h in range(facts.n_heads)]
    listed = [senders] if isinstance(senders, str | Head) else list(senders)
    found = sorted({head.within(facts.n_layers, facts.n_heads) for head in parse_heads(listed)})
    if not found:
        message = "expected at least one sender, got none; None means every head"
        raise InputError(message)
    return found


def _asked(
    engine: Engine,
    snapshot: Snapshot,
    kind: str,
    direction: str,
    at: At,
    metric: Metric | None,
) -> tuple[Snapshot, Plan]:
    plan = read_plan(engine.facts, kind, "heads", direction, at, 0, None)
    check_aligned(plan, snapshot)
    return replace(snapshot, edits=(), metric=metric or snapshot.metric), plan


def _frozen(mlps: str) -> bool:
    if mlps not in MLPS:
        message = f"expected mlps {' or '.join(map(repr, MLPS))}, got {mlps!r}"
        raise InputError(message)
    return mlps == "frozen"


def _measure(
    engine: Engine, snapshot: Snapshot, plan: Plan, jobs: Sequence[Job], *, frozen_mlps: bool
) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
    """Return the metric of every job, [job, prompt], and of the unedited runs, [prompt]."""
    n = len(snapshot.pairs)
    edited = np.full((len(jobs), n), math.nan)
    runs = {run: np.full(n, math.nan) for run in ("clean", "corrupted")}
    done, total = 0, len(jobs) * n
    for batch in snapshot.batches(limit=prompts_at_once(engine, snapshot, MEMORY)):
        pairs = [snapshot.pairs[i] for i in batch]
        clean = logits(engine, snapshot, "clean", batch).values
        read = reading(engine, snapshot, batch, clean)
        runs["clean"][batch] = read(clean).cpu()
        if all(pair.corrupted is not None for pair in pairs):
            corrupted = logits(engine, snapshot, "corrupted", batch).values
            runs["corrupted"][batch] = read(corrupted).cpu()
        with engine.exclusive(), engine.quiet():
            run = PathRun(engine, snapshot, plan, pairs, frozen_mlps=frozen_mlps)
            require_replay(run.recording)
            finish = Finish(engine)
            unchanged = runs[plan.base][batch]
            for some in _chunks(run, jobs):
                checkpoint(done, total, "paths")
                if not some[1]:
                    edited[np.ix_(some[0], batch)] = unchanged
                else:
                    rows = _rows(run, [jobs[i] for i in some[0]])
                    values = measured(engine, finish, rows, read)
                    edited[np.ix_(some[0], batch)] = values.double().cpu().numpy()
                done += len(some[0]) * len(batch)
    return edited, runs


def _chunks(run: PathRun, jobs: Sequence[Job]) -> Iterator[tuple[list[int], bool]]:
    """Group jobs that can be run as copies of one call, and say whether they have a path."""
    groups: dict[tuple[Receiver, ...] | None, list[int]] = {}
    for i, (heads, ends) in enumerate(jobs):
        groups.setdefault(ends if has_path(heads, ends) else None, []).append(i)
    step = max(1, TOKENS // run.recording.residual[0].shape[:2].numel())
    for group, members in groups.items():
        if group is None:
            yield members, False
            continue
        ordered = sorted(members, key=lambda i: min(head.layer for head in jobs[i][0]))
        for first in range(0, len(ordered), step):
            yield ordered[first : first + step], True


def _rows(run: PathRun, jobs: Sequence[Job]) -> Tensor:
    """Return the last residual stream of copies, [copy, prompt, d_model]."""
    senders, ends = [heads for heads, _ in jobs], jobs[0][1]
    if ends:
        return run.received(run.read(senders, ends), ends, len(jobs))
    rows = run.changed(senders, len(run.recording.blocks))[:, -1]
    return rows.reshape(len(jobs), -1, rows.shape[-1])


def _about(
    frame: pd.DataFrame,
    engine: Engine,
    ends: Sequence[Receiver],
    mlps: str,
    jobs: Sequence[Job],
) -> pd.DataFrame:
    lacking = sum(not has_path(heads, end) for heads, end in jobs)
    shared = {
        str(one): ", ".join(map(str, others))
        for one in ends
        if (others := one.shared_with(engine.facts))
    }
    frame.attrs |= {
        "to": ", ".join(map(str, ends)) or "logits",
        "mlps": mlps,
        "no_path": lacking,
        "notes": [
            f"{name} is read by {others} too: one key and value for the group"
            for name, others in shared.items()
        ],
    }
    if lacking:
        frame.attrs["notes"].append(
            f"{lacking} senders lie in the receivers' layer or above: there is no path, the "
            "effect is exactly 0"
        )
    return frame
