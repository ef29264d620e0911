"""The messages between browser and Python, and what makes one acceptable.

Browser to Python (``v`` is always 1)::

    {v, kind: "req", id, name, key?, body?, via?}   a newer one of the same key cancels the older
    {v, kind: "cancel", id}

Python to browser::

    {v, kind: "ack", id}
    {v, kind: "progress", id, done, total, label}
    {v, kind: "res", id, status: "ok", body, buffers?} + buffers, as many as it says
    {v, kind: "res", id, status: "ok", body, carried}   via "traits": they are in a trait
    {v, kind: "res", id, status: "error", error: {type, message}}
    {v, kind: "res", id, status: "cancelled"}

The other half is ``js/src/lib/rpc.ts``.
"""

from __future__ import annotations

import reprlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headwidgets.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VERSION = 1
LONGEST_NAME = 200
LONGEST_REASON = 1000
"""Characters of a reason: what was sent may be long, and is quoted in it."""


@dataclass(frozen=True)
class Request:
    """One request, checked."""

    id: str
    name: str
    key: str | None
    body: dict[str, Any]
    via: str | None = None


@dataclass(frozen=True)
class Cancel:
    """The wish to cancel a request."""

    id: str


@dataclass(frozen=True)
class Answer:
    """What a handler returns: a JSON body and the buffers that its headers speak of."""

    body: Mapping[str, Any]
    buffers: Sequence[bytes] = ()


def read(content: object) -> Request | Cancel:
    """Check one message from the browser.

    Raises
    ------
    InputError
        If it is not a request or a cancel of this protocol version.
    """
    if not isinstance(content, dict):
        message = f"expected a message {{v, kind, id, ...}}, got {reprlib.repr(content)}"
        raise InputError(message)
    if content.get("v") != VERSION:
        message = (
            f"expected protocol version {VERSION}, got {reprlib.repr(content.get('v'))}; "
            "reload the page if headwidgets was upgraded"
        )
        raise InputError(message)
    kind = content.get("kind")
    if kind == "cancel":
        return Cancel(_text(content, "id"))
    if kind != "req":
        message = f"expected kind 'req' or 'cancel', got {reprlib.repr(kind)}"
        raise InputError(message)
    body = content.get("body", {})
    if not isinstance(body, dict):
        message = f"expected a body such as {{}}, got {reprlib.repr(body)}"
        raise InputError(message)
    key = None if content.get("key") is None else _text(content, "key")
    via = content.get("via")
    if via not in (None, "traits"):
        message = f"expected via 'traits' or none, got {reprlib.repr(via)}"
        raise InputError(message)
    return Request(_text(content, "id"), _text(content, "name"), key, body, via)


def read_id(content: object) -> str | None:
    """Return the id of a message that may be malformed, if it has a usable one."""
    value = content.get("id") if isinstance(content, dict) else None
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST_NAME else None


def reason(error: BaseException) -> str:
    """Return what an error says, at a length that can be shown."""
    text = str(error)
    return text if len(text) <= LONGEST_REASON else f"{text[:LONGEST_REASON]} …"


def failed(error: BaseException) -> dict[str, Any]:
    """Return the outcome of a request that raised `error`."""
    text = reason(error) or "it gave no message"
    return {"status": "error", "error": {"type": type(error).__name__, "message": text}}


def _text(content: dict[str, Any], part: str) -> str:
    value = content.get(part)
    if isinstance(value, str) and 0 < len(value) <= LONGEST_NAME:
        return value
    message = (
        f"expected {part!r} to be a string of 1 to {LONGEST_NAME} characters, "
        f"got {reprlib.repr(value)}"
    )
    raise InputError(message)
