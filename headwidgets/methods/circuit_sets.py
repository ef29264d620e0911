"""A circuit's heads and classes, and the sets of heads on which it is tested."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from headwidgets.errors import InputError
from headwidgets.heads import Head, parse_heads
from headwidgets.whole import whole

if TYPE_CHECKING:
    from headwidgets.model.facts import Facts

Heads = frozenset[Head]


class Kept(NamedTuple):
    """What of a model is left: these heads alone (inside), or all but these."""

    inside: bool
    heads: tuple[Head, ...]


def only(heads: Iterable[Head]) -> Kept:
    """Keep these heads alone."""
    return Kept(inside=True, heads=tuple(sorted(heads)))


def without(heads: Iterable[Head]) -> Kept:
    """Keep all heads but these."""
    return Kept(inside=False, heads=tuple(sorted(heads)))


@dataclass(frozen=True)
class Circuit:
    """Heads, their classes, and random subsets of them.

    Attributes
    ----------
    heads : tuple of Head
        In order.
    classes : mapping of str to tuple of Head
    drawn : tuple of sets of Head
        Random subsets, none of which is empty or tried anyway.
    seed : int
    """

    heads: tuple[Head, ...]
    classes: Mapping[str, tuple[Head, ...]] = field(default_factory=dict)
    drawn: tuple[Heads, ...] = ()
    seed: int = 0

    @property
    def taken(self) -> dict[Heads, str]:
        """The subsets K of the completeness, and what each is called."""
        out = {frozenset[Head](): "none", **{frozenset((h,)): str(h) for h in self.heads}}
        out |= {frozenset(heads): name for name, heads in self.classes.items()}
        out.setdefault(frozenset(self.heads), "the whole circuit")
        return out | dict.fromkeys(self.drawn, "random")

    def beside(self, head: Head) -> list[Heads]:
        """Return the subsets K without a head that its minimality is taken over."""
        every = frozenset(self.heads)
        classes = [frozenset(group) for group in self.classes.values() if head in group]
        tried = [frozenset[Head](), *classes, every, *self.drawn]
        return list(dict.fromkeys(one - {head} for one in tried))

    def sets(self) -> list[Kept]:
        """Return all sets of heads on which the model is run, each once."""
        every = frozenset(self.heads)
        out = [without(()), only(every), only(())]
        for some in self.taken:
            out += [only(every - some), without(some)]
        for head in self.heads:
            for some in self.beside(head):
                out += [only(every - some), only(every - some - {head})]
        return list(dict.fromkeys(out))


def read_circuit(heads: object, facts: Facts, subsets: int, seed: int) -> Circuit:
    """Read the heads of a circuit, or its classes by name, and draw its random subsets.

    Raises
    ------
    InputError
        For no head, a head that the model lacks, or numbers that are none.
    """
    counts = {"subsets": subsets, "seed": seed}
    for name, value in counts.items():
        count = whole(value)
        if count is None or count < 0:
            message = f"expected {name} as a whole number from 0 up, got {value!r:.40}"
            raise InputError(message)
    groups = heads if isinstance(heads, Mapping) else {"": heads}
    read = {str(name): _heads(some, facts) for name, some in groups.items()}
    every = tuple(sorted({head for some in read.values() for head in some}))
    if not every or not all(read.values()):
        message = "expected at least one head in the circuit and in each of its classes, got none"
        raise InputError(message)
    classes = read if isinstance(heads, Mapping) else {}
    found = Circuit(every, classes, seed=int(seed))
    return Circuit(every, classes, _draw(found, int(subsets)), int(seed))


def _heads(values: object, facts: Facts) -> tuple[Head, ...]:
    if isinstance(values, str | Head) or not isinstance(values, Iterable):
        values = [values]
    found = {head.within(facts.n_layers, facts.n_heads) for head in parse_heads(list(values))}
    return tuple(sorted(found))


def _draw(found: Circuit, subsets: int) -> tuple[Heads, ...]:
    """Draw subsets with each head in or out by a coin; a small circuit has not so many."""
    generator = random.Random(found.seed)  # noqa: S311 - reproducible, not secret
    known = set(found.taken)
    out: list[Heads] = []
    for _ in range(20 * subsets):
        drawn = frozenset(head for head in found.heads if generator.random() < 0.5)  # noqa: PLR2004 - a coin
        if drawn not in known and len(out) < subsets:
            known.add(drawn)
            out.append(drawn)
    return tuple(out)
