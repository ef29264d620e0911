"""What of a session is mirrored in traits: how each is read, and how it is set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwidgets.methods.edits import Edit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwidgets.widgets.protocol import SessionLike

SETTABLE = ("index", "prompt", "corrupted_prompt", "metric", "edits", "selection")
"""Traits that a browser or a cell may set, in the order in which one message is applied."""

READ_ONLY = ("status", "progress", "message", "n_prompts", "model", "tokens", "revision")
"""Traits that only follow; ``revision`` last."""

NAMES = (*SETTABLE, *READ_ONLY)


def read(session: SessionLike, known: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the session's state as plain JSON values, by trait name.

    Parameters
    ----------
    session : Session
    known : dict, optional
        What was read before; what cannot differ at one revision is taken from there.
    """
    revision = int(session.revision)  # first: whatever changes meanwhile has a later one
    if known is None or known["revision"] != revision:
        known = {
            "model": session.facts.to_json(),
            "tokens": [str(piece) for piece in session.tokens],
        }
    metric, selection = session.metric, session.selection
    return {
        "index": int(session.index),
        "prompt": _plain_prompt(session.prompt),
        "corrupted_prompt": _plain_prompt(session.corrupted_prompt),
        "metric": None if metric is None else metric.to_json(),
        "edits": [edit.to_json() for edit in session.edits],
        "selection": "" if selection is None else str(selection),
        "n_prompts": len(session.prompts),
        "model": known["model"],
        "tokens": known["tokens"],
        "revision": revision,
    }


def assign(session: SessionLike, name: str, value: object) -> None:
    """Set one part of the session to a trait's value.

    Raises
    ------
    InputError
        If the session refuses it; the session is as it was.
    """
    if name == "edits" and isinstance(value, list):
        value = [Edit.from_json(edit) for edit in value]
    elif name == "metric" and value is not None:
        from headwidgets.methods.metrics import read_metric  # loads torch

        value = read_metric(value)
    elif name == "selection":
        value = value or None
    setattr(session, name, value)


def order(name: str) -> int:
    """Sort key for the names of one message; what is not ours comes first."""
    return NAMES.index(name) if name in NAMES else -1


def _plain_prompt(prompt: str | Sequence[int] | None) -> str | list[int] | None:
    """Text as it is; token ids as a list."""
    return prompt if prompt is None or isinstance(prompt, str) else [int(i) for i in prompt]
