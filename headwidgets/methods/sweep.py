"""Everything edited by itself, one after another: what each alone does to the metric, exactly."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from headwidgets.errors import InputError
from headwidgets.methods.measuring import Reading, asked_alone, reading
from headwidgets.methods.options import refuse_unknown
from headwidgets.methods.runs import logits
from headwidgets.methods.sweep_cost import MEMORY, MOST, check_bounds, check_cost, prompts_at_once
from headwidgets.methods.sweep_plan import Plan, check_aligned, read_plan, variants
from headwidgets.methods.sweep_replay import Replay
from headwidgets.methods.sweep_table import Values, layout
from headwidgets.methods.sweep_whole import run_whole
from headwidgets.model.work import checkpoint, keeping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import pandas as pd
    from torch import Tensor

    from headwidgets.heads import Head
    from headwidgets.methods.metric import Metric
    from headwidgets.methods.places import At
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.methods.sweep_plan import Variant
    from headwidgets.methods.sweep_replay import Done
    from headwidgets.model.engine import Engine


def sweep(  # noqa: PLR0913 - each is one thing that a sweep can be asked
    engine: Engine,
    snapshot: Snapshot,
    kind: str = "patch",
    *,
    over: str = "heads",
    at: At = None,
    metric: Metric | None = None,
    direction: str = "denoise",
    heads: Iterable[object] | None = None,
    seed: int = 0,
    memory: float = MEMORY,
    most: int | None = MOST,
    arrived: Callable[[Callable[[], pd.DataFrame]], None] | None = None,
    **unknown: object,
) -> pd.DataFrame:
    """Edit one thing after another, each by itself, over the whole prompt set.

    The session's own edits are put aside: every number is of one edit alone.

    Parameters
    ----------
    kind : {"patch", "zero", "mean", "resample"}
        Put in the other run's activation, zero, the mean over the reference, or the
        activation of another prompt of the set.
    over : {"heads", "heads x positions", "positions x layers"}
        The z of every head; of every head at every position; or the residual stream that
        every block reads, at every position. Prompts that differ in length are swept at the
        roles that all of them name, and at the end.
    at : int, str, list of them, optional
        Of a sweep over heads: positions or roles; None is everywhere.
    metric : Metric, optional
        Default: the session's.
    direction : {"denoise", "noise"}
        Of a patch: into the corrupted run, as ``transformer_lens.patching`` does, or into
        the clean run.
    heads : iterable of heads, or one head, optional
        Only these.
    seed : int
        Of a resample: which prompt gives to which.
    memory : float
        Gigabytes to stay within, above the model's own.
    most : int or None
        Refuse what would cost more whole forwards than this; None: refuse nothing.
    arrived : callable, optional
        Called after each step with a function that returns the table so far.

    Returns
    -------
    DataFrame
        One row an edit: layer, head and position as `over` says; effect, the mean change of
        the metric against the run that was edited; normalised, (M_edited − M_corrupted) /
        (M_clean − M_corrupted) as a ratio of means, NaN with the reason in
        ``attrs["normalised"]``, of the ``attrs["normalised_n"]`` prompts that have a partner;
        se of the effect; low and high, its 95 % interval by Student's t, each edit by itself;
        n, prompts; normalised_se.

    Raises
    ------
    InputError
        For an unknown kind or option, or one of a wrong type, for a patch between prompts
        that do not align, and for a sweep beyond `memory` or `most`, with the estimate and
        how to shrink it.
    EditDropped
        If the architecture does not read z where it is edited.
    Cancelled
        If it was cancelled; ``partial`` on the error is the table of what was done.
    """
    known = "over, at, metric, direction, heads, seed, memory, most"
    refuse_unknown("sweep", unknown, known)
    plan = read_plan(engine.facts, kind, over, direction, at, seed, heads)
    check_aligned(engine, plan, snapshot)
    base = asked_alone(snapshot, metric)
    check_bounds(memory, most)
    if arrived is not None and not callable(arrived):
        message = f"expected arrived= as a function that takes the table, got {arrived!r:.80}"
        raise InputError(message)
    chosen = variants(plan, base, engine.facts)
    check_cost(engine, base, plan, chosen, memory, most)
    return _Sweep(engine, base, plan, chosen).run(prompts_at_once(engine, base, memory), arrived)


def changes(
    engine: Engine,
    snapshot: Snapshot,
    kind: str,
    heads: Sequence[Head],
    *,
    at: At = None,
    seed: int = 0,
) -> tuple[Values, Values]:
    """Return what editing each of some heads does to the metric of every prompt.

    Parameters
    ----------
    kind : {"zero", "mean", "resample", "patch"}
        A patch puts what a head does in the clean run into the corrupted one.
    heads : sequence of Head
    at : int, str, list of them, optional
        Positions or roles; None is everywhere.
    seed : int
        Of a resample: which prompt gives to which.

    Returns
    -------
    change : ndarray of float64, [head, prompt]
        Edited minus clean.
    clean : ndarray of float64, [prompt]
    """
    plan = read_plan(engine.facts, kind, "heads", "denoise", at, seed, sorted(heads))
    check_aligned(engine, plan, snapshot)
    base = asked_alone(snapshot, None)
    chosen = variants(plan, base, engine.facts)
    run = _Sweep(engine, base, plan, chosen)
    run.run(prompts_at_once(engine, base, MEMORY), None)
    place = {(v.layer, v.head): i for i, v in enumerate(chosen)}
    order = [place[head.layer, head.head] for head in heads]
    return run.changes()[order], run.clean


class _Sweep:
    """A sweep under way: the numbers so far."""

    def __init__(
        self, engine: Engine, snapshot: Snapshot, plan: Plan, variants: list[Variant]
    ) -> None:
        self._engine, self._snapshot, self._plan, self._variants = engine, snapshot, plan, variants
        n = len(snapshot.pairs)
        self._edited: Values = np.full((len(variants), n), math.nan)
        self._ends: dict[str, Values] = {
            run: np.full(n, math.nan) for run in ("clean", "corrupted")
        }
        self._ran = np.zeros((len(variants), n), dtype=bool)

    @property
    def clean(self) -> Values:
        """The metric of the clean run, [prompt]."""
        return self._ends["clean"]

    def changes(self) -> Values:
        """Return the metric of each variant minus that of the clean run, [variant, prompt]."""
        return self._edited - self._ends["clean"]

    def table(self) -> pd.DataFrame:
        """Lay out what is there."""
        numbers = (self._edited, self._ends["clean"], self._ends["corrupted"], self._ran)
        frame = layout(self._plan, self._snapshot, self._variants, *numbers)
        if not self._ran.all():
            measured = int(self._ran.any(axis=1).sum())
            frame.attrs["incomplete"] = f"stopped: {measured} of {len(self._variants)} edits done"
        return frame

    def run(
        self, limit: int, arrived: Callable[[Callable[[], pd.DataFrame]], None] | None
    ) -> pd.DataFrame:
        label = f"{self._plan.over}, {self._plan.kind}"
        total = self._edited.size
        with keeping(self.table):
            for batch in self._snapshot.batches(limit=limit):
                checkpoint(int(self._ran.sum()), total, label)
                for some, values in self._batch(batch):
                    self._edited[np.ix_(some, batch)] = values.double().cpu().numpy()
                    self._ran[np.ix_(some, batch)] = True
                    if arrived is not None:
                        arrived(self.table)
                    checkpoint(int(self._ran.sum()), total, label)
        return self.table()

    def _batch(self, batch: list[int]) -> Iterator[Done]:
        """Run every variant on some prompts of one length."""
        pairs = [self._snapshot.pairs[i] for i in batch]
        asked = (self._engine, self._snapshot, self._plan, pairs)
        with self._engine.exclusive(), self._engine.quiet():
            replay = Replay(*asked)
            read = self._measure_ends(batch, replay.logits)
            if replay.able.blocks and replay.able.finish:
                yield from replay.run(self._variants, read)
            else:
                yield from run_whole(*asked, self._variants, read)

    def _measure_ends(self, batch: list[int], there: dict[str, Tensor]) -> Reading:
        """Measure the two unedited runs; return how the metric is read off others."""

        def values(run: str) -> Tensor:
            return there[run] if run in there else self._run(run, batch)

        clean = values("clean")
        read = reading(self._engine, self._snapshot, batch, clean)
        self._ends["clean"][batch] = read(clean).cpu()
        if all(self._snapshot.pairs[i].corrupted is not None for i in batch):
            self._ends["corrupted"][batch] = read(values("corrupted")).cpu()
        return read

    def _run(self, run: str, batch: list[int]) -> Tensor:
        return logits(self._engine, self._snapshot, run, batch).values
