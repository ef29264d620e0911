"""The one owner of forwards: tokens in, numbers out, no hook left behind.

Everything that runs the model goes through `Engine.run` or `Engine.patterns`. Both work
on a private view under one lock, without gradients, and past a size where one layer's
attention would be large they feed the queries in chunks over a key/value cache, so that
memory stays flat in the length of the prompt.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from headwidgets.errors import HeadwidgetsError, InputError, ModelError
from headwidgets.model.bind import bind
from headwidgets.model.boot import boot
from headwidgets.model.cache import ByteCache
from headwidgets.model.explain import is_out_of_memory, out_of_memory
from headwidgets.model.facts import Facts, read_facts
from headwidgets.model.stamp import Stamp, weight_hash
from headwidgets.model.text import Text
from headwidgets.model.view import count_hooks, private_view
from headwidgets.model.weights import Weights
from headwidgets.model.work import checkpoint, require_runs

HookFn = Callable[[Tensor, int], Tensor | None]
"""Gets an activation and the position of its first token; may return a replacement."""
Hooks = Sequence[tuple[str, HookFn]]
Visit = Callable[[int, Tensor, int], None]

LAYER_BYTES = 96 << 20  # the most that one layer's attention scores may take at once
BATCH_TOKENS = 2048  # tokens a call: more is slower and heavier


class Engine:
    """One model, held safely.

    Parameters
    ----------
    bridge : TransformerBridge
        The model; a private view of it is made and the bridge itself is never run.
    name, revision : str
        How it was asked for.
    prepend_bos : bool, optional
        See `Text`.
    """

    def __init__(
        self,
        bridge: Any,
        *,
        name: str,
        revision: str | None = None,
        prepend_bos: bool | None = None,
    ) -> None:
        self.cache = ByteCache()
        self.lock = threading.RLock()
        self._source = bridge
        self._name, self._revision = name, revision
        self._look()
        self.text = Text(self.view, prepend_bos=prepend_bos)

    def _look(self) -> None:
        """Take the source as it is now."""
        self.view = private_view(self._source)
        self.facts: Facts = read_facts(self.view, name=self._name, revision=self._revision)
        self.weights = Weights(self.view, self.facts)
        self._parameters = list(self.view.parameters())
        self._stamp = Stamp(self._source.original_model)
        # One token: wires TransformerLens's own capture hooks, and finds at the door what
        # cannot run here.
        self.run(torch.zeros(1, 1, dtype=torch.long))

    @classmethod
    def open(cls, model: Any = None, *, prepend_bos: bool | None = None, **options: Any) -> Engine:
        """Boot `model` and hold it; the options are those of `boot`."""
        bridge, name = boot(model, **options)
        return cls(bridge, name=name, revision=options.get("revision"), prepend_bos=prepend_bos)

    # ------------------------------------------------------------------ forwards

    def run(
        self,
        ids: Tensor,
        hooks: Hooks = (),
        *,
        positions: str | int = "end",
        stop_at_layer: int | None = None,
    ) -> Tensor:
        """Run the model once.

        Parameters
        ----------
        ids : Tensor, int64, [batch, position]
        hooks : sequence of (name, function)
            ``function(activation, first_position)`` sees the activation at the hook point
            `name`; what it returns, if anything, takes its place.
        positions : {"end", "all"} or int
            Unembed only the last position, all of them, or so many at the end.
        stop_at_layer : int, optional
            Do not run this layer and those above; the result is then empty.

        Returns
        -------
        Tensor, float32
            Logits [batch, vocabulary] for ``"end"``, else [batch, position, vocabulary].

        Raises
        ------
        ModelError
            If memory runs out. Whatever a hook raises comes through; no hook stays.
        """
        every = {"end": 1, "all": ids.shape[-1]}
        last = every[positions] if isinstance(positions, str) else positions
        out: list[Tensor] = []
        for logits in self._chunks(ids, hooks, last=last, stop_at_layer=stop_at_layer):
            if stop_at_layer is None:
                out[:] = [logits[:, -1:].float()] if last == 1 else [*out, logits.float()]
        if not out:
            return torch.empty(0)
        found = torch.cat(out, dim=1)[:, -last:]
        return found[:, 0] if positions == "end" else found

    def run_whole(self, ids: Tensor, hooks: Hooks, cache: DynamicCache | None) -> Tensor:
        """Run in one call whatever its size, and keep the keys and values.

        Parameters
        ----------
        ids : Tensor, int64, [batch, position]
        hooks : sequence of (name, function)
            As for `run`.
        cache : DynamicCache or None
            Gets them; a native model has no way to give them.

        Returns
        -------
        Tensor, float32, [batch, vocabulary]
            Logits of the last position.
        """
        options: dict[str, Any] = {} if self.facts.native else {"logits_to_keep": 1}
        if cache is not None:
            options["past_key_values"] = cache
        with self.exclusive():
            bound = [(name, bind(function, 0)) for name, function in hooks]
            return self._forward(self._check_ids(ids), bound, options)[:, -1].float()

    def patterns(
        self,
        ids: Tensor,
        visit: Visit,
        *,
        hooks: Hooks = (),
        layers: Sequence[int] | None = None,
        positions: str | int = "end",
    ) -> Tensor:
        """Show every layer's attention pattern once, without keeping any.

        Parameters
        ----------
        ids : Tensor, int64, [batch, position]
        visit : callable
            ``visit(layer, pattern, first_query)`` with `pattern` float32
            [batch, head, query, key], after softmax, per query head. Rows are as the
            model has them: with attention sinks they need not sum to one. Long prompts
            come in several calls a layer, `first_query` says where each one starts.
        hooks : sequence, optional
            Edits that are in force; see `run`.
        layers : sequence of int, optional
            Only these layers; those above the last are not run.
        positions : {"end", "all"} or int
            Where the logits are wanted, see `run`.

        Returns
        -------
        Tensor, float32
            Logits as `run` returns them; empty where the last layer was not run.
        """
        wanted = list(range(self.facts.n_layers)) if layers is None else sorted(set(layers))
        if not wanted:
            return torch.empty(0)

        silent = set(wanted)

        def see(layer: int) -> HookFn:
            def seen(pattern: Tensor, start: int) -> None:
                checkpoint()
                silent.discard(layer)
                visit(layer, pattern.detach().float(), start)

            return seen

        watching = [(f"blocks.{layer}.attn.hook_pattern", see(layer)) for layer in wanted]
        above = wanted[-1] + 1
        stop = above if above < self.facts.n_layers else None
        logits = self.run(ids, [*hooks, *watching], positions=positions, stop_at_layer=stop)
        if silent:
            message = (
                f"layer {min(silent)} of {self.facts.name!r} shows no attention pattern: open the "
                "model with attn_implementation='eager', which computes one"
            )
            raise ModelError(message)
        return logits

    def rows_at_once(self, length: int) -> int:
        """How many prompts of `length` tokens to run in one call."""
        attention = self.facts.n_heads * length * min(length, 512) * 4
        return max(1, min(BATCH_TOKENS * 2 // max(length, 1), LAYER_BYTES // max(attention, 1)))

    def _chunks(
        self, ids: Tensor, hooks: Hooks, *, last: int, stop_at_layer: int | None
    ) -> Iterator[Tensor]:
        """Run `ids`, whole or chunk of queries by chunk; yield each chunk's logits."""
        ids = self._check_ids(ids)
        length = ids.shape[1]
        step = self._chunk_length(ids)
        options: dict[str, Any] = {}
        if not self.facts.native and last < length and (last == 1 or step == length):
            options["logits_to_keep"] = last
        if stop_at_layer is not None:
            options["stop_at_layer"] = stop_at_layer
        if step < length:
            # Without a configuration the cache keeps every key, on sliding layers too.
            options["past_key_values"] = DynamicCache()
        with self.exclusive():
            for start in range(0, length, step):
                checkpoint()
                bound = [(name, bind(function, start)) for name, function in hooks]
                yield self._forward(ids[:, start : start + step], bound, options)

    def _forward(self, ids: Tensor, bound: list[Any], options: dict[str, Any]) -> Tensor:
        with self.quiet():
            try:
                logits = self.view.run_with_hooks(ids, fwd_hooks=bound, **options)
            except HeadwidgetsError:
                raise
            except Exception as error:
                if is_out_of_memory(error):
                    doing = f"running {tuple(ids.shape)} tokens through {self.facts.name!r}"
                    raise ModelError(out_of_memory(doing)) from error
                raise
        return logits  # type: ignore[no-any-return]

    def _chunk_length(self, ids: Tensor) -> int:
        """Return queries a call, so that one layer's attention stays within bounds."""
        rows, length = ids.shape
        per_query = rows * self.facts.n_heads * length * 4
        if self.facts.native or per_query * length <= LAYER_BYTES:
            return int(length)
        return max(64, min(int(length), LAYER_BYTES // per_query))

    def _check_ids(self, ids: Tensor) -> Tensor:
        """Refuse what some architectures would run without a word."""
        if ids.ndim != 2 or ids.shape[1] == 0:  # noqa: PLR2004 - [batch, position]
            message = f"expected token ids [batch, position], got shape {tuple(ids.shape)}"
            raise InputError(message)
        low, high = int(ids.min()), int(ids.max())
        if low < 0 or high >= self.facts.d_vocab:
            bad = low if low < 0 else high
            message = f"expected token ids from 0 to {self.facts.d_vocab - 1}, got {bad}"
            raise InputError(message)
        if ids.shape[1] > self.facts.n_ctx:
            message = (
                f"the prompt has {ids.shape[1]} tokens; this model's context is "
                f"{self.facts.n_ctx}: shorten it"
            )
            raise InputError(message)
        return ids.to(self._parameters[0].device)

    # ------------------------------------------------------------------ safety

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the view: one run at a time."""
        require_runs()
        with self.lock:
            yield

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        """Run parts of the view without gradients, in the model's own dtype."""
        device = self._parameters[0].device.type
        with torch.no_grad(), torch.autocast(device, enabled=False):
            yield

    def hooks_left(self) -> int:
        """Count the hooks on the view; the same before and after whatever was run."""
        return count_hooks(self.view)

    def weights_changed(self) -> bool:
        """Whether weights or buffers were replaced or written to in place since `refresh`.

        Reads torch's version counters, which writes through ``.data`` do not touch.
        """
        return self._stamp.changed()

    def refresh(self) -> None:
        """Take the weights as they are now: forget every result of the old ones."""
        self.forget()
        self._look()

    def forget(self) -> None:
        """Let go of every result that is kept."""
        self.cache.clear()
        self.weights.clear()

    def weight_hash(self) -> str:
        """Return a BLAKE2b hash of all weights: names, shapes, dtypes and bytes."""
        with self.lock:
            return weight_hash(self.view.original_model)
