"""What counts as a whole number: ints, numpy's and zero-dimensional tensors; no booleans."""

from __future__ import annotations

import operator


def whole(value: object) -> int | None:
    """Return `value` as an int where it is one, else None."""
    if isinstance(value, bool) or getattr(value, "ndim", 0) != 0:
        return None
    try:
        found = operator.index(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, RuntimeError):
        return None
    return None if str(getattr(value, "dtype", "")).endswith("bool") else found
