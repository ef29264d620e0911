"""Few-shot pairs: one task a set, shown by examples alone (for function vectors)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from headwidgets.errors import InputError
from headwidgets.tasks.bilingual import PAIRS
from headwidgets.tasks.few_shot import HELD_OUT, KINDS, SHOTS, TEMPLATES
from headwidgets.tasks.item import Item, write
from headwidgets.tasks.lre import RELATIONS
from headwidgets.tasks.registry import task
from headwidgets.tasks.series import SETS

if TYPE_CHECKING:
    from headwidgets.tasks.draw import Draw
    from headwidgets.tasks.words import Words


class Sorting(NamedTuple):
    """Words of two kinds, each with a label: kinds and labels, in one order."""

    kinds: tuple[str, str]
    labels: tuple[str, str]


SORTINGS = {
    f"{one} {x}, {two} {y}": Sorting((one, two), (x, y))
    for one, two, first, second in (
        ("animal", "colour", "foo", "bar"),
        ("name", "place", "yes", "no"),
        ("day", "person", "up", "down"),
    )
    for x, y in ((first, second), (second, first))
}
"""Tasks whose answer is one of two labels; each beside the one with the labels exchanged."""
_FACTS = {one.name: one.facts for one in RELATIONS}
_NUMBERS = SETS["number words"][0]
MAPPINGS = {
    "capital": _FACTS["capital"],
    "language": _FACTS["language"],
    "opposite": _FACTS["opposite"],
    "past tense": _FACTS["past"],
    "English to French": PAIRS,
    "French to English": tuple((french, english) for english, french in PAIRS),
    "next number": tuple(pairwise(_NUMBERS)),
    "number before": tuple(pairwise(reversed(_NUMBERS))),
}
"""Tasks that give each word an answer of its own."""
SHOWN = (*SORTINGS, *MAPPINGS)
_OF_KIND = 3
"""Words of a kind that a prompt may need."""
ROLES = tuple(f"L{i}" for i in range(1, SHOTS + 1))
"""Roles of the examples' answers."""


@task(
    name="few-shot pairs",
    title="Few-shot pairs",
    group="heads",
    asks="Four words and their answers show a task: give the answer of a fifth word.",
    example="Words: France : Paris. Spain : Madrid. Italy : Rome. Japan : Tokyo. Poland : → Warsaw",
    source="The kind of task of Todd et al. 2023, arXiv 2310.15213; words and frames ours",
    templates=TEMPLATES,
    held_out=HELD_OUT,
    shown="the examples' answers are shuffled, so that they show nothing; the answer stays",
    trained=False,
    kinds=SHOWN,
)
def few_shot_pairs(draw: Draw, kind: str = "") -> Item:
    """Draw one of the tasks in turn, or of the one that is named: ``"few-shot pairs: capital"``.

    Shuffled answers of a mapping go round, so that none is right. Of two labels each kind of
    word gets both once, so that neither is more often right.
    """
    usable = (kind,) if kind else draw.words.once(_usable)
    name = draw.turned(usable)
    shown = _sorted if name in SORTINGS else _mapped
    return _item(draw, name, shown(draw, name, draw.turn // len(usable)))


class _Drawn(NamedTuple):
    """Four words with right answers and shuffled ones, a fifth with its answer, the options."""

    words: tuple[str, ...]
    right: tuple[str, ...]
    shuffled: tuple[str, ...]
    asked: tuple[str, str]
    options: tuple[str, ...]


def _sorted(draw: Draw, name: str, turn: int) -> _Drawn:
    """Draw two words of each kind in any order, and one more of the kinds in turn."""
    kinds, names = SORTINGS[name]
    labels = draw.words.single(names, least=2)
    pools = [
        draw.sample(draw.words.single(KINDS[kind], least=_OF_KIND), _OF_KIND) for kind in kinds
    ]
    asked = turn % 2
    query = pools[asked].pop()
    shots = draw.sample([(word, which) for which in (0, 1) for word in pools[which][:2]], SHOTS)
    first, seen = int(draw.rng.random() * 2), [0, 0]
    shuffled = []
    for _, which in shots:
        shuffled.append(labels[(first + which + seen[which]) % 2])
        seen[which] += 1
    words = tuple(word for word, _ in shots)
    right = tuple(labels[which] for _, which in shots)
    return _Drawn(words, right, tuple(shuffled), (query, labels[asked]), labels)


def _mapped(draw: Draw, name: str, _turn: int) -> _Drawn:
    """Draw five words whose answers are all different."""
    pairs = draw.words.pairs(MAPPINGS[name], least=SHOTS + 1)
    drawn = {answer: word for word, answer in draw.sample(pairs, len(pairs))}
    if len(drawn) <= SHOTS:
        message = f"expected {SHOTS + 1} different answers of {name!r}, got {len(drawn)}"
        raise InputError(message)
    (answer, query), *shots = list(drawn.items())[: SHOTS + 1]
    right, words = zip(*shots, strict=True)
    return _Drawn(words, right, (*right[1:], right[0]), (query, answer), (answer, *right))


def _item(draw: Draw, name: str, drawn: _Drawn) -> Item:
    """Write the prompt, with the examples' answers right and shuffled."""
    answer = drawn.asked[1]
    words = {f"X{i}": word for i, word in enumerate(drawn.words, 1)} | {"ASKED": drawn.asked[0]}
    clean, corrupted = (
        write(draw.template, **words, **dict(zip(ROLES, labels, strict=True)))
        for labels in (drawn.right, drawn.shuffled)
    )
    return Item(
        clean=clean,
        corrupted=corrupted,
        answer=answer,
        foil=next(one for one in drawn.options if one != answer),
        key=(name, *words.values()),
        options=drawn.options,
        after=".",
    )


def _usable(words: Words) -> tuple[str, ...]:
    """Return the tasks of which a tokenizer has words enough, each of one token.

    Raises
    ------
    InputError
        If there is none.
    """
    found = []
    for name in SHOWN:
        if name in MAPPINGS:
            answers = {answer for _, answer in words.pairs(MAPPINGS[name], least=0)}
            enough = len(answers) > SHOTS
        else:
            kinds, labels = SORTINGS[name]
            enough = len(words.single(labels, least=0)) == len(labels) and all(
                len(words.single(KINDS[kind], least=0)) >= _OF_KIND for kind in kinds
            )
        if enough:
            found.append(name)
    if not found:
        message = f"expected a task of which words and answers are one token each, of {SHOWN}"
        raise InputError(message)
    return tuple(found)
