"""A table of heads on the wire: one value a head, and what there is to say of it.

Three arrays in one buffer: numbers float32 [column, layer, head], verdict codes uint8
[layer, head], reason codes int32 [layer, head]; verdicts and reasons are lists in the
header. Numbers in a reason are taken out of it, so that few reasons remain.
"""

from __future__ import annotations

import difflib
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from headwidgets.errors import InputError
from headwidgets.heads import Head
from headwidgets.methods.interval import interval
from headwidgets.whole import whole
from headwidgets.widgets.pictures import Picture
from headwidgets.widgets.wire import decode, encode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from pandas import DataFrame

EXTRAS = ("p", "null_mean", "normalised", "low", "high")
"""Columns that are sent beside the value, where the frame has them."""
LIKELY = ("effect", "score", "value")
ABOUT = ("measured_on", "metric", "edit", "unit", "numerics", "model", "threshold", "mean")
ABSENT = "not in the table"
REASON_BYTES = 40_000
MOST_HEADS = 20_000
AWAY, WITHIN = "clear of zero", "not clear of zero"
_TINY = 1e-5  # of the largest value: below it a number is rounding


def pack(
    frame: DataFrame, value: str | None = None, shape: tuple[int, int] | None = None, **about: Any
) -> Picture:
    """Write a frame with one row a head.

    Parameters
    ----------
    frame : DataFrame
        Columns layer, head, one of values and, if there are any, verdict, reason and
        `EXTRAS`; ``se`` and ``n`` become an interval.
    value : str, optional
        The column to show; by default the first of `LIKELY` that is there, or the only
        one of numbers.
    shape : (layers, heads), optional
        Of the model; by default as large as the frame needs.

    Raises
    ------
    InputError
        If a column is missing, a head occurs twice, or the model has no such head.
    """
    column = value_column(frame, value)
    heads = _heads(frame, shape)
    n_layers, n_heads = shape or tuple(int(n) + 1 for n in heads.max(axis=0))
    at = heads[:, 0] * n_heads + heads[:, 1]
    _once(at, n_heads)
    columns = {"value": _numbers(frame, column), **_extras(frame, column)}
    floats = np.full((len(columns), n_layers * n_heads), np.nan, np.float32)
    with np.errstate(over="ignore"):
        for row, numbers in zip(floats, columns.values(), strict=True):
            row[at] = numbers
    verdicts, codes = _verdicts(frame, columns, at, n_layers * n_heads)
    reasons, why = _reasons(frame, columns, at, n_layers * n_heads)
    arrays = [
        floats.reshape(len(columns), n_layers, n_heads),
        codes.reshape(n_layers, n_heads),
        why.reshape(n_layers, n_heads),
    ]
    written = [encode(array) for array in arrays]
    header = {
        "column": column,
        "columns": list(columns),
        "arrays": [one for one, _ in written],
        "verdicts": verdicts,
        "reasons": reasons,
        "signed": column == "effect" or bool((floats[0] < 0).any()),
        **_about(frame),
        **about,
    }
    return Picture(header, b"".join(data for _, data in written))


def unpack(header: Mapping[str, Any], data: bytes) -> dict[str, NDArray[Any]]:
    """Read what `pack` wrote: each column, [layer, head], and verdict and reason codes."""
    found, start = [], 0
    for one in header["arrays"]:
        size = int(np.prod(one["shape"])) * np.dtype(one["dtype"]).itemsize
        found.append(decode(one, data[start : start + size]))
        start += size
    floats, codes, why = found
    named = dict(zip(header["columns"], floats, strict=True))
    return {**named, "verdict": codes, "reason": why}


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


def _heads(frame: DataFrame, shape: tuple[int, int] | None) -> NDArray[np.int64]:
    """Return [row, 2], checked."""
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


def _once(at: NDArray[np.int64], n_heads: int) -> None:
    found, counts = np.unique(at, return_counts=True)
    if counts.max() > 1:
        twice = Head(*divmod(int(found[counts.argmax()]), n_heads))
        message = (
            f"expected one row a head, got {counts.max()} for head {twice}: choose one kind, such "
            "as frame[frame['kind'] == 'induction']"
        )
        raise InputError(message)


def _numbers(frame: DataFrame, column: str) -> NDArray[np.float64]:
    numbers: NDArray[np.float64] = frame[column].to_numpy(dtype=float, na_value=np.nan)
    return numbers


def _extras(frame: DataFrame, column: str) -> dict[str, NDArray[np.float64]]:
    """Return the columns beside the value; low and high are those of the value alone."""
    own = column in LIKELY
    out = {
        name: _numbers(frame, name)
        for name in EXTRAS
        if name in frame
        and _is_numbers(frame, name)
        and name != column
        and (own or name not in ("low", "high"))
    }
    se = "se" if own else f"{column}_se"
    if "low" not in out and all(name in frame and _is_numbers(frame, name) for name in (se, "n")):
        spread = [_numbers(frame, name) for name in (column, se, "n")]
        out["low"], out["high"] = interval(*spread)
    if "low" in out and not np.isfinite(out["low"]).any():
        out = {name: numbers for name, numbers in out.items() if name not in ("low", "high")}
    return out


def _verdicts(
    frame: DataFrame, columns: Mapping[str, Any], at: NDArray[np.int64], size: int
) -> tuple[list[str], NDArray[np.uint8]]:
    """Return the words and each head's code; without a verdict, whether its interval holds 0."""
    words: list[Any]
    if "verdict" in frame:
        words = _texts(frame, "verdict")
    elif "low" in columns and "p" not in columns:
        most = np.nanmax(np.abs(np.where(np.isfinite(columns["value"]), columns["value"], 0.0)))
        away = (columns["low"] > 0) | (columns["high"] < 0)
        away &= np.abs(columns["value"]) > _TINY * most
        words = [AWAY if one else WITHIN for one in away]
    else:
        words = [""] * len(frame)
    everything = [""] * size if len(at) == size else [ABSENT] * size
    for place, word in zip(at, words, strict=True):
        everything[place] = word
    known, codes = _intern(everything, 255)
    return known, codes.astype(np.uint8)


def _reasons(
    frame: DataFrame, columns: Mapping[str, Any], at: NDArray[np.int64], size: int
) -> tuple[list[str], NDArray[np.int32]]:
    """Return the reasons without their numbers, and each head's code."""
    everything = [""] * size
    if "reason" not in frame:
        return [""], np.zeros(size, np.int32)
    values, p = columns["value"], columns.get("p", np.full(len(frame), np.nan))
    order = np.argsort(-np.nan_to_num(np.abs(values)), kind="stable")
    reasons, left = _texts(frame, "reason"), REASON_BYTES
    seen: set[str] = set()
    for row in order:
        text = (
            reasons[row]
            .replace(f"{values[row]:.3f}", "{value}")
            .replace(f"p = {p[row]:.3f}", "p = {p}")
        )
        if text not in seen:
            left -= len(text.encode()) + 4
            seen.add(text)
        everything[at[row]] = text if left >= 0 else "see .to_frame() for the reason"
    return _intern(everything, size)


def _texts(frame: DataFrame, column: str) -> list[str]:
    """Return a column's cells as text, those without any as none."""
    there = zip(frame[column].tolist(), frame[column].notna(), strict=True)
    return [str(value) if known else "" for value, known in there]


def _intern(words: Sequence[str], most: int) -> tuple[list[str], NDArray[np.int32]]:
    known = list(dict.fromkeys(words))[:most]
    index = {word: code for code, word in enumerate(known)}
    return known, np.array([index.get(word, 0) for word in words], dtype=np.int32)


def _about(frame: DataFrame) -> dict[str, Any]:
    """Return what a frame says of itself, as plain JSON."""
    said = {name: frame.attrs.get(name) for name in ABOUT}
    plain = {k: v for k, v in said.items() if isinstance(v, str) or _is_plain(v)}
    more = frame.attrs.get("notes")
    more = [more] if isinstance(more, str) else more if isinstance(more, list | tuple) else []
    revision = frame.attrs.get("revision")
    return {
        **plain,
        "notes": [str(note) for note in (frame.attrs.get("normalised"), *more) if note],
        "revision": revision if isinstance(revision, int) and _is_plain(revision) else 0,
    }


def _is_plain(value: object) -> bool:
    """Whether JavaScript has this number."""
    return isinstance(value, int | float) and abs(value) < 2**53
