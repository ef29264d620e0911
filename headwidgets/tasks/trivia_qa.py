"""Questions about facts that are read (TriviaQA: Joshi et al. 2017, arXiv 1705.03551)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.tasks.cells import Cells, Read
from headwidgets.tasks.item import Item, write
from headwidgets.tasks.lists import COLOURS, NAMES, PLACES, words
from headwidgets.tasks.registry import task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwidgets.tasks.draw import Draw

_CITIES = words("Paris London Rome Berlin Madrid Tokyo Moscow Athens Cairo Oslo Lisbon Warsaw")
_ANIMALS = words("dog cat bird fish horse cow sheep rabbit")
_DAYS = words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")

# What is told of two people, what is asked of one, and from which words.
_KINDS = (
    ("{WHO} was born in{FACT}.", "Where was{ASKED} born?", _CITIES),
    ("{WHO} works in the{FACT}.", "In which place does{ASKED} work?", PLACES),
    ("{WHO} has a{FACT} at home.", "Which animal does{ASKED} have?", _ANIMALS),
    ("{WHO} likes the color{FACT}.", "Which color does{ASKED} like?", COLOURS),
)
_ALSO = (
    ("{WHO} lives in{FACT}.", "In which city does{ASKED} live?", _CITIES),
    ("{WHO} was born on a{FACT}.", "On which day was{ASKED} born?", _DAYS),
)


def _frame(told: str, asked: str) -> str:
    """Return a template: {WHO1} with {FACT1}, {WHO2} with {FACT2}, and {ASKED}."""
    told = told.replace("{WHO}", "{WHO1}").replace("{FACT}", "{FACT1}")
    also = told.replace("1}", "2}")
    return f"Context:{told}{also}\nQ: {asked}\nA:"


_OF = {_frame(told, asked): words for told, asked, words in (*_KINDS, *_ALSO)}
_TEMPLATES = tuple(_frame(told, asked) for told, asked, _ in _KINDS)
_HELD_OUT = tuple(_frame(told, asked) for told, asked, _ in _ALSO)


@task(
    name="triviaqa",
    title="TriviaQA",
    group="common",
    asks="A text tells something of two people: answer what is asked about one of them.",
    example="Context: Mary was born in Rome. John was born in Cairo. Q: Where was John born? A: "
    "→ Cairo",
    source="Joshi et al. 2017, arXiv 1705.03551 (code Apache-2.0, texts mixed); texts ours",
    templates=_TEMPLATES,
    held_out=_HELD_OUT,
    shown="the question is about the other person",
    trained=False,
)
def triviaqa(draw: Draw) -> Item:
    """Draw one; the first and the second person are asked about in turn.

    WHO and FACT are the person asked about and the answer in the text, OTHER and FOIL the
    other person and what is told of that one.
    """
    people = draw.sample(draw.words.single(NAMES), 2)
    facts = draw.sample(draw.words.single(_OF[draw.template]), 2)
    asked = draw.turn % 2
    labels = (("WHO", "FACT"), ("OTHER", "FOIL"))
    template = draw.template
    given: dict[str, str] = {}
    for i in range(2):
        who, fact = labels[i != asked]
        template = template.replace(f"{{WHO{i + 1}}}", f"{{{who}}}")
        template = template.replace(f"{{FACT{i + 1}}}", f"{{{fact}}}")
        given |= {who: people[i], fact: facts[i]}
    return Item(
        clean=write(template, **given, ASKED=people[asked]),
        corrupted=write(template, **given, ASKED=people[1 - asked]),
        answer=facts[asked],
        foil=facts[1 - asked],
        key=(people[asked], facts[asked]),
        options=(facts[asked], facts[1 - asked]),
        after=".",
    )


COLUMNS = (("question",), ("answer",))


def read(cells: Cells, others: Sequence[Cells]) -> Read:
    """Read a row of the benchmark: question, answer (a text, or value with aliases).

    Nothing is told: the question alone is asked. The foil is the answer to another row.
    """
    names = _names(cells)
    item = Item(
        clean=write("Q:{QUESTION}\nA:", QUESTION=f" {cells.text('question')}"),
        corrupted=None,
        answer=f" {names[0]}",
        foil="",
        key=(cells.place,),
    )
    same = {name.lower() for name in names}
    foils = tuple(f" {value}" for value, *_ in map(_names, others) if value.lower() not in same)
    return Read(item, "triviaqa", foils)


def _names(cells: Cells) -> list[str]:
    """Return the answer of a row, and what else it is called."""
    found = cells.values.get("answer")
    if isinstance(found, str) and found.strip()[:1] != "{":
        return [cells.text("answer")]
    given = {name.lower(): value for name, value in cells.mapping("answer").items()}
    names = [given.get("value"), *(given.get("aliases") or ())]
    if isinstance(names[0], str) and names[0].strip():
        return [name.strip() for name in names if isinstance(name, str)]
    return cells.refuse("answer", "a text, or a value with aliases")
