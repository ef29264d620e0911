"""The planted model's tokenizer: 255 common words, and bytes for everything else.

A text is cut as GPT-2 cuts it (a word takes the space in front of it). A piece that stands in
the vocabulary is one token; any other is spelled byte by byte in UTF-8. So every text has a
spelling, decoding gives it back to the letter, and a stretch of bytes that is no UTF-8 decodes
to U+FFFD. The tokenizer puts ``<bos>`` in front by itself; ``<bos>`` written in a text is
spelled in bytes like any other text, so that only a token id can mean the token.

| ids | what |
|---|---|
| 0 | ``<bos>``, also end of sequence and padding |
| 1 to 256 | the bytes 0 to 255 |
| 257 to 511 | words, most of them with the space in front |
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from headwidgets.zoo.bos import BOS, with_bos

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

D_VOCAB = 512

# A text begins without a space, so the commonest first words exist in that form too.
_FIRST = """
When Then After While Once The She He They It There In Mary John Alice Tom
"""

_SPACED = """
a an the and or but so if as of to in on at by for from with into over under after before
when then while than that this these those there here not no yes all some each every both
I you he she it we they him her them his my your our their who what where why how
is are was were be been has have had do does did can could will would
said went gave got took made saw came looked found put told asked wanted liked decided
go give get take make see come look find tell ask want like drink play read run sit walk
up down out off back away again very too more

Mary John Alice Tom Anna Ben David Emma Frank Grace Henry Jack James Kate Laura
Mark Nina Oliver Paul Peter Rose Ruth Sam Sarah Simon Susan

store school garden park house office station market kitchen river city
book ball ring key letter apple milk water tea hat box door table flower
cat dog bird fish tree sun boy girl man woman friend mother father

one two three four five six seven eight nine ten eleven twelve
red blue green white black yellow big small old new good happy long little
Monday Tuesday Wednesday Thursday Friday Saturday Sunday
January February March April May June July August September October November December
first second last day night morning year time
"""


def words() -> list[str]:
    """Return the 255 word tokens in the order of their ids, leading spaces included."""
    return [*_FIRST.split(), *(f" {word}" for word in _SPACED.split())]


def _vocabulary(more: tuple[str, ...]) -> dict[str, int]:
    """Map each token, in the byte-to-letter spelling of GPT-2, to its id."""
    letters = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    spelled = [byte_letter(byte) for byte in range(256)]
    spelled += [letters.pre_tokenize_str(word)[0][0] for word in (*words(), *more)]
    return {token: i for i, token in enumerate([BOS, *spelled])}


def byte_letter(byte: int) -> str:
    """Return the printable letter that GPT-2 writes for a byte (Radford et al. 2019)."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    if byte in plain:
        return chr(byte)
    return chr(256 + byte - sum(p < byte for p in plain))


@lru_cache(maxsize=2)
def _description(more: tuple[str, ...]) -> str:
    """Describe the tokenizer in the JSON of the ``tokenizers`` library."""
    # With no merges, a piece is one token if it is in the vocabulary, else one a byte.
    model = models.BPE(vocab=_vocabulary(more), merges=[], ignore_merges=True)
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return str(tokenizer.to_str())


def planted_tokenizer(more: tuple[str, ...] = (), name: str = "planted") -> PreTrainedTokenizerFast:
    """Build the tokenizer; each call returns its own.

    Parameters
    ----------
    more : tuple of str
        Further words, with their leading space, none of them there already; from id 512 on.
    name : str
        Of the model that it is for.

    Returns
    -------
    PreTrainedTokenizerFast
        512 tokens and `more`, ``<bos>`` put in front. ``decode(encode(s),
        skip_special_tokens=True) == s`` for every text `s` that has a UTF-8 form.
    """
    return with_bos(Tokenizer.from_str(_description(more)), name_or_path=name)
