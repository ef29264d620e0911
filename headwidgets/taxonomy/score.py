"""Score a model for one kind of head, or for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import pandas as pd

from headwidgets.errors import EditDropped, InputError, NotMeasurable
from headwidgets.model.work import checkpoint, keeping
from headwidgets.taxonomy import targets
from headwidgets.taxonomy.agreement import note_agreement
from headwidgets.taxonomy.frame import empty_frame, frame
from headwidgets.taxonomy.measure import Measure
from headwidgets.taxonomy.random_tokens import random_rows, text_rows
from headwidgets.taxonomy.registry import ATTENTION, Kind, all_kinds, find
from headwidgets.taxonomy.verdict import DRAWS, LEAST_DRAWS

if TYPE_CHECKING:
    from headwidgets.heads import Head
    from headwidgets.model.engine import Engine, Hooks
    from headwidgets.taxonomy.random_tokens import Rows

TokenRows = Sequence[Sequence[int]]
_TOKEN_OPTIONS = ("ids", "length", "rows", "seed")


class Options(TypedDict, total=False):
    """What `score` can be told besides the kind.

    Attributes
    ----------
    on : sequence of token-id rows
        Measure on these (text) instead of random tokens.
    text : sequence of token-id rows
        Measure on these as well, and say whether the same head comes first.
    hooks : sequence
        Edits in force during the measurement, as `Engine.patterns` takes them.
    edits : str
        The same edits in words, for the column.
    draws : int
        Draws of the null, at least 200; 999 by default.
    proved : mapping of (kind, Head) to bool
        How proving interventions went.
    causal : bool
        Of `scores`: also the kinds whose score is an intervention on every head.
    ids, length, rows, seed
        Of the random tokens, see `random_rows`.
    """

    on: TokenRows | None
    text: TokenRows | None
    hooks: Hooks
    edits: str
    draws: int
    proved: Mapping[tuple[str, Head], bool]
    causal: bool
    ids: Iterable[int] | None
    length: int | None
    rows: int
    seed: int


def score(engine: Engine, kind: str | Kind, **options: Unpack[Options]) -> pd.DataFrame:
    """Score every head of a model for one kind.

    Parameters
    ----------
    engine : Engine
    kind : str or Kind
        A name that `find` knows.
    **options
        See `Options`.

    Returns
    -------
    pandas.DataFrame
        One row a head, in the order of layers, with the columns of `frame.COLUMNS`;
        `frame.frame` says what each holds. ``attrs`` say what was measured on what.

    Raises
    ------
    InputError
        If the kind, the rows or the options cannot be used.
    """
    return _Asked.of(dict(options)).tables(engine, [find(kind)])[0]


def scores(engine: Engine, **options: Unpack[Options]) -> pd.DataFrame:
    """Score every head for every kind; parameters and columns as in `score`.

    Kinds that look at attention on the same rows share one run. Kinds that intervene on every
    head are left out, unless ``causal=True``. ``attrs["kinds"]`` holds the attributes of each
    kind by name, ``attrs["notes"]`` what was left out. Whatever stops it early has the tables of
    the kinds that were done as its ``partial``.
    """
    asked = _Asked.of(dict(options))
    wanted = [one for one in all_kinds() if asked.causal or not intervenes(one)]
    tables = asked.tables(engine, wanted)
    attrs = {table["kind"].iloc[0]: table.attrs for table in tables}
    whole = pd.concat(_bare(tables), ignore_index=True)
    whole.attrs = {"kinds": attrs, "notes": _left_out(wanted)}
    return whole


def intervenes(kind: Kind) -> bool:
    """Whether a kind's score runs the model anew for every head or step, which takes its time."""
    return kind.work is not None


def _left_out(wanted: Sequence[Kind]) -> list[str]:
    """Say which kinds were not asked for."""
    rest = [one.name for one in all_kinds() if one not in wanted]
    if not rest:
        return []
    said = "each runs the model anew for every head or step"
    return [f"not measured without causal=True: {', '.join(rest)}: {said}"]


@dataclass(frozen=True)
class _Asked:
    """The options of `score`, checked."""

    on: TokenRows | None = None
    text: TokenRows | None = None
    hooks: Hooks = ()
    edits: str = ""
    draws: int = DRAWS
    proved: Mapping[tuple[str, Head], bool] = field(default_factory=dict)
    causal: bool = False
    tokens: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, options: dict[str, Any]) -> _Asked:
        tokens = {name: options.pop(name) for name in _TOKEN_OPTIONS if name in options}
        own = [name for name in cls.__dataclass_fields__ if name != "tokens"]
        unknown = [name for name in options if name not in own]
        if unknown:
            message = f"score has no option {unknown[0]!r}: it has {[*own, *_TOKEN_OPTIONS]}"
            raise InputError(message)
        if options.get("draws", DRAWS) < LEAST_DRAWS:
            message = f"expected at least {LEAST_DRAWS} draws, got draws={options['draws']}"
            raise InputError(message)
        return cls(tokens=tokens, **options)

    def tables(self, engine: Engine, wanted: list[Kind]) -> list[pd.DataFrame]:
        """One table a kind."""
        if self.on is None:
            main = self._all(engine, wanted, lambda: random_rows(engine, **self.tokens))
        else:
            on = self.on
            main = self._all(engine, wanted, lambda: text_rows(engine, on))
        if self.text is not None:
            text = self.text
            again = [pair for pair in zip(wanted, main, strict=True) if _by_rows(*pair)]
            with keeping(lambda: list(main)):
                kinds = [kind for kind, _ in again]
                beside = self._all(engine, kinds, lambda: text_rows(engine, text))
            for (_, one), other in zip(again, beside, strict=True):
                note_agreement(one, other)
        return main

    def _all(
        self, engine: Engine, wanted: list[Kind], draw: Callable[[], Rows]
    ) -> list[pd.DataFrame]:
        try:
            rows = draw()
        except NotMeasurable as error:
            return [empty_frame(engine.facts, kind, str(error), self.edits) for kind in wanted]
        seed = int(self.tokens.get("seed", 0))
        together = targets.ALL if len(wanted) > 1 else ()
        measure = Measure(
            engine, rows, hooks=self.hooks, draws=self.draws, seed=seed, together=together
        )
        out: list[pd.DataFrame] = []
        with keeping(lambda: list(out)):
            for done, kind in enumerate(wanted):
                checkpoint(done, len(wanted), f"scoring {kind.name} on {rows.words}")
                out.append(self._one(measure.using(kind.threshold), kind))
        return out

    def _one(self, measure: Measure, kind: Kind) -> pd.DataFrame:
        try:
            found = kind.function(measure)
        except (NotMeasurable, EditDropped) as error:
            return empty_frame(measure.engine.facts, kind, str(error), self.edits)
        found.proved |= {head: ok for (name, head), ok in self.proved.items() if name == kind.name}
        return frame(measure, kind, found, edits=self.edits)


def _by_rows(kind: Kind, table: pd.DataFrame) -> bool:
    """Whether other rows would give other scores: those of a task are of its prompts alone."""
    if "by_rows" in table.attrs:
        return bool(table.attrs["by_rows"])
    return kind.evidence == ATTENTION  # nothing was measured: perhaps for want of such rows


def _bare(tables: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Copy tables without attributes, which pandas would compare when it joins them."""
    out = [table.copy() for table in tables]
    for table in out:
        table.attrs = {}
    return out
