"""What is asked, frozen: prompts as tokens, edits, metric, reference, revision.

A run works on a snapshot, so that a state that changes meanwhile (a click during a busy
cell) can never mix two questions in one number.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headwidgets.errors import InputError
from headwidgets.methods.edits import read_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from headwidgets.methods.edits import At, Edit
    from headwidgets.methods.metric import Metric
    from headwidgets.methods.metrics import LogitDiff
    from headwidgets.model.engine import Engine

Ids = tuple[int, ...]


@dataclass(frozen=True)
class Pair:
    """A clean prompt and its partner, as token ids; `roles` name positions of the clean one."""

    clean: Ids
    corrupted: Ids | None = None
    roles: Mapping[str, int] = field(default_factory=dict)

    def ids(self, run: str) -> Ids:
        """Return the tokens of the clean or the corrupted run.

        Raises
        ------
        InputError
            If there is no corrupted prompt.
        """
        if run != "corrupted":
            return self.clean
        if self.corrupted is None:
            message = "there is no corrupted prompt: set s.corrupted_prompt (or prompts with one)"
            raise InputError(message)
        return self.corrupted

    @property
    def key(self) -> tuple[object, ...]:
        """What distinguishes this pair from others, hashable."""
        return self.clean, self.corrupted, tuple(sorted(self.roles.items()))


@dataclass(frozen=True)
class Snapshot:
    """One question, frozen.

    Attributes
    ----------
    pairs : tuple of Pair
    index : int
        The pair on screen.
    edits : tuple of Edit
    metric : Metric or None
        None: the answers of the set where it has them, else the clean run's first token
        against its second.
    answers : tuple of LogitDiff, optional
        Answer and foil of each pair, where the set has them.
    reference : tuple of Pair, optional
        What a mean is taken over.
    revision : int
    """

    pairs: tuple[Pair, ...]
    index: int = 0
    edits: tuple[Edit, ...] = ()
    metric: Metric | None = None
    answers: tuple[LogitDiff, ...] | None = None
    reference: tuple[Pair, ...] | None = None
    revision: int = 0

    @property
    def pair(self) -> Pair:
        """The pair on screen."""
        return self.pairs[self.index]

    @property
    def one_length(self) -> bool:
        """Whether all clean prompts have the same number of tokens."""
        return len({len(pair.clean) for pair in self.pairs}) == 1

    @property
    def base(self) -> str:
        """The run that the edits go into, "clean" or "corrupted".

        Raises
        ------
        InputError
            If some patches go into one run and some into the other.
        """
        into = {edit.into for edit in self.edits if edit.source == "patch"}
        if len(into) > 1:
            message = (
                "expected all patches to go into one run, got some into='clean' and some "
                "into='corrupted': remove the ones or the others"
            )
            raise InputError(message)
        return into.pop() if into else "clean"

    def batches(self, rows_of: Sequence[int] | None = None, limit: int = 64) -> Iterator[list[int]]:
        """Group the pairs into batches of one clean length, at most `limit` rows each."""
        groups: dict[tuple[int, int], list[int]] = {}
        for i in range(len(self.pairs)) if rows_of is None else rows_of:
            pair = self.pairs[i]
            lengths = len(pair.clean), len(pair.corrupted or ())
            groups.setdefault(lengths, []).append(i)
        for group in groups.values():
            for start in range(0, len(group), limit):
                yield group[start : start + limit]


def position(at: At, pair: Pair, *, one_length: bool) -> list[int]:
    """Return the token positions that `at` means in a pair.

    Raises
    ------
    InputError
        For a position or role that does not exist, and for an index where the prompts
        of the set differ in length; -1 is the end of each.
    """
    read = read_at(at)
    places = read if isinstance(read, tuple) else (read,)
    return [_one(place, pair, one_length=one_length) for place in places if place is not None]


def _one(place: int | str, pair: Pair, *, one_length: bool) -> int:
    length = len(pair.clean)
    if isinstance(place, str):
        known = {**pair.roles, "end": length - 1}
        if place in known:
            return known[place]
        message = f"no role {place!r} on these prompts; they have {', '.join(sorted(known))}"
        raise InputError(message)
    if place == -1:
        return length - 1
    if not one_length:
        message = (
            f"position {place} means another word in each prompt, for they differ in length: "
            "name a role instead, such as 'end'"
        )
        raise InputError(message)
    if -length <= place < length:
        return place % length
    message = f"no position {place}: the prompt has {length} tokens, 0 to {length - 1}"
    raise InputError(message)


def unaligned(pair: Pair) -> str:
    """Say why activations cannot be patched between the two runs of `pair`; "" if they can."""
    if pair.corrupted is None:
        return "no corrupted prompt"
    if len(pair.clean) == len(pair.corrupted):
        return ""
    return f"{len(pair.clean)} and {len(pair.corrupted)} tokens"


def first_difference(engine: Engine, pair: Pair) -> str:
    """Say where the two prompts of `pair`, laid token on token, first differ."""
    both = pair.clean, pair.ids("corrupted")
    same = zip(*both, strict=False)
    first = next((i for i, (a, b) in enumerate(same) if a != b), min(map(len, both)))
    shown = [engine.text.shown(ids) for ids in both]
    pieces = [repr(p[first]) if first < len(p) else "nothing" for p in shown]
    return f"they first differ at position {first}: {pieces[0]} and {pieces[1]}"


def require_aligned(engine: Engine, snapshot: Snapshot, what: str, instead: str) -> None:
    """Refuse a set whose runs do not correspond position by position.

    Parameters
    ----------
    engine : Engine
        Its tokens show where two prompts part.
    what : str
        What needs it, as a sentence begins: "a patch sweep needs".
    instead : str
        What can be done.

    Raises
    ------
    InputError
        With the first prompt that has no partner of its length.
    """
    for i, pair in enumerate(snapshot.pairs):
        why = unaligned(pair)
        if why:
            where = f" ({first_difference(engine, pair)})" if pair.corrupted is not None else ""
            message = (
                f"{what} a corrupted prompt of the same length for every clean one; prompt {i} "
                f"has {why}{where}: {instead}"
            )
            raise InputError(message)
