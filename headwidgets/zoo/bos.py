"""What our tokenizers share: ``<bos>`` in front of every text, and only a token id means it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenizers import processors
from transformers import PreTrainedTokenizerFast

if TYPE_CHECKING:
    from tokenizers import Tokenizer

BOS = "<bos>"
"""Token 0: also the end of a sequence, and padding."""


def with_bos(tokenizer: Tokenizer, **more: Any) -> PreTrainedTokenizerFast:
    """Wrap a tokenizer whose token 0 is ``<bos>`` for Hugging Face.

    Parameters
    ----------
    tokenizer : Tokenizer
        Is changed: it puts ``<bos>`` in front.
    **more
        Passed on, such as name_or_path, which TransformerLens asks a tokenizer in memory for.

    Returns
    -------
    PreTrainedTokenizerFast
        ``<bos>`` written in a text is spelled like any other text.
    """
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A {BOS} $B", special_tokens=[(BOS, 0)]
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        bos_token=BOS,
        eos_token=BOS,
        pad_token=BOS,
        add_bos_token=True,
        split_special_tokens=True,
        clean_up_tokenization_spaces=False,
        **more,
    )
