"""What an answer is behind a prompt: which tokens it adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwidgets.errors import InputError
from headwidgets.model.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

ENDING = 3
"""Last tokens of a prompt that settle how what comes next is read."""
KEPT = 100_000
"""Answers that are remembered."""


class Text(Tokens):
    """The tokenizer of a model, and what answers are behind prompts.

    Parameters
    ----------
    bridge : TransformerBridge
    prepend_bos : bool, optional
        As in `Tokens`.
    """

    def __init__(self, bridge: Any, *, prepend_bos: bool | None = None) -> None:
        super().__init__(bridge, prepend_bos=prepend_bos)
        self._added: dict[tuple[tuple[int, ...], str], list[int] | None] = {}

    def answer_id(self, prompt: Sequence[int], answer: str | int) -> int:
        """Return the one token that `answer` is, right after `prompt`.

        Parameters
        ----------
        prompt : sequence of int
            Token ids of the prompt, BOS included.
        answer : str or int
            Text (usually with a leading space) or a token id.

        Raises
        ------
        InputError
            If it is not one token there.
        """
        if not isinstance(answer, str):
            token = int(answer)
            if 0 <= token < self.d_vocab:
                return token
            message = f"expected an answer token from 0 to {self.d_vocab - 1}, got {token}"
            raise InputError(message)
        tail = self._continuation(prompt, answer)
        if tail is not None and len(tail) == 1:
            return tail[0]
        raise InputError(self._not_one_token(prompt, answer, tail))

    def answer_ids(self, prompt: Sequence[int], answer: str | int) -> tuple[int, ...]:
        """Return the tokens that `answer` is, right after `prompt`: one or several.

        Parameters and errors are those of `answer_id`, but that several tokens will do.
        """
        return self.answers_ids([(prompt, answer)])[0]

    def answers_ids(
        self, asked: Sequence[tuple[Sequence[int], str | int]]
    ) -> list[tuple[int, ...]]:
        """Return the tokens of every answer after its prompt, as `answer_ids` does, at once."""
        written = [(prompt, answer) for prompt, answer in asked if isinstance(answer, str)]
        tails = iter(self.continuations(written))
        out: list[tuple[int, ...]] = []
        for prompt, answer in asked:
            if not isinstance(answer, str):
                out.append((self.answer_id(prompt, answer),))
                continue
            tail = next(tails)
            if not tail:
                message = (
                    f"expected an answer that begins with a token of its own after the prompt, "
                    f"got {answer!r}: it merges with the end of the prompt; put a space in front"
                )
                raise InputError(message)
            out.append(tuple(tail))
        return out

    def _continuation(self, prompt: Sequence[int], answer: str) -> list[int] | None:
        """Tokens that `answer` adds to `prompt`, None where the two merge."""
        return self.continuations([(prompt, answer)])[0]

    def continuations(self, asked: Sequence[tuple[Sequence[int], str]]) -> list[list[int] | None]:
        """Return the tokens that each answer adds to its prompt, None where the two merge.

        What a word merges with is the token before it, at most: of prompts that end alike, one
        is asked.
        """
        keys = [(tuple(prompt[-ENDING:]), answer) for prompt, answer in asked]
        known = {key: self._added[key] for key in set(keys) & self._added.keys()}
        both = zip(keys, asked, strict=True)
        new = {key: one for key, one in both if key not in known}
        known |= dict(zip(new, self._read_behind(list(new.values())), strict=True))
        if len(self._added) > KEPT:
            self._added.clear()
        self._added |= {key: known[key] for key in new}
        return [known[key] for key in keys]

    def _read_behind(self, asked: Sequence[tuple[Sequence[int], str]]) -> list[list[int] | None]:
        """Read each answer behind its prompt."""
        before: dict[tuple[int, ...], tuple[list[int], str]] = {}
        for prompt, _ in asked:
            if (key := tuple(prompt)) not in before:
                bare = [int(i) for i in prompt]
                bare = bare[1:] if self.prepend_bos and bare[:1] == [self.bos_id] else bare
                before[key] = bare, self.decode(bare)
        texts = [(*before[tuple(prompt)], answer) for prompt, answer in asked]
        found: list[list[int] | None] = []
        read = self.encode_all([text + answer for _, text, answer in texts])
        for (bare, _, _), ids in zip(texts, read, strict=True):
            whole = ids[1:] if self.prepend_bos else ids
            found.append(whole[len(bare) :] if whole[: len(bare)] == bare else None)
        return found

    def _not_one_token(self, prompt: Sequence[int], answer: str, tail: list[int] | None) -> str:
        what = (
            "it merges with the end of the prompt"
            if tail is None
            else f"it is {len(tail)}: {[self.label(t) for t in tail]}"
        )
        message = f"expected an answer that is one token after the prompt, got {answer!r}: {what}"
        spaced = " " + answer.lstrip()
        if answer != spaced:
            other = self._continuation(prompt, spaced)
            if other is not None and len(other) == 1:
                return f"{message}; {spaced!r}, with a leading space, is one token"
        return f"{message}; choose another word, or give a token id"
