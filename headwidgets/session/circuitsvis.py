"""CircuitsVis's own view of a set of heads: its text made safe, its size kept in bounds.

CircuitsVis writes tokens and every value as JSON into a ``<script>``, as they are. So it is
given placeholders for the tokens, and the tokens are put in with every ``<`` escaped.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from headwidgets.errors import InputError, ModelError
from headwidgets.heads import Head
from headwidgets.methods.runs import check_run

if TYPE_CHECKING:
    from headwidgets.session.session import Session

MOST_BYTES = 20_000_000
DECIMALS = 6
BYTES_A_VALUE = 10  # "0.123456, "


def heads_view(session: Session, heads: object, run: str = "clean") -> Any:
    """Return what `Session.circuitsvis` says.

    Raises
    ------
    InputError
        If a head or the run is none, or the view would be larger than 20 MB.
    """
    check_run(run)
    chosen = read_heads(heads, session.facts.n_layers, session.facts.n_heads)
    tokens = list(session.tokens_of(run))
    check_size(len(chosen), len(tokens))
    maps = [session.attention(head, run) for head in chosen]
    if any(one.shape != (len(tokens),) * 2 for one in maps):
        message = "the prompt was changed while its attention was read: ask again"
        raise InputError(message)
    return render(np.stack(maps), tokens, [str(head) for head in chosen])


def read_heads(heads: object, n_layers: int, n_heads: int) -> list[Head]:
    """Read one head or several, in any spelling, each once.

    Raises
    ------
    InputError
        If something is no head of the model, or there is none.
    """
    try:
        several: list[Any] = [Head.parse(heads)]
    except InputError:
        if isinstance(heads, str | bytes) or not hasattr(heads, "__iter__"):
            raise
        several = list(heads)
    if not several:
        message = "expected at least one head, such as '4.11' or ['4.11', (5, 1)], got none"
        raise InputError(message)
    return list(dict.fromkeys(Head.parse(head).within(n_layers, n_heads) for head in several))


def check_size(n_heads: int, n: int) -> None:
    """Raise if so many heads over `n` tokens would be too much text for a notebook.

    Raises
    ------
    InputError
        It says how much it would be, and how many heads or tokens are not too many.
    """
    most = MOST_BYTES // BYTES_A_VALUE
    if n_heads * n * n <= most:
        return
    size, limit = n_heads * n * n * BYTES_A_VALUE / 1e6, MOST_BYTES / 1e6
    few = f"at most {most // (n * n)} of these heads" if n * n <= most else "no head of this prompt"
    message = (
        f"CircuitsVis would write up to {size:,.0f} MB of text into the notebook ({n_heads} heads "
        f"× {n} × {n} values), expected at most {limit:.0f} MB: that is {few}, or a prompt of at "
        f"most {math.isqrt(most // n_heads)} tokens; hw.AttentionView(s) shows every head of any "
        "prompt"
    )
    raise InputError(message)


def render(attention: Any, tokens: list[str], names: list[str]) -> Any:
    """Have CircuitsVis write its page, then put the tokens in.

    Parameters
    ----------
    attention : ndarray, float, [head, query, key]
    tokens : list of str
        Any text.
    names : list of str
        One a head.

    Raises
    ------
    ModelError
        If this CircuitsVis writes tokens otherwise than the one that was tested.
    """
    from circuitsvis.attention import attention_heads

    stand_ins = [f"headwidgets-token-{i}" for i in range(len(tokens))]
    values = np.round(np.asarray(attention, dtype=np.float64), DECIMALS)
    html: Any = attention_heads(values, stand_ins, attention_head_names=names)
    before, after = json.dumps(stand_ins), json.dumps(tokens).replace("<", "\\u003c")
    for source in ("cdn_src", "local_src"):
        text = getattr(html, source, "")
        if text.count(before) != 1:
            message = (
                "this version of CircuitsVis writes tokens in a way that cannot be made safe: "
                "install circuitsvis 1.43, or use hw.AttentionView(s)"
            )
            raise ModelError(message)
        setattr(html, source, text.replace(before, after))
    return html
