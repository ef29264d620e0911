"""Facts by relation (LRE: Hernandez et al. 2023, arXiv 2308.09124)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from headwidgets.tasks.item import Item, write
from headwidgets.tasks.registry import task
from headwidgets.tasks.words import LEAST

if TYPE_CHECKING:
    from headwidgets.tasks.draw import Draw
    from headwidgets.tasks.words import Words


class Relation(NamedTuple):
    """A relation, its sentences up to the answer, and its facts.

    Attributes
    ----------
    name : str
    templates : tuple of str
        Trained ones; the field is {S}, the subject.
    held_out : str
    facts : tuple of (str, str)
        Subject and what is asked for.
    """

    name: str
    templates: tuple[str, ...]
    held_out: str
    facts: tuple[tuple[str, str], ...]


def _facts(text: str) -> tuple[tuple[str, str], ...]:
    """Read "France Paris, Germany Berlin"."""
    pairs = (pair.split() for pair in text.split(","))
    return tuple((subject, found) for subject, found in pairs)


_CAPITALS = _facts("""
    France Paris, Germany Berlin, Spain Madrid, Italy Rome, England London, Russia Moscow,
    Japan Tokyo, China Beijing, Greece Athens, Poland Warsaw, Portugal Lisbon, Sweden Stockholm,
    Norway Oslo, Denmark Copenhagen, Turkey Ankara, Egypt Cairo
""")
_OPPOSITES = _facts("""
    big small, old new, black white, happy sad, hot cold, long short, day night, up down,
    first last
""")

RELATIONS = (
    Relation(
        "capital",
        (
            "The capital of{S} is",
            "In{S} the capital city is called",
            "They say that{S} has the capital",
            "The capital city of{S} is called",
            "In{S} they say that the capital is called",
        ),
        "In{S} the capital is",
        _CAPITALS,
    ),
    Relation(
        "country",
        (
            "The city of{S} is in",
            "People in{S} live in",
            "The city of{S} lies in",
            "In the city of{S} people live in",
        ),
        "People in the city of{S} live in",
        tuple((city, country) for country, city in _CAPITALS),
    ),
    Relation(
        "language",
        (
            "The language of{S} is",
            "In{S} most people speak",
            "The language in{S} is",
            "Most people in{S} speak",
            "In{S} the language is called",
        ),
        "In{S} the language is",
        _facts("""
            France French, Germany German, Spain Spanish, Italy Italian, England English,
            Russia Russian, Japan Japanese, China Chinese, Greece Greek, Poland Polish,
            Portugal Portuguese, Sweden Swedish, Norway Norwegian, Denmark Danish,
            Turkey Turkish, Egypt Arabic
        """),
    ),
    Relation(
        "color",
        (
            "The color of the{S} is",
            "Most people say that the{S} is",
            "The{S} has the color",
            "They say that the color of the{S} is",
            "They say that the{S} is",
        ),
        "Most people say that the color of the{S} is",
        _facts("""
            banana yellow, lemon yellow, sun yellow, grass green, leaf green, frog green,
            snow white, milk white, sheep white, blood red, cherry red, tomato red, sky blue,
            sea blue, coal black, night black, chocolate brown, wood brown
        """),
    ),
    Relation(
        "opposite",
        (
            "The opposite of{S} is",
            "If it is not{S}, it is",
            "It is not{S}: it is",
            "The opposite of the word{S} is",
            "They say that the opposite of{S} is",
        ),
        "If it is the opposite of{S}, it is",
        (*_OPPOSITES, *((other, one) for one, other in _OPPOSITES)),
    ),
    Relation(
        "past",
        (
            "Today I{S}, yesterday I",
            "The past of the word{S} is",
            "Today we{S}, yesterday we",
            "Today people{S}, and yesterday they",
            "Today they{S}, yesterday they",
        ),
        "Today people{S}, yesterday people",
        _facts("""
            go went, give gave, get got, take took, make made, see saw, come came, find found,
            tell told, run ran, sit sat, drink drank, ask asked, want wanted, like liked,
            look looked, walk walked, play played
        """),
    ),
    Relation(
        "kind",
        (
            "The{S} is a kind of",
            "By{S} we mean a kind of",
            "The word{S} means a kind of",
            "They say{S} and mean a kind of",
            "By the word{S} people mean a kind of",
        ),
        "By the word{S} we mean a kind of",
        _facts("""
            dog animal, cat animal, horse animal, cow animal, apple fruit, banana fruit,
            lemon fruit, cherry fruit, milk drink, water drink, tea drink, coffee drink,
            hat clothing, coat clothing, shirt clothing, shoe clothing, table furniture,
            chair furniture, bed furniture, desk furniture
        """),
    ),
    Relation(
        "letter",
        (
            "The word{S} begins with",
            "The first letter of{S} is",
            "The letter of the word{S} is",
            "The word{S} has the first letter",
            "They say that the first letter of{S} is",
        ),
        "The first letter of the word{S} is",
        _facts("""
            apple A, ball B, cat C, door D, fish F, girl G, hat H, key K, lamp L, milk M, night N,
            office O, park P, ring R, school S, table T, water W, year Y
        """),
    ),
    Relation(
        "work",
        (
            "The{S} works in the",
            "Every day the{S} goes to the",
            "The{S} goes to the",
            "They say that the{S} works in the",
            "Today the{S} works in the",
        ),
        "Every day the{S} works in the",
        _facts("""
            teacher school, cook kitchen, clerk office, gardener garden, doctor hospital,
            farmer farm, priest church, judge court, actor theater, banker bank,
            waiter restaurant, seller market, guard prison, pilot airport, librarian library,
            driver car
        """),
    ),
    Relation(
        "number",
        (
            "The number{S} is written",
            "Most people write{S} as",
            "The number{S} is",
            "Most people write the word{S} as",
            "They say that they write the number{S} as",
        ),
        "Most people write the number{S} as",
        _facts("""
            one 1, two 2, three 3, four 4, five 5, six 6, seven 7, eight 8, nine 9, ten 10,
            eleven 11, twelve 12, thirteen 13, fourteen 14, fifteen 15, sixteen 16,
            seventeen 17, eighteen 18, nineteen 19, twenty 20
        """),
    ),
)
"""Ten relations of 16 to 20 facts."""

_RELATION = {
    template: relation
    for relation in RELATIONS
    for template in (*relation.templates, relation.held_out)
}


class _Known(NamedTuple):
    """Facts of a relation, their different answers, and whether a tokenizer can spell them."""

    facts: tuple[tuple[str, str], ...]
    answers: tuple[str, ...]
    spelled: bool


@task(
    name="lre",
    title="Facts by relation",
    group="mechanism",
    asks="Complete a fact of one of ten relations, behind one or two others.",
    example="The capital of Italy is Rome. The capital of France is → Paris",
    source="Hernandez et al. 2023, arXiv 2308.09124 (repository MIT); facts and sentences ours",
    templates=tuple(template for relation in RELATIONS for template in relation.templates),
    held_out=tuple(relation.held_out for relation in RELATIONS),
    shown="the subject becomes another one of the relation, with another answer",
)
def lre(draw: Draw) -> Item:
    """Draw one: what may be new is the company a fact is in, never the fact."""
    relation = _RELATION[draw.template]
    known = draw.words.once(_known)[relation.name]
    shots = 1 + draw.turn % 2
    *shown, asked = draw.sample(known.facts, shots + 1)
    other = draw.pick(known.facts) if known.spelled else asked
    while other[1] == asked[1] and known.spelled:
        other = draw.pick(known.facts)
    template, answers = _behind(draw.template, shots)
    front = {f"X{i}": subject for i, (subject, _) in enumerate(shown, 1)}
    front |= {f"Y{i}": found for i, (_, found) in enumerate(shown, 1)}
    return Item(
        clean=write(template, **front, S=asked[0]),
        corrupted=write(template, **front, S=other[0]),
        answer=asked[1],
        foil=other[1],
        key=(relation.name, *(subject for subject, _ in shown), asked[0]),
        options=known.answers,
        learned=answers,
        after=".",
    )


@cache
def _behind(template: str, shots: int) -> tuple[str, tuple[str, ...]]:
    """Return the template behind solved copies of itself, and the labels of their answers."""
    numbers = range(1, shots + 1)
    front = [f"{template.replace('{S}', f'{{X{i}}}')}{{Y{i}}}." for i in numbers]
    return " ".join([*front, template]), tuple(f"Y{i}" for i in numbers)


def _known(words: Words) -> dict[str, _Known]:
    """Return the facts with answers of one token, and subjects of as many as most have.

    Where too few are left, those with the answers that are cut: make.py drops and names them.
    """
    found = {}
    for relation in RELATIONS:
        spaced = [(f" {subject}", f" {answer}") for subject, answer in relation.facts]
        single = [fact for fact in spaced if words.count(fact[1]) == 1]
        lengths = [words.count(subject) for subject, _ in single]
        most = max(sorted(set(lengths)), key=lengths.count, default=0)
        facts = [fact for fact, length in zip(single, lengths, strict=True) if length == most]
        spelled = len(facts) >= LEAST and len({answer for _, answer in facts}) > 1
        if not spelled:
            facts = [fact for fact in spaced if fact not in single] or spaced
        answers = tuple(dict.fromkeys(answer for _, answer in facts))
        found[relation.name] = _Known(tuple(facts), answers, spelled)
    return found
