"""Questions with four options (MMLU: Hendrycks et al. 2021, arXiv 2009.03300)."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, NamedTuple

from headwidgets.tasks.cells import Cells, Read
from headwidgets.tasks.item import Item, Written, write
from headwidgets.tasks.registry import task
from headwidgets.tasks.words import CutWordsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwidgets.tasks.draw import Draw
    from headwidgets.tasks.words import Words


class Area(NamedTuple):
    """What is asked for: two ways to ask, with the field {SUBJECT}, and facts: subject, answer."""

    name: str
    asks: str
    also: str
    facts: tuple[tuple[str, str], ...]


def _facts(text: str) -> tuple[tuple[str, str], ...]:
    """Read "France Paris, Germany Berlin"."""
    pairs = (pair.split() for pair in text.split(","))
    return tuple((f" {subject}", f" {found}") for subject, found in pairs)


AREAS = (
    Area(
        "arithmetic",
        "What is{SUBJECT}?",
        "Which number is{SUBJECT}?",
        tuple((f" {x} plus {y}", f" {x + y}") for x in range(1, 10) for y in range(1, 10)),
    ),
    Area(
        "colours",
        "What color is{SUBJECT}?",
        "Which color does{SUBJECT} have?",
        _facts("""
            grass green, spinach green, snow white, milk white, salt white, blood red,
            ketchup red, coal black, tar black, chocolate brown, mud brown, butter yellow,
            corn yellow, cement gray, ash gray
        """),
    ),
    Area(
        "capitals",
        "What is the capital of{SUBJECT}?",
        "Which city is the capital of{SUBJECT}?",
        _facts("""
            France Paris, Germany Berlin, Spain Madrid, Italy Rome, Russia Moscow, Japan Tokyo,
            China Beijing, Greece Athens, Poland Warsaw, Portugal Lisbon, Sweden Stockholm,
            Norway Oslo, Austria Vienna, Ireland Dublin, Hungary Budapest, Egypt Cairo,
            Cuba Havana, Peru Lima, Kenya Nairobi, Canada Ottawa
        """),
    ),
    Area(
        "animals",
        "What is a young{SUBJECT} called?",
        "Which is the name of a young{SUBJECT}?",
        _facts("""
            dog puppy, cat kitten, cow calf, sheep lamb, horse foal, pig piglet, goat kid,
            bear cub, duck duckling, deer fawn, swan cygnet, goose gosling, frog tadpole
        """),
    ),
)

LABELS = ("A", "B", "C", "D")
_OPTIONS = "".join(f"\n{{{label}}}.{{OPTION_{label}}}" for label in LABELS)
_ASKED = _OPTIONS + "\nAnswer:"
_OF = {f"{area.asks}{_ASKED}": area for area in AREAS}
_OF |= {f"Question: {area.asks}{_ASKED}": area for area in AREAS}
_TEMPLATES = tuple(_OF)
_HELD_OUT = tuple(f"{area.also}{_ASKED}" for area in AREAS)
_OF |= {f"{area.also}{_ASKED}": area for area in AREAS}
ORDERS = tuple(
    (right, *((right + step) % len(LABELS) for step in steps))
    for steps in permutations(range(1, len(LABELS)))
    for right in range(len(LABELS))
)
"""Where the right option stands, the foil and the other two; in any four, right ones anywhere."""


@task(
    name="mmlu",
    title="MMLU",
    group="common",
    asks="A question of general knowledge, four options: give the right letter.",
    example="What is the capital of France? A. Rome B. Paris C. Oslo D. Lima Answer: → B",
    source="Hendrycks et al. 2021, arXiv 2009.03300 (MIT); questions ours",
    templates=_TEMPLATES,
    held_out=_HELD_OUT,
    shown="the question is about something else, and the foil is right",
    trained=False,
)
def mmlu(draw: Draw) -> Item:
    """Draw one; 24 in turn have every order of the four options.

    Labels are as in the task "options": A to D, OPTION_A to OPTION_D, and the right pair is
    LABEL and OPTION too; SUBJECT is what is asked about.
    """
    letters = draw.words.single(LABELS, least=len(LABELS))
    area = _OF[draw.template]
    facts, answers = draw.words.once(_known)[area.name]
    asked, other = draw.sample(facts, 2)
    while other[1] == asked[1]:
        other = draw.pick(facts)
    rest = [one for one in draw.sample(answers, 4) if one not in (asked[1], other[1])]
    contents = [""] * len(LABELS)
    order = draw.turned(ORDERS)
    for place, content in zip(order, (asked[1], other[1], *rest), strict=False):
        contents[place] = content
    right, foil, *_ = order
    return Item(
        clean=posed(draw.template, contents, right, SUBJECT=asked[0]),
        corrupted=posed(draw.template, contents, right, SUBJECT=other[0]),
        answer=letters[right],
        foil=letters[foil],
        key=(asked[0], *sorted(contents)),
        options=letters,
        after=".",
    )


def posed(template: str, contents: Sequence[str], right: int, **words: str) -> Written:
    """Write a question with its options, each with a leading space; label all of them."""
    options = dict(zip(_FIELDS, contents, strict=True))
    text, marks = write(template, **words, **_LETTERS, **options)
    return Written(text, marks | {"LABEL": marks[LABELS[right]], "OPTION": marks[_FIELDS[right]]})


_FIELDS = tuple(f"OPTION_{label}" for label in LABELS)
_LETTERS = {label: label for label in LABELS}


def _known(words: Words) -> dict[str, tuple[list[tuple[str, str]], tuple[str, ...]]]:
    """Return of each area the facts with subjects of the commonest length, and all answers."""
    found = {}
    for area in AREAS:
        lengths = [words.count(subject) for subject, _ in area.facts]
        most = max(sorted(set(lengths)), key=lengths.count)
        facts = [fact for fact, size in zip(area.facts, lengths, strict=True) if size == most]
        if len({answer for _, answer in facts}) < 2:  # noqa: PLR2004 - the answer and the foil
            raise CutWordsError([subject for subject, _ in area.facts], len(facts), 2, words)
        found[area.name] = facts, tuple(dict.fromkeys(answer for _, answer in area.facts))
    return found


COLUMNS = (("question",), ("choices",), ("answer",))


def read(cells: Cells, _others: Sequence[Cells]) -> Read:
    """Read a row of the benchmark: question, four choices, answer (0 to 3 or A to D).

    The foil is the wrong choice most like the right one in length; in the corrupted prompt
    the two change places.
    """
    choices = cells.texts("choices")
    if len(choices) != len(LABELS):
        cells.refuse("choices", f"a list of {len(LABELS)} texts")
    right = cells.label("answer", LABELS)
    wrong = [i for i in range(len(LABELS)) if i != right]
    foil = min(wrong, key=lambda i: abs(len(choices[i]) - len(choices[right])))
    contents = [f" {choice}" for choice in choices]
    swapped = list(contents)
    swapped[right], swapped[foil] = contents[foil], contents[right]
    letters = tuple(f" {label}" for label in LABELS)
    template, question = "{QUESTION}" + _ASKED, cells.text("question")
    item = Item(
        clean=posed(template, contents, right, QUESTION=question),
        corrupted=posed(template, swapped, right, QUESTION=question),
        answer=letters[right],
        foil=letters[foil],
        key=(cells.place,),
        options=letters,
    )
    return Read(item, str(cells.get("subject") or "mmlu"))
