"""An engine whose attention was drawn by hand: heads in, patterns out, no model."""

from __future__ import annotations

from types import SimpleNamespace

import torch

from headwidgets.errors import NotMeasurable
from headwidgets.model.facts import Facts

BOS = 0


def _fill(ids, first, key_of, rest=1.0):
    """Attention 1 on the key that `key_of(i)` gives; `rest` on position 0 where it gives None."""
    out = torch.zeros(len(ids), len(ids))
    for i in range(len(ids)):
        key = key_of(i)
        if key is None or not first <= key <= i:
            out[i, 0] = rest
        else:
            out[i, key] = 1.0
    return out


def _copy(ids, i, first):
    return next((j for j in range(i - 1, first - 1, -1) if ids[j] == ids[i]), None)


def previous_token(ids, _first):
    return _fill(ids, 0, lambda i: i - 1 if i else None)


def back(places):
    return lambda ids, first: _fill(ids, first, lambda i: i - places)


def duplicate_token(ids, first):
    return _fill(ids, first, lambda i: _copy(ids, i, first))


def induction(ids, first):
    def key(i):
        copy = _copy(ids, i, first)
        return None if copy is None or copy + 1 == i else copy + 1

    return _fill(ids, first, key)


def current_token(ids, first):
    return _fill(ids, first, lambda i: i)


def sink(ids, first):
    return _fill(ids, first, lambda _: None)


def uniform(ids, _first):
    causal = torch.ones(len(ids), len(ids)).tril()
    return causal / causal.sum(-1, keepdim=True)


def nan(ids, _first):
    return torch.full((len(ids), len(ids)), float("nan"))


def mix(share, one, other):
    return lambda ids, first: share * one(ids, first) + (1 - share) * other(ids, first)


def times(factor, one):
    """Rows that do not sum to one, as with an attention sink outside the sequence."""
    return lambda ids, first: factor * one(ids, first)


class FakeEngine:
    """Heads are functions ``(ids, first) -> [query, key]``, layers are lists of them.

    `weights` holds W_E, W_U [d, V] and one W_V, W_O for every head; by default they copy.
    """

    def __init__(
        self, layers, *, d_vocab=200, n_ctx=128, bos=BOS, windows=None, chunk=None, weights=None
    ):
        self.layers = layers
        self.chunk = chunk
        self.runs = 0
        self.largest_batch = 0
        self.facts = Facts(
            name="fake",
            revision=None,
            numerics="raw",
            architecture="fake",
            n_layers=len(layers),
            n_heads=len(layers[0]),
            n_kv_heads=len(layers[0]),
            d_model=16,
            d_head=16,
            n_ctx=n_ctx,
            d_vocab=d_vocab,
            dtype="float32",
            device="cpu",
            has_mlp=False,
            parallel=False,
            post_norm=False,
            rotary=False,
            native=True,
            windows=windows or (None,) * len(layers),
        )
        self.text = SimpleNamespace(
            bos_id=bos,
            has_tokenizer=False,
            prepend_bos=bos is not None,
            unseen=frozenset(),
            word_ids=lambda: [i for i in range(d_vocab) if i != bos],
        )
        self.weights = weights or copying_weights(d_vocab)

    @property
    def view(self):
        """There is no model behind what was drawn."""
        message = "drawn by hand: there is no model"
        raise NotMeasurable(message)

    def rows_at_once(self, length):
        return max(1, 500 // length)

    def patterns(self, ids, visit, positions="end", **_edits):
        self.runs += 1
        self.largest_batch = max(self.largest_batch, len(ids))
        assert len(ids) <= self.rows_at_once(ids.shape[1])
        length = ids.shape[1]
        step = self.chunk or length
        for start in range(0, length, step):
            for layer, heads in enumerate(self.layers):
                whole = torch.stack(
                    [torch.stack([self._attend(head, row) for head in heads]) for row in ids]
                )
                visit(layer, whole[:, :, start : start + step], start)
        if positions == "end":
            return torch.zeros(len(ids), self.facts.d_vocab)
        return self._logits(ids)[:, -positions:]

    def _attend(self, head, row):
        row = row.tolist()
        first = int(self.text.bos_id is not None and row[0] == self.text.bos_id)
        return head(row, first)

    def run(self, ids, *_edits, positions="all", **_options):
        """Return logits as an engine does."""
        logits = self._logits(ids)
        last = {"end": 1, "all": ids.shape[1]}.get(positions, positions)
        return logits[:, -1] if positions == "end" else logits[:, -last:]

    def _logits(self, ids):
        """A model that has learned induction: what followed the last copy comes next."""
        logits = torch.zeros(*ids.shape, self.facts.d_vocab)
        for b, row in enumerate(ids.tolist()):
            for i in range(len(row)):
                copy = _copy(row, i, 1)
                if copy is not None:
                    logits[b, i, row[copy + 1]] = 1.0
        return logits


def copying_weights(d_vocab, sign=1.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    W_E = torch.randn(d_vocab, 16, generator=generator)
    W_V = torch.randn(16, 16, generator=generator)
    return SimpleNamespace(
        W_E=W_E,
        W_U=W_E.T.clone(),
        W_V=lambda _: W_V.expand(8, -1, -1),
        W_O=lambda _: sign * W_V.T.expand(8, -1, -1),
    )
