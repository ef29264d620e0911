"""The eight sets in a natural order, and stretches of them that a tokenizer spells."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from headwidgets.tasks.item import Item, write
from headwidgets.tasks.lists import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwidgets.tasks.draw import Draw
    from headwidgets.tasks.words import Words

_DAYS = words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
_MONTHS = words("""
    January February March April May June July August September October November December
""")

SETS: dict[str, tuple[tuple[str, ...], bool]] = {
    "numbers": (tuple(str(i) for i in range(1, 201)), False),
    "number words": (
        words("""
            one two three four five six seven eight nine ten eleven twelve thirteen fourteen
            fifteen sixteen seventeen eighteen nineteen twenty
        """),
        False,
    ),
    "ordinals": (
        words("first second third fourth fifth sixth seventh eighth ninth tenth"),
        False,
    ),
    "days": (_DAYS, True),
    "months": (_MONTHS, True),
    "day prefixes": (tuple(day[:3] for day in _DAYS), True),
    "month prefixes": (tuple(month[:3] for month in _MONTHS), True),
    "letters": (tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), False),
}
"""The eight sets of Gould et al.: members without the space in front, and whether they wrap."""

_UNITS = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")
ROMAN = tuple(f"{'X' * (n // 10)}{_UNITS[n % 10]}" for n in range(1, 40))
"""I to XXXIX: a set that successor heads were not found on. Three of them are letters too."""


class Runs(NamedTuple):
    """What a tokenizer spells of a set.

    Attributes
    ----------
    members : tuple of str
    place : dict of str to int
        Of a member in its set, from 0.
    by_length : dict of int to tuple of tuple of str
        Stretches of so many members and the next.
    pairs : frozenset of (str, str)
        A member and the next.
    spelled : bool
        Whether there are any; else the stretches are such as end in a member that is cut.
    """

    members: tuple[str, ...]
    place: dict[str, int]
    by_length: dict[int, tuple[tuple[str, ...], ...]]
    pairs: frozenset[tuple[str, str]]
    spelled: bool


def stretches(members: Sequence[str], length: int, *, cyclic: bool) -> tuple[tuple[str, ...], ...]:
    """Return every stretch of `length` members in a row; round the end, if `cyclic`."""
    n = len(members)
    starts = range(n) if cyclic else range(n - length + 1)
    return tuple(tuple(members[(i + j) % n] for j in range(length)) for i in starts)


def runs_of(words: Words) -> dict[str, Runs]:
    """Return what a tokenizer spells of each set; to be asked by ``words.once(runs_of)``."""
    return {name: _runs(words, members, cyclic=cyclic) for name, (members, cyclic) in SETS.items()}


def _runs(words: Words, bare: Sequence[str], *, cyclic: bool) -> Runs:
    members = tuple(f" {member}" for member in bare)
    single = {member for member in members if words.count(member) == 1}
    every = {shown: stretches(members, shown + 1, cyclic=cyclic) for shown in (1, 2, 3)}
    spelled = any(single.issuperset(run) for run in every[3])

    def usable(run: tuple[str, ...]) -> bool:
        return single.issuperset(run) if spelled else run[-1] not in single

    by_length = {shown: tuple(filter(usable, some)) for shown, some in every.items()}
    return Runs(
        members=tuple(dict.fromkeys(member for run in by_length[3] for member in run)),
        place={member: i for i, member in enumerate(members)},
        by_length=by_length,
        pairs=frozenset((one, after) for one, after in by_length[1]),
        spelled=spelled,
    )


def continued(
    draw: Draw, runs: Runs, run: tuple[str, ...], key: tuple[object, ...], **others: str
) -> Item:
    """Return the item that shows `run` but for its last member.

    Parameters
    ----------
    draw : Draw
        Its template has a field {M1}, {M2} ... for each member shown.
    runs : Runs
        Corrupted members are drawn from it: none leads to the next, nor the last to the answer.
    run : tuple of str
        The members, the answer last.
    key : tuple
    **others : str
        Words for the template's other fields.
    """
    *shown, answer = run
    stray = draw.sample(runs.members, len(shown)) if runs.spelled else shown
    while runs.spelled and (
        answer in stray or stray[-1] == shown[-1] or not runs.pairs.isdisjoint(pairwise(stray))
    ):
        stray = draw.sample(runs.members, len(shown))
    marks = [f"M{i}" for i in range(1, len(run))]
    return Item(
        clean=write(draw.template, **dict(zip(marks, shown, strict=True)), **others),
        corrupted=write(draw.template, **dict(zip(marks, stray, strict=True)), **others),
        answer=answer,
        foil=shown[-1],
        key=key,
        chance=1 / len(runs.members),
        learned=tuple(marks[1:]),
        after=".",
    )
