"""What a model can do: tasks on a session's model, its own prompts left as they are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from headwidgets.methods.accuracy import accuracy
from headwidgets.methods.runs import check_run
from headwidgets.session.card import card
from headwidgets.session.confirming import Confirming
from headwidgets.session.reading import read_pairs, read_set
from headwidgets.tasks import task as asked_task

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd


class DoingTasks(Confirming):
    """Tasks, measured."""

    def accuracy(
        self,
        task: object = None,
        n: int = 200,
        *,
        seed: int = 0,
        split: str = "test",
        run: str = "clean",
    ) -> pd.DataFrame:
        """Tell how well the model does a task.

        Parameters
        ----------
        task : str or prompts, optional
            A name of `hw.tasks`, or prompts with answers; default: the session's own.
        n, seed, split
            Of a task that is named; see `hw.task`.
        run : {"clean", "corrupted", "edited"}
            With ``"edited"``, the session's edits are in force.

        Returns
        -------
        DataFrame
            One row for all prompts, then one a template: accuracy among the options, skill
            = (accuracy − chance) / (1 − chance), top1 among all tokens, logit_diff, their
            standard errors, chance, n; for TruthfulQA mc1 and mc2 besides. Answers of several
            tokens go by their summed log-probability. ``attrs`` say what it was measured on, and
            ``attrs["notes"]`` what was left out and whether the model is at chance.

        Raises
        ------
        InputError
            If there is no such task, the model's tokenizer cannot spell it, the prompts
            have no answers, or they exceed the model's context.
        """
        check_run(run)
        with self._asking("accuracy") as snapshot:
            prompts = self.prompts
            asked = snapshot
            if task is not None:
                if isinstance(task, str):
                    task = asked_task(task, n, seed=seed, split=split)
                prompts = read_set(self.engine, task)
                pairs = read_pairs(self.engine, prompts)
                asked = replace(snapshot, pairs=pairs, index=0, metric=None, answers=None)
            frame = accuracy(self.engine, prompts, asked, run)
            frame.attrs["measured_on"] = f"{prompts.name or 'your prompts'}, n = {len(prompts)}"
            frame.attrs["run"] = run
            said = frame.attrs.get("notes", [])
            frame.attrs["notes"] = [*prompts.notes, *said, *_at_chance(frame)]
            depends = ("weights", *(("prompts",) if task is None else ()))
            depends += ("edits", "reference") if run == "edited" else ()
            return self._signed(frame, "accuracy", snapshot, depends)

    def report_card(
        self, tasks: Iterable[str] | None = None, *, n: int = 100, seed: int = 0
    ) -> pd.DataFrame:
        """Tell what the model can do, and which head each task leans on most.

        Parameters
        ----------
        tasks : str or iterable of str, optional
            Names of `hw.tasks`; default: those that the bundled model is trained on.
        n, seed : int
            Prompts a task and split, and their seed.

        Returns
        -------
        DataFrame
            One row a task; see `headwidgets.session.card.card`, and `hw.report_card` for the
            figure.
        """
        with self._asking("report card") as snapshot:
            frame = card(self.engine, tasks, n=n, seed=seed)
            return self._signed(frame, "report card", snapshot, ("weights",))


def _at_chance(frame: pd.DataFrame) -> list[str]:
    """Say so where the model does not do better than a guess."""
    row = frame.iloc[0]
    if row["accuracy"] - 2 * row["accuracy_se"] > row["chance"]:
        return []
    found = f"{row['accuracy']:.2f} ± {row['accuracy_se']:.2f}"
    return [f"at chance: accuracy {found}, where a guess has {row['chance']:.2f}"]
