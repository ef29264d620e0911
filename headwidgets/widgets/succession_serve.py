"""What a view of the succession lab asks of a session: the scores, and a head's cases on text.

The answers are traits of the session's state (see `succession_traits`), so that every view has
them.
"""

from __future__ import annotations

import reprlib
from typing import Any

from headwidgets.errors import InputError
from headwidgets.widgets.envelope import Answer

MOST_TEXT = 200_000
"""Characters of a text."""
SOURCES = ("text", "prompts", "lists", "pair")


def scores(session: Any, body: dict[str, Any]) -> Answer:
    """Score the heads and fill the traits: ``{}``."""
    if body:
        message = f"expected nothing, got {reprlib.repr(body)}"
        raise InputError(message)
    session.state.need_lab()
    return Answer({})


def read(session: Any, body: dict[str, Any]) -> Answer:
    """Find the selected head's winning cases.

    ``{"source": "text", "text"}``, ``{"source": "prompts"}`` (the session's), ``{"source":
    "lists"}`` (numbered lists), or ``{"source": "pair", "set", "member"}``.
    """
    from headwidgets.labs.on_text import numbered_lists, of_pair, on_text  # loads torch

    state, source = session.state, body.get("source")
    if source not in SOURCES:
        message = f"expected a source among {', '.join(SOURCES)}, got {reprlib.repr(source)}"
        raise InputError(message)
    state.need_lab()
    head = state.lab_matrix["head"]
    if source == "lists":
        frame = numbered_lists(session, head)
        won = f"{frame.attrs['wins']} of {frame.attrs['n']} won"
        state.show_cases(frame, f"numbered lists: {won}")
    elif source == "prompts":
        frame = on_text(session, head)
        state.show_cases(frame, f"the session's prompts, n = {len(session.prompts)}")
    elif source == "pair":
        texts = of_pair(body.get("set"), body.get("member"))  # type: ignore[arg-type] # it checks
        if not texts:
            message = f"nothing follows {body.get('member')!r:.40} in its set"
            raise InputError(message)
        frame = on_text(session, head, texts)
        state.show_cases(frame, f"lists of ours with {body['member']}")
    else:
        text = body.get("text")
        if not isinstance(text, str) or not text.strip() or len(text) > MOST_TEXT:
            message = f"expected a text of at most {MOST_TEXT:,} characters, got "
            raise InputError(f"{message}{reprlib.repr(text)}")  # noqa: EM102 - the rest is above
        frame = on_text(session, head, text)
        state.show_cases(frame, "your text")
    return Answer({"wins": len(frame)})


SERVED = {"succession scores": scores, "succession text": read}
