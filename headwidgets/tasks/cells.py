"""Rows of a benchmark's file: each cell read as what it has to be, or refused with its place."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from headwidgets.errors import InputError
from headwidgets.whole import whole

if TYPE_CHECKING:
    from headwidgets.tasks.item import Item


class Read(NamedTuple):
    """A row as an item.

    Attributes
    ----------
    item : Item
    template : str
        The part of the benchmark that it belongs to, such as MMLU's subject.
    foils : tuple of str
        What may be the foil, where that depends on the tokens: the first whose first token
        is not the answer's.
    """

    item: Item
    template: str
    foils: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cells:
    """One row of a file.

    Attributes
    ----------
    place : str
        Such as ``"line 3 of questions.jsonl"``.
    number : int
        Counts the rows from 0.
    values : mapping of str to object
        By column, its name in small letters.
    """

    place: str
    number: int
    values: Mapping[str, Any]

    def refuse(self, column: str, expected: str) -> NoReturn:
        """Say of a cell what it has to be, and what it is."""
        got = repr(self.values.get(column))
        message = f"{self.place}: expected {column!r} as {expected}, got {got:.80}"
        raise InputError(message)

    def get(self, *columns: str) -> Any:
        """Return the first of these cells that is there, else None."""
        return next((v for c in columns if (v := self.values.get(c)) is not None), None)

    def text(self, *columns: str) -> str:
        """Return the first of these cells that is there: a text that is not empty."""
        found = self.get(*columns)
        if isinstance(found, str) and found.strip():
            return found.strip()
        return self.refuse(next((c for c in columns if c in self.values), columns[0]), "text")

    def label(self, column: str, names: Sequence[str]) -> int:
        """Return a label: a number from 0, or one of `names` in any letters."""
        found = self.values.get(column)
        said = str(found).strip()
        number = int(said) if said.isdecimal() else whole(found)
        lower = [name.lower() for name in names]
        if said.lower() in lower:
            return lower.index(said.lower())
        if number is not None and 0 <= number < len(names):
            return number
        return self.refuse(
            column, f"a number from 0 to {len(names) - 1} or one of {', '.join(names)}"
        )

    def texts(self, column: str) -> tuple[str, ...]:
        """Return a list of texts, none of them empty; in a table's cell it is written out."""
        found = _plain(self.values.get(column))
        if isinstance(found, Sequence) and not isinstance(found, str | bytes):
            listed = [str(one).strip() for one in found if isinstance(one, str | int | float)]
            if listed and all(listed) and len(listed) == len(found):
                return tuple(listed)
        return self.refuse(column, "a list of texts")

    def mapping(self, column: str) -> dict[str, Any]:
        """Return names with values; in a table's cell they are written out."""
        found = _plain(self.values.get(column))
        if isinstance(found, Mapping) and found:
            return {str(name): _plain(value) for name, value in found.items()}
        return self.refuse(column, "names with values, {…}")


def _plain(value: Any) -> Any:
    """Return a cell, a written list or mapping as itself."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("[", "{"):
        return value
    for read in (json.loads, ast.literal_eval):
        try:
            return read(value)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return value
