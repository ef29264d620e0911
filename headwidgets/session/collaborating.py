"""Heads that work together, asked of a session: who hands over to whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headwidgets.errors import InputError
from headwidgets.session.walking import Walking
from headwidgets.tasks import task as asked_task
from headwidgets.taxonomy import hand_over as handing
from headwidgets.taxonomy.verdict import CANDIDATE, CONSISTENT

if TYPE_CHECKING:
    import pandas as pd

FEW = 20
"""Prompts of a task that paths are patched on."""


class Collaborating(Walking):
    """Heads that work together."""

    def hand_over(
        self,
        task: Any = None,
        heads: Mapping[str, object] | None = None,
        *,
        n: int = FEW,
        seed: int = 0,
        split: str = "test",
        candidates: bool = False,
        **options: Any,
    ) -> pd.DataFrame:
        """Measure which claimed heads hand over to which later ones, by path patching.

        Parameters
        ----------
        task : str or prompts, optional
            A name of `hw.tasks`, or prompts with corrupted partners; default: the session's own.
        heads : mapping of str to heads, optional
            By kind: ``{"s-inhibition": ["0.3"], "name mover": ["3.1", "3.2"]}``. Default: those
            that the session's held scores are consistent with (see `badges`).
        n, seed, split
            Of a task that is named.
        candidates : bool
            By default: also the candidates of those scores.
        **options
            kind ("patch", "zero", "mean", "resample"), direction, mlps, most; see
            `headwidgets.taxonomy.hand_over.hand_over`.

        Returns
        -------
        DataFrame
            One row a path between layers: from, to, input ("q", "k", "v"), effect on the metric,
            se, low, high, n, stage_from, stage_to; the largest first. `hand_over_by_stage` sums
            them; ``attrs["skipping"]`` has the share of prompts that skip expression preparation.
            What was done before it is stopped is kept: ``s.frames["hand-over"]``.

        Raises
        ------
        InputError
            If no heads of two layers are claimed, or it would take more than `most` runs.
        """
        unknown = sorted(set(options) - {"kind", "direction", "mlps", "most"})
        if unknown:
            message = f"hand_over has no option {unknown[0]!r}: kind, direction, mlps, most"
            raise InputError(message)
        claimed = self._claimed(candidates=candidates) if heads is None else heads
        if not isinstance(claimed, Mapping):
            message = (
                "expected heads by kind, such as {'s-inhibition': ['0.3'], 'name mover': '3.1'}, "
                f"got {type(claimed).__name__}: the kind says which stage a head is of"
            )
            raise InputError(message)
        if not claimed:
            message = (
                "no head is claimed by scores that still hold: call s.scores(), or give heads= "
                "by kind"
            )
            raise InputError(message)
        with self._asking("hand-over") as snapshot:
            question, named = replace(snapshot, edits=()), ""
            if task is not None:
                given = (
                    asked_task(task, n, seed=seed, split=split) if isinstance(task, str) else task
                )
                asked, question = self._question(given, question)
                named = asked.name
            depends = ("weights", *(("prompts", "metric") if task is None else ()))
            try:
                frame = handing.hand_over(self.engine, question, claimed, **options)
            except BaseException as error:
                partial = getattr(error, "partial", None)
                if partial is not None:
                    self._signed(partial, "hand-over", snapshot, depends)
                    self._tell("badges")
                raise
            if named:
                frame.attrs["measured_on"] = f"{named}, n = {len(question.pairs)}"
            frame = self._signed(frame, "hand-over", snapshot, depends)
        self._tell("badges")
        return frame

    def hand_over_by_stage(
        self, frame: pd.DataFrame | None = None, what: str = "effect"
    ) -> pd.DataFrame:
        """Sum a hand-over by stage: rows hand over, columns take.

        Parameters
        ----------
        frame : DataFrame, optional
            As `hand_over` returns it; default: the last one.
        what : {"effect", "se", "edges"}

        Returns
        -------
        DataFrame
            4 × 4; what lies below the diagonal goes back to an earlier stage. NaN: no path.

        Raises
        ------
        InputError
            If there is no such frame.
        """
        found = self.frames.get("hand-over") if frame is None else frame
        if found is None:
            message = "expected a hand-over that was measured: call s.hand_over() first"
            raise InputError(message)
        return handing.by_stage(found, what)

    def _claimed(self, *, candidates: bool) -> dict[str, list[str]]:
        """Return the heads of each kind that held scores claim."""
        wanted = (CONSISTENT, CANDIDATE) if candidates else (CONSISTENT,)
        out: dict[str, list[str]] = {}
        for frame in self.scores_held().values():
            for kind, rows in frame.groupby("kind", sort=False):
                some = rows[rows["verdict"].isin(wanted)]
                out[str(kind)] = [f"{row.layer}.{row.head}" for row in some.itertuples()]
        return {kind: heads for kind, heads in out.items() if heads}
