"""Headlines and their topics (AG News: Zhang et al. 2015, arXiv 1509.01626)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.errors import InputError
from headwidgets.tasks.cells import Cells, Read
from headwidgets.tasks.item import Item, Written, join, marked, write
from headwidgets.tasks.lists import words
from headwidgets.tasks.registry import task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwidgets.tasks.draw import Draw
    from headwidgets.tasks.words import Words

TOPICS = ("World", "Sports", "Business", "Technology")
"""In the order of the benchmark's numbers, 0 to 3; its name of the last is Sci/Tech."""
_COUNTRIES = words("""
    France Germany Spain Italy England Russia Japan China Greece Poland Portugal Sweden Norway
    Turkey Egypt Canada India Brazil Mexico Australia
""")


def _read(text: str) -> tuple[str, ...]:
    """Read a headline a line; a space in front of each, which a country brings itself."""
    lines = [line.strip() for line in text.strip().splitlines()]
    return tuple(line if line.startswith("{") else f" {line}" for line in lines)


HEADLINES = {
    "World": _read("""
        {COUNTRY} and its neighbor sign a peace treaty
        Voters in{COUNTRY} choose a new prime minister
        Leaders of{COUNTRY} meet for talks about borders
        Thousands in{COUNTRY} march against the new law
        Rebels in{COUNTRY} agree to lay down arms
        Flood in{COUNTRY} forces many families from home
        President of{COUNTRY} resigns after weeks of protest
        Troops leave{COUNTRY} after years of civil war
        Envoys from{COUNTRY} ask for aid after earthquake
        Parliament of{COUNTRY} votes to end the monarchy
    """),
    "Sports": _read("""
        {COUNTRY} win the final with a late goal
        Goalkeeper of{COUNTRY} saves two penalties in final
        Runner from{COUNTRY} breaks the world marathon record
        Coach of{COUNTRY} names young team for tournament
        {COUNTRY} beat the champions after extra time again
        Swimmer from{COUNTRY} takes third gold at games
        Injured striker of{COUNTRY} will miss whole season
        Tennis star from{COUNTRY} reaches her first final
        Cyclist from{COUNTRY} keeps yellow jersey in mountains
        Fans in{COUNTRY} cheer as team wins cup
    """),
    "Business": _read("""
        Bank of{COUNTRY} raises interest rates once again
        Shares in{COUNTRY} fall as oil price climbs
        Airline from{COUNTRY} buys rival for two billion
        Factory orders in{COUNTRY} grow for third month
        Unemployment in{COUNTRY} drops to lowest since spring
        Retailer from{COUNTRY} reports record profit this quarter
        Carmaker in{COUNTRY} cuts jobs as sales slump
        Exports of{COUNTRY} rise on strong foreign demand
        Investors in{COUNTRY} sell stocks amid inflation fears
        Insurer from{COUNTRY} plans merger with smaller rival
    """),
    "Technology": _read("""
        Engineers in{COUNTRY} build a faster computer chip
        Browser from{COUNTRY} gets update against new virus
        Telescope in{COUNTRY} finds planet around nearby star
        Robot from{COUNTRY} learns to sort household waste
        Scientists in{COUNTRY} test software that reads handwriting
        Startup in{COUNTRY} shows phone with folding screen
        Satellite from{COUNTRY} sends first pictures of comet
        Researchers in{COUNTRY} print parts with new laser
        Hackers in{COUNTRY} steal passwords from online game
        Battery from{COUNTRY} charges a laptop in minutes
    """),
}
"""Ten headlines of a topic, eight words each, a country among them."""

_TEMPLATES = (
    "Article:{HEADLINE}\nTopic:",
    "Article:{HEADLINE}.\nThe topic of this article is",
    "News:{HEADLINE}\nTopic:",
    "News:{HEADLINE}.\nThis news is about",
)
_HELD_OUT = (
    "Article:{HEADLINE}.\nThis article is about",
    "News:{HEADLINE}.\nThe topic of this news is",
)


@task(
    name="agnews",
    title="AG News",
    group="common",
    asks="A headline: give its topic, one of four.",
    example="Article: Shares in Japan fall as oil price climbs Topic: → Business",
    source="Zhang et al. 2015, arXiv 1509.01626 (no known licence); headlines ours",
    templates=_TEMPLATES,
    held_out=_HELD_OUT,
    shown="the headline becomes one of another topic, the foil, about the same country",
    trained=False,
)
def agnews(draw: Draw) -> Item:
    """Draw one; the topics come in turn."""
    topics = draw.words.single(TOPICS, least=len(TOPICS))
    topic = draw.turn % len(TOPICS)
    headline, others = draw.pick(draw.words.once(_known)[topic])
    foil, other = draw.pick(others)
    country = draw.pick(draw.words.single(_COUNTRIES))
    return Item(
        clean=article(draw.template, write(headline, COUNTRY=country)),
        corrupted=article(draw.template, write(other, COUNTRY=country)),
        answer=topics[topic],
        foil=topics[foil],
        key=(headline, country),
        options=topics,
        after=".",
    )


def article(template: str, text: Written | str) -> Written:
    """Put a text, a space in front of it, into a template; label it HEADLINE."""
    before, _, after = template.partition("{HEADLINE}")
    return join(before, marked("HEADLINE", text), after)


def _known(words: Words) -> list[list[tuple[str, list[tuple[int, str]]]]]:
    """Return of each topic the headlines, each with those of other topics of as many tokens.

    Raises
    ------
    InputError
        If a topic has none.
    """
    sizes = {
        (topic, one): words.count(one.replace("{COUNTRY}", " France"))
        for topic, name in enumerate(TOPICS)
        for one in HEADLINES[name]
    }
    found: list[list[tuple[str, list[tuple[int, str]]]]] = [[] for _ in TOPICS]
    for (topic, one), size in sizes.items():
        others = [key for key, other in sizes.items() if other == size and key[0] != topic]
        if others:
            found[topic].append((one, others))
    if not all(found):
        lacking = TOPICS[found.index([])]
        message = (
            f"expected a headline about {lacking} of as many tokens as one of another topic, "
            "got none in this tokenizer"
        )
        raise InputError(message)
    return found


COLUMNS = (("text",), ("label",))


def read(cells: Cells, _others: Sequence[Cells]) -> Read:
    """Read a row of the benchmark: text, label (0 World, 1 Sports, 2 Business, 3 Sci/Tech)."""
    label = cells.label("label", (*TOPICS[:3], "Sci/Tech"))
    topics = tuple(f" {topic}" for topic in TOPICS)
    foil = (label + 1 + cells.number % 3) % len(topics)
    item = Item(
        clean=article(_TEMPLATES[0], f" {cells.text('text')}"),
        corrupted=None,
        answer=topics[label],
        foil=topics[foil],
        key=(cells.place,),
        options=topics,
    )
    return Read(item, "agnews")
