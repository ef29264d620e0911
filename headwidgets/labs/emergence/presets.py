"""The clamps of the paper by name (Singh et al. 2024, arXiv 2404.07129, figures 5, 8 and 15).

The circuit has five steps: 1 attention on the token before, 2 its copying, 3 routing into query,
key and value of layer 2, 4 the match, 5 the copying of the label. Subcircuit A is 1 and 2, B is
3 (query and key) and 4, C is 3 (value) and 5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.errors import InputError
from headwidgets.labs.emergence.clamps import (
    Clamp,
    correct_label,
    graft,
    label_scores,
    only,
    previous_token,
    shifted,
    zero,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

PREVIOUS, ACTIVE = 2, 0
_WORDS = {
    "none": "nothing is clamped",
    "previous token": "step 1: a head of layer 1 looks at the token before",
    "layer 1": "steps 1 and 2, subcircuit A: queries and keys of layer 2 read shifted embeddings",
    "match": "subcircuits A and B: a head of layer 2 looks at the right label",
    "copy": "subcircuit C: logits are the attention scores of a head of layer 2 on the labels",
    "layer 1 + copy": "subcircuits A and C: what is left to learn is the match",
    "all previous token": "every head of layer 1 looks at the token before: V-composition is gone",
    "half strength": "the right label gets 3/4 of the attention: a strength of 1/2",
}


def preset(
    name: str, *, head: int | None = ACTIVE, previous: int | list[int] = PREVIOUS
) -> dict[str, Clamp]:
    """Return the clamps of a condition of the paper, for a model of two layers.

    Parameters
    ----------
    name : str
        One of `presets`.
    head : int, optional
        The only head of layer 2 that works, throughout training; None: all do, and what asks
        for one head takes head 0.
    previous : int or list of int
        Heads of layer 1 that "previous token" holds.

    Returns
    -------
    dict of str to Clamp

    Raises
    ------
    InputError
        If there is no such condition.
    """
    one = ACTIVE if head is None else head
    attention = "blocks.0.attn.hook_pattern"
    match = "blocks.1.attn.hook_pattern"
    layer = {
        "blocks.0.hook_attn_out": zero(),
        "blocks.1.hook_q_input": shifted(),
        "blocks.1.hook_k_input": shifted(),
    }
    held = None if head is None else [one]
    made: dict[str, Callable[[], dict[str, Clamp]]] = {
        "none": dict,
        "previous token": lambda: {attention: previous_token(previous)},
        "layer 1": lambda: layer,
        "match": lambda: {match: correct_label(held)},
        "copy": lambda: {"logits": label_scores(one)},
        "layer 1 + copy": lambda: {**layer, "logits": label_scores(one)},
        "all previous token": lambda: {attention: previous_token()},
        "half strength": lambda: {match: correct_label(held, 0.75)},
    }
    if name not in made:
        message = f"expected one of {', '.join(made)}, got {name!r:.80}"
        raise InputError(message)
    alone = {} if head is None else {"blocks.1.attn.hook_z": only([one])}
    return {**alone, **made[name]()}


def presets() -> dict[str, str]:
    """Return the names of the conditions, and what each holds."""
    return dict(_WORDS)


def grafted(source: Any, layer: int = 0) -> dict[str, Clamp]:
    """Return the clamp that gives a layer the weights of another run (figure 7)."""
    return {f"blocks.{layer}": graft(source)}
