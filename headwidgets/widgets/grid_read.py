"""A frame with one row a head, read and checked: which column, which heads, what numbers."""

from __future__ import annotations

import difflib
import math
from typing import TYPE_CHECKING

import numpy as np

from headwidgets.errors import InputError
from headwidgets.heads import Head
from headwidgets.methods.interval import interval
from headwidgets.whole import whole

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import DataFrame

EXTRAS = ("p", "null_mean", "normalised", "low", "high")
"""Columns that are sent beside the value, where the frame has them."""
LIKELY = ("effect", "score", "value")
MOST_HEADS = 20_000


def value_column(frame: DataFrame, value: str | None) -> str:
    """Return the column to show.

    Raises
    ------
    InputError
        If there is none, or it is not clear which.
    """
    names = [str(name) for name in frame.columns]
    missing = [name for name in ("layer", "head") if name not in names]
    if missing:
        message = f"expected a frame with the columns layer, head and a value, got {names}"
        raise InputError(message)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        message = f"expected each column once, got {', '.join(map(repr, twice))} more than once"
        raise InputError(message)
    numeric = [n for n in names if n not in ("layer", "head") and _is_numbers(frame, n)]
    if value is not None:
        if value in numeric:
            return value
        near = difflib.get_close_matches(str(value), numeric, n=1)
        hint = f"is it {near[0]!r}?" if near else f"it has {numeric}"
        message = f"the frame has no column of numbers {value!r}: {hint}"
        raise InputError(message)
    likely = [name for name in LIKELY if name in numeric] or numeric
    if len(likely) == 1 or (likely and likely[0] in LIKELY):
        return likely[0]
    message = f"expected one column of numbers beside layer and head, got {likely or names}"
    raise InputError(message + (": say value='...'" if likely else ""))


def read_heads(frame: DataFrame, shape: tuple[int, int] | None) -> NDArray[np.int64]:
    """Return layer and head of every row: [row, 2].

    Raises
    ------
    InputError
        If there is no row, one of them is no head of the model, or there are too many heads.
    """
    if not len(frame):
        message = "expected at least one head, got an empty frame"
        raise InputError(message)
    read: list[Head] = []
    pairs = zip(frame["layer"].tolist(), frame["head"].tolist(), strict=True)
    for row, pair in enumerate(pairs):
        layer, head = (_place(part) for part in pair)
        if layer is None or head is None or layer < 0 or head < 0:
            message = f"expected layer and head from 0 in every row, got {pair!r:.80} in row {row}"
            raise InputError(message)
        read.append(Head(layer, head) if shape is None else Head(layer, head).within(*shape))
    size = math.prod(max(part) + 1 for part in zip(*read, strict=True))
    if shape is None and size > MOST_HEADS:
        message = f"expected layers × heads up to {MOST_HEADS:,}, got {size:,}: is it a model?"
        raise InputError(message)
    return np.array(read, dtype=np.int64)


def _place(value: object) -> int | None:
    """Read a layer or a head; pandas makes floats of whole numbers that once had a gap."""
    return int(value) if isinstance(value, float) and value.is_integer() else whole(value)


def _is_numbers(frame: DataFrame, column: str) -> bool:
    return frame[column].dtype.kind in "iufb"


def check_once(at: NDArray[np.int64], n_heads: int) -> None:
    """Raise InputError if a head, layer · n_heads + head, occurs twice."""
    found, counts = np.unique(at, return_counts=True)
    if counts.max() > 1:
        twice = Head(*divmod(int(found[counts.argmax()]), n_heads))
        message = (
            f"expected one row a head, got {counts.max()} for head {twice}: choose one kind, such "
            "as frame[frame['kind'] == 'induction']"
        )
        raise InputError(message)


def read_numbers(frame: DataFrame, column: str) -> NDArray[np.float64]:
    """Return a column as float64 [row], NaN where there is nothing."""
    numbers: NDArray[np.float64] = frame[column].to_numpy(dtype=float, na_value=np.nan)
    return numbers


def read_extras(frame: DataFrame, column: str) -> dict[str, NDArray[np.float64]]:
    """Return the columns beside the value; low and high are those of the value alone."""
    own = column in LIKELY
    out = {
        name: read_numbers(frame, name)
        for name in EXTRAS
        if name in frame
        and _is_numbers(frame, name)
        and name != column
        and (own or name not in ("low", "high"))
    }
    se = "se" if own else f"{column}_se"
    if "low" not in out and all(name in frame and _is_numbers(frame, name) for name in (se, "n")):
        spread = [read_numbers(frame, name) for name in (column, se, "n")]
        out["low"], out["high"] = interval(*spread)
    if "low" in out and not np.isfinite(out["low"]).any():
        out = {name: numbers for name, numbers in out.items() if name not in ("low", "high")}
    return out


def read_texts(frame: DataFrame, column: str) -> list[str]:
    """Return a column's cells as text, those without any as none."""
    there = zip(frame[column].tolist(), frame[column].notna(), strict=True)
    return [str(value) if known else "" for value, known in there]
