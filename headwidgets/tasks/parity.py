"""Parity step by step: bits, and whether the ones so far are odd (for iteration heads)."""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from headwidgets.tasks.item import Item, Written, write
from headwidgets.tasks.registry import task

if TYPE_CHECKING:
    from headwidgets.tasks.draw import Draw

_TEMPLATES = (
    "The bits are{BITS}. The parity is{STATES}",
    "The row is{BITS}. The parity is{STATES}",
    "Here are the bits{BITS} and the parity{STATES}",
    "The row of bits is{BITS} and the parity is{STATES}",
    "In the row{BITS}, the parity is{STATES}",
)
_HELD_OUT = (
    "The row of bits is{BITS}. The parity is{STATES}",
    "Here is the row{BITS} and the parity{STATES}",
)
_SHORTEST, _LONGEST = 3, 8


@task(
    name="parity",
    title="Parity, step by step",
    group="heads",
    asks="Behind a row of bits stands, bit by bit, whether the ones so far are odd: go on.",
    example="The bits are 1 0 1 1. The parity is 1 1 0 → 1",
    source="Cabannes et al. 2024, arXiv 2406.02128; sentences ours",
    templates=_TEMPLATES,
    held_out=_HELD_OUT,
    shown="the bit that the next state depends on is the other one",
)
def parity(draw: Draw) -> Item:
    """Draw one: any row of 3 to 8 bits, its second state or a later one asked for.

    Bits are labelled X1, X2 and so on, their states S1, S2; the bit that decides is BIT too.
    State t is the sum of the first t bits, modulo 2; 0 and 1 are asked for in turn.
    """
    zero_one = draw.words.single(("0", "1"), least=2)
    n = _SHORTEST + int(draw.rng.random() * (_LONGEST - _SHORTEST + 1))
    at = 1 + int(draw.rng.random() * (n - 1))
    bits = [draw.rng.getrandbits(1) for _ in range(n)]
    asked = draw.turn % 2
    bits[at] = (sum(bits[:at]) + asked) % 2
    states = [total % 2 for total in accumulate(bits)]
    flipped = [*bits[:at], 1 - bits[at], *bits[at + 1 :]]
    frame = _frame(draw.template, n, at)
    return Item(
        clean=frame.filled(bits, states[:at]),
        corrupted=frame.filled(flipped, states[:at]),
        answer=zero_one[asked],
        foil=zero_one[1 - asked],
        key=tuple(bits),
        options=zero_one,
        learned=frame.states,
        after="".join(zero_one[state] for state in states[at + 1 :]) + ".",
    )


class _Frame(NamedTuple):
    """What a template has around its bits and states, and where these stand.

    Each is a space and a digit, so that the places are the same for all.
    """

    before: str
    between: str
    marks: dict[str, tuple[int, int]]
    states: tuple[str, ...]

    def filled(self, bits: list[int], states: list[int]) -> Written:
        """Return the prompt with these bits and states."""
        row, steps = ("".join([f" {digit}" for digit in some]) for some in (bits, states))
        return Written(self.before + row + self.between + steps, self.marks)


@lru_cache(maxsize=1024)
def _frame(template: str, n: int, at: int) -> _Frame:
    """Return a template for `n` bits and the first `at` states."""
    before, rest = template.split("{BITS}")
    between = rest.removesuffix("{STATES}")
    bits = tuple(f"X{i}" for i in range(1, n + 1))
    states = tuple(f"S{i}" for i in range(1, at + 1))
    row, steps = ("".join(f"{{{label}}}" for label in labels) for labels in (bits, states))
    written = write(before + row + between + steps, **dict.fromkeys((*bits, *states), " 0"))
    marks = written.marks | {"BIT": written.marks[bits[at]]}
    return _Frame(before, between, marks, states)
