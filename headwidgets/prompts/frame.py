"""A prompt set as a table: clean, corrupted, answer, foil, and one column a role."""

from __future__ import annotations

import difflib
from typing import Any

from headwidgets.errors import InputError
from headwidgets.prompts.checks import COLUMNS, any_absent, uncast

ROLE = "role: "
"""What the column of a role begins with."""


def read_frame(frame: Any) -> dict[str, Any]:
    """Return the arguments of `Prompts` that a table's columns are.

    Raises
    ------
    InputError
        If a column is misspelled or comes twice, or a row has no clean prompt.
    """
    known = [c for c in frame.columns if c in COLUMNS]
    for column in frame.columns:
        near = difflib.get_close_matches(str(column), COLUMNS, n=1, cutoff=0.75)
        if column not in COLUMNS and near:
            message = f"column {column!r} is none of {', '.join(COLUMNS)}; is it {near[0]!r}?"
            raise InputError(message)
    if len(set(known)) != len(known):
        message = f"expected each column once, got {', '.join(map(repr, frame.columns))}"
        raise InputError(message)
    if "clean" not in known:
        message = (
            f"expected a table with a column 'clean' (and corrupted, answer, foil), "
            f"got the columns {', '.join(map(repr, frame.columns))}"
        )
        raise InputError(message)
    cells = frame.astype(object).where(frame.notna(), None)
    columns: dict[str, Any] = {column: cells[column].tolist() for column in known}
    if any_absent(columns["clean"]):
        row = columns["clean"].index(None)
        message = f"expected a clean prompt in every row, got none in row {row}"
        raise InputError(message)
    roles = {
        str(c).removeprefix(ROLE): [uncast(v) for v in cells[c].tolist()]
        for c in frame.columns
        if str(c).startswith(ROLE)
    }
    return {**columns, "roles": roles}
