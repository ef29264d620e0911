"""Which words of a list a tokenizer spells as one token, and which it cuts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from headwidgets.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headwidgets.model.text import Text

Found = TypeVar("Found")

LEAST = 4
"""Words that a list must keep to be worth drawing from."""


class Words:
    """Word lists as a tokenizer sees them.

    Parameters
    ----------
    text : Text
    n_ctx : int, optional
        The model's context, for tasks that fill it.

    Attributes
    ----------
    split : dict of str to int
        Words that were asked for and are cut, and into how many tokens.
    """

    def __init__(self, text: Text, n_ctx: int | None = None) -> None:
        self.text = text
        self.n_ctx = n_ctx
        self.split: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        self._lists: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._ids: tuple[int, ...] | None = None
        self._once: dict[object, Any] = {}

    @property
    def ids(self) -> tuple[int, ...]:
        """Token ids for random tokens: whole words, where the tokenizer marks words."""
        if self._ids is None:
            self._ids = tuple(self.text.word_ids())
        return self._ids

    def count(self, word: str) -> int:
        """Return how many tokens a word is, as it stands, behind other words."""
        found = self._counts.get(word)
        if found is None:
            found = self._counts[word] = self.text.count_after(word)
            if found != 1:
                self.split[word] = found
        return found

    def single(self, words: Sequence[str], least: int = LEAST) -> tuple[str, ...]:
        """Return the words that are one token each, a space put in front of them.

        Parameters
        ----------
        words : sequence of str
            ``"Mary"`` or ``" Mary"``; what begins with another mark (a line's end) is taken
            as it is.
        least : int
            How many must be left.

        Raises
        ------
        CutWordsError
            If fewer are left.
        """
        asked = tuple(words)
        found = self._lists.get(asked)
        if found is None:
            spaced = [word if word[:1].isspace() else f" {word}" for word in asked]
            found = tuple(word for word in spaced if self.count(word) == 1)
            self._lists[asked] = found
        if len(found) < least:
            raise CutWordsError(asked, len(found), least, self)
        return found

    def pairs(
        self, pairs: Sequence[tuple[str, str]], least: int = LEAST
    ) -> tuple[tuple[str, str], ...]:
        """Return the pairs whose two words are one token each, a space put in front of them.

        Raises
        ------
        CutWordsError
            If fewer than `least` are left.
        """
        asked = tuple(pairs)
        found: tuple[tuple[str, str], ...] | None = self._once.get(asked)
        if found is None:
            spaced = [(f" {one}", f" {other}") for one, other in asked]
            found = tuple(two for two in spaced if [self.count(word) for word in two] == [1, 1])
            self._once[asked] = found
        if len(found) < least:
            raise CutWordsError([word for two in asked for word in two], len(found), least, self)
        return found

    def once(self, work: Callable[[Words], Found]) -> Found:
        """Return ``work(self)``, worked out the first time only."""
        if work not in self._once:
            self._once[work] = work(self)
        found: Found = self._once[work]
        return found

    def same_length(self, words: Sequence[str], least: int = LEAST) -> tuple[str, ...]:
        """Return the words of the commonest length in tokens, a space put in front of them."""
        spaced = [word if word[:1].isspace() else f" {word}" for word in words]
        lengths = [self.count(word) for word in spaced]
        best = max(sorted(set(lengths)), key=lengths.count)
        found = tuple(w for w, count in zip(spaced, lengths, strict=True) if count == best)
        if len(found) < least:
            raise CutWordsError(tuple(words), len(found), least, self)
        return found


class CutWordsError(InputError):
    """A tokenizer cuts too many words of a list."""

    def __init__(self, asked: Sequence[str], left: int, least: int, words: Words) -> None:
        spaced = (word if word[:1].isspace() else f" {word}" for word in asked)
        cut = [f"{word!r} ({words.split[word]})" for word in spaced if word in words.split]
        more = f" and {len(cut) - 8} more" if len(cut) > 8 else ""  # noqa: PLR2004
        super().__init__(
            f"expected at least {least} of these words to be one token each in this tokenizer, "
            f"got {left}; cut into several: {', '.join(cut[:8])}{more}"
        )
