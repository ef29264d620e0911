"""From a small graph to a sentence of its abstract (AGENDA: Koncel-Kedziorski et al. 2019)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headwidgets.tasks.cells import Cells, Read
from headwidgets.tasks.item import Item, join, marked, write
from headwidgets.tasks.lists import words
from headwidgets.tasks.registry import task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwidgets.tasks.draw import Draw

_ENTITIES = words("""
    attention search memory translation vision speech music planning language learning
    navigation recognition detection compression communication sampling research control
    classification prediction
""")
# A relation of the graph, and how the abstract puts it.
_KINDS = (
    ("USED-FOR", "This paper studies how{ASKED} is used for"),
    ("PART-OF", "Here{ASKED} is treated as a part of"),
    ("EVALUATE-FOR", "In our tests{ASKED} serves to evaluate"),
    ("HYPONYM-OF", "We describe{ASKED} as a kind of"),
)
_ALSO = (
    ("FEATURE-OF", "We describe{ASKED} as a feature of"),
    ("COMPARE", "This paper compares{ASKED} with"),
)


def _frame(relation: str, sentence: str) -> str:
    """Return a template: a title, four entities, two relations, an abstract up to a tail."""
    graph = f"{{H1}} {relation}{{T1}};{{H2}} {relation}{{T2}}"
    listed = "{E1};{E2};{E3};{E4}"
    return f"Title: On{{TITLE}}\nEntities:{listed}\nRelations:{graph}\nAbstract: {sentence}"


_TEMPLATES = tuple(_frame(*kind) for kind in _KINDS)
_HELD_OUT = tuple(_frame(*kind) for kind in _ALSO)


@task(
    name="agenda",
    title="AGENDA",
    group="common",
    asks="A graph says how two things relate: go on with the abstract that tells it.",
    example="Title: On vision Entities: search; music; vision; memory Relations: search USED-FOR "
    "vision; memory USED-FOR music Abstract: This paper studies how memory is used for → music",
    source="Koncel-Kedziorski et al. 2019, arXiv 1904.02342 (licence not found); graphs ours",
    templates=_TEMPLATES,
    held_out=_HELD_OUT,
    shown="the two relations exchange what they lead to",
    trained=False,
)
def agenda(draw: Draw) -> Item:
    """Draw one; the first and the second relation are asked for in turn.

    HEAD and TAIL are the relation asked for, HEAD2 and TAIL2 the other one.
    """
    head, tail, head2, tail2 = things = draw.sample(draw.words.single(_ENTITIES, least=4), 4)
    listed = dict(zip(("E1", "E2", "E3", "E4"), draw.sample(things, 4), strict=True))
    own, other = ("1", "2") if draw.turn % 2 == 0 else ("2", "1")
    template = draw.template
    for field, label in (("H", "HEAD"), ("T", "TAIL")):
        template = template.replace(f"{{{field}{own}}}", f"{{{label}}}")
        template = template.replace(f"{{{field}{other}}}", f"{{{label}2}}")
    given = {**listed, "TITLE": draw.pick(things), "HEAD": head, "HEAD2": head2, "ASKED": head}
    return Item(
        clean=write(template, **given, TAIL=tail, TAIL2=tail2),
        corrupted=write(template, **given, TAIL=tail2, TAIL2=tail),
        answer=tail,
        foil=tail2,
        key=(head, tail),
        options=tuple(things),
        after=".",
    )


COLUMNS = (("title",), ("entities",), ("relations",), ("abstract_og", "abstract"))


def read(cells: Cells, _others: Sequence[Cells]) -> Read | str:
    """Read a row of the benchmark: title, entities, relations, abstract_og (or abstract).

    The abstract is cut before the first entity that it names, which is the answer; the foil is
    another entity. A row that names none cannot be used: the text says so.
    """
    entities = cells.texts("entities")
    abstract = cells.text("abstract_og", "abstract")
    listed = {" ".join(one.lower().split()): one for one in entities}
    longest = sorted(listed, key=len, reverse=True)
    either = "|".join(re.escape(one).replace(r"\ ", r"\s+") for one in longest)
    found = re.search(rf"(?<!\w)(?:{either})(?!\w)", abstract, re.IGNORECASE)
    if found is None:
        return "the abstract names none of the entities"
    named = " ".join(found[0].lower().split())
    told = abstract[: found.start()].rstrip()
    head = write(
        "Title:{TITLE}\nEntities:{ENTITIES}\nRelations:{RELATIONS}\nAbstract:",
        TITLE=f" {cells.text('title')}",
        ENTITIES=f" {'; '.join(entities)}",
        RELATIONS=f" {'; '.join(_relations(cells))}",
    )
    clean = join(head, marked("ABSTRACT", f" {told}")) if told else head
    item = Item(clean, None, f" {found[0]}", "", key=(cells.place,))
    return Read(item, "agenda", tuple(f" {one}" for key, one in listed.items() if key != named))


def _relations(cells: Cells) -> tuple[str, ...]:
    """Return relations as ``head USED-FOR tail``; the benchmark parts them by dashes."""
    if not cells.get("relations"):
        return ("none",)
    return tuple(" ".join(one.replace(" -- ", " ").split()) for one in cells.texts("relations"))
