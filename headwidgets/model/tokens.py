"""Between text and tokens, as the model sees them.

Pieces are found by decoding a growing prefix, because a token alone loses its leading
space (SentencePiece) or is a fragment of a character. Joined, they are the decoded text.
"""

from __future__ import annotations

import itertools
import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

from headwidgets.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

UNSEEN = "unseen_tokens"
"""Key of a model's configuration: ids of the tokens that its training never saw."""
_CONTEXT = 8  # tokens of left context that fix how the next one decodes
_PARTIAL = "\ufffd"
_LONGEST = 4  # bytes of a character in UTF-8
_WORD_MARKS = ("Ġ", "▁", " ")


class Tokens:
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
        self._behind: dict[str, list[int]] = {}
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
    def of(cls, tokenizer: Any, *, prepend_bos: bool | None = None) -> Self:
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
        return len(self.ids_after(word))

    def ids_after(self, word: str) -> list[int]:
        """Return the tokens of `word`, leading space included, behind another word.

        Some tokenizers spell the first word of a text otherwise than one further on.
        """
        found = self._behind.get(word)
        if found is None:
            before, both = self.encode_all(["a", f"a{word}"])
            found = self._behind[word] = both[len(before) :]
        return found

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

    def known_ids(self) -> list[int]:
        """Ids of all tokens that are not special and that training saw, whole words first."""
        tokenizer = self._tokenizer
        special = {self.bos_id} if tokenizer is None else set(tokenizer.all_special_ids)
        usable = self.d_vocab if tokenizer is None else min(self.d_vocab, len(tokenizer))
        ordered = dict.fromkeys([*self.word_ids(), *range(usable)])
        return [i for i in ordered if i not in special and i not in self.unseen]

    def _find_bos(self, bridge: Any) -> int | None:
        """Id of the beginning-of-sequence token, if the model has one."""
        if self._tokenizer is not None:
            found = self._tokenizer.bos_token_id
        else:
            found = getattr(getattr(bridge.original_model, "config", None), "bos_token_id", None)
        return int(found) if isinstance(found, int) and 0 <= found < self.d_vocab else None
