"""What a frame holds, as a short text: whoever has it can tell whether the frame was changed."""

from __future__ import annotations

import hashlib

import pandas as pd


def digest(frame: pd.DataFrame) -> str:
    """Return a hash of a frame's columns, and of its rows in their order, index included."""
    rows = pd.util.hash_pandas_object(frame, index=True, categorize=False)
    names = "\n".join(map(str, frame.columns))
    return hashlib.sha256(names.encode("utf-8", "replace") + rows.to_numpy().tobytes()).hexdigest()[
        :16
    ]
