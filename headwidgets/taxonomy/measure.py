"""What a kind's function works with: `Measure` goes in, `Scores` come out.

A `Measure` is one model, one set of rows and one seed. Asked for attention on a target it
runs the rows, breaks the target's structure in hundreds of draws, and marks the heads on
which the number cannot be believed.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from headwidgets.errors import NotMeasurable
from headwidgets.heads import Head
from headwidgets.taxonomy import broken, matched
from headwidgets.taxonomy.asked import END
from headwidgets.taxonomy.on_task import OnTask, answers, on_task
from headwidgets.taxonomy.reduce import Floats, Profile, profile
from headwidgets.taxonomy.second_copy import SecondCopy
from headwidgets.taxonomy.verdict import DRAWS, NO, NOT_MEASURABLE, Remark

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headwidgets.model.engine import Engine, Hooks
    from headwidgets.taxonomy.asked import Asked, Ids
    from headwidgets.taxonomy.random_tokens import Rows
    from headwidgets.taxonomy.targets import Ints, Pairs, Target

_FARTHEST, _NEAREST = 64, 8  # places that a target is moved, at most and at least
_GATHERED = 1 << 20  # pairs times places that are worth their time


@dataclass
class Scores:
    """One kind on one model.

    Attributes
    ----------
    per_row : ndarray of float32, [row, layer, head]
        The score on each row; the head's score is the mean over rows.
    null : ndarray of float32, [draw, layer, head]
        The score with its structure broken, already a mean over rows.
    task_accuracy : float
        The model's own accuracy on these rows, NaN where there is no task.
    words : str
        What it was measured on, where that is not the measure's own rows.
    counted : str
        What one row of that is, for the column n.
    remarks : dict of Head -> list of Remark
        What lowers a verdict, or explains it.
    proved : dict of Head -> bool
        Outcome of the proving intervention where it has run.
    least_p : float
        What p is at least: of a null whose draws repeat a few different ones.
    """

    per_row: Floats
    null: Floats
    task_accuracy: float = float("nan")
    words: str = ""
    least_p: float = 0.0
    counted: str = "a prompt"
    remarks: dict[Head, list[Remark]] = field(default_factory=lambda: defaultdict(list))
    proved: dict[Head, bool] = field(default_factory=dict)

    @property
    def mean(self) -> Floats:
        """Score of each head, [layer, head]."""
        mean: Floats = self.per_row.mean(axis=0)
        return mean

    def reaching(self, threshold: float) -> list[Head]:
        """Heads whose score is at least `threshold`."""
        return [Head(int(a), int(b)) for a, b in np.argwhere(self.mean >= threshold)]

    def remark(self, head: Head, words: str, *, at_most: str | None = None) -> None:
        """Add a reason for `head`, and the best verdict that it still allows."""
        self.remarks[head].append(Remark(words, at_most))


@dataclass(frozen=True)
class Measure:
    """A model and the rows it is measured on.

    Attributes
    ----------
    engine : Engine
    rows : Rows
    threshold : float
        The kind's own.
    hooks : sequence
        Edits in force during the measurement.
    draws, seed : int
    together : tuple of Target
        Targets to reduce in the same run as any of them.
    found : dict
        What one kind has found out that another needs.
    """

    engine: Engine
    rows: Rows
    threshold: float = 1.0
    hooks: Hooks = ()
    draws: int = DRAWS
    seed: int = 0
    together: tuple[Target, ...] = ()
    found: dict[str, Any] = field(default_factory=dict, repr=False)
    _kept: dict[tuple[str, bool], Profile] = field(default_factory=dict, repr=False)
    _tasks: dict[object, OnTask | str] = field(default_factory=dict, repr=False)
    _second: SecondCopy = field(default_factory=SecondCopy, repr=False)

    def using(self, threshold: float) -> Measure:
        """Return this measure for a kind with another threshold; runs are shared."""
        return replace(self, threshold=threshold)

    def attention(self, target: Target, *, control: bool = False) -> Scores:
        """Attention on a target, against the same attention with its structure broken.

        Parameters
        ----------
        target : Target
        control : bool
            Whether the same places on rows in which nothing repeats belong to the null:
            True for whatever is about repetition, since a head that always looks 49 places
            back is no induction head. Text has no such rows.

        Raises
        ------
        NotMeasurable
            If no row has a target.
        """
        seen = self._profile(target)
        if not len(seen.pairs):
            message = f"{self.rows.words}: no token has {target.name} to look at"
            raise NotMeasurable(message)
        random = np.random.default_rng(self.seed)
        null = broken.shifted(seen, self.threshold, self.draws, random)
        if control and self.rows.control:
            unrepeated = self._profile(target, control=True).values[..., 0]
            null = np.maximum(null, broken.resampled(unrepeated, self.draws, random))
        scores = Scores(seen.values[..., 0], null)
        self._mark(scores, seen, target)
        return scores

    def task(
        self, name: str, *queries: str, tokens: Callable[[Asked, int], Ids] = answers
    ) -> OnTask:
        """Every head on a task's prompts; kinds that ask for the same share one run.

        Parameters
        ----------
        name : str
            Of `hw.tasks`.
        *queries : str
            Roles whose last token looks; the end, if none is given.
        tokens : callable
            ``tokens(asked, row)`` names the tokens whose logits are attributed: answer, foil and
            a few options, if none is given.

        Raises
        ------
        NotMeasurable
            If the rows are given ones, the tokenizer cannot spell the task, or the model is at
            chance on it.
        """
        own_rows(self, name)
        key = name, queries or (END,), tokens
        if key not in self._tasks:
            try:
                found = on_task(self.engine, *key, seed=self.seed, hooks=self.hooks)
            except NotMeasurable as error:
                self._tasks[key] = str(error)
            else:
                self._tasks[key] = found
        kept = self._tasks[key]
        if isinstance(kept, str):
            raise NotMeasurable(kept)
        return kept

    def labelled(self, task: OnTask, table: Floats, right: Sequence[int] | Ints) -> Scores:
        """Score the right label of each prompt against labels drawn at random.

        Parameters
        ----------
        task : OnTask
        table : ndarray of float32, [prompt, layer, head, label]
            The score of each prompt, were that label the right one.
        right : sequence of int
            Which label is right in each prompt.
        """
        random = np.random.default_rng(self.seed)
        null = matched.relabelled(table, self.draws, random)
        return Scores(
            matched.right_of(table, right), null, task_accuracy=task.accuracy, words=task.words
        )

    def signed(self, task: OnTask, values: Floats) -> Scores:
        """Score a number whose sign a prompt's two sides exchange, against random signs.

        Parameters
        ----------
        task : OnTask
        values : ndarray of float32, [prompt, layer, head]
        """
        both = np.stack([values, -values], axis=-1)
        return self.labelled(task, both, np.zeros(len(values), dtype=np.int64))

    def repeat_accuracy(self) -> float:
        """Share of the tokens of the second copy that the model predicts first."""
        return self._second.accuracy(self.engine, self.rows, self.hooks)

    def _profile(self, target: Target, *, control: bool = False) -> Profile:
        """Reduced attention on a target; targets in `together` share one run."""
        if (target.name, control) not in self._kept:
            group = self.together if target in self.together else (target,)
            ids = self.rows.control if control else self.rows.ids
            pairs = [self._pairs(one) for one in group]
            wanted = [(one, (0,) if control else self._shifts(one)) for one in pairs]
            together = len(group) > 1 and not control  # induction asks what the model says, too
            said = self._second.listener(self.engine, self.rows) if together else None
            last = self.rows.period if said and self.rows.period else 1
            found = profile(self.engine, ids, wanted, hooks=self.hooks, last=last, said=said)
            for one, reduced in zip(group, found, strict=True):
                self._kept[one.name, control] = reduced
        return self._kept[target.name, control]

    def _pairs(self, target: Target) -> list[Pairs]:
        """Pairs of every row; control rows are looked at in the same places."""
        return [
            target.find(np.array(row), first)
            for row, first in zip(self.rows.ids, self.rows.first, strict=True)
        ]

    def _shifts(self, pairs: list[Pairs]) -> tuple[int, ...]:
        """0, then as many either way as the rows hold; fewer on long, repetitive text."""
        affordable = max(_NEAREST, _GATHERED // max(1, sum(len(one.query) for one in pairs)))
        farthest = max(1, min(_FARTHEST, affordable, max(map(len, self.rows.ids)) - 2))
        return (0, *range(-farthest, 0), *range(1, farthest + 1))

    def _mark(self, scores: Scores, seen: Profile, target: Target) -> None:
        """Say where attention is NaN, out of reach, or larger on something else."""
        facts = self.engine.facts
        everywhere = seen.values.mean(axis=0)
        nearest = min(int((one.query - one.key).min()) for one in seen.pairs)
        for layer in range(facts.n_layers):
            window = facts.windows[layer]
            for number in range(facts.n_heads):
                head, values = Head(layer, number), everywhere[layer, number]
                if np.isnan(values[0]):
                    scores.remark(head, "its attention is NaN", at_most=NOT_MEASURABLE)
                elif window is not None and window <= nearest:
                    words = f"it sees {window} tokens, the target is {nearest} back"
                    scores.remark(head, words, at_most=NOT_MEASURABLE)
                elif (best := int(np.argmax(values[1:])) + 1) and values[best] >= values[0]:
                    name = target.describe(seen.shifts[best], seen.pairs[0])
                    words = f"attends as much or more to {name} ({values[best]:.3f})"
                    scores.remark(head, words, at_most=NO)


def own_rows(measure: Measure, name: str) -> None:
    """Refuse rows that are given, where a kind has a task of its own.

    Raises
    ------
    NotMeasurable
    """
    if measure.rows.period is None:
        message = f"it is measured on its own task, {name!r}, not on rows that are given"
        raise NotMeasurable(message)
