"""Paths measured one after another; what was done before it is stopped is kept."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from headwidgets.methods.measuring import Reading, reading
from headwidgets.methods.path_run import PathRun, require_replay
from headwidgets.methods.read_off import measured
from headwidgets.methods.receivers import Receiver, has_path
from headwidgets.methods.runs import logits
from headwidgets.methods.sweep_cost import MEMORY, prompts_at_once
from headwidgets.methods.sweep_plan import Variant
from headwidgets.methods.sweep_table import Values, layout
from headwidgets.model.climb import TOKENS
from headwidgets.model.finish import Finish
from headwidgets.model.work import checkpoint, keeping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pandas as pd
    from torch import Tensor

    from headwidgets.heads import Head
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.methods.sweep_plan import Plan
    from headwidgets.model.engine import Engine

Job = tuple["list[Head]", "tuple[Receiver, ...]"]
"""Senders that are changed together, and the receivers that they are carried to."""


class Jobs:
    """Paths under way: the numbers so far.

    Parameters
    ----------
    engine : Engine
    snapshot : Snapshot
        Without edits.
    plan : Plan
    jobs : sequence of Job
    frozen_mlps : bool
        See `PathRun`.

    Attributes
    ----------
    edited : ndarray of float, [job, prompt]
        The metric with each job's paths patched; NaN where it was not measured.
    ends : dict of str to ndarray of float, [prompt]
        The metric of the two unedited runs, by name.
    """

    def __init__(
        self,
        engine: Engine,
        snapshot: Snapshot,
        plan: Plan,
        jobs: Sequence[Job],
        *,
        frozen_mlps: bool = False,
    ) -> None:
        self._engine, self._snapshot, self._plan = engine, snapshot, plan
        self._jobs, self._frozen_mlps = jobs, frozen_mlps
        n = len(snapshot.pairs)
        self.edited: Values = np.full((len(jobs), n), math.nan)
        self.ends: dict[str, Values] = {run: np.full(n, math.nan) for run in ("clean", "corrupted")}
        self._done = np.zeros(self.edited.shape, dtype=bool)

    def table(self, finish: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
        """Measure every path and lay them out.

        Parameters
        ----------
        finish : callable
            What is done to the table, or to that of what there is: one row a job, as
            `sweep` over heads.

        Raises
        ------
        Cancelled
            If it was cancelled; ``partial`` on whatever stops it is the table so far.
        """
        with keeping(lambda: finish(self._table())):
            self.measure()
        return finish(self._table())

    def measure(self) -> None:
        """Measure every path on every prompt."""
        limit = prompts_at_once(self._engine, self._snapshot, MEMORY)
        for batch in self._snapshot.batches(limit=limit):
            checkpoint(int(self._done.sum()), self._done.size, "paths")
            self._measure(batch)

    def _measure(self, batch: list[int]) -> None:
        """Measure every path on some prompts of one length."""
        engine, plan = self._engine, self._plan
        pairs = [self._snapshot.pairs[i] for i in batch]
        read = self._measure_ends(batch)
        with engine.exclusive(), engine.quiet():
            run = PathRun(engine, self._snapshot, plan, pairs, frozen_mlps=self._frozen_mlps)
            require_replay(run.recording)
            finish = Finish(engine)
            for some, there_is in _chunks(run, self._jobs):
                checkpoint(int(self._done.sum()), self._done.size, "paths")
                where = np.ix_(some, batch)
                if there_is:
                    rows = _rows(run, [self._jobs[i] for i in some])
                    self.edited[where] = measured(engine, finish, rows, read).double().cpu().numpy()
                else:
                    self.edited[where] = self.ends[plan.base][batch]
                self._done[where] = True

    def _measure_ends(self, batch: list[int]) -> Reading:
        """Measure the two unedited runs; return how the metric is read off others."""
        asked = self._engine, self._snapshot
        clean = logits(*asked, "clean", batch).values
        read = reading(*asked, batch, clean)
        self.ends["clean"][batch] = read(clean).cpu()
        if all(self._snapshot.pairs[i].corrupted is not None for i in batch):
            corrupted = logits(*asked, "corrupted", batch).values
            self.ends["corrupted"][batch] = read(corrupted).cpu()
        return read

    def _table(self) -> pd.DataFrame:
        """Lay out what is there; a path that was not measured is NaN, of n = 0."""
        variants = [Variant(*heads[0], None) for heads, _ in self._jobs]
        frame = layout(
            self._plan, self._snapshot, variants, self.edited, **self.ends, ran=self._done
        )
        if not self._done.all():
            frame.attrs["incomplete"] = self._stopped()
        return frame

    def _stopped(self) -> str:
        whole = int(self._done.all(axis=1).sum())
        part = int(self._done.any(axis=1).sum()) - whole
        some = f", {part} on some of the prompts" if part else ""
        return f"stopped: {whole} of {len(self._jobs)} paths done{some}"


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
