"""Local files as rows: JSON lines, JSON, CSV, TSV and Parquet; no network."""

from __future__ import annotations

import contextlib
import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from headwidgets.errors import InputError
from headwidgets.tasks.cells import Cells

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Placed = tuple[str, dict[str, Any]]
"""Where a row stands, and its cells by column."""
_LONGEST_CELL = 1 << 24


def read_rows(path: object) -> list[Cells]:
    """Return the rows of a file; names of columns in small letters.

    Parameters
    ----------
    path : str or Path
        What comes after its last point says how it is read: .jsonl, .json (a list of objects,
        or an object with one list of them), .csv and .tsv (the names of the columns first; tabs
        part cells, whatever quotes there are), .parquet (needs pyarrow).

    Raises
    ------
    InputError
        If there is no such file, it is empty, of another kind, or a line cannot be read: the
        message has its number.
    """
    if not isinstance(path, str | Path):
        message = f"expected the path of a file, got {path!r:.80}"
        raise InputError(message)
    file = Path(path).expanduser()
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        message = f"expected a file {', '.join(_READERS)}, got {file.name!r}"
        raise InputError(message)
    if not file.is_file():
        there = "is a folder" if file.is_dir() else "does not exist"
        message = f"expected a file, but {str(path)!r} {there}"
        raise InputError(message)
    found = enumerate(reader(file))
    rows = [Cells(place, number, _lower(values)) for number, (place, values) in found]
    if not rows:
        message = f"{file.name} is empty: expected at least one row"
        raise InputError(message)
    return rows


def _lower(values: dict[str, Any]) -> dict[str, Any]:
    return {str(name).strip().lower(): value for name, value in values.items()}


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"expected {file.name} as UTF-8 text, but byte {error.start} is none"
        raise InputError(message) from error


def _json_lines(file: Path) -> Iterator[Placed]:
    for number, line in enumerate(_text(file).split("\n"), 1):
        if line.strip():
            place = f"line {number} of {file.name}"
            yield place, _object(_json(line, place), place)


def _json_file(file: Path) -> Iterator[Placed]:
    text = _text(file)
    if not text.strip():
        return
    found = _json(text, file.name)
    if isinstance(found, dict):
        lists = [value for value in found.values() if isinstance(value, list)]
        found = lists[0] if len(lists) == 1 else None
    if not isinstance(found, list):
        message = f"expected {file.name} as a list of objects, or an object with one list of them"
        raise InputError(message)
    for number, value in enumerate(found, 1):
        place = f"row {number} of {file.name}"
        yield place, _object(value, place)


def _json(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        said = getattr(error, "msg", "it is too deep")
        line = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        line = "" if place.startswith("line") else line
        message = f"{place}{line}: expected JSON, but {said} in {text.strip()[:60]!r}"
        raise InputError(message) from error


def _object(value: Any, place: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    message = f"{place}: expected an object with a value for each column, got {value!r:.60}"
    raise InputError(message)


@contextlib.contextmanager
def _long_cells() -> Iterator[None]:
    """Let a cell be long here; the limit is of the whole process, and others count on it."""
    before = csv.field_size_limit()
    csv.field_size_limit(max(before, _LONGEST_CELL))
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _table(file: Path, delimiter: str, quoting: Literal[0, 3]) -> Iterator[Placed]:
    lines = _text(file).split("\n")
    rows = csv.reader(
        (f"{line}\n" for line in lines), delimiter=delimiter, quoting=quoting, strict=True
    )
    columns: list[str] = []
    while True:
        place = f"line {rows.line_num + 1} of {file.name}"
        try:
            with _long_cells():
                cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            message = f"{place}: {error}"
            raise InputError(message) from error
        if not any(cells):
            continue
        if not columns:
            columns = cells
            continue
        if len(cells) != len(columns):
            message = f"{place}: expected {len(columns)} cells, got {len(cells)}"
            raise InputError(message)
        yield place, dict(zip(columns, cells, strict=True))


def _csv(file: Path) -> Iterator[Placed]:
    return _table(file, ",", csv.QUOTE_MINIMAL)


def _tsv(file: Path) -> Iterator[Placed]:
    return _table(file, "\t", csv.QUOTE_NONE)


def _parquet(file: Path) -> Iterator[Placed]:
    import pandas as pd

    try:
        frame = pd.read_parquet(file)
    except ImportError as error:
        message = (
            f"reading {file.name} needs pyarrow, which is not installed: "
            "pip install pyarrow, or save the file as .jsonl"
        )
        raise InputError(message) from error
    except (ValueError, OSError) as error:
        message = f"expected {file.name} as Parquet, but {error}"
        raise InputError(message) from error
    for number, row in enumerate(frame.to_dict("records"), 1):
        yield f"row {number} of {file.name}", _native(row)


def _native(value: Any) -> Any:
    """Return arrays as lists, all the way down."""
    if isinstance(value, dict):
        return {name: _native(one) for name, one in value.items()}
    value = value.tolist() if hasattr(value, "tolist") else value
    return [_native(one) for one in value] if isinstance(value, list) else value


_READERS: dict[str, Callable[[Path], Iterator[Placed]]] = {
    ".jsonl": _json_lines,
    ".json": _json_file,
    ".csv": _csv,
    ".tsv": _tsv,
    ".parquet": _parquet,
}


def missing(rows: Sequence[Cells], columns: Sequence[tuple[str, ...]]) -> str:
    """Say which columns the first row lacks, and which it has; "" if it lacks none.

    Parameters
    ----------
    columns : sequence of tuple of str
        Each wanted column with the names that it may have.
    """
    got = rows[0].values
    if all(any(name in got for name in names) for names in columns):
        return ""
    wanted = ", ".join(" or ".join(names) for names in columns)
    return f"expected the columns {wanted}, got {', '.join(map(str, got)) or 'none'}"
