"""A pasted table becomes a prompt set: TSV or CSV with a header, or one prompt a line."""

from __future__ import annotations

import csv
import difflib
import io
import re

from headwidgets.errors import InputError
from headwidgets.prompts import Prompts

COLUMNS = ("clean", "corrupted", "answer", "foil")
MOST_LINES = 2000
MOST_TEXT = 4 * 2**20
_EXPECTED = (
    "expected a header of clean, corrupted, answer, foil (clean at least), separated by tabs "
    "or commas, or one prompt a line"
)


def read_table(text: object) -> tuple[Prompts, list[int]]:
    """Read what somebody pasted.

    Parameters
    ----------
    text : str
        Lines of a table whose first line names its columns, or plain prompts. Cells are
        taken as they are: the space in front of an answer belongs to it.

    Returns
    -------
    prompts : Prompts
    lines : list of int
        In which line each prompt ends, from 1.

    Raises
    ------
    InputError
        Saying in which line and column, and what was expected.
    """
    if not isinstance(text, str) or not text.strip():
        message = f"{_EXPECTED}; got nothing"
        raise InputError(message)
    if len(text) > MOST_TEXT:
        message = f"expected at most {MOST_TEXT:,} characters, got {len(text):,}: use s.prompts"
        raise InputError(message)
    plain = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    first = next(line for line in plain.split("\n") if line.strip())
    comma = first.count(",") and not first.count("\t") and _is_header(first.split(","))
    separator = "," if comma else "\t"
    names = [name.strip().lower() for name in first.split(separator)]
    if not _is_header(names):
        if separator in first:
            message = f"line 1: {_EXPECTED}; got the columns {', '.join(map(repr, names))[:120]}"
            raise InputError(message)
        numbered = [(i, line) for i, line in enumerate(plain.split("\n"), 1) if line.strip()]
        _few(len(numbered))
        return Prompts(clean=[line for _, line in numbered]), [i for i, _ in numbered]
    return _table(plain, separator)


def name_line(error: InputError, lines: list[int]) -> str:
    """Say in which line of the table the prompt stands that an error speaks of."""
    found = re.search(r"\bprompt (\d+)", str(error))
    return f"line {lines[int(found[1])]}: {error}" if found else str(error)


def _is_header(cells: list[str]) -> bool:
    """Whether a line names columns, perhaps with a slip of the pen."""
    names = [cell.strip().lower() for cell in cells]
    return any(difflib.get_close_matches(name, ["clean"], cutoff=0.7) for name in names)


def _table(text: str, separator: str) -> tuple[Prompts, list[int]]:
    numbered = _cells(text, separator)
    names = [name.strip().lower() for name in numbered[0][1]]
    for column, name in enumerate(names, 1):
        if name not in COLUMNS or names.index(name) < column - 1:
            near = difflib.get_close_matches(name, COLUMNS, n=1)
            hint = f"; is it {near[0]!r}?" if near and near[0] not in names else ""
            message = f"line 1, column {column}: expected one of {', '.join(COLUMNS)}, each once, "
            message += f"got {name!r:.60}{hint}"
            raise InputError(message)
    _few(len(numbered) - 1)
    lists: dict[str, list[str]] = {name: [] for name in names}
    for line, row in numbered[1:]:
        if len(row) != len(names):
            message = (
                f"line {line}: expected {len(names)} columns ({', '.join(names)}), got {len(row)}"
            )
            raise InputError(message)
        for column, (name, cell) in enumerate(zip(names, row, strict=True), 1):
            if not cell.strip() and name != "corrupted":
                message = f"line {line}, column {column}: expected {name}, got nothing"
                raise InputError(message)
            lists[name].append(cell)
    corrupted = [cell if cell.strip() else None for cell in lists.get("corrupted", [])] or None
    prompts = Prompts(
        clean=lists["clean"],
        corrupted=corrupted,
        answer=lists.get("answer"),
        foil=lists.get("foil"),
        name="pasted table",
    )
    return prompts, [line for line, _ in numbered[1:]]


def _cells(text: str, separator: str) -> list[tuple[int, list[str]]]:
    """Return each row that is not empty, and in which line it ends.

    A cell in quotes is one as a spreadsheet writes it. Between tabs, quotes that cannot be meant
    so are letters of the text.
    """
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
        rows = csv.reader(io.StringIO(text), delimiter=separator, quoting=quoting, strict=True)
        try:
            return [(rows.line_num, row) for row in rows if any(cell.strip() for cell in row)]
        except csv.Error as error:
            if quoting == csv.QUOTE_MINIMAL and separator == "\t":
                continue
            message = f"line {rows.line_num}: the table cannot be read: {error}"
            raise InputError(message) from error
    raise AssertionError  # pragma: no cover - the second way returns or raises


def _few(n: int) -> None:
    if not n:
        message = "line 2: expected at least one prompt under the header, got none"
        raise InputError(message)
    if n > MOST_LINES:
        message = f"expected at most {MOST_LINES} prompts, got {n}: use s.prompts in Python"
        raise InputError(message)
