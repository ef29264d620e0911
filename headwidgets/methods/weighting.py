"""Three ways to weigh an attention pattern: as it is, without the first token, by value.

raw      A[q, k], the pattern itself.
no bos   A[q, k] without its first column, where heads park what they do not use. The rest
         is not renormalised: a row then sums to the attention that goes elsewhere.
value    A[q, k] · ‖v_k W_O‖, the length of what key k adds to the residual stream at query
         q through this head (Kobayashi et al. 2020, eq. 4, arXiv 2004.10102). v_k has the
         bias of the value projection, if there is one; W_O's own bias belongs to no key.
         On Gemma 2 and 3 it is the length before the norm that follows the heads' sum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.errors import InputError
from headwidgets.methods.shown import OVER, WEIGHTINGS

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from headwidgets.model.engine import Engine, HookFn

_KEYS_AT_ONCE = 512


def check_weighting(weighting: str) -> str:
    """Return `weighting`, or say which there are."""
    if weighting in WEIGHTINGS:
        return weighting
    message = f"expected a weighting 'raw', 'no bos' or 'value', got {weighting!r:.80}"
    raise InputError(message)


def check_over(over: str) -> str:
    """Return `over`, or say what there is."""
    if over in OVER:
        return over
    message = f"expected over='pair' or over='set', got {over!r:.80}"
    raise InputError(message)


def value_name(layer: int) -> str:
    """Name the hook point of a layer's values, [batch, position, key/value head, d_head]."""
    return f"blocks.{layer}.attn.hook_v"


def value_norms(engine: Engine, layer: int, values: Tensor) -> Tensor:
    """Return ‖v_k W_O‖ of every query head.

    Parameters
    ----------
    engine : Engine
    layer : int
    values : Tensor, [batch, position, key/value head, d_head]
        What the hook point `value_name` shows.

    Returns
    -------
    Tensor, float32, [batch, query head, position]
        Grouped queries share a v, but each has its own W_O.
    """
    heads, d_head, _ = (weight := engine.weights.W_O(layer)).shape
    flat = values.detach().float().reshape(*values.shape[:2], -1, d_head)
    shared = heads // flat.shape[2]
    out = flat.new_empty(flat.shape[0], heads, flat.shape[1])
    for start in range(0, flat.shape[1], _KEYS_AT_ONCE):
        some = flat[:, start : start + _KEYS_AT_ONCE]
        for head in range(heads):
            written = some[:, :, head // shared] @ weight[head].to(some.device)
            out[:, head, start : start + some.shape[1]] = written.norm(dim=-1)
    return out


def norms_hook(engine: Engine, layer: int, keep: Callable[[Tensor, int], None]) -> HookFn:
    """Return a hook for `value_name` that hands on the norms of the keys it sees, and their start.

    It fires before the same chunk's pattern does, so that the norms of all keys that a
    pattern can name are known by then.
    """

    def seen(values: Tensor, start: int) -> None:
        keep(value_norms(engine, layer, values), start)

    return seen
