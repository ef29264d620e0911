"""What a head does on rows of tokens, in a few numbers: where it looks, and how much it writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from headwidgets.errors import NotMeasurable
from headwidgets.methods.record import stream_name, z_name
from headwidgets.model.work import checkpoint
from headwidgets.taxonomy.random_tokens import random_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from headwidgets.model.engine import Engine, HookFn

    Floats = NDArray[np.float64]

ROWS = 8
LONGEST = 48
"""Tokens of a text that are read."""
SHORTEST = 8
TEXTS = (
    "When the girl came back from the river, her mother asked what she had seen there.",
    "The old man put the key on the table and said that the door would not open again.",
    "In the morning they walk to the market, and at night they read a story to the children.",
    "There was a cat in the garden. The cat saw a bird in the tree, but the bird did not move.",
    "It is not easy to say how long the work will take, because nobody has done it before.",
    "Anna and Tom went to the station on Monday. On Tuesday, Tom went there without Anna.",
    "We have been told that the river was higher last year than in any other year since then.",
    "After the rain the air was cold, so he gave his coat to a friend who had none.",
)
LOOKS = ("first", "self", "previous", "two_back", "entropy", "peak", "distance")
REPEATS = ("copy", "after_copy", "copy_control", "after_copy_control")
WRITES = ("write_share", "write_varies", "z_norm")


def seen_features(engine: Engine, seed: int = 0) -> dict[str, Floats]:
    """Return what heads do on random tokens that repeat, and on plain English sentences.

    Parameters
    ----------
    engine : Engine
    seed : int
        Of the random tokens.

    Returns
    -------
    dict of str to ndarray of float64, [layer, head]
        Of the queries from the second token on, means over them: first, self, previous and
        two_back, attention on the first token and on those 0, 1 and 2 places back; entropy, as a
        share of the largest possible; peak, the largest attention; distance, the mean of how far
        back it looks as a share of how far it could, the first token left out; ``text_``… the same
        on text. Of the second copy of the random tokens: copy and after_copy, attention on the
        earlier copy and on what followed it, and ``_control``, in the same places where nothing
        repeats. write_share, the natural logarithm of the length of z W_O over that of the stream;
        write_varies, the share of its square that is not its mean over tokens; z_norm, log, less
        the model's median.
        NaN: no tokenizer, or a context too short for repeated tokens.
    """
    shape = engine.facts.n_layers, engine.facts.n_heads
    nothing = np.full(shape, np.nan)
    out: dict[str, Floats] = {}
    try:
        rows = random_rows(engine, rows=ROWS, seed=seed)
    except NotMeasurable:
        names = (*LOOKS, *REPEATS, *WRITES)
        out |= dict.fromkeys(names, nothing)
    else:
        first, period = rows.first[0], int(rows.period or 0)
        repeated = _Looks(shape, second=first + period, period=period)
        writes = _Writes(engine)
        _run(engine, rows.ids, repeated, writes)
        control = _Looks(shape, second=first + period, period=period)
        _run(engine, rows.control, control)
        found, beside = repeated.means(), control.means()
        out |= {name: found[name] for name in (*LOOKS, *REPEATS[:2])}
        out |= {name: beside[name.removesuffix("_control")] for name in REPEATS[2:]}
        out |= writes.means()
    texts = _texts(engine)
    if texts:
        looks = _Looks(shape)
        _run(engine, texts, looks)
        read: Mapping[str, Floats] = looks.means()
    else:
        read = dict.fromkeys(LOOKS, nothing)
    return out | {f"text_{name}": read[name] for name in LOOKS}


def _texts(engine: Engine) -> list[tuple[int, ...]]:
    """Return the sentences as tokens, as many of each; none where they are too few."""
    if not engine.text.has_tokenizer:
        return []
    found = engine.text.encode_all(TEXTS)
    length = min(LONGEST, engine.facts.n_ctx, *map(len, found))
    return [tuple(ids[:length]) for ids in found] if length >= SHORTEST else []


def _run(
    engine: Engine, rows: Sequence[Sequence[int]], looks: _Looks, writes: _Writes | None = None
) -> None:
    """Run rows of one length."""
    step = engine.rows_at_once(len(rows[0]))
    hooks = [] if writes is None else writes.hooks()
    for start in range(0, len(rows), step):
        checkpoint()
        ids = torch.tensor([list(row) for row in rows[start : start + step]])
        engine.patterns(ids, looks.visit, hooks=hooks)


class _Looks:
    """Sums of what patterns show, by layer and head.

    Parameters
    ----------
    shape : (layers, heads)
    second, period : int
        Where the second copy begins, and how far back the first one lies; 0: nothing repeats.
    """

    def __init__(self, shape: tuple[int, int], second: int = 0, period: int = 0) -> None:
        self._second, self._period = second, period
        names = (*LOOKS, *REPEATS[:2])
        self._sums = {name: np.zeros(shape) for name in names}
        self._n = {name: np.zeros(shape[0]) for name in names}

    def visit(self, layer: int, pattern: Tensor, start: int) -> None:
        """Take a layer's attention, [row, head, query, key], queries from `start` on."""
        places = torch.arange(start, start + pattern.shape[2], device=pattern.device)
        skip = int((places == 0).sum())  # the first token sees itself alone
        seen, at = pattern[:, :, skip:].double(), places[skip:]
        if not len(at):
            return
        keys = torch.arange(seen.shape[-1], device=seen.device)
        for name, back in (("self", 0), ("previous", 1), ("two_back", 2)):
            self._add(layer, name, _back(seen, at, back, least=back))
        self._add(layer, "first", seen[..., 0])
        self._add(layer, "peak", seen.max(-1).values)
        logs = torch.where(seen > 0, seen.clamp(min=1e-30).log(), 0.0)
        self._add(layer, "entropy", -(seen * logs).sum(-1) / (at + 1.0).log())
        back_by = (at[:, None] - keys).clamp(min=0) / at[:, None]
        self._add(layer, "distance", (seen * back_by)[..., 1:].sum(-1))
        if self._period:
            for name, back in (("copy", self._period), ("after_copy", self._period - 1)):
                self._add(layer, name, _back(seen, at, back, least=self._second))

    def _add(self, layer: int, name: str, values: Tensor) -> None:
        """Add values [row, head, query]."""
        self._sums[name][layer] += values.sum((0, 2)).cpu().numpy()
        self._n[name][layer] += values.shape[0] * values.shape[2]

    def means(self) -> dict[str, Floats]:
        """Return means, [layer, head]; NaN where no query has such a token."""
        return {
            name: np.where(self._n[name][:, None] > 0, total, np.nan)
            / np.maximum(self._n[name], 1)[:, None]
            for name, total in self._sums.items()
        }


def _back(seen: Tensor, at: Tensor, back: int, least: int) -> Tensor:
    """Return attention so far back, [row, head, query], of the queries from a place on."""
    some = torch.nonzero(at >= max(least, back))[:, 0]
    keys = (at[some] - back)[None, None, :, None].expand(*seen.shape[:2], -1, 1)
    return seen[:, :, some].gather(-1, keys)[..., 0]


class _Writes:
    """How much heads write, by layer and head, from z and the Gram matrix of their W_O."""

    def __init__(self, engine: Engine) -> None:
        shape = engine.facts.n_layers, engine.facts.n_heads
        self._engine = engine
        self._stream = np.zeros(shape[0])
        self._size, self._z = np.zeros(shape), np.zeros(shape)
        self._sum = [torch.zeros(0)] * shape[0]
        self._n = np.zeros(shape[0])

    def hooks(self) -> list[tuple[str, HookFn]]:
        """Return what watches the streams that blocks read, and z."""
        out: list[tuple[str, HookFn]] = []
        for layer in range(self._engine.facts.n_layers):
            out += [(stream_name(layer), self._read(layer)), (z_name(layer), self._wrote(layer))]
        return out

    def _read(self, layer: int) -> HookFn:
        def read(stream: Tensor, _start: int) -> None:
            self._stream[layer] += float(stream.detach().double().square().sum())

        return read

    def _wrote(self, layer: int) -> HookFn:
        def wrote(z: Tensor, _start: int) -> None:
            flat = z.detach().double().flatten(0, 1).cpu()  # [token, head, d_head]
            self._size[layer] += _square(flat, self._gram(layer)).sum(0).numpy()
            self._z[layer] += flat.square().sum((0, 2)).numpy()
            self._sum[layer] = flat.sum(0) + (self._sum[layer] if len(self._sum[layer]) else 0)
            self._n[layer] += len(flat)

        return wrote

    def _gram(self, layer: int) -> Tensor:
        W_O = self._engine.weights.W_O(layer).cpu().double()
        return W_O @ W_O.transpose(1, 2)

    def means(self) -> dict[str, Floats]:
        """Return the three features, [layer, head]."""
        shape = self._size.shape
        shared = np.zeros(shape)
        for layer, total in enumerate(self._sum):
            if len(total):
                mean = (total / self._n[layer])[None]
                shared[layer] = _square(mean, self._gram(layer))[0].numpy()
        n = np.maximum(self._n, 1)[:, None]
        size = self._size / n
        with np.errstate(divide="ignore", invalid="ignore"):
            share = 0.5 * np.log(size / (self._stream[:, None] / n))
            varies = 1 - shared / size
            length = centred(0.5 * np.log(self._z / n))
        features = zip(WRITES, (share, varies, length), strict=True)
        return {name: np.where(np.isfinite(one), one, np.nan) for name, one in features}


def centred(values: Floats) -> Floats:
    """Return values less the median of those that are finite."""
    known = values[np.isfinite(values)]
    return values - float(np.median(known)) if len(known) else values


def _square(z: Tensor, gram: Tensor) -> Tensor:
    """Return the squared length of z W_O, [token, head]."""
    return torch.einsum("thd,hde,the->th", z, gram, z).clamp(min=0)
