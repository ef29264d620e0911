"""What a model's heads were found to be, on the wire: per kind the best heads, per head every kind.

The best heads of each kind travel as JSON: forty kinds of five heads are 200 short rows of
numbers and words, 30 kB at most, and arrays of them would need as many headers. All heads of
all kinds, which the passport of a head and the depth of the stages are read from, travel as
three arrays in one buffer: score and p [kind, layer, head], float32 (scaled float16 from `MANY`
heads on, with wire's error bound), and verdict codes uint8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headwidgets.heads import Head
from headwidgets.taxonomy.verdict import CANDIDATE, CONSISTENT, NO, NOT_MEASURABLE
from headwidgets.widgets.pictures import Picture
from headwidgets.widgets.wire import decode, encode, encode_scaled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from pandas import DataFrame

    from headwidgets.widgets.roles import Role

VERDICTS = (NOT_MEASURABLE, NO, CANDIDATE, CONSISTENT)
"""By code, the weakest first."""
BEST = 5
"""Heads of a kind that are told of in words."""
MANY = 2000
"""Heads from which on numbers travel in half the bytes."""
_NUMBERS = ("score", "se", "p")


def pack(
    roles: Mapping[str, Role], shape: tuple[int, int], proofs: list[dict[str, Any]]
) -> Picture:
    """Write what was measured.

    Parameters
    ----------
    roles : mapping of str to Role
        Of each kind that was measured, its latest score.
    shape : (layers, heads)
    proofs : list of dict
        What `confirm` found, as plain values.
    """
    tables = [role.frame for role in roles.values()]
    size = (len(tables), *shape)
    numbers = {
        name: np.array([_column(table, name) for table in tables], np.float32).reshape(size)
        for name in ("score", "p")
    }
    codes = np.array([_codes(table) for table in tables], np.uint8).reshape(size)
    write = encode if shape[0] * shape[1] < MANY else encode_scaled
    written = [write(array) for array in numbers.values()] + [encode(codes)]
    header = {
        "arrays": [one for one, _ in written],
        "verdicts": list(VERDICTS),
        "kinds": {
            name: {"row": row, **_told(role)} for row, (name, role) in enumerate(roles.items())
        },
        "proofs": proofs,
    }
    return Picture(header, b"".join(data for _, data in written))


def unpack(header: Mapping[str, Any], data: bytes) -> dict[str, NDArray[Any]]:
    """Read what `pack` wrote: score, p and verdict (codes), each [kind, layer, head]."""
    found, start = [], 0
    for one in header["arrays"]:
        width = {"float32": 4, "float16": 2, "uint8": 1}[one["dtype"]]
        stop = start + width * int(np.prod(one["shape"]))
        found.append(decode(one, data[start:stop]))
        start = stop
    return dict(zip(("score", "p", "verdict"), found, strict=True))


def _told(role: Role) -> dict[str, Any]:
    """Say of a kind what was measured, on what, and which heads are the best."""
    frame = role.frame
    first = frame.iloc[0]
    codes = _codes(frame)
    measurable = bool((codes > 0).any())
    counts = np.bincount(codes, minlength=len(VERDICTS))
    return {
        "measurable": measurable,
        "reason": "" if measurable else str(first["reason"]),
        "null_max": plain(frame["null_max"].max()),
        "n": int(frame["n"].max()),
        "accuracy": plain(first["task_accuracy"]),
        "measured_on": str(role.attrs.get("measured_on", "")),
        "edits": str(first["edits"] or ""),
        "stale": role.stale,
        "counts": {word: int(n) for word, n in zip(VERDICTS, counts, strict=True) if n},
        "best": _best(frame, codes) if measurable else [],
    }


def _best(frame: DataFrame, codes: NDArray[np.uint8]) -> list[dict[str, Any]]:
    """Return the heads that stand out, the best verdict first, then the highest score."""
    score = np.nan_to_num(_column(frame, "score"), nan=-np.inf)
    order = np.lexsort((-score, -codes.astype(int)))[:BEST]
    rows = [(frame.iloc[int(i)], int(codes[i])) for i in order if codes[i] > 0]
    return [
        {
            "head": str(Head(int(row["layer"]), int(row["head"]))),
            **{name: plain(row[name]) for name in _NUMBERS},
            "verdict": VERDICTS[code],
            "reason": str(row["reason"]),
        }
        for row, code in rows
    ]


def _codes(frame: DataFrame) -> NDArray[np.uint8]:
    codes: NDArray[np.uint8] = frame["verdict"].map(VERDICTS.index).to_numpy(np.uint8)
    return codes


def _column(frame: DataFrame, name: str) -> NDArray[np.float32]:
    values: NDArray[np.float32] = frame[name].to_numpy(np.float32)
    return values


def plain(value: Any) -> float | None:
    """Return a number as JSON has it; None for one that it lacks."""
    return float(value) if np.isfinite(value) else None
