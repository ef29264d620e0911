"""What the patch panel asks for: a prompt, a replaced token, a table, code."""

from __future__ import annotations

import reprlib
from typing import Any

from headwidgets.errors import InputError
from headwidgets.widgets.envelope import Answer
from headwidgets.widgets.measured import room
from headwidgets.widgets.panel_table import name_line, read_table

MOST_TEXT = 4 * 2**20
_IDS = "expected text, or token ids such as [1, 5, 9]"


def _set_prompt(session: Any, body: dict[str, Any]) -> Answer:
    """Set the clean or the corrupted prompt on screen; an empty corrupted one is none."""
    which, given = body.get("which"), body.get("prompt")
    if which not in ("clean", "corrupted"):
        message = f"expected 'which' to be clean or corrupted, got {reprlib.repr(which)}"
        raise InputError(message)
    prompt = _read(session, given)
    if which == "clean":
        session.prompt = prompt
    else:
        session.corrupted_prompt = prompt or None
    return Answer({})


def _read(session: Any, given: object) -> Any:
    """Text as text; ids where the model has no tokenizer, or a list was sent."""
    if not isinstance(given, str | list) or len(given) > MOST_TEXT:
        message = f"{_IDS}, got {reprlib.repr(given)}"
        raise InputError(message)
    if isinstance(given, list) or session.engine.text.has_tokenizer or not given.strip():
        return given
    try:
        return [int(word) for word in given.replace(",", " ").strip("[] ").split()]
    except ValueError as error:
        message = (
            f"this model has no tokenizer: expected token ids such as 1 5 9, got {given!r:.80}"
        )
        raise InputError(message) from error


def _replace_token(session: Any, body: dict[str, Any]) -> Answer:
    """Make the corrupted prompt: the clean one with one token replaced by a text."""
    at, text = body.get("at"), body.get("text")
    ids = session.token_ids
    if not isinstance(at, int) or isinstance(at, bool) or not 0 <= at < len(ids):
        message = f"expected 'at' from 0 to {len(ids) - 1}, got {reprlib.repr(at)}"
        raise InputError(message)
    if not isinstance(text, str) or not text or len(text) > MOST_TEXT:
        message = f"expected a text to put in the place of token {at}, got {reprlib.repr(text)}"
        raise InputError(message)
    session.corrupted_prompt = replaced(session, at, text)
    return Answer({"tokens": len(session.tokens_of("corrupted")), "clean": len(ids)})


def replaced(session: Any, at: int, text: str) -> Any:
    """Return the clean prompt with the token at `at` replaced, as text where it is one.

    The space in front of the old token stays where `text` has none of its own; what the
    tokenizer alone puts in front of a prompt is no part of the text.
    """
    ids, reader = session.token_ids, session.engine.text
    if not reader.has_tokenizer:
        return [*ids[:at], *_read(session, text), *ids[at + 1 :]]
    pieces = reader.pieces(ids)
    old = pieces[at]
    if not text[0].isspace():
        text = old[: len(old) - len(old.lstrip())] + text
    given = session.prompt
    start = 1 if reader.prepend_bos else 0
    added = " " if "".join(pieces[start:]) == f" {given}" else ""
    if isinstance(given, str) and at >= start and "".join(pieces[start:]) == added + given:
        return "".join([*pieces[start:at], text, *pieces[at + 1 :]]).removeprefix(added)
    return [*ids[:at], *_inside(reader, text), *ids[at + 1 :]]


def _inside(reader: Any, text: str) -> list[int]:
    """Return the tokens of a text that stands inside another, not at its beginning."""
    before = "a" if text[0].isspace() else "\n"  # where the space is a word's mark, it needs one
    known, whole = reader.encode(before), reader.encode(before + text)
    if whole[: len(known)] != known:
        return list(reader.encode(text)[1 if reader.prepend_bos else 0 :])
    return list(whole[len(known) :])


def _use_table(session: Any, body: dict[str, Any]) -> Answer:
    """Make a pasted table the prompt set."""
    prompts, lines = read_table(body.get("text"))
    try:
        session.use(prompts=prompts)
    except InputError as error:
        raise InputError(name_line(error, lines)) from error
    return Answer({"n": len(prompts)})


def _code(session: Any, body: dict[str, Any]) -> Answer:
    """Write the session, or what a grid shows: ``{"grid"}``, its name."""
    name = body.get("grid")
    if name is None:
        return Answer({"python": session.as_python()})
    for grid in list(room(session).grids):
        if grid.grid == name:
            return Answer({"python": session.as_python(grid.to_frame())})
    message = "this grid is of an older run of the notebook: run its cell again"
    raise InputError(message)


SERVED = {
    "set_prompt": _set_prompt,
    "replace_token": _replace_token,
    "use_table": _use_table,
    "as_python": _code,
}
