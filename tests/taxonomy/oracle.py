"""What the kinds say of planted heads, clean and dirty, over some seeds: a row a kind and form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from planted_kinds import PLANTS

from headwidgets.taxonomy import find
from headwidgets.taxonomy.registry import EXPLORATORY
from headwidgets.taxonomy.verdict import CANDIDATE, CONSISTENT, NO, NOT_MEASURABLE

if TYPE_CHECKING:
    import pandas as pd
    from planted.plant import Plant

FORMS = {"clean": 0.0, "dirty": 0.05}
"""Noise of each, as a share."""
SEEDS = 5
NEEDS_NO_PROOF = ("attention", "weights")
_ORDER = (NOT_MEASURABLE, NO, CANDIDATE, CONSISTENT)


@dataclass(frozen=True)
class Row:
    """One kind in one form.

    Attributes
    ----------
    kind, form : str
    seeds : int
    score : (float, float)
        Least and largest of the planted head.
    place : int
        The planted head's worst place among the heads as they are listed: the better verdict
        first, of one verdict the higher score. Heads that are of the kind as well do not count.
    by_score : int
        Its worst place by score alone.
    verdict : str
        Its worst verdict; with every proof passed, where the kind asks for one.
    before : str
        Its best verdict before any proof, where the kind asks for one.
    claimed : tuple of str
        Other heads that are ever "consistent with", and what they do.
    candidates : tuple of str
        Decoys that are ever candidates.
    """

    kind: str
    form: str
    seeds: int
    score: tuple[float, float]
    place: int
    by_score: int
    verdict: str
    before: str
    claimed: tuple[str, ...]
    candidates: tuple[str, ...]

    @property
    def most(self) -> str:
        """The best verdict that the kind allows."""
        return CANDIDATE if find(self.kind).claim == EXPLORATORY else CONSISTENT

    @property
    def kept(self) -> bool:
        """The planted head first and as good as may be, nobody else claimed, no claim unproved."""
        waits = find(self.kind).evidence not in NEEDS_NO_PROOF
        unproved = not waits or self.before == CANDIDATE
        return self.place == 1 and self.verdict == self.most and not self.claimed and unproved


def rows(kind: str, seeds: int = SEEDS, **options: int) -> list[Row]:
    """Score the planted heads of a kind, clean and dirty."""
    return [_row(PLANTS[kind], form, noise, seeds, options) for form, noise in FORMS.items()]


def _row(plant: Plant, form: str, noise: float, seeds: int, options: dict[str, int]) -> Row:
    waits = find(plant.kind).evidence not in NEEDS_NO_PROOF
    tables = [plant.scored(seed, noise, proved=waits, **options) for seed in range(seeds)]
    before = [plant.scored(seed, noise, **options) for seed in range(seeds)] if waits else []
    rest = [table.drop([plant.own, *plant.also]) for table in tables]
    own = [table.loc[plant.own] for table in tables]
    return Row(
        plant.kind,
        form,
        seeds,
        (min(one["score"] for one in own), max(one["score"] for one in own)),
        max(map(_place, own, rest)),
        max(
            1 + int((others["score"] > one["score"] + 1e-6).sum())
            for one, others in zip(own, rest, strict=True)
        ),
        min((one["verdict"] for one in own), key=_ORDER.index),
        max((t.loc[plant.own, "verdict"] for t in before), key=_ORDER.index, default=""),
        _ever(plant, rest, CONSISTENT),
        _ever(plant, rest, CANDIDATE),
    )


def _place(own: pd.Series, rest: pd.DataFrame) -> int:
    """Place of a head in the list: verdict first, then score."""
    mine = _ORDER.index(own["verdict"]), own["score"]
    others = zip(rest["verdict"].map(_ORDER.index), rest["score"], strict=True)
    return 1 + sum(one > mine for one in others)


def _ever(plant: Plant, tables: list[pd.DataFrame], verdict: str) -> tuple[str, ...]:
    found = {head for table in tables for head in table.index[table["verdict"] == verdict]}
    return tuple(f"{head} ({plant.decoys[head]})" for head in sorted(found))
