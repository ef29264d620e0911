"""What a session is asked about: prompts, edits, metric, selection. Validated, observable.

Setters check everything before they change anything, so a rejected value leaves the state
as it was.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from headwidgets.errors import InputError
from headwidgets.heads import Head
from headwidgets.methods.apply import check_target, waiting
from headwidgets.methods.edits import Edit
from headwidgets.methods.snapshot import Snapshot, position
from headwidgets.prompts import Prompt, Prompts
from headwidgets.session.changes import Changes
from headwidgets.session.reading import (
    answers_of,
    check_answers,
    first_prompt,
    read_metric,
    read_pair,
    read_pairs,
    read_set,
)
from headwidgets.session.values import ASPECTS, Edits, Values
from headwidgets.whole import whole

if TYPE_CHECKING:
    from headwidgets.methods.metric import Metric
    from headwidgets.model.engine import Engine


class Question(Changes):
    """The state of a session.

    Parameters
    ----------
    engine : Engine
        Reads text into tokens and knows which heads there are.
    """

    _OWN = ("engine", "revision", "frames")

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        prompts = Prompts(clean=[first_prompt(engine)])
        super().__init__(Values(prompts=prompts, pairs=read_pairs(engine, prompts)))

    # ------------------------------------------------------------------ prompts

    @property
    def prompts(self) -> Prompts:
        """The prompt set. Assign Prompts, `hw.task`, a frame, a list of texts, or one text.

        Answers in the set become the metric, in place of one that was set before.
        """
        return self._values.prompts

    @prompts.setter
    def prompts(self, value: object) -> None:
        self.use(prompts=value)

    @property
    def prompt(self) -> Prompt:
        """The clean prompt on screen, as it was given: a text or token ids."""
        values = self._values
        return values.prompts.clean[values.index]

    @prompt.setter
    def prompt(self, value: Any) -> None:
        self._replace_one(clean=value)

    @property
    def corrupted_prompt(self) -> Prompt | None:
        """The corrupted partner of the prompt on screen; assign None to have none."""
        values = self._values
        corrupted = values.prompts.corrupted
        return None if corrupted is None else corrupted[values.index]

    @corrupted_prompt.setter
    def corrupted_prompt(self, value: Any) -> None:
        self._replace_one(corrupted=value)

    @property
    def index(self) -> int:
        """The pair on screen, from 0."""
        return self._values.index

    @index.setter
    def index(self, value: Any) -> None:
        with self._changing() as values:
            n = len(values.prompts)
            read = whole(value)
            if read is None or not 0 <= read < n:
                message = f"expected an index from 0 to {n - 1} (n = {n} prompts), got {value!r}"
                raise InputError(message)
            self._set("index", index=read)

    @property
    def token_ids(self) -> list[int]:
        """Token ids of the clean prompt on screen, BOS included."""
        values = self._values
        return list(values.pairs[values.index].clean)

    @property
    def tokens(self) -> list[str]:
        """The clean prompt on screen as the model sees it, one piece a token."""
        return self.engine.text.shown(self.token_ids)

    # ------------------------------------------------------------------ the rest

    @property
    def reference(self) -> Prompts | None:
        """The prompts that a mean edit averages over; None: shuffles of the session's own."""
        return self._values.reference

    @reference.setter
    def reference(self, value: object) -> None:
        with self._changing():
            self._set("reference", **self._read_reference(value))

    @property
    def metric(self) -> Metric | None:
        """What is measured at the end; None: the set's answers, else first against second."""
        return self._values.metric

    @metric.setter
    def metric(self, value: object) -> None:
        with self._changing() as values:
            metric = read_metric(self.engine, value, values.pairs)
            self._set("metric", metric=metric)

    @property
    def edits(self) -> Edits:
        """The edits in force, applied in order."""
        return self._values.edits

    @edits.setter
    def edits(self, value: Any) -> None:
        listed = [value] if isinstance(value, Edit) else value
        if listed is None or isinstance(listed, str | dict) or not isinstance(listed, Iterable):
            message = f"expected a list of edits such as [hw.zero('9.9')], got {value!r:.80}"
            raise InputError(message)
        edits = Edits(Edit.from_json(edit) for edit in listed)
        with self._changing():
            snapshot = self.snapshot()
            for edit in edits:
                check_target(self.engine, edit)
                if edit.at is not None:
                    position(edit.at, snapshot.pair, one_length=snapshot.one_length)
            self._set("edits", edits=edits)

    @property
    def waiting(self) -> list[str]:
        """Edits that lack an aligned partner: ``"patch 9.6 … waiting: 16 and 64 tokens"``."""
        values = self._values
        out = []
        for edit in values.edits:
            lacking = [
                (i, waiting(edit, pair, values.pairs)) for i, pair in enumerate(values.pairs)
            ]
            lacking = [(i, reason) for i, reason in lacking if reason]
            if lacking:
                i, reason = lacking[0]
                where = f" (prompt {i}, {len(lacking)} in all)" if len(values.pairs) > 1 else ""
                out.append(f"{edit} · {reason}{where}")
        return out

    @property
    def selection(self) -> Head | None:
        """The head that every view shows; any spelling may be assigned, or None."""
        return self._values.selection

    @selection.setter
    def selection(self, value: object) -> None:
        head = (
            None if value is None or (isinstance(value, str) and not value) else Head.parse(value)
        )
        if head is not None:
            head.within(self.engine.facts.n_layers, self.engine.facts.n_heads)
        with self._changing():
            self._set("selection", selection=head)

    def use(self, prompts: object = None, metric: object = None, reference: object = None) -> None:
        """Set prompts, metric and reference at once; what is None stays as it is.

        Raises
        ------
        InputError
            If any of them cannot be used; then none of them is.
        """
        with self._changing() as now:
            values: dict[str, Any] = {}
            pairs = now.pairs
            if prompts is not None:
                read = read_set(self.engine, prompts)
                pairs = read_pairs(self.engine, read)
                check_answers(self.engine, read, pairs)
                values = {"prompts": read, "pairs": pairs, "index": 0}
                if read.answer is not None and metric is None:
                    values["metric"] = None
            if metric is not None:
                values["metric"] = read_metric(self.engine, metric, pairs)
            if reference is not None:
                values |= self._read_reference(reference)
            self._set(*(set(values) & set(ASPECTS)), **values)

    # ------------------------------------------------------------------ for those who compute

    def snapshot(self) -> Snapshot:
        """Return everything that decides a number, frozen."""
        with self._guard:
            values, revision = self._values, self.revision
        return Snapshot(
            pairs=values.pairs,
            index=values.index,
            edits=tuple(values.edits),
            metric=values.metric,
            answers=answers_of(values.prompts),
            reference=values.reference_pairs,
            revision=revision,
        )

    def _replace_one(self, **one: Any) -> None:
        with self._changing() as values:
            prompts = values.prompts.changed(values.index, **one)
            pairs = list(values.pairs)
            pairs[values.index] = read_pair(self.engine, prompts, values.index)
            self._set("prompts", prompts=prompts, pairs=tuple(pairs))

    def _restore(self, prompts: Prompts, reference: Prompts | None, **values: Any) -> None:
        """Take a saved state as it was, also where an edit or a metric does not apply now."""
        for edit in values["edits"]:
            check_target(self.engine, edit)
        pairs = read_pairs(self.engine, prompts)
        with self._changing():
            self._set(
                *("prompts", "index", "edits", "metric", "reference", "selection"),
                prompts=prompts,
                pairs=pairs,
                **self._read_reference(reference),
                **values,
            )

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse names that do not exist: ``s.edit = ...`` would change nothing."""
        if not name.startswith("_") and name not in self._OWN and not hasattr(type(self), name):
            known = [n for n in (*dir(type(self)), *self._OWN) if not n.startswith("_")]
            near = difflib.get_close_matches(name, known, n=1)
            message = f"a session has no {name!r}{f'; is it {near[0]!r}?' if near else ''}"
            raise InputError(message)
        super().__setattr__(name, value)

    def _read_reference(self, value: object) -> dict[str, Any]:
        if value is None:
            return {"reference": None, "reference_pairs": None}
        read = read_set(self.engine, value)
        return {"reference": read, "reference_pairs": read_pairs(self.engine, read)}
