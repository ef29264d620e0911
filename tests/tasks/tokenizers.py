"""Tokenizers that the tests of tasks draw with: one that knows every word, one in pieces."""

from __future__ import annotations

import json
from functools import cache
from itertools import islice

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from headwidgets.model.text import Text
from headwidgets.tasks.draw import SPLITS, items
from headwidgets.tasks.item import Written
from headwidgets.tasks.registry import all_tasks
from headwidgets.tasks.subword import LONG
from headwidgets.tasks.words import Words
from headwidgets.zoo.planted_tokenizer import planted_tokenizer

_DRAWN = 200
_MERGES = 150


class Everything(Words):
    """Words as a tokenizer would see them that has each as one token; it notes what is asked."""

    def __init__(self):
        super().__init__(Text.of(planted_tokenizer()))
        self.asked = {}

    def count(self, word):
        self.asked[word] = None
        return 1


@cache
def task_words():
    """Return every word of every task, as GPT-2 cuts a text, with the space in front of it."""
    words = Everything()
    texts = {}
    for task in all_tasks():
        for split in SPLITS:
            for _, item in islice(items(task, words, 0, split), _DRAWN):
                prompts = [p.text for p in (item.clean, item.corrupted) if isinstance(p, Written)]
                answers = [a for a in (item.answer, item.foil, *item.options) if isinstance(a, str)]
                texts |= dict.fromkeys([*prompts, *answers, item.after])
    cut = pre_tokenizers.ByteLevel(add_prefix_space=False)
    spelled = {piece for text in (*words.asked, *texts) for piece, _ in cut.pre_tokenize_str(text)}
    return tuple(sorted(spelled))


@cache
def _description():
    pieces = Tokenizer(models.BPE())
    pieces.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=len(alphabet) + _MERGES, initial_alphabet=alphabet, show_progress=False
    )
    pieces.train_from_iterator([f" {word}" for word in LONG], trainer)
    vocabulary = dict.fromkeys([*sorted(pieces.get_vocab()), *task_words()])
    merges = _merges(pieces)
    model = models.BPE(
        vocab={token: i for i, token in enumerate(vocabulary)}, merges=merges, ignore_merges=True
    )
    whole = Tokenizer(model)
    whole.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    whole.decoder = decoders.ByteLevel()
    return whole.to_str()


def _merges(tokenizer):
    return [tuple(merge) for merge in json.loads(tokenizer.to_str())["model"]["merges"]]


def every_word_tokenizer():
    """Build a byte-level BPE, with no BOS, that has every word of every task as one token.

    The longer words of the task "subword pieces" are cut by merges learned from them.
    """
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(_description()), name_or_path="every word"
    )
