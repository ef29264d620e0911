"""Between text and tokens, as the model sees them.

Pieces are found by decoding a growing prefix, because a token alone loses its leading
space (SentencePiece) or is a fragment of a character. Joined, they are the decoded text.
"""

from __future__ import annotations

import itertools
import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from headwidgets.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

UNSEEN = "unseen_tokens"
"""Key of a model's configuration: ids of the tokens that its training never saw."""
ENDING = 3
"""Last tokens of a prompt that settle how what comes next is read."""
_CONTEXT = 8  # tokens of left context that fix how the next one decodes
_PARTIAL = "\ufffd"
_LONGEST = 4  # bytes of a character in UTF-8
_WORD_MARKS = ("Ġ", "▁", " ")


class Text:
    """The tokenizer of a model, or the absence of one.

    Parameters
    ----------
    bridge : TransformerBridge
    prepend_bos : bool, optional
        Whether a text gets the beginning-of-sequence token in front. None: as the model
        was trained (TransformerLens's default for it).

    Attributes
    ----------
    unseen : frozenset of int
        Tokens that training never saw, where the model's configuration says so, as the
        bundled model's does.
    """

    def __init__(self, bridge: Any, *, prepend_bos: bool | None = None) -> None:
        self.d_vocab = int(bridge.cfg.d_vocab)
        config = getattr(bridge.original_model, "config", None)
        self.unseen = frozenset(getattr(config, UNSEEN, None) or ())
        tokenizer = bridge.tokenizer
        # Some folders without tokenizer files boot with an empty one.
        empty = tokenizer is None or len(tokenizer) < self.d_vocab / 2
        self._tokenizer = None if empty else tokenizer
        self.bos_id = self._find_bos(bridge)
        if not isinstance(prepend_bos, bool | None):
            message = f"expected prepend_bos to be True, False or None, got {prepend_bos!r}"
            raise InputError(message)
        default = getattr(bridge.cfg, "default_prepend_bos", None)
        wanted = (default is not False) if prepend_bos is None else prepend_bos
        if prepend_bos and self.bos_id is None:
            message = "prepend_bos=True, but this model has no beginning-of-sequence token"
            raise InputError(message)
        self.prepend_bos = wanted and self.bos_id is not None

    @classmethod
    def of(cls, tokenizer: Any, *, prepend_bos: bool | None = None) -> Text:
        """Read a Hugging Face tokenizer that comes without a model."""
        config = SimpleNamespace(d_vocab=len(tokenizer), default_prepend_bos=None)
        return cls(
            SimpleNamespace(cfg=config, tokenizer=tokenizer, original_model=None),
            prepend_bos=prepend_bos,
        )

    @property
    def has_tokenizer(self) -> bool:
        """Whether text can be read at all."""
        return self._tokenizer is not None

    def encode(self, text: str) -> list[int]:
        """Return the token ids of `text`, the beginning-of-sequence token included once.

        Raises
        ------
        InputError
            If the model came without a tokenizer, or no token comes out.
        """
        return self.encode_all([text])[0]

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """Return of each text its token ids, as `encode` does, at once."""
        for text in texts:
            self._check(text)
        if not texts or self._tokenizer is None:
            return []
        found = self._tokenizer(list(texts), add_special_tokens=False)["input_ids"]
        out = []
        for read in found:
            ids = [int(i) for i in read]
            if self.prepend_bos and self.bos_id is not None and ids[:1] != [self.bos_id]:
                ids = [self.bos_id, *ids]
            if not ids:
                message = (
                    "the prompt is empty, and this model puts no beginning-of-sequence token in "
                    "front: give at least one token"
                )
                raise InputError(message)
            out.append(ids)
        return out

    def _check(self, text: str) -> None:
        """Refuse what no tokenizer reads."""
        if self._tokenizer is None:
            message = (
                f"expected token ids, got text: this model came without a tokenizer; "
                f"give a list of ints from 0 to {self.d_vocab - 1}"
            )
            raise InputError(message)
        try:
            text.encode()
        except UnicodeEncodeError as error:
            message = (
                f"expected text that can be written as UTF-8, got {text!r:.80}: {error.reason}"
            )
            raise InputError(message) from error

    def with_offsets(self, texts: Sequence[str]) -> list[tuple[list[int], list[tuple[int, int]]]]:
        """Return of each text its token ids, as `encode` does, and where each token stands in it.

        A token's (start, stop) counts characters; BOS has (0, 0).
        """
        if self._tokenizer is None:
            return [(self.encode(text), []) for text in texts]  # says what is wrong
        if not texts:
            return []
        if not getattr(self._tokenizer, "is_fast", False):
            return [self._placed(text) for text in texts]
        found = self._tokenizer(list(texts), add_special_tokens=False, return_offsets_mapping=True)
        out = []
        for ids, places in zip(found["input_ids"], found["offset_mapping"], strict=True):
            bare = self.prepend_bos and self.bos_id is not None and ids[:1] != [self.bos_id]
            front: list[Any] = [self.bos_id] if bare else []
            out.append(([*front, *ids], [*((0, 0) for _ in front), *map(tuple, places)]))
        return out

    def _placed(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Find where tokens stand from the pieces that they decode to."""
        ids = self.encode(text)
        front = ids[:1] if self.prepend_bos else []
        pieces = self.pieces(ids[len(front) :])
        at = len(text) - len("".join(pieces))  # a space in front that decoding drops
        places = [(0, 0)] * len(front)
        for piece in pieces:  # an empty one is a part of the character that comes next
            places.append((max(at, 0), max(at + max(len(piece), 1), 0)))
            at += len(piece)
        return ids, places

    def count_after(self, word: str) -> int:
        """Return how many tokens `word`, leading space included, is behind another word."""
        before = self.encode("a")
        return len(self.encode(f"a{word}")) - len(before)

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of `ids`, special tokens written out."""
        if self._tokenizer is None:
            return " ".join(str(int(i)) for i in ids)
        return str(
            self._tokenizer.decode(
                [int(i) for i in ids],
                skip_special_tokens=False,
                clean_up_tokenization_spaces=False,
            )
        )

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Split the decoded text into one string a token; joined, they are that text.

        A token that is only part of a character (a byte of an emoji) has the empty
        string; the token that completes the character carries it. See `shown`.
        """
        if self._tokenizer is None:
            return [f"[{int(i)}]" for i in ids]
        whole = self.decode(ids)
        out = self._by_window(ids)
        return out if "".join(out) == whole else self._by_prefix(ids, whole)

    def _by_window(self, ids: Sequence[int]) -> list[str]:
        """Split by what each token adds to the few before it: quick, right but for odd bytes."""
        out: list[str] = []
        done = 0  # the first token whose text is not out yet
        for end in range(1, len(ids) + 1):
            begin = max(0, done - _CONTEXT)
            before = self.decode(ids[begin:done])
            now = self.decode(ids[begin:end])
            waiting = now.endswith(_PARTIAL) and end < len(ids) and end - done < _LONGEST
            out.append("" if waiting else now[len(before) :])
            done = done if waiting else end
        return out

    def _by_prefix(self, ids: Sequence[int], whole: str) -> list[str]:
        """Split by how much of the whole text each prefix has right: slow, always right."""
        ends = [0]
        for end in range(1, len(ids)):
            right = len(os.path.commonprefix([self.decode(ids[:end]), whole]))  # noqa: RUF071 - texts, not paths
            ends.append(max(ends[-1], right))
        ends.append(len(whole))
        return [whole[a:b] for a, b in itertools.pairwise(ends)]

    def shown(self, ids: Sequence[int]) -> list[str]:
        """Return the pieces for reading: a part of a character is U+FFFD, never nothing."""
        return [piece or _PARTIAL for piece in self.pieces(ids)]

    def label(self, token: int) -> str:
        """Return one token as text, for a table of likely next tokens."""
        if self._tokenizer is None:
            return f"[{int(token)}]"
        anchor = self.encode("a")[-1:]
        return self.decode([*anchor, int(token)])[len(self.decode(anchor)) :] or f"[{int(token)}]"

    def labels(self, tokens: Sequence[int]) -> list[str]:
        """Return each token as text."""
        return [self.label(token) for token in tokens]

    def word_ids(self) -> list[int]:
        """Ids for random tokens: one whole word with a leading space each.

        Without a tokenizer (or where it marks no words), all ids that are not special.
        """
        if self._tokenizer is None:
            return [i for i in range(self.d_vocab) if i != self.bos_id]
        special = set(self._tokenizer.all_special_ids)
        usable = min(self.d_vocab, len(self._tokenizer))
        names = self._tokenizer.convert_ids_to_tokens(list(range(usable)))
        words = [
            i
            for i, name in enumerate(names)
            if i not in special
            and isinstance(name, str)
            and name.startswith(_WORD_MARKS)
            and len(name) > 2  # noqa: PLR2004 - the mark and two letters: " a" and " s" are pieces more often than words
            and name[1:].isascii()
            and name[1:].isalpha()
        ]
        return words if len(words) > 1 else [i for i in range(usable) if i not in special]

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
        different = dict(zip(reversed(keys), reversed(asked), strict=True))
        before: dict[tuple[int, ...], tuple[list[int], str]] = {}
        for prompt, _ in different.values():
            if (key := tuple(prompt)) not in before:
                bare = [int(i) for i in prompt]
                bare = bare[1:] if self.prepend_bos and bare[:1] == [self.bos_id] else bare
                before[key] = bare, self.decode(bare)
        known = [(*before[tuple(prompt)], answer) for prompt, answer in different.values()]
        found: list[list[int] | None] = []
        read = self.encode_all([text + answer for _, text, answer in known])
        for (bare, _, _), ids in zip(known, read, strict=True):
            whole = ids[1:] if self.prepend_bos else ids
            found.append(whole[len(bare) :] if whole[: len(bare)] == bare else None)
        added = dict(zip(different, found, strict=True))
        return [added[key] for key in keys]

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

    def _find_bos(self, bridge: Any) -> int | None:
        """Id of the beginning-of-sequence token, if the model has one."""
        if self._tokenizer is not None:
            found = self._tokenizer.bos_token_id
        else:
            found = getattr(getattr(bridge.original_model, "config", None), "bos_token_id", None)
        return int(found) if isinstance(found, int) and 0 <= found < self.d_vocab else None
