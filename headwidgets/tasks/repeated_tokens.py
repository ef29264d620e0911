"""Repeated random tokens: a block, and the block again (for induction heads)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.errors import InputError
from headwidgets.tasks.item import Item, Spelled
from headwidgets.tasks.registry import task

if TYPE_CHECKING:
    from headwidgets.tasks.draw import Draw


def _named(lengths: tuple[int, ...]) -> dict[str, int]:
    return {f"a block of {length} random tokens, twice": length for length in lengths}


_TRAINED = _named((4, 5, 6, 8, 9, 10, 12, 14, 16, 18, 20, 22, 24))
_HELD_OUT = _named((7, 13, 19))
_LENGTHS = _TRAINED | _HELD_OUT
_LONGEST = max(_LENGTHS.values())


@task(
    name="repeated random tokens",
    title="Repeated random tokens",
    group="heads",
    asks="Random tokens come once, and once more in the same order: give the next.",
    example="river two park blue Anna river two park → blue",
    source="Elhage et al. 2021 and Olsson et al. 2022, arXiv 2209.11895",
    templates=tuple(_TRAINED),
    held_out=tuple(_HELD_OUT),
    shown="the first copy is shuffled, and another token follows the cue in it",
)
def repeated_random_tokens(draw: Draw) -> Item:
    """Draw one: it ends at any token of the second copy but the last.

    Every token of the second copy follows from the first copy, except for its first: nothing
    says when the block begins again.
    """
    length = _LENGTHS[draw.template]
    block = _block(draw, length)
    at = 1 + int(draw.rng.random() * (length - 1))
    cue, answer = block[at - 1], block[at]
    foil, *rest = draw.sample([token for token in block if token != cue], length - 1)
    if foil == answer:
        foil, rest = rest[0], [foil, *rest[1:]]
    cut = int(draw.rng.random() * (length - 1))
    shuffled = [*rest[:cut], cue, foil, *rest[cut:]]
    second = block[:at]
    marks = {"CUE1": (at - 1, at), "ANSWER1": (at, at + 1), "CUE2": (length + at - 1, length + at)}
    if at > 1:
        marks["COPY"] = (length + 1, length + at)
    return Item(
        clean=Spelled((*block, *second), marks),
        corrupted=Spelled((*shuffled, *second), {}),
        answer=answer,
        foil=foil,
        key=(cue, answer),
        chance=1 / len(draw.words.ids),
        learned=("COPY",) if at > 1 else (),
    )


def _block(draw: Draw, length: int) -> list[int]:
    ids = draw.words.ids
    if len(ids) < _LONGEST:
        message = f"expected at least {_LONGEST} tokens that are a whole word, got {len(ids)}"
        raise InputError(message)
    return draw.sample(ids, length)
