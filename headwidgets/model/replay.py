"""One recorded run, and its blocks run again on other rows.

A sweep runs many copies of a prompt that differ from some layer and some position on.
What lies below and before is the same in all of them, so it is run once: a recording
keeps what every block was called with, and a block is called again on the rows that
differ, with the recorded keys and values of the positions before them.

Nothing here knows an architecture. What can be replayed on a model is found out by
replaying the recording itself (`Recording.check`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import Cache

from headwidgets.model.bind import bind
from headwidgets.model.work import checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwidgets.model.engine import Engine, HookFn, Hooks

Fit = Callable[[Tensor], Tensor]
FitAlong = Callable[[Tensor, int], Tensor]


class Prefix:
    """Keys and values of the positions before some place: read, never written.

    Parameters
    ----------
    keys, values : list of Tensor, [batch, kv head, position, d_head]
        Of each layer; the batch is repeated to that of the rows that come.
    length : int
        How many positions are read.
    """

    def __init__(self, keys: list[Tensor], values: list[Tensor], length: int) -> None:
        self._kept = keys, values
        self._length = length

    def update(self, key: Tensor, value: Tensor, layer: int, *_: Any, **__: Any) -> Any:
        """Put the rows' own behind what is kept."""
        if not self._length:
            return key, value
        keys, values = self._kept
        return self._behind(keys[layer], key), self._behind(values[layer], value)

    def _behind(self, kept: Tensor, new: Tensor) -> Tensor:
        kept = kept[:, :, : self._length].to(new.dtype)
        if len(kept) != len(new):
            kept = kept.repeat(len(new) // len(kept), 1, 1, 1)
        return torch.cat([kept, new], dim=2)

    def get_seq_length(self, layer_idx: int = 0) -> int:  # noqa: ARG002 - as transformers calls it
        """How many positions there are before the rows."""
        return self._length

    def get_mask_sizes(self, query_length: Any, layer_idx: int = 0) -> tuple[int, int]:  # noqa: ARG002
        """How many keys there are for so many queries, and where they begin."""
        more = query_length if isinstance(query_length, int) else len(query_length)
        return self._length + more, 0


class Recording:
    """A run of prompts of one length, kept to be run again from any block on.

    Parameters
    ----------
    engine : Engine
        Held by the caller (`Engine.exclusive`) for as long as blocks are replayed.
    ids : Tensor, int64, [prompt, position]

    Attributes
    ----------
    residual : list of Tensor, [prompt, position, d_model]
        What each block reads, and last what the last block leaves.
    attention : list of Tensor, [prompt, position, d_model]
        What each attention writes, before a norm that may follow it.
    z : list of Tensor, [prompt, position, head, d_head]
    logits : Tensor, float32, [prompt, vocabulary]
        Of the last position.
    """

    def __init__(self, engine: Engine, ids: Tensor) -> None:
        self.engine, self.blocks = engine, engine.view.blocks
        layers = range(engine.facts.n_layers)
        nothing = torch.empty(0)
        self.residual: list[Tensor] = [nothing for _ in range(len(layers) + 1)]
        self.attention: list[Tensor] = [nothing for _ in layers]
        self.z: list[Tensor] = [nothing for _ in layers]
        self._calls: list[Any] = [None for _ in layers]
        self.length = ids.shape[1]
        cache = None if engine.facts.native else DynamicCache()
        hooks: list[tuple[str, HookFn]] = []
        for layer in layers:
            hooks.append((f"blocks.{layer}.hook_resid_pre", _keep(self.residual, layer)))
            hooks.append((f"blocks.{layer}.attn.hook_z", _keep(self.z, layer)))
            hooks.append((f"blocks.{layer}.attn.hook_out", _keep(self.attention, layer)))
        last = layers[-1]
        hooks.append((f"blocks.{last}.hook_resid_post", _keep(self.residual, last + 1)))
        with self._watching():
            self.logits = engine.run_whole(ids, hooks, cache)
        kept: list[Any] = [] if cache is None else cache.layers
        self._keys: list[Tensor] = [layer.keys for layer in kept]
        self._values: list[Tensor] = [layer.values for layer in kept]

    @contextlib.contextmanager
    def _watching(self) -> Iterator[None]:
        """Note how Hugging Face calls each block, while a run lasts."""

        def note(layer: int) -> Any:
            def called(_module: Any, args: Any, kwargs: Any) -> None:
                self._calls[layer] = (args, dict(kwargs))

            return called

        handles = [
            block.register_forward_pre_hook(note(layer), with_kwargs=True)
            for layer, block in enumerate(self.blocks)
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def nbytes(self) -> int:
        """How many bytes the recording holds."""
        kept = [*self.residual, *self.attention, *self.z, *self._keys, *self._values]
        return sum(tensor.numel() * tensor.element_size() for tensor in kept)

    # ------------------------------------------------------------------ replay

    def block(self, layer: int, rows: Tensor, start: int) -> Tensor:
        """Run a block on other rows.

        Parameters
        ----------
        rows : Tensor, [copies · prompt, position from `start` on, d_model]
            What the block reads; the prompts come in the recording's order, copy by copy.
        start : int
            The position of the first token; those before it are as recorded.

        Returns
        -------
        Tensor
            As `rows`: what the block leaves.
        """
        copies = len(rows) // len(self.residual[0])

        def mask(value: Tensor) -> Tensor:
            return _rows(value[..., start:, :], copies, 4)

        def along(value: Tensor, axis: int) -> Tensor:
            part = value.narrow(axis, start, value.shape[axis] - start)
            return _rows(part, copies, 1 - axis)

        return self.call(layer, rows, start, mask, along)

    def call(self, layer: int, rows: Tensor, start: int, mask: Fit, along: FitAlong) -> Tensor:
        """Call a block as it was called, with what belongs to positions made to fit.

        Parameters
        ----------
        rows : Tensor, [row, position, d_model]
        start : int
            How many positions of the recording are read as keys and values.
        mask : callable
            Makes the recorded mask, [prompt, head, query, key], fit.
        along : callable
            ``along(value, axis)`` makes what has one entry a position fit; `axis` is the
            position's, counted from the end.
        """
        checkpoint()
        args, kwargs = self._calls[layer]

        def fit(name: str | None, value: Any) -> Any:
            if isinstance(value, Cache):
                return Prefix(self._keys, self._values, start)
            if name == "position_embeddings":
                return tuple(along(part, -2) for part in value)
            if not isinstance(value, Tensor):
                return value
            if name == "attention_mask" or value.ndim == 4:  # noqa: PLR2004 - [prompt, head, query, key]
                return mask(value)
            return along(value, -1) if name in ("position_ids", "cache_position") else value

        known = {name: fit(name, value) for name, value in kwargs.items()}
        out = self.blocks[layer](rows, *[fit(None, value) for value in args[1:]], **known)
        left: Tensor = out[0] if isinstance(out, tuple) else out
        return left

    def after_attention(self, layer: int, written: Tensor, at: slice) -> Tensor:
        """Return what a block leaves where its heads write something else.

        Parameters
        ----------
        written : Tensor, [copy, prompt, position, d_model]
            What the heads write more than in the recording (z · W_O).
        at : slice
            The positions that `written` is of.

        Returns
        -------
        Tensor, [copy, prompt, position, d_model]
        """
        block, facts = self.blocks[layer], self.engine.facts
        if facts.parallel:  # its MLP does not read what the attention writes
            left: Tensor = self.residual[layer + 1][:, at] + written
            return left
        out: Tensor = self.attention[layer][:, at] + written
        if hasattr(block, "ln1_post"):
            out = block.ln1_post(out.flatten(0, 1)).reshape(out.shape)
        middle: Tensor = self.residual[layer][:, at] + out
        if not facts.has_mlp:
            return middle
        rows = middle.flatten(0, 1)
        mlp = block.mlp(block.ln2(rows) if hasattr(block, "ln2") else rows)
        mlp = mlp[0] if isinstance(mlp, tuple) else mlp
        if hasattr(block, "ln2_post"):
            mlp = block.ln2_post(mlp)
        changed: Tensor = mlp.reshape(middle.shape)
        return middle + changed

    def with_attention(self, layer: int, written: Tensor, at: slice) -> Tensor:
        """Return the same as `after_attention`, by running the whole block: slower.

        For a model whose blocks cannot be run in parts.
        """
        recorded = self.residual[layer]
        rows = recorded.repeat(len(written), 1, 1)

        def more(out: Tensor, start: int) -> Tensor:  # noqa: ARG001 - the rows are whole
            new = out.clone().reshape(rows.shape)
            new[:, at] += written.flatten(0, 1)
            return new.reshape(out.shape)

        left = self.hooked(layer, rows, 0, [(f"blocks.{layer}.attn.hook_out", more)])
        return left.reshape(len(written), *recorded.shape)[:, :, at]

    def hooked(self, layer: int, rows: Tensor, start: int, hooks: Hooks) -> Tensor:
        """Run `block` with hooks in force; see `Engine.run` for what a hook is."""
        bound = [(name, bind(function, start)) for name, function in hooks]
        with self.engine.view.hooks(fwd_hooks=bound):
            return self.block(layer, rows, start)


def _rows(value: Tensor, copies: int, ndim: int) -> Tensor:
    """Repeat what comes once a prompt; what comes once for all stays."""
    if value.ndim < ndim or len(value) == 1 or copies == 1:
        return value
    return value.repeat(copies, *([1] * (ndim - 1)))


def _keep(store: list[Any], place: int) -> HookFn:
    def keep(tensor: Tensor, start: int) -> None:  # noqa: ARG001 - the run is whole
        store[place] = tensor.detach()

    return keep
