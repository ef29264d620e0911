"""A tokenizer of letters: ``<bos>`` and 63 characters, one token each."""

from __future__ import annotations

import string

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

BOS = "<bos>"
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
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A {BOS} $B", special_tokens=[(BOS, 0)]
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        name_or_path="letters",  # TransformerLens asks a tokenizer in memory for it
        bos_token=BOS,
        eos_token=BOS,
        pad_token=BOS,
        unk_token=OTHER,
        add_bos_token=True,
        split_special_tokens=True,  # "<bos>" in a text is text
        clean_up_tokenization_spaces=False,
    )
