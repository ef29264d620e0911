"""What a sweep edits, one variant after another: checked at the door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from headwidgets.errors import InputError
from headwidgets.heads import Head, parse_heads
from headwidgets.methods.options import read_known, read_seed
from headwidgets.methods.snapshot import require_aligned

if TYPE_CHECKING:
    from headwidgets.methods.places import At
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine
    from headwidgets.model.facts import Facts

KINDS = ("patch", "zero", "mean", "resample")
DIRECTIONS = ("denoise", "noise")
OVER = ("heads", "heads x positions", "positions x layers")


class Variant(NamedTuple):
    """One edit of a sweep: a head, or with no head the residual stream that a block reads.

    `place` is a position, a role, or None for everywhere (that the plan edits at all).
    """

    layer: int
    head: int | None
    place: int | str | None


@dataclass(frozen=True)
class Plan:
    """What is done to every variant in turn, checked.

    Attributes
    ----------
    kind : {"patch", "zero", "mean", "resample"}
    over : {"heads", "heads x positions", "positions x layers"}
    direction : {"denoise", "noise"}
        Of a patch.
    at : see `places.At`
        Where, of a sweep over heads.
    seed : int
        Of a resample.
    heads : tuple of Head, optional
        Only these; None is all.
    """

    kind: str
    over: str = "heads"
    direction: str = "denoise"
    at: At = None
    seed: int = 0
    heads: tuple[Head, ...] | None = None

    @property
    def base(self) -> str:
        """The run that is edited."""
        return "corrupted" if self.kind == "patch" and self.direction == "denoise" else "clean"

    @property
    def giving(self) -> str:
        """The run that a patch takes activations from."""
        return "clean" if self.base == "corrupted" else "corrupted"

    @property
    def by_position(self) -> bool:
        """Whether each variant is of one position."""
        return self.over != "heads"

    def units(self, facts: Facts) -> list[tuple[int, int | None]]:
        """Return what is edited at each place: (layer, head), or (layer, None) for its stream."""
        if self.over == "positions x layers":
            return [(layer, None) for layer in range(facts.n_layers)]
        if self.heads is not None:
            return [(head.layer, head.head) for head in self.heads]
        return [(i, h) for i in range(facts.n_layers) for h in range(facts.n_heads)]


def read_plan(
    facts: Facts,
    kind: str,
    over: str,
    direction: str,
    at: At,
    seed: int,
    heads: object,
) -> Plan:
    """Check what a sweep is asked for.

    Raises
    ------
    InputError
        For an unknown kind, direction or `over`, a head that the model lacks, a seed that is
        no whole number, and `at` or `heads` where they have no meaning.
    """
    over = " ".join(str(over).replace("×", "x").split())
    read_known("a sweep", kind=(kind, KINDS), direction=(direction, DIRECTIONS), over=(over, OVER))
    if at is not None and over != "heads":
        message = f"a sweep over {over} visits every position: leave at= out, got {at!r}"
        raise InputError(message)
    if heads is not None and over == "positions x layers":
        message = "a sweep over positions x layers is of the residual stream: leave heads= out"
        raise InputError(message)
    chosen = None if heads is None else tuple(sorted(set(parse_heads(heads))))
    for head in chosen or ():
        head.within(facts.n_layers, facts.n_heads)
    if chosen == ():
        message = "expected at least one head in heads=, got none"
        raise InputError(message)
    return Plan(kind, over, direction, at, read_seed(seed), chosen)


def check_aligned(engine: Engine, plan: Plan, snapshot: Snapshot) -> None:
    """Refuse a patch between runs whose positions do not correspond.

    Raises
    ------
    InputError
        With the first prompt that has no partner of its length.
    """
    if plan.kind == "patch":
        instead = "set s.corrupted_prompt (or prompts with one), or sweep 'zero' or 'mean'"
        require_aligned(engine, snapshot, "a patch sweep needs", instead)


def places(plan: Plan, snapshot: Snapshot) -> list[int | str | None]:
    """Return where the variants are: everywhere at once, or one position or role after another.

    Prompts of one length have positions; prompts that differ in length have the roles that
    all of them name, and the end.
    """
    if not plan.by_position:
        return [None]
    if snapshot.one_length:
        return list(range(len(snapshot.pairs[0].clean)))
    shared = set.intersection(*(set(pair.roles) for pair in snapshot.pairs)) - {"end"}
    first = snapshot.pairs[0]
    return [*sorted(shared, key=lambda role: first.roles[role]), "end"]


def variants(plan: Plan, snapshot: Snapshot, facts: Facts) -> list[Variant]:
    """Return every edit of a sweep, in the order of its table: by layer, head, place."""
    where = places(plan, snapshot)
    return [Variant(*unit, place) for unit in plan.units(facts) for place in where]
