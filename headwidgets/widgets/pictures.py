"""Attention as pictures on the wire: all heads as thumbnails, one head as a map.

Synced to the browser only: thumbs, map (headers) and thumbs_data, map_data (their bytes).
Synced both ways: run, weighting, over. Whoever has these traits can be looked at by an
`AttentionView`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import traitlets as t

from headwidgets.methods import shown
from headwidgets.methods.shown import OVER, THUMBNAIL_BYTES, WEIGHTINGS, thumbnail_edge
from headwidgets.model.work import checkpoint
from headwidgets.widgets.carried import CarriedTraits
from headwidgets.widgets.wire import decode, encode, encode_scaled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

RUNS = (*shown.RUNS, "difference")
VIEWED = ("run", "weighting", "over")
"""How the session is looked at: traits that a browser may set."""
NAMES = ("panel", "effect", "thumbs_data", "thumbs", "map_data", "map")
"""What Python paints and a browser may not set; data before its header."""

MAP_EDGE = 512
QUERIES_AT_ONCE = 512
ZERO = 128
"""The byte of a signed thumbnail that means zero."""


Read = Callable[[tuple[int, int], tuple[int, int]], "NDArray[np.float32]"]


class Picture(NamedTuple):
    """A header of plain JSON and the bytes that it speaks of."""

    header: dict[str, Any]
    data: bytes = b""


class PictureTraits(CarriedTraits):
    """The traits of a model that has pictures.

    Attributes
    ----------
    run : {"clean", "corrupted", "edited", "difference"}
        Which run is shown.
    weighting : {"raw", "no bos", "value"}
        The pattern itself; without the first position; times the norm of v·W_O.
    over : {"pair", "set"}
        The pair on screen, or the mean over the prompt set.
    thumbs, map : dict
        ``revision``, ``run``, ``weighting``, ``over``, ``signed``, ``array`` (see `wire`);
        a map has ``head``, ``n`` (tokens), ``stride`` (tokens a pixel) and ``causal``
        (only the lower triangle is sent) too, ``tokens`` where they are not the clean
        ones, ``of`` for a difference, ``prompts`` (how many) for a mean over the set, and
        ``no_mean``, why there is none. ``error`` in place of ``array`` says why there is
        no picture. Thumbnails are never weighted by value.
    thumbs_data, map_data : bytes
    panel, effect : dict
        See `panel_product`.
    """

    run = t.Enum(RUNS, "clean").tag(sync=True)
    weighting = t.Enum(WEIGHTINGS, "raw").tag(sync=True)
    over = t.Enum(OVER, "pair").tag(sync=True)
    thumbs = t.Dict(read_only=True).tag(sync=True, echo_update=False)
    thumbs_data = t.Bytes(b"", read_only=True).tag(sync=True, echo_update=False)
    map = t.Dict(read_only=True).tag(sync=True, echo_update=False)
    map_data = t.Bytes(b"", read_only=True).tag(sync=True, echo_update=False)
    panel = t.Dict(read_only=True).tag(sync=True, echo_update=False)
    effect = t.Dict(read_only=True).tag(sync=True, echo_update=False)

    def show(self, name: str, picture: Picture) -> list[str]:
        """Take a picture such as ``"thumbs"``; return the traits that changed."""
        news: dict[str, Any] = {f"{name}_data": picture.data, name: picture.header}
        news = {key: value for key, value in news.items() if self.has_trait(key)}
        changed = [key for key, value in news.items() if getattr(self, key) != value]
        for key in changed:
            self.set_trait(key, news[key])
        return changed


def pack_thumbs(values: NDArray[np.uint8], **about: Any) -> Picture:
    """Write thumbnails, uint8 [layer, head, edge, edge]; 255 is 1, signed: 128 is 0.

    Causal ones are sent without their empty half, as [layer, head, edge · (edge + 1) / 2].
    """
    about = {"signed": False, **about}
    edge = values.shape[-1]
    above = np.triu_indices(edge, 1)
    causal = bool((values[(..., *above)] == (ZERO if about["signed"] else 0)).all())
    sent = values[(..., *np.tril_indices(edge))] if causal else values
    header, data = encode(np.ascontiguousarray(sent))
    return Picture({**about, "causal": causal, "edge": edge, "array": header}, data)


def pack_map(values: NDArray[np.float32], **about: Any) -> Picture:
    """Write one head's map, [query, key]; see `pack_windows`."""
    return pack_windows(
        lambda queries, keys: values[slice(*queries), slice(*keys)], values.shape[-1], **about
    )


def pack_windows(read: Read, n: int, *, signed: bool = False, **about: Any) -> Picture:
    """Write one head's map: every value up to 512 tokens, else an overview.

    Past 512 tokens a pixel is the largest of its tokens' values (signed: the farthest from
    zero), so that a sharp line stays visible. A causal map is sent without its empty half.

    Parameters
    ----------
    read : callable
        ``read(queries, keys)`` returns the window between two (start, stop).
    n : int
        Tokens along one axis.
    """
    stride = -(-n // MAP_EDGE)
    small = np.ascontiguousarray(_overview(read, n, stride, signed=signed), dtype=np.float32)
    lower, above = _halves(len(small))
    causal = not (small.view(np.uint32) & above).any()
    sent = small[lower] if causal else small
    header, data = encode_scaled(sent)
    shape = {"n": n, "stride": stride, "signed": signed, "causal": causal}
    return Picture({**about, **shape, "array": header}, data)


@functools.lru_cache(maxsize=2)
def _halves(edge: int) -> tuple[NDArray[np.bool_], NDArray[np.uint32]]:
    """Return masks of a square: on and below its diagonal; and above it, of all bits but the sign.

    The second finds a value there that is not zero, NaN too, in one pass.
    """
    lower = np.tri(edge, dtype=bool)
    halves = lower, np.where(lower, 0, np.iinfo(np.int32).max).astype(np.uint32)
    for half in halves:
        half.setflags(write=False)
    return halves


def _overview(read: Read, n: int, stride: int, *, signed: bool) -> NDArray[np.float32]:
    """Pool a map without ever holding it: so many queries at a time."""
    if stride == 1:
        return read((0, n), (0, n))
    step = stride * max(1, QUERIES_AT_ONCE // stride)
    rows = []
    for start in range(0, n, step):
        checkpoint()
        some = read((start, min(start + step, n)), (0, n))
        rows.append(pooled(some, stride, signed=signed))
    return np.concatenate(rows)


def unpack(header: Mapping[str, Any], data: bytes) -> NDArray[Any] | None:
    """Read what `pack_map` or `pack_thumbs` wrote; None where there is no picture."""
    if "array" not in header:
        return None
    values = decode(header["array"], data)
    if not header.get("causal"):
        return values
    edge = header.get("edge") or -(-header["n"] // header["stride"])
    empty = ZERO if header["signed"] and "edge" in header else 0
    out = np.full((*values.shape[:-1], edge, edge), empty, values.dtype)
    out[(..., *np.tril_indices(edge))] = values
    return out


def pooled(values: NDArray[Any], stride: int, *, signed: bool = False) -> NDArray[Any]:
    """Take the largest of each `stride` × `stride` block of the last two axes."""
    if stride == 1:
        return values
    low, high = values, values
    for axis in (-1, -2):
        starts = np.arange(0, values.shape[axis], stride)
        high = np.maximum.reduceat(high, starts, axis=axis)
        low = np.minimum.reduceat(low, starts, axis=axis) if signed else low
    return np.where(-low > high, low, high) if signed else high


def thumbnails(
    patterns: NDArray[np.float32], budget: int = THUMBNAIL_BYTES, *, bos: bool = True
) -> NDArray[np.uint8]:
    """Return [layer, head, query, key] as small pictures, uint8, within `budget` bytes.

    Without `bos` the first column is left out.
    """
    n_layers, n_heads, n = patterns.shape[:3]
    edge = min(thumbnail_edge(n_layers * n_heads, budget), n)
    starts = -(-np.arange(edge) * n // edge)  # the first token whose bin is this one
    out = np.empty((n_layers, n_heads, edge, edge), np.uint8)
    for layer, maps in enumerate(patterns):  # a layer at a time, so that no copy of all exists
        shown = np.nan_to_num(maps, nan=0.0, posinf=1.0, neginf=0.0)
        if not bos:
            shown[..., 0] = 0.0
        small = np.maximum.reduceat(np.maximum.reduceat(shown, starts, axis=2), starts, axis=1)
        out[layer] = np.floor(np.clip(small, 0, 1) * 255 + 0.5)
    return out


def difference(after: NDArray[np.uint8], before: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return signed thumbnails: 128 where two are alike, 255 and 0 for a change of ±1."""
    change = after.astype(np.int16) - before.astype(np.int16)
    out: NDArray[np.uint8] = (ZERO + np.rint(change * (127 / 255))).astype(np.uint8)
    return out
