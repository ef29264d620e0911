"""A table of heads on the wire: one value a head, and what there is to say of it.

Three arrays in one buffer: numbers float32 [column, layer, head], verdict codes uint8
[layer, head], reason codes int32 [layer, head]; verdicts and reasons are lists in the
header. Numbers in a reason are taken out of it, so that few reasons remain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headwidgets.widgets.grid_read import (
    check_once,
    read_extras,
    read_heads,
    read_numbers,
    read_texts,
    value_column,
)
from headwidgets.widgets.pictures import Picture
from headwidgets.widgets.wire import decode, encode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from pandas import DataFrame

ABOUT = (
    *("measured_on", "metric", "edit", "unit", "numerics", "model", "threshold", "mean"),
    "incomplete",
)
ABSENT = "not in the table"
NOT_YET = "not measured yet"
REASON_BYTES = 40_000
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
        `grid_read.EXTRAS`; ``se`` and ``n`` become an interval.
    value : str, optional
        The column to show; by default the first of `grid_read.LIKELY` that is there, or the only
        one of numbers.
    shape : (layers, heads), optional
        Of the model; by default as large as the frame needs.

    Raises
    ------
    InputError
        If a column is missing, a head occurs twice, or the model has no such head.
    """
    column = value_column(frame, value)
    heads = read_heads(frame, shape)
    n_layers, n_heads = shape or tuple(int(n) + 1 for n in heads.max(axis=0))
    at = heads[:, 0] * n_heads + heads[:, 1]
    check_once(at, n_heads)
    columns = {"value": read_numbers(frame, column), **read_extras(frame, column)}
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


def _verdicts(
    frame: DataFrame, columns: Mapping[str, Any], at: NDArray[np.int64], size: int
) -> tuple[list[str], NDArray[np.uint8]]:
    """Return the words and each head's code; without a verdict, whether its interval holds 0."""
    words: list[Any]
    if "verdict" in frame:
        words = read_texts(frame, "verdict")
    elif "low" in columns and "p" not in columns:
        most = np.nanmax(np.abs(np.where(np.isfinite(columns["value"]), columns["value"], 0.0)))
        away = (columns["low"] > 0) | (columns["high"] < 0)
        away &= np.abs(columns["value"]) > _TINY * most
        words = [AWAY if one else WITHIN for one in away]
    else:
        words = [""] * len(frame)
    if "incomplete" in frame.attrs and "n" in frame:
        done = frame["n"].to_numpy() > 0
        words = [word if one else NOT_YET for word, one in zip(words, done, strict=True)]
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
    reasons, left = read_texts(frame, "reason"), REASON_BYTES
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
    why = None if "incomplete" in frame.attrs else frame.attrs.get("normalised")
    return {
        **plain,
        "notes": [str(note) for note in (why, *more) if note],
        "revision": revision if isinstance(revision, int) and _is_plain(revision) else 0,
    }


def _is_plain(value: object) -> bool:
    """Whether JavaScript has this number."""
    return isinstance(value, int | float) and abs(value) < 2**53
