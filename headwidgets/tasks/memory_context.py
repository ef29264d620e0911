"""Memory against context: a known fact, and a prompt that says otherwise."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from headwidgets.tasks.item import Item, write
from headwidgets.tasks.lre import RELATIONS
from headwidgets.tasks.registry import task
from headwidgets.tasks.words import LEAST, CutWordsError

if TYPE_CHECKING:
    from headwidgets.tasks.draw import Draw
    from headwidgets.tasks.words import Words

_FACTS = {relation.name: relation.facts for relation in RELATIONS}
_SAID = {
    "the capital of": _FACTS["capital"],
    "the language of": _FACTS["language"],
    "the color of the": _FACTS["color"],
}
"""What is said of a subject, and the facts that a model knows."""

_TEMPLATES = (
    "In this story FACT{SUBJECT} is{CONTEXT}. FACT{ASKED} is",
    "The story says that FACT{SUBJECT} is{CONTEXT}. FACT{ASKED} is",
    "Today FACT{SUBJECT} is{CONTEXT}. FACT{ASKED} is",
    "Now FACT{SUBJECT} is{CONTEXT}, so FACT{ASKED} is",
)
_HELD_OUT = (
    "In this story FACT{SUBJECT} is{CONTEXT}, so FACT{ASKED} is",
    "The story says that FACT{SUBJECT} is{CONTEXT}, so FACT{ASKED} is",
)


@task(
    name="memory context",
    title="Memory against context",
    group="heads",
    asks="The prompt says other than what is known: answer as the prompt says.",
    example="In this story the capital of France is Rome. The capital of France is → Rome",
    source="As in Jin et al. 2024, arXiv 2402.18154, and Yu et al. 2023, arXiv 2310.15910; facts "
    "and sentences ours",
    templates=_TEMPLATES,
    held_out=_HELD_OUT,
    shown="the context says what is known, the foil: nothing speaks for the answer",
)
def memory_context(draw: Draw) -> Item:
    """Draw one; the facts are those of the task "lre", what is new is what the prompt says."""
    said, facts = draw.pick(draw.words.once(_usable))
    subject, memory = draw.pick(facts)
    context = memory
    while context == memory:
        context = draw.pick(facts)[1]
    template = _about(draw.template, said)
    return Item(
        clean=write(template, SUBJECT=subject, CONTEXT=context, ASKED=subject),
        corrupted=write(template, SUBJECT=subject, CONTEXT=memory, ASKED=subject),
        answer=context,
        foil=memory,
        key=(subject, context),
        options=(context, memory),
        after=".",
    )


@lru_cache(maxsize=256)
def _about(template: str, said: str) -> str:
    """Return the template with what is said, in capitals where a sentence begins."""
    return template.replace(". FACT", f". T{said[1:]}").replace("FACT", said)


def _usable(words: Words) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """Return what can be said, with the facts whose words are one token each."""
    spelled = {said: words.pairs(facts, least=0) for said, facts in _SAID.items()}
    some = [
        (said, facts)
        for said, facts in spelled.items()
        if len(facts) >= LEAST and len({answer for _, answer in facts}) > 1
    ]
    if not some:
        asked = [word for facts in _SAID.values() for fact in facts for word in fact]
        left = sum(len(facts) for facts in spelled.values())
        raise CutWordsError(asked, left, LEAST, words)
    return tuple(some)
