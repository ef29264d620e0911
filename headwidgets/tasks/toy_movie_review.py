"""Reviews with a verdict (ToyMovieReview: Tigges et al. 2023, arXiv 2310.15154)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.tasks.item import Item, combined, write
from headwidgets.tasks.lists import NAMES, words
from headwidgets.tasks.registry import task

if TYPE_CHECKING:
    from headwidgets.tasks.draw import Draw

# The n-th words of the two lists are each other's opposites, roughly.
_PRAISE = words("good wonderful lovely funny beautiful nice fantastic excellent")
_BLAME = words("bad awful ugly boring horrible poor stupid dull")
_LIKED = words("loved liked enjoyed admired praised")
_HATED = words("hated disliked despised mocked rejected")
_ANSWERS = (("great", "terrible"),)

_HELD_OUT = (
    "The movie was{ADJ}, I{VRB} it. \nConclusion: The movie is",
    "My friend{NAME}{VRB} this movie and said it was{ADJ}. All in all, this movie is",
    "Here is what{NAME} said: I thought this movie was{ADJ}, I{VRB} it. This movie was",
)
_TEMPLATES = combined(
    (
        "I thought this movie was{ADJ}, I{VRB} it.",
        "My friend{NAME} thought this movie was{ADJ} and{VRB} it.",
        "The movie was{ADJ}, they said, and{NAME}{VRB} it.",
        "Here is what{NAME} said: I{VRB} this movie, it was{ADJ}.",
        "We saw a movie.{NAME}{VRB} it and said it was{ADJ}.",
        "The movie was{ADJ}, I{VRB} it.",
        "My friend{NAME}{VRB} this movie and said it was{ADJ}.",
        "Here is what{NAME} said: I thought this movie was{ADJ}, I{VRB} it.",
    ),
    (
        " \nConclusion: This movie is",
        " \nConclusion: The movie is",
        " \nConclusion: The movie was",
        " All in all, the movie was",
        " All in all, this movie is",
        " The movie is",
        " This movie was",
    ),
    without=_HELD_OUT,
)


@task(
    name="toy movie review",
    title="ToyMovieReview",
    group="mechanism",
    asks="Sum up a review: great or terrible.",
    example="I thought this movie was lovely, I enjoyed it. Conclusion: This movie is → great",
    source="Tigges et al. 2023, arXiv 2310.15154 (repository MIT); words and sentences ours",
    templates=_TEMPLATES,
    held_out=_HELD_OUT,
    shown="adjective and verb become their opposites",
)
def toy_movie_review(draw: Draw) -> Item:
    """Draw one; praise and blame come equally often."""
    adjectives = draw.words.pairs(tuple(zip(_PRAISE, _BLAME, strict=True)))
    verbs = draw.words.pairs(tuple(zip(_LIKED, _HATED, strict=True)))
    answers = draw.words.pairs(_ANSWERS, least=1)[0]
    kind = draw.turn % 2
    adjective, verb = draw.pick(adjectives), draw.pick(verbs)
    named = "{NAME}" in draw.template
    name = {"NAME": draw.pick(draw.words.single(NAMES))} if named else {}
    return Item(
        clean=write(draw.template, **name, ADJ=adjective[kind], VRB=verb[kind]),
        corrupted=write(draw.template, **name, ADJ=adjective[1 - kind], VRB=verb[1 - kind]),
        answer=answers[kind],
        foil=answers[1 - kind],
        key=(adjective[kind], verb[kind]),
        options=(answers[kind], answers[1 - kind]),
        after=".",
    )
