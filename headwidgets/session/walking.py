"""Walks through a task, asked of a session: who takes each step, and what breaking it costs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headwidgets.errors import InputError
from headwidgets.methods.edits import Edit
from headwidgets.session.code_frame import require_current
from headwidgets.session.code_walk import walk_as_python
from headwidgets.session.digest import digest
from headwidgets.session.doing_tasks import DoingTasks
from headwidgets.session.reading import answers_of, check_answers, read_pairs, read_set
from headwidgets.tasks import task as asked_task
from headwidgets.taxonomy import walk as walking
from headwidgets.taxonomy.carriers import Carriers, of_scores
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


class Walking(DoingTasks):
    """Heads that take the steps of a task."""

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
                frame.attrs["digest"] = digest(frame)
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
        edits = _edits_of(frame, steps)
        with self._asking(f"breaking {', '.join(steps)}") as snapshot:
            _, question = self._walked_again(plan, frame, snapshot)
            found = walking.broken(self.engine, question, plan, edits)
        return {**found, "edits": [str(edit) for edit in edits]}

    def walk_as_python(self, frame: pd.DataFrame | str = "ioi", *steps: str) -> str:
        """Return plain TransformerLens code that gives a walk's numbers.

        Parameters
        ----------
        frame : DataFrame or str
            What `walk` returned, or the name of the last walk.
        *steps : str
            Steps that are broken at once besides, as in `break_walk`.

        Returns
        -------
        str
            Code that leaves ``result``, a DataFrame with the walk's steps that have a head, in
            their order: where the head looks and how much, the score of that, and what breaking
            the step costs; and, with steps, ``broken``, the numbers of `break_walk`. Who wrote the
            query and the key is not in it.

        Raises
        ------
        InputError
            If it has not been walked, is of another session, stopped before its end, older than
            the model's weights or changed since; or a step has no head to break.
        """
        found = self._last_walk(find_plan(frame)) if isinstance(frame, str) else frame
        if "walk" not in getattr(found, "attrs", {}):
            message = f"expected a walk, as s.walk returned it, got {type(found).__name__}"
            raise InputError(message)
        require_current(self, found)
        plan = find_plan(found.attrs["walk"])
        if found.attrs["digest"] != self._last_walk(plan).attrs["digest"]:
            message = f"this walk was taken again since: give s.frames['walk: {plan.name}']"
            raise InputError(message)
        together = _edits_of(found, steps) if steps else None
        prompts, question = self._walked_again(plan, found, self.snapshot())
        opened = getattr(self, "_opened", None)
        walked = question, prompts, found
        return walk_as_python(self.engine, opened, plan, walked, together)

    def _walked(
        self, plan: Plan, prompts: Any, index: int, n: int, seed: int, snapshot: Snapshot
    ) -> tuple[Prompts, Snapshot]:
        """Return a walk's prompts, and the question that they are."""
        given = asked_task(plan.task, n, seed=seed, split="test") if prompts is None else prompts
        asked, question = self._question(given, snapshot)
        at, n_prompts = whole(index), len(question.pairs)
        if at is None or not 0 <= at < n_prompts:
            message = f"expected an index from 0 to {n_prompts - 1}, got {index!r}"
            raise InputError(message)
        return asked, replace(question, index=at, edits=(), reference=None)

    def _walked_again(
        self, plan: Plan, frame: pd.DataFrame, snapshot: Snapshot
    ) -> tuple[Prompts, Snapshot]:
        """Return the prompts of a walk that was taken, and the question that they are."""
        if plan.name not in self._walked_on:
            message = f"the prompts of this walk are gone: take it again with s.walk({plan.name!r})"
            raise InputError(message)
        options = frame.attrs["asked_of"]
        return self._walked(plan, self._walked_on[plan.name], snapshot=snapshot, **options)

    def _question(self, given: Any, snapshot: Snapshot) -> tuple[Prompts, Snapshot]:
        """Return prompts with answers and foils, and the question of their lead."""
        asked = read_set(self.engine, given)
        pairs = read_pairs(self.engine, asked)
        check_answers(self.engine, asked, pairs)
        answers = answers_of(asked)
        return asked, replace(snapshot, pairs=pairs, index=0, metric=None, answers=answers)

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


def _edits_of(frame: pd.DataFrame, steps: tuple[str, ...]) -> list[Edit]:
    """Return the edits that break steps of a walk.

    Raises
    ------
    InputError
        If a step has no head.
    """
    known = frame.attrs["edits"]
    lacking = [step for step in steps if step not in known]
    if lacking:
        message = f"expected steps of this walk with a head ({', '.join(known)}), got {lacking}"
        raise InputError(message)
    return [Edit.from_json(one) for step in dict.fromkeys(steps) for one in known[step]]
