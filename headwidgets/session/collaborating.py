"""Heads that work together, asked of a session: walks through a task, and who tells whom."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headwidgets.errors import InputError
from headwidgets.methods.edits import Edit
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
    from headwidgets.prompts import Prompts
    from headwidgets.taxonomy.walk_plans import Plan

PROMPTS = 40
"""Prompts of a task that the cost of breaking a step is measured on."""


class Collaborating(DoingTasks):
    """Heads that work together."""

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
            label = f"walk: {plan.name}"
            try:
                frame = walking.walk(self.engine, plan.name, asked, question, found)
            except BaseException as error:
                partial = getattr(error, "partial", None)
                if partial is not None and not isinstance(partial, list):
                    self._signed(partial, label, snapshot, ("weights",))
                raise
            if prompts is None:
                frame.attrs["asked_of"] = {"index": index, "n": n, "seed": seed}
            return self._signed(frame, label, snapshot, ("weights",))

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

    def break_walk(self, name: str, *steps: str, prompts: Any = None) -> dict[str, Any]:
        """Break several steps of the last walk at once.

        Parameters
        ----------
        name : {"ioi", "multiple choice", "parity"}
        *steps : str
            Names of its steps; none leaves the model as it is.
        prompts : prompts, optional
            Those that the walk was taken on, where they were your own.

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
        edits = [Edit.from_json(one) for step in steps for one in known[step]]
        asked = frame.attrs.get("asked_of")
        if asked is None and prompts is None:
            message = "this walk was taken on prompts of your own: give them with prompts="
            raise InputError(message)
        options = asked or {"index": frame.attrs["index"], "n": PROMPTS, "seed": 0}
        with self._asking(f"breaking {', '.join(steps)}") as snapshot:
            _, question = self._walked(
                plan, prompts, options["index"], options["n"], options["seed"], snapshot
            )
            found = walking.broken(self.engine, question, plan, edits)
        return {**found, "edits": [str(edit) for edit in edits]}

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
        return frame
