"""Attention from arrays: checked, and a model like a session's for the views to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets as t

from headwidgets.errors import HeadwidgetsError, InputError
from headwidgets.heads import Head
from headwidgets.methods.shown import THUMBNAIL_BYTES
from headwidgets.widgets.bundles import FURTHER
from headwidgets.widgets.envelope import reason
from headwidgets.widgets.looked_at import LookedAt
from headwidgets.widgets.pictures import (
    NAMES,
    PictureTraits,
    pack_map,
    pack_thumbs,
    thumbnails,
)
from headwidgets.widgets.serve import stamped
from headwidgets.widgets.tiles import SERVED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from headwidgets.widgets.dispatch import Handler
    from headwidgets.widgets.pictures import Picture

FIRST_PAINT = 950_000
"""Bytes for the pictures of a first view."""
NO_VALUES = (
    "arrays hold attention alone: weighting by value needs the model, hw.AttentionView(session)"
)
_ONLY = {"run": "clean", "over": "pair"}
_READ_ONLY = (*NAMES, "tokens", "names", "model", "status", "message", "revision", "edits")
_PYTHON_S = (*_READ_ONLY, *FURTHER, "carried")


def read_pattern(value: object) -> NDArray[np.float32]:
    """Return attention as float32 [layer, head, query, key].

    Parameters
    ----------
    value : array, tensor or nested lists
        [query, key], [head, query, key] or [layer, head, query, key]; any real dtype.

    Raises
    ------
    InputError
        If it is not numeric, not of these ranks, or not square.
    """
    held: Any = value
    if hasattr(held, "detach"):  # a torch tensor, without importing torch
        held = held.detach().cpu()
        held = (held.float() if held.is_floating_point() else held).numpy()
    try:
        array = np.asarray(held)
    except ValueError as error:
        message = f"expected numbers of shape [heads, query, key], got {error}"
        raise InputError(message) from error
    if array.dtype.kind not in "fiub":
        message = (
            f"expected a pattern of real numbers, got {type(value).__name__} of {array.dtype}; "
            "AttentionView takes a session, or a pattern and its tokens"
        )
        raise InputError(message)
    shape = list(array.shape)
    if array.ndim not in {2, 3, 4}:
        several = " (one prompt at a time: index the batch away)" if array.ndim > 4 else ""  # noqa: PLR2004
        message = (
            "expected a pattern [query, key], [head, query, key] or [layer, head, query, key], "
            f"got rank {array.ndim}, shape {shape}{several}"
        )
        raise InputError(message)
    if shape[-1] != shape[-2] or 0 in shape:
        message = f"expected as many queries as keys, and at least one head, got shape {shape}"
        raise InputError(message)
    return np.asarray(array.reshape((1,) * (4 - array.ndim) + array.shape), dtype=np.float32)


def read_tokens(value: object, n: int) -> list[str]:
    """Return tokens as texts, one a position.

    Raises
    ------
    InputError
        If they are no list, or not `n`.
    """
    if value is None or isinstance(value, str | bytes) or not hasattr(value, "__iter__"):
        message = f"expected tokens as a list of {n} texts, got {value!r:.80}"
        raise InputError(message)
    tokens = [token if isinstance(token, str) else str(token) for token in value]
    if len(tokens) != n:
        message = (
            f"expected {n} tokens, one for each query of the pattern, got {len(tokens)}; "
            "the beginning-of-sequence token counts too"
        )
        raise InputError(message)
    return tokens


def read_names(value: Sequence[object] | None, n_layers: int, n_heads: int) -> list[str]:
    """Return a name a head, layer by layer, or nothing.

    Raises
    ------
    InputError
        If there are more or fewer names than heads.
    """
    names = [] if value is None else [str(name) for name in value]
    if names and len(names) != n_layers * n_heads:
        message = f"expected {n_layers * n_heads} names, one a head, got {len(names)}"
        raise InputError(message)
    return names


class ArrayState(PictureTraits, LookedAt):
    """What views look at where there is no session: a pattern, its tokens, a selection."""

    prompts = ("arrays",)
    """As a session has a set: these are of one prompt."""

    selection = t.Unicode("").tag(sync=True)
    tokens = t.List(t.Unicode(), read_only=True).tag(sync=True, echo_update=False)
    names = t.List(t.Unicode(), read_only=True).tag(sync=True, echo_update=False)
    model = t.Dict(read_only=True).tag(sync=True, echo_update=False)
    edits = t.List(t.Dict(), read_only=True).tag(sync=True)
    status = t.Unicode("ready", read_only=True).tag(sync=True)
    message = t.Unicode("", read_only=True).tag(sync=True)
    revision = t.Int(1, read_only=True).tag(sync=True)

    def __init__(self, pattern: object, tokens: object, names: Any = None) -> None:
        self.pattern = read_pattern(pattern)
        n_layers, n_heads, n = self.pattern.shape[:3]
        says = {
            "tokens": read_tokens(tokens, n),
            "names": read_names(names, n_layers, n_heads),
            "model": {"name": "arrays", "n_layers": n_layers, "n_heads": n_heads},
        }
        first = self._map()
        self._budget = min(THUMBNAIL_BYTES, FIRST_PAINT - len(first.data))
        for name, value in says.items():
            self.set_trait(name, value)
        self.show("thumbs", self._thumbs())
        self.show("map", first)
        super().__init__()

    def _serving(self) -> Mapping[str, Handler]:
        return stamped(self, SERVED)

    @t.validate("selection", "run", "weighting", "over")
    def _check(self, proposal: t.Bunch) -> str:
        return str(self._read(proposal.trait.name, proposal.value))

    def _read(self, name: str, value: Any) -> Any:
        """Return what a trait is to be.

        Raises
        ------
        InputError
            If it cannot be that, or only follows from the arrays.
        """
        if name.startswith("_") or name in _PYTHON_S:
            message = f"{name!r} is read-only: it follows from the arrays"
            raise InputError(message)
        if name in _ONLY and value != _ONLY[name]:
            message = f"arrays have one {name}, {_ONLY[name]!r}, got {value!r:.80}"
            raise InputError(message)
        if name == "weighting" and value == "value":
            raise InputError(NO_VALUES)
        if name == "selection" and value:
            n_layers, n_heads = self.pattern.shape[:2]
            return str(Head.parse(value).within(n_layers, n_heads))
        return value

    @t.observe("selection", "weighting")
    def _paint(self, change: t.Bunch) -> None:
        names = self.show("map", self._map())
        if change.name == "weighting":
            names += self.show("thumbs", self._thumbs())
        self.send_state(names)

    def _map(self) -> Picture:
        head = self.selection or "0.0"
        about = {"revision": 1, "run": "clean", "weighting": self.weighting, "over": "pair"}
        no_mean = "arrays are of one prompt"
        return pack_map(
            self.attention(head, weighting=self.weighting), head=head, no_mean=no_mean, **about
        )

    def _thumbs(self) -> Picture:
        whole = self.weighting != "no bos"
        small = thumbnails(self.pattern, self._budget, bos=whole)
        return pack_thumbs(small, revision=1, run="clean", weighting=self.weighting, over="pair")

    def attention(
        self,
        head: object,
        _run: str = "clean",
        *,
        weighting: str = "raw",
        over: str = "pair",
        queries: tuple[int, int] | None = None,
        keys: tuple[int, int] | None = None,
    ) -> NDArray[np.float32]:
        """Return one head's pattern, [query, key], or a window of it."""
        self._read("weighting", weighting)
        self._read("over", over)
        self._read("run", _run)
        layer, index = Head.parse(head).within(*self.pattern.shape[:2])
        one: NDArray[np.float32] = self.pattern[layer, index][
            slice(*(queries or (None,))), slice(*(keys or (None,)))
        ]
        if weighting == "no bos" and not (keys and keys[0]):
            one = one.copy()
            one[:, :1] = 0.0
        return one

    def tokens_of(self, _run: str = "clean") -> list[str]:
        """Return the token at each position."""
        return list(self.tokens)

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what came from the browser; put back what cannot be."""
        for name, value in sync_data.items():
            try:
                super().set_state({name: self._read(name, value)})
            except (HeadwidgetsError, t.TraitError) as error:
                self.set_trait("message", reason(error))
                if name in self.keys:
                    self.send_state([name])

    def _should_send_property(self, key: str, value: object) -> bool:
        """Leave the pictures to `_paint`, which sends bytes and header in one message."""
        return key not in NAMES and bool(super()._should_send_property(key, value))
