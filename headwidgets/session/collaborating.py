"""Heads that work together, asked of a session: walks through a task, and who tells whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headwidgets.errors import InputError
from headwidgets.methods.edits import Edit
from headwidgets.session.doing_tasks import DoingTasks
from headwidgets.session.reading import answers_of, check_answers, read_pairs, read_set
from headwidgets.tasks import task as asked_task
from headwidgets.taxonomy import hand_over as handing
from headwidgets.taxonomy import walk as walking
from headwidgets.taxonomy.carriers import Carriers, of_scores
from headwidgets.taxonomy.verdict import CANDIDATE, CONSISTENT
from headwidgets.taxonomy.walk_plans import find_plan
from headwidgets.whole import whole

if TYPE_CHECKING:
    import pandas as pd

    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine
    from headwidgets.prompts import Prompts
    from headwidgets.taxonomy.walk_plans import Plan

PROMPTS = 40
"""Prompts of a task that the cost of breaking a step is measured on."""


FEW = 20
"""Prompts of a task that paths are patched on."""

_ASKED = ("index", "n", "seed")


class Collaborating(DoingTasks):
    """Heads that work together."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._walked_on: dict[str, Any] = {}  # prompts of the walks that were taken, by their names

    def walk(
        self,
        name: str = "ioi",
        prompts: Any = None,
        *,
        index: int = 0,
        n: int = PROMPTS,
        seed: int = 0,
    ) -> pd.DataFrame:
        """Walk through a task step by step on a prompt, with the heads that take each step.

        Parameters
        ----------
        name : {"ioi", "multiple choice", "parity"}
        prompts : prompts, optional
            Your own, with roles, answers and foils; default: prompts of the walk's task.
        index : int
            The prompt that is shown, from 0; what breaking a step costs is measured on all.
        n, seed : int
            Of the task's prompts.

        Returns
        -------
        DataFrame
            One row a step; see `headwidgets.taxonomy.walk.walk`. Kinds that it needs and whose
            scores this session does not hold are scored, and kept as if they had been asked for.

        Raises
        ------
        InputError
            For another walk, and for prompts without answers or without roles that it needs.
        NotMeasurable
            If the model is at chance on them.
        """
        plan = find_plan(name)
        with self._asking(f"walk: {plan.name}") as snapshot:
            asked, question = self._walked(plan, prompts, index, n, seed, snapshot)
            found = self._carriers(plan)

            def keep(frame: pd.DataFrame) -> pd.DataFrame:
                frame.attrs["asked_of"] = {"index": index, "n": n, "seed": seed}
                self._walked_on[plan.name] = prompts
                return self._signed(frame, f"walk: {plan.name}", snapshot, ("weights",))

            try:
                frame = keep(walking.walk(self.engine, plan.name, asked, question, found))
            except BaseException as error:
                partial = getattr(error, "partial", None)
                if partial is not None:
                    keep(partial)
                    self._tell("badges")
                raise
        self._tell("badges")
        return frame

    def walk_sides(self, name: str, step: str) -> pd.DataFrame:
        """Return who wrote the query and the key of a step of the last walk.

        Parameters
        ----------
        name : {"ioi", "multiple choice", "parity"}
        step : str
            One of its steps: ``"s-inhibition"``.

        Returns
        -------
        DataFrame
            side ("query", "key"), part ("embedding", "0.3", "mlp 1", ...), value: what that
            component brings to the score before the softmax. The rows of either side sum to the
            step's qk.

        Raises
        ------
        InputError
            If it has not been walked, or has no such step.
        """
        return walking.sides(self._last_walk(find_plan(name)), step)

    def break_walk(self, name: str, *steps: str) -> dict[str, Any]:
        """Break several steps of the last walk at once.

        Parameters
        ----------
        name : {"ioi", "multiple choice", "parity"}
        *steps : str
            Names of its steps; none leaves the model as it is.

        Returns
        -------
        dict
            before and after, the mean lead of the answer over the foil in logits; cost, se,
            share, n; before_here and after_here, on the prompt shown; edits, as a list.

        Raises
        ------
        InputError
            If it has not been walked, or a step has no head to break.
        """
        plan = find_plan(name)
        frame = self._last_walk(plan)
        known = frame.attrs["edits"]
        lacking = [step for step in steps if step not in known]
        if lacking:
            message = f"expected steps of this walk with a head ({', '.join(known)}), got {lacking}"
            raise InputError(message)
        edits = [Edit.from_json(one) for step in dict.fromkeys(steps) for one in known[step]]
        if plan.name not in self._walked_on:
            message = f"the prompts of this walk are gone: take it again with s.walk({plan.name!r})"
            raise InputError(message)
        options = frame.attrs["asked_of"]
        with self._asking(f"breaking {', '.join(steps)}") as snapshot:
            _, question = self._walked(
                plan,
                self._walked_on[plan.name],
                options["index"],
                options["n"],
                options["seed"],
                snapshot,
            )
            found = walking.broken(self.engine, question, plan, edits)
        return {**found, "edits": [str(edit) for edit in edits]}

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
            message = "no head is claimed yet: call s.scores(), or give heads= by kind"
            raise InputError(message)
        with self._asking("hand-over") as snapshot:
            question, named = replace(snapshot, edits=()), ""
            if task is not None:
                given = (
                    asked_task(task, n, seed=seed, split=split) if isinstance(task, str) else task
                )
                asked = read_set(self.engine, given)
                pairs = read_pairs(self.engine, asked)
                check_answers(self.engine, asked, pairs)
                question = replace(
                    question, pairs=pairs, index=0, metric=None, answers=answers_of(asked)
                )
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

    def _walked(
        self, plan: Plan, prompts: Any, index: int, n: int, seed: int, snapshot: Snapshot
    ) -> tuple[Prompts, Snapshot]:
        """Return a walk's prompts, and the question that they are."""
        given = asked_task(plan.task, n, seed=seed, split="test") if prompts is None else prompts
        asked = read_set(self.engine, given)
        pairs = read_pairs(self.engine, asked)
        check_answers(self.engine, asked, pairs)
        at = whole(index)
        if at is None or not 0 <= at < len(pairs):
            message = f"expected an index from 0 to {len(pairs) - 1}, got {index!r}"
            raise InputError(message)
        question = replace(snapshot, pairs=pairs, index=at, answers=answers_of(asked))
        return asked, replace(question, metric=None, edits=(), reference=None)

    def _carriers(self, plan: Plan) -> dict[str, Carriers]:
        """Return the heads of each kind that a walk asks for; score those that are not held."""
        out: dict[str, Carriers] = {}
        for kind in dict.fromkeys(step.kind for step in plan.steps if not step.by_path):
            held = [frame for frame in self.scores_held().values() if kind in set(frame["kind"])]
            frame = held[-1] if held else self.score(kind)
            out[kind] = of_scores(frame[frame["kind"] == kind])
        return out

    def _last_walk(self, plan: Plan) -> pd.DataFrame:
        frame = self.frames.get(f"walk: {plan.name}")
        if frame is None:
            message = f"expected a walk that was taken: call s.walk({plan.name!r}) first"
            raise InputError(message)
        if self.is_stale(frame):
            message = f"the model has changed since this walk: take it again, s.walk({plan.name!r})"
            raise InputError(message)
        return frame
