"""Texts as contexts of tokens: what a head is looked at on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwidgets.errors import InputError
from headwidgets.whole import whole

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headwidgets.model.engine import Engine

WINDOW = 128
"""Tokens of a context, as in Gould et al. 2023: a longer text is cut into several."""
_LEAST = 2  # tokens of a text


def contexts(session: Any, engine: Engine, texts: Any) -> list[list[int]]:
    """Return contexts in tokens.

    Parameters
    ----------
    session : Session or Engine
    engine : Engine
    texts : str, list of str, Prompts, TaskSet or None
        None: the session's clean prompts.

    Raises
    ------
    InputError
        If there is no text of two tokens.
    """
    if texts is None:
        texts = getattr(session, "prompts", None)
    if hasattr(texts, "prompts"):  # of a task
        texts = texts.prompts(engine.text, engine.facts.n_ctx)
    given: Iterable[Any] = getattr(texts, "clean", [texts] if isinstance(texts, str) else texts)
    try:
        several = list(given)
        read = [engine.text.encode(one) if isinstance(one, str) else list(one) for one in several]
    except TypeError as error:
        message = f"expected a text, a list of texts or prompts, got {texts!r:.80}"
        raise InputError(message) from error
    out: list[list[int]] = []
    bos = engine.text.bos_id
    room = min(WINDOW, engine.facts.n_ctx)
    for ids in read:
        start = 1 if ids and ids[0] == bos else 0
        front, rest = ids[:start], ids[start:]
        step = room - start
        out += [[*front, *rest[at : at + step]] for at in range(0, len(rest), step)]
    out = [row for row in out if len(row) >= _LEAST]
    if any(whole(one) is None for row in out for one in row):
        message = f"expected texts, or token ids as whole numbers, got {texts!r:.80}"
        raise InputError(message)
    if not out:
        message = f"expected a text of at least two tokens, got {texts!r:.80}"
        raise InputError(message)
    return out
