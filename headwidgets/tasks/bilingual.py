"""Bilingual pairs: English words and their French ones, with two examples in front."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.tasks.item import Item, write
from headwidgets.tasks.registry import task

if TYPE_CHECKING:
    from headwidgets.tasks.draw import Draw

# Without accents: more tokenizers have them as one token.
PAIRS = (
    ("dog", "chien"),
    ("cat", "chat"),
    ("bird", "oiseau"),
    ("fish", "poisson"),
    ("man", "homme"),
    ("woman", "femme"),
    ("girl", "fille"),
    ("friend", "ami"),
    ("sun", "soleil"),
    ("house", "maison"),
    ("city", "ville"),
    ("door", "porte"),
    ("book", "livre"),
    ("tree", "arbre"),
    ("flower", "fleur"),
    ("water", "eau"),
    ("milk", "lait"),
    ("day", "jour"),
    ("night", "nuit"),
    ("hat", "chapeau"),
)
"""English and French, twenty of each."""

_TEMPLATES = (
    "English{E1} is French{F1}. English{E2} is French{F2}. English{ASKED} is French",
    "In French,{E1} is{F1},{E2} is{F2}, and{ASKED} is",
    "French for{E1} is{F1}. French for{E2} is{F2}. French for{ASKED} is",
    "English{E1}, French{F1}. English{E2}, French{F2}. English{ASKED}, French",
)
_HELD_OUT = (
    "French for{E1} is{F1}, for{E2} is{F2}, and for{ASKED} is",
    "In French, English{E1} is{F1}. In French, English{E2} is{F2}. In French, English{ASKED} is",
)


@task(
    name="bilingual pairs",
    title="Bilingual pairs",
    group="heads",
    asks="Two English words stand beside their French ones: give the French of a third.",
    example="English dog is French chien. English cat is French chat. "
    "English sun is French → soleil",
    source="The kind of task of Todd et al. 2023, arXiv 2310.15213; pairs and sentences ours",
    templates=_TEMPLATES,
    held_out=_HELD_OUT,
    shown="another English word is asked for",
)
def bilingual_pairs(draw: Draw) -> Item:
    """Draw one; the pairs are known, what is new is which two stand in front of the third."""
    one, two, asked, other = draw.sample(draw.words.pairs(PAIRS), 4)
    words = {"E1": one[0], "F1": one[1], "E2": two[0], "F2": two[1]}
    return Item(
        clean=write(draw.template, **words, ASKED=asked[0]),
        corrupted=write(draw.template, **words, ASKED=other[0]),
        answer=asked[1],
        foil=other[1],
        key=(one[0], two[0], asked[0]),
        options=(asked[1], other[1], one[1], two[1]),
        learned=("F1", "F2"),
        after=".",
    )
