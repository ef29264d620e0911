"""The bundled model's tokenizer: the tasks' words whole, other words in pieces, any text in bytes.

A text is cut as GPT-2 cuts it (a word takes the space in front of it). A word that stands in the
vocabulary is one token; any other is merged from its bytes by byte-pair encoding (Sennrich et al.
2016, arXiv 1508.07909). ``<bos>`` is put in front; written in a text it is text like any other.

| ids | what |
|---|---|
| 0 | ``<bos>``, also end of sequence and padding |
| 1 to 256 | the bytes 0 to 255 |
| then | words, most of them with the space in front |
| then | pieces of words, from the merges |
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from headwidgets.tasks.lists import NAMES
from headwidgets.tasks.lists import words as listed
from headwidgets.zoo.bos import BOS, with_bos
from headwidgets.zoo.planted_tokenizer import byte_letter
from headwidgets.zoo.recipe.collect import pieces, words_by_task
from headwidgets.zoo.recipe.parts import BACK, COMMON, ENDS, FRONT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from transformers import PreTrainedTokenizerFast

MOST = 2300
"""Tokens, all in all."""
MERGES = 700
"""Pieces, if there is room for so many."""

_EXAMPLES = (
    "When Mary and John went to the store, John gave a drink to",
    "When Mary and John went to the store, Mary gave a drink to",
)
_FIRST = "When Then After While Once The She He They It There In I We You My His Her A This That"
SERIES = (
    *map(str, range(1, 201)),
    *listed("""
    one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen twenty
    first second third fourth fifth sixth seventh eighth ninth tenth
    Monday Tuesday Wednesday Thursday Friday Saturday Sunday Mon Tue Wed Thu Fri Sat Sun
    January February March April May June July August September October November December
    Jan Feb Mar Apr Jun Jul Aug Sep Oct Nov Dec
    A B C D E F G H I J K L M N O P Q R S T U V W X Y Z
    """),
)
"""The 293 tokens of the eight series (Gould et al. 2023, arXiv 2312.09230)."""
_MORE = "yes no Yes No (A) (B) (C) (D) A: B: C: D: Question: Answer: true false True False"
_MARKS = (*".,:;!?()'\"-", "\n", "\n\n", "'s")


def required() -> tuple[str, ...]:
    """Return the words that are one token whatever the tasks are, spaces included."""
    spaced = (f" {word}" for word in (*SERIES, *NAMES))
    texts = (*_EXAMPLES, *_FIRST.split(), *(f" {word}" for word in _MORE.split()), *_MARKS)
    found = dict.fromkeys(piece for text in (*texts, *spaced) for piece in pieces(text))
    return tuple(word for word in found if len(word.encode()) > 1)


def words(draws: int | None = None) -> tuple[str, ...]:
    """Return every word that is one token: what is required, then what the tasks use."""
    by_task = words_by_task() if draws is None else words_by_task(draws)
    found = dict.fromkeys(required())
    for some in by_task.values():
        found.update(dict.fromkeys(word for word in some if len(word.encode()) > 1))
    return tuple(found)


def build(whole: Sequence[str]) -> PreTrainedTokenizerFast:
    """Build the tokenizer.

    Parameters
    ----------
    whole : sequence of str
        Words of one token each, in the order of their ids, spaces included.

    Raises
    ------
    ValueError
        If they are too many.
    """
    spelled = [byte_letter(byte) for byte in range(256)]
    vocabulary = {token: i for i, token in enumerate([BOS, *spelled, *map(_letters, whole)])}
    if len(vocabulary) > MOST:
        message = f"expected at most {MOST} tokens, got {len(vocabulary)} before any merge"
        raise ValueError(message)
    merges = []
    for pair in _merges(min(MERGES, MOST - len(vocabulary))):
        merges.append(pair)
        vocabulary.setdefault("".join(pair), len(vocabulary))
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return with_bos(tokenizer)


def _letters(word: str) -> str:
    """Return a word as the vocabulary writes it: a letter a byte."""
    return "".join(map(byte_letter, word.encode()))


def _merges(count: int) -> list[tuple[str, str]]:
    """Learn merges from parts of words: ends often, halves of compounds less, words least."""
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=len(alphabet) + count, initial_alphabet=alphabet, show_progress=False
    )
    learner.train_from_iterator(_text(), trainer)
    learned = json.loads(learner.to_str())["model"]["merges"]
    return [(left, right) for left, right in learned]


def _text() -> Iterable[str]:
    for times, some in ((12, ENDS), (8, BACK), (1, COMMON)):
        yield from times * list(some)
    for times, some in ((10, FRONT), (2, COMMON)):
        yield from times * [f" {word}" for word in some]
