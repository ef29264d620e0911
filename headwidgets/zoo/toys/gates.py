"""OR and AND: two layers of two heads, where two heads copy the same word and a third reads them.

`either` and `both` hold a circuit of two identical copy heads, 0.0 and 0.1, and one
reader, 1.0 (1.1 does nothing). The copy heads attend to the word in the prompt and write that
word's code; the reader sees at its own position how many of them did:

| model | 0.0 and 0.1 write | 1.0, where both wrote | logit of the word |
|---|---|---|---|
| `either` (OR) | the code to "out" | takes one code off "out" again | β if either wrote |
| `both` (AND) | half the code to "held" | copies "held" to "out" | β if both wrote |

The prompt begins with ``<bos>`` and has one word; other tokens have no code. With a corrupted
prompt that has no word, on OR a patch of one head into the clean run changes nothing (the
other one still writes) and a patch of one head into the corrupted run restores everything; on
AND it is the reverse. Zeroing one head of OR takes its own code away (direct effect β) and
with it what the reader took off (indirect effect −β): self-repair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from headwidgets.zoo.codes import LENGTH, kerdock
from headwidgets.zoo.planted_tokenizer import D_VOCAB, planted_tokenizer
from headwidgets.zoo.toys.build import Head, boot, check_beta, write

if TYPE_CHECKING:
    from transformer_lens import TransformerBridge

N_CTX = 16
FIRST_WORD = 257  # ids from here on are words
TOKEN = slice(0, LENGTH)
HELD = slice(TOKEN.stop, TOKEN.stop + LENGTH)
OUT = slice(HELD.stop, HELD.stop + LENGTH)
POSITION = slice(OUT.stop, OUT.stop + N_CTX)
WORD = slice(POSITION.stop, POSITION.stop + 1)
BOS = slice(WORD.stop, WORD.stop + 1)
COUNT = slice(BOS.stop, BOS.stop + 1)
D_MODEL = COUNT.stop
D_HEAD = LENGTH + 1

_SLOT = torch.eye(D_MODEL, dtype=torch.float32, device="cpu")
_ALWAYS = _SLOT[:, POSITION].sum(1, keepdim=True)  # 1 at every position: one-hots sum to 1


def _copies(gain: float, to: slice) -> Head:
    """Attend to the word; copy its code, and count that it did."""
    return Head(
        ((1.0, _ALWAYS, _SLOT[:, WORD]),),
        ((gain, TOKEN, to), (1.0, WORD, COUNT)),
    )


def _reads(gain: float, slot: slice) -> Head:
    """Attend to its own position where the count is 2 (12β), else to ``<bos>`` (11β)."""
    here = _SLOT[:, POSITION]
    scores = (
        (2.0, _ALWAYS, _SLOT[:, COUNT]),
        (8.0, here, here),
        (11.0, _ALWAYS, _SLOT[:, BOS]),
    )
    return Head(scores, ((gain, slot, OUT),))


_EITHER = ((_copies(1.0, OUT), _copies(1.0, OUT)), (_reads(-0.5, OUT), Head()))
_BOTH = ((_copies(0.5, HELD), _copies(0.5, HELD)), (_reads(1.0, HELD), Head()))


def either(beta: float = 40.0) -> TransformerBridge:
    """Build the OR circuit: the word is said if head 0.0 or head 0.1 copied it.

    Parameters
    ----------
    beta : float
        How sharply the heads attend, in nats of attention score, and the height of a logit.

    Returns
    -------
    TransformerBridge
        float32, on the CPU, in evaluation mode, with a tokenizer.

    Raises
    ------
    InputError
        If `beta` is negative or not finite.
    """
    return _circuit("either", _EITHER, beta)


def both(beta: float = 40.0) -> TransformerBridge:
    """Build the AND circuit: the word is said if heads 0.0 and 0.1 both copied it.

    Parameters, result and errors are those of `either`.
    """
    return _circuit("both", _BOTH, beta)


def _circuit(name: str, layers: tuple[tuple[Head, ...], ...], beta: float) -> TransformerBridge:
    check_beta(beta)
    bridge = boot(
        name,
        planted_tokenizer(),
        n_layers=2,
        n_heads=2,
        d_model=D_MODEL,
        d_head=D_HEAD,
        n_ctx=N_CTX,
        d_vocab=D_VOCAB,
    )
    codes = kerdock()
    codes[:FIRST_WORD] = 0.0
    with torch.no_grad():
        for parameter in bridge.original_model.parameters():
            parameter.zero_()
        bridge.embed.weight[:, TOKEN] = codes
        bridge.embed.weight[FIRST_WORD:, WORD] = 1.0
        bridge.embed.weight[0, BOS] = 1.0
        bridge.pos_embed.weight[:, POSITION] = torch.eye(N_CTX)
        bridge.unembed.weight[:, OUT] = codes * (beta / LENGTH)
        for layer, heads in enumerate(layers):
            for h, head in enumerate(heads):
                write(bridge.blocks[layer].attn, h, head, beta, D_HEAD)
    return bridge
