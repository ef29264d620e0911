"""A frame taken apart: its numbers as arrays, bit for bit, the rest as JSON."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from headwidgets.errors import InputError

_NUMBERS = "biuf"


def pack(name: str, frame: pd.DataFrame, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """Put a frame's numbers among `arrays`; return the rest as JSON values.

    Raises
    ------
    InputError
        If the frame has column names that are not distinct texts, or several indices.
    """
    names = list(frame.columns)
    plain = isinstance(frame, pd.DataFrame) and all(isinstance(c, str) for c in names)
    if not plain or len(set(names)) != len(names) or frame.index.nlevels > 1:
        message = (
            f"cannot save the frame {name!r}: expected columns with distinct names and one index; "
            "remove it from s.frames, or write it with pandas"
        )
        raise InputError(message)
    columns = []
    for number, (column, values) in enumerate([("", frame.index), *frame.items()]):
        raw = values.to_numpy()
        entry: dict[str, Any] = {"name": column, "dtype": str(values.dtype)}
        if raw.dtype.kind in _NUMBERS:
            entry["array"] = f"{len(arrays)}/{number}"
            arrays[entry["array"]] = np.ascontiguousarray(raw)
        else:
            entry["values"] = [None if pd.isna(v) else to_plain(v) for v in values.tolist()]
        columns.append(entry)
    return {
        "name": name,
        "index": frame.index.name,
        "columns": columns,
        "attrs": to_plain(frame.attrs),
    }


def unpack(packed: dict[str, Any], arrays: dict[str, np.ndarray]) -> tuple[str, pd.DataFrame]:
    """Return the name and the frame that `pack` took apart."""
    series = [
        (entry["name"], pd.Series(_values(entry, arrays), dtype=entry["dtype"]))
        for entry in packed["columns"]
    ]
    index, *columns = series
    frame = pd.DataFrame(dict(columns))
    frame.index = pd.Index(index[1].to_numpy(), dtype=index[1].dtype, name=packed["index"])
    frame.attrs = packed["attrs"]
    return packed["name"], frame


def _values(entry: dict[str, Any], arrays: dict[str, np.ndarray]) -> Any:
    return arrays[entry["array"]] if "array" in entry else entry["values"]


def to_plain(value: Any) -> Any:
    """`value` as JSON can hold it."""
    if isinstance(value, dict):
        return {str(k): to_plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)
