"""Stories of two people with a mood (ToyMoodStories: Tigges et al. 2023, arXiv 2310.15154)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.tasks.item import Item, write
from headwidgets.tasks.lists import NAMES, words
from headwidgets.tasks.registry import task

if TYPE_CHECKING:
    from headwidgets.tasks.draw import Draw

_THINGS = words("parties games stories movies songs books dogs flowers")
_VERBS = (("loves", "hates"), ("likes", "dislikes"), ("enjoys", "avoids"))
_MOODS = (("happy", "sad"),)

_TEMPLATES = (
    "My friend{N1}{V1}{X1}, and{N2}{V2} them. One day, they were shown some{X2}.{Q} feels very",
    "Once,{N1} and{N2} met.{N1b}{V1}{X1}.{N2b}{V2}{X2}. Now there are some here.{Q} is",
    "The story says that{N1}{V1}{X1} and that{N2}{V2}{X2}. Then they saw some.{Q} was very",
    "We know that{N1}{V1}{X1}. We know that{N2}{V2}{X2}. Now they see some, so{Q} feels",
    "Today{N1}{V1}{X1}.{N2}{V2}{X2}. Now they see some, so{Q} is",
    "My friend{N1}{V1}{X1}, and{N2}{V2} them. Now there are some{X2} here.{Q} feels",
    "Today{N1}{V1}{X1}, and{N2}{V2} them. Then they were shown some{X2}, so{Q} was very",
    "The story says that{N1}{V1}{X1}, and that{N2}{V2}{X2}. One day, they saw some.{Q} was",
)
_HELD_OUT = (
    "The story says that{N1}{V1}{X1}, and{N2}{V2} them. One day, they saw some{X2}.{Q} feels very",
    "We know that{N1}{V1}{X1} and that{N2}{V2}{X2}. Now there are some here.{Q} is very",
    "My friend{N1}{V1}{X1}.{N2}{V2}{X2}. Then they were shown some, so{Q} was",
)


@task(
    name="toy mood story",
    title="ToyMoodStory",
    group="mechanism",
    asks="One loves what the other hates, and they meet it: how does one of them feel?",
    example="We know that Mary loves songs. We know that John hates songs. Now they see some, so "
    "John feels → sad",
    source="Tigges et al. 2023, arXiv 2310.15154 (repository MIT); words and sentences ours",
    templates=_TEMPLATES,
    held_out=_HELD_OUT,
    shown="loving and hating change places",
)
def toy_mood_story(draw: Draw) -> Item:
    """Draw one; who loves and who is asked for come in turn."""
    one, two = draw.sample(draw.words.single(NAMES), 2)
    thing = draw.pick(draw.words.single(_THINGS))
    verbs = draw.pick(draw.words.pairs(_VERBS, least=1))
    moods = draw.words.pairs(_MOODS, least=1)[0]
    first, asked = draw.turn % 2, draw.turn // 2 % 2
    mood = (first + asked) % 2
    other = (one, two)[1 - asked]
    said = {one: verbs[first], two: verbs[1 - first]}
    fields = {"N1": one, "N2": two, "X1": thing, "X2": thing, "Q": (one, two)[asked]}
    if "{N1b}" in draw.template:
        fields |= {"N1b": one, "N2b": two}
    return Item(
        clean=write(draw.template, **fields, V1=verbs[first], V2=verbs[1 - first]),
        corrupted=write(draw.template, **fields, V1=verbs[1 - first], V2=verbs[first]),
        answer=moods[mood],
        foil=moods[1 - mood],
        key=tuple(sorted((one, two))),
        options=(moods[mood], moods[1 - mood]),
        learned=("V2", "X2"),
        after=".",
        more=(
            *((f".{who}", said[who]) for who in draw.sample((one, two), 2)),
            *draw.further([(other, moods[1 - mood])], ".{Q} feels", "{Q}"),
        ),
    )
