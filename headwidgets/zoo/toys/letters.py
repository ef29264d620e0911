"""A tokenizer of letters: ``<bos>`` and 63 characters, one token each."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

from headwidgets.zoo.bos import BOS, with_bos

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

OTHER = "."
CHARACTERS = string.ascii_letters + string.digits + OTHER
D_VOCAB = 1 + len(CHARACTERS)


def letters() -> PreTrainedTokenizerFast:
    """Build the tokenizer: ``<bos>`` in front, then a token a character.

    Returns
    -------
    PreTrainedTokenizerFast
        64 tokens: a to z are 1 to 26, A to Z 27 to 52, 0 to 9 53 to 62; all else is ".", 63.
    """
    vocabulary = {token: i for i, token in enumerate([BOS, *CHARACTERS])}
    tokenizer = Tokenizer(models.WordLevel(vocab=vocabulary, unk_token=OTHER))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    return with_bos(tokenizer, name_or_path="letters", unk_token=OTHER)
