"""What stands in front of a prompt: sentences that have nothing to do with it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headwidgets.model.text import Text

LONGEST = 40
"""Tokens in front of a prompt, at most."""
BARE = 0.3
"""Share of prompts with nothing in front."""
_BREAK = "\n"
_POOL = 400

_WHO = ("The boy", "The girl", "The man", "The woman", "The friends", "The cat", "The dog", "We")
_DID = ("went", "walked", "ran", "came", "was", "were", "sat", "slept")
_WHERE = (
    "to the house", "to the school", "to the garden", "to the market", "to the river",
    "at the station", "in the park", "in the kitchen", "in the city", "near the library",
)  # fmt: skip
_WHEN = ("today", "yesterday", "again", "very late", "early", "at night", "in the morning")
_SHORT = (
    "It was late.", "It began to rain.", "They were tired.", "It was a good day.",
    "The house was old.", "The garden was small.", "There was a red door.", "It was cold.",
    "The bag was black.", "The river was long.", "Here is a book.", "I like the song.",
)  # fmt: skip


class Fillers:
    """Stretches of filler tokens, of any length up to `LONGEST`.

    Parameters
    ----------
    text : Text
    held_out : bool
        Sentences that training never uses: of those that share the last words, every fifth.
    """

    def __init__(self, text: Text, *, held_out: bool = False) -> None:
        chosen = [s for i, s in enumerate(sentences()) if (i % 5 == 0) == held_out]
        bos = int(text.prepend_bos)
        self.whole = [tuple(text.encode(f" {s}")[bos:]) for s in chosen]
        self._break = tuple(text.encode(_BREAK)[bos:])

    def draw(self, rng: random.Random) -> tuple[int, ...]:
        """Return filler tokens, a line's end behind them; none in a share of `BARE`.

        Short ones come oftener: they cost less.
        """
        if rng.random() < BARE:
            return ()
        length = 1 + int(rng.random() ** 2 * LONGEST)
        found: tuple[int, ...] = self._break
        while len(found) < length:
            found = self.whole[int(rng.random() * len(self.whole))] + found
        return found[len(found) - length :]


def sentences() -> tuple[str, ...]:
    """Return all filler sentences, in a fixed random order."""
    made = [f"{who} {did} {where} {when}." for who in _WHO for did in _DID for where in _WHERE
            for when in _WHEN]  # fmt: skip
    rng = random.Random("fillers")  # noqa: S311 - drawing, not keeping secrets
    return (*_SHORT, *rng.sample(made, _POOL))
