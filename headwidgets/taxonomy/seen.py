"""A task's prompts as every head sees them from a few positions, in one run.

For each prompt and query: the attention on every key, and what each key brings to the logits
of a few tokens through the head,

    A[query, key] · (v[key] · W_O · direction of the token),

with the scale of the final norm frozen, and on Gemma 2 and 3 that of the norm after the
attention too. Summed over the keys it is the head's direct attribution, but for the bias of
W_O, which belongs to no head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from headwidgets.errors import NotMeasurable
from headwidgets.methods.decompose import (
    FINAL_SCALE,
    keep_at,
    norm_weight,
    post_scale,
    post_weight,
    there,
)
from headwidgets.methods.logit_direction import centres
from headwidgets.methods.weighting import value_name
from headwidgets.model.work import checkpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from headwidgets.model.engine import Engine, HookFn, Hooks

Ids = tuple[int, ...]


@dataclass(frozen=True)
class Look:
    """One prompt, the positions it is looked at from, and the tokens that are asked about.

    Attributes
    ----------
    ids : tuple of int
    queries : tuple of int
    tokens : tuple of int
        Whose logits are attributed; as many for every prompt of a set.
    """

    ids: Ids
    queries: tuple[int, ...]
    tokens: tuple[int, ...] = ()


@dataclass(frozen=True)
class Seen:
    """What the heads of a model do on one prompt.

    Attributes
    ----------
    attention : ndarray of float32, [layer, head, query, key]
    brought : ndarray of float32, [layer, head, query, key, token]
        Logits; empty along the last axis where no token was asked about.
    logits : ndarray of float32, [vocabulary]
        Of the last position.
    """

    attention: NDArray[np.float32]
    brought: NDArray[np.float32]
    logits: NDArray[np.float32]


def see(engine: Engine, looks: Sequence[Look], *, hooks: Hooks = ()) -> list[Seen]:
    """Run prompts once, those of one length together, and keep what their heads do.

    Raises
    ------
    NotMeasurable
        If a layer shows no pattern, or values and unembedding do not multiply.
    """
    out: list[Seen | None] = [None] * len(looks)
    groups: dict[tuple[int, int, int], list[int]] = {}
    for i, look in enumerate(looks):
        key = len(look.ids), len(look.queries), len(look.tokens)
        groups.setdefault(key, []).append(i)
    done = 0
    for (length, _, _), group in groups.items():
        step = engine.rows_at_once(length)
        for start in range(0, len(group), step):
            checkpoint(done, len(looks), "prompts")
            batch = group[start : start + step]
            found = _Batch(engine, [looks[i] for i in batch]).run(hooks)
            for i, one in zip(batch, found, strict=True):
                out[i] = one
            done += len(batch)
    return [one for one in out if one is not None]


class _Batch:
    """Prompts of one length, kept as a run goes by."""

    def __init__(self, engine: Engine, looks: Sequence[Look]) -> None:
        facts = engine.facts
        self.engine, self.looks = engine, looks
        n, length = len(looks), len(looks[0].ids)
        n_queries, n_tokens = len(looks[0].queries), len(looks[0].tokens)
        heads = (facts.n_layers, facts.n_heads)
        self.attention = torch.full((n, *heads, n_queries, length), torch.nan)
        self.worth = torch.zeros(n, *heads, length, n_tokens)
        self.scales: list[dict[str, Tensor]] = [{} for _ in range(n_queries)]
        self.directions = self._directions() if n_tokens else None

    def run(self, hooks: Hooks) -> list[Seen]:
        """Run, and sort what was kept by prompt."""
        engine, facts = self.engine, self.engine.facts
        watching: list[tuple[str, HookFn]] = []
        names = [FINAL_SCALE, *[post_scale(layer) for layer in range(facts.n_layers)]]
        for number, scales in enumerate(self.scales if self.directions is not None else ()):
            places = [look.queries[number] for look in self.looks]
            watching += [(name, keep_at(scales, name, places)) for name in there(engine, names)]
        for layer in range(facts.n_layers):
            watching.append((f"blocks.{layer}.attn.hook_pattern", self._pattern(layer)))
            if self.directions is not None:
                watching.append((value_name(layer), self._value(layer)))
        logits = engine.run(torch.tensor([look.ids for look in self.looks]), [*hooks, *watching])
        brought = self._brought()
        return [
            Seen(self.attention[i].numpy(), brought[i].numpy(), logits[i].cpu().numpy())
            for i in range(len(self.looks))
        ]

    def _directions(self) -> Tensor:
        """Return what the unembedding reads for each token, [row, d_model, token]."""
        engine = self.engine
        ids = torch.tensor([look.tokens for look in self.looks])
        W_U = engine.weights.W_U
        read = W_U[:, ids.to(W_U.device)].permute(1, 0, 2).float()
        weight = norm_weight(getattr(engine.view, "ln_final", None))
        read = read if weight is None else read * weight[:, None]
        return read - read.mean(1, keepdim=True) if centres(engine) else read

    def _pattern(self, layer: int) -> HookFn:
        def hook(pattern: Tensor, start: int) -> None:
            checkpoint()
            stop = start + pattern.shape[2]
            for row, look in enumerate(self.looks):
                for number, query in enumerate(look.queries):
                    if start <= query < stop:
                        kept = pattern[row, :, query - start].detach().float().cpu()
                        into = self.attention[row, layer, :, number]
                        into.zero_()
                        into[:, : kept.shape[-1]] = kept

        return hook

    def _value(self, layer: int) -> HookFn:
        engine = self.engine
        weight = post_weight(engine, layer)
        along = self.directions
        assert along is not None  # noqa: S101 - asked only with tokens
        if weight is not None:
            along = along * weight[:, None]
        reads = torch.einsum("hdm,rmt->rhdt", engine.weights.W_O(layer).to(along.device), along)

        def hook(value: Tensor, start: int) -> None:
            n_heads, d_head = reads.shape[1:3]
            v = value.detach().float().reshape(*value.shape[:2], -1, d_head)
            v = v.repeat_interleave(n_heads // v.shape[2], dim=2)
            worth = torch.einsum("rkhd,rhdt->rhkt", v, reads)
            self.worth[:, layer, :, start : start + v.shape[1]] = worth.cpu()

        return hook

    def _brought(self) -> Tensor:
        """Attention times worth over the frozen scales, [row, layer, head, query, key, token]."""
        shown = self.attention.isnan().flatten(2).all(-1).any(0)
        if bool(shown.any()) and self.directions is not None:
            layer = int(torch.nonzero(shown)[0])
            message = (
                f"layer {layer} shows no attention pattern: open the model with "
                "attn_implementation='eager'"
            )
            raise NotMeasurable(message)
        out = self.attention[..., None] * self.worth[:, :, :, None]
        for number, scales in enumerate(self.scales):
            if FINAL_SCALE in scales:
                scale = scales[FINAL_SCALE].float().cpu().reshape(-1, 1, 1, 1, 1)
                out[:, :, :, number] /= scale
            for layer in range(out.shape[1]):
                if post_scale(layer) in scales:
                    scale = scales[post_scale(layer)].float().cpu().reshape(-1, 1, 1, 1)
                    out[:, layer, :, number] /= scale
        return out
