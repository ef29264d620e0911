"""Arrays on the wire: a small JSON header and one binary buffer, never JSON numbers.

The other half of this pair is ``js/src/lib/wire.ts``; both are held to the bytes in
``js/test/golden``. All buffers are little-endian and in C order.
"""

from __future__ import annotations

import math
import reprlib
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

import numpy as np

from headwidgets.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

LIMIT = 16 * 2**20
"""Largest buffer that is sent or accepted, in bytes."""

RELATIVE_BOUND = 2.0**-11
"""Error of `encode_scaled`, as a share of the header's ``scale``."""

_RAW = {name: np.dtype(name).newbyteorder("<") for name in ("float32", "uint8", "int32")}
_HALF = np.dtype("<f2")
_FINE = 1e-30
"""Below this scale float32 has too few bits left."""


class Header(TypedDict):
    """What a buffer holds: ``dtype``, ``shape`` and, for float16, how it was scaled."""

    dtype: str
    shape: list[int]
    centre: NotRequired[float]
    scale: NotRequired[float]


def encode(array: object, *, limit: int = LIMIT) -> tuple[Header, bytes]:
    """Write an array exactly.

    Parameters
    ----------
    array : np.ndarray or torch.Tensor
        float32, uint8 or int32, in C order. Half precision (float16, bfloat16) is
        widened to float32 first, which is exact.
    limit : int
        Largest buffer, in bytes.

    Returns
    -------
    header : Header
    buffer : bytes
        Little-endian, ``prod(shape) * itemsize`` bytes.

    Raises
    ------
    InputError
        If the dtype is another, the array is not C-contiguous, or it exceeds `limit`.
    """
    values = _as_numpy(array)
    name = values.dtype.name
    if name not in _RAW or values.dtype != _RAW[name]:
        message = (
            f"expected an array of {', '.join(_RAW)}, got {values.dtype.str} ({name}); "
            "cast it first, for example with .astype('float32')"
        )
        raise InputError(message)
    _check_size(values.nbytes, limit, values.shape)
    return {"dtype": name, "shape": list(values.shape)}, values.tobytes()


def encode_scaled(array: object, *, limit: int = LIMIT) -> tuple[Header, bytes]:
    """Write a float array in half the bytes: float16 of ``(x - centre) / scale``.

    `centre` and `scale` are the middle and half the width of the finite values, so
    that the quotient lies in [-1, 1] and a decoded float32 value is within
    ``2**-11 * scale`` of the one that was encoded. ±inf and NaN survive as they are.

    Parameters
    ----------
    array : np.ndarray or torch.Tensor
        float32 (or half precision, widened first), in C order.
    limit : int
        Largest buffer, in bytes.

    Returns
    -------
    header : Header
        With ``centre`` and ``scale``.
    buffer : bytes
        Two bytes a value.

    Raises
    ------
    InputError
        As `encode`.
    """
    values = _as_numpy(array)
    if values.dtype != _RAW["float32"]:
        message = (
            f"expected a float32 array, got {values.dtype.str}; "
            "use encode for integers, or .astype('float32')"
        )
        raise InputError(message)
    _check_size(2 * values.size, limit, values.shape)
    known = np.isfinite(values)
    finite = values if known.all() else values[known]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    centre, scale = (float(np.float32(x)) for x in ((low + high) / 2, (high - low) / 2))
    wide = values.astype(np.float64) if scale < _FINE else values  # float32 is twice as quick
    with np.errstate(under="ignore"):
        shifted = wide - wide.dtype.type(centre)
        shifted /= wide.dtype.type(scale or 1.0)
        half = shifted.astype(_HALF)
    header: Header = {
        "dtype": "float16",
        "shape": list(values.shape),
        "centre": centre,
        "scale": scale,
    }
    return header, half.tobytes()


def decode(
    header: Mapping[str, Any], buffer: bytes | memoryview, *, limit: int = LIMIT
) -> NDArray[Any]:
    """Read what `encode` or `encode_scaled` (or the browser) wrote.

    Parameters
    ----------
    header : mapping
    buffer : bytes-like
    limit : int
        Largest buffer, in bytes.

    Returns
    -------
    np.ndarray
        Of the header's dtype, float32 where that is float16; a copy of the buffer.

    Raises
    ------
    InputError
        If the header is malformed or does not fit the buffer.
    """
    name = header.get("dtype") if hasattr(header, "get") else None
    shape = _read_shape(header["shape"] if name is not None and "shape" in header else None)
    dtype = _HALF if name == "float16" else _RAW.get(name) if isinstance(name, str) else None
    if dtype is None:
        message = f"expected dtype float16, {', '.join(_RAW)}, got {reprlib.repr(name)}"
        raise InputError(message)
    raw = memoryview(buffer).cast("B")
    expected = math.prod(shape) * dtype.itemsize
    if len(raw) != expected:
        message = f"expected {expected} bytes for {name} {list(shape)}, got {len(raw)}"
        raise InputError(message)
    _check_size(expected, limit, shape)
    values = np.frombuffer(raw, dtype).reshape(shape)
    if name != "float16":
        return values.copy()
    centre, scale = (_read_finite(header, key) for key in ("centre", "scale"))
    wide = values.astype(np.float64)
    with np.errstate(invalid="ignore"):
        scaled = np.where(np.isfinite(wide), centre + scale * wide, wide)
    return scaled.astype(np.float32)


def _as_numpy(array: object) -> NDArray[Any]:
    """Return `array` as NumPy in C order, half precision widened to float32."""
    if hasattr(array, "detach"):  # a torch tensor, without importing torch
        held = array.detach().cpu()
        array = (held.float() if held.is_floating_point() else held).contiguous().numpy()
    if not isinstance(array, np.ndarray):
        message = f"expected a NumPy array or a tensor, got {type(array).__name__}"
        raise InputError(message)
    if not array.flags.c_contiguous:
        message = (
            f"expected an array in C order, got strides {array.strides} for shape {array.shape}; "
            "call np.ascontiguousarray on it first"
        )
        raise InputError(message)
    return array.astype(np.float32) if array.dtype == np.float16 else array


def _check_size(size: int, limit: int, shape: Sequence[int]) -> None:
    if size > limit:
        message = (
            f"{size:,} bytes for shape {list(shape)} exceed the {limit:,} that one message "
            "may carry; ask for a part of it, or for fewer tokens"
        )
        raise InputError(message)


def _read_shape(shape: object) -> tuple[int, ...]:
    if isinstance(shape, list | tuple) and all(
        isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in shape
    ):
        return tuple(shape)
    message = f"expected a shape such as [12, 64], got {reprlib.repr(shape)}"
    raise InputError(message)


def _read_finite(header: Mapping[str, Any], key: str) -> float:
    value = header.get(key)
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    message = f"expected a finite {key!r} beside float16, got {reprlib.repr(value)}"
    raise InputError(message)
