"""What the tests of attributions and effects share: engines, sets of pairs, plain runs."""

from __future__ import annotations

import torch

from headwidgets.methods.metrics import LogitDiff
from headwidgets.methods.snapshot import Pair, Snapshot
from headwidgets.model.engine import Engine

ARCHITECTURES = ("gpt2", "neox", "llama", "mistral", "gemma2")
LENGTH = 11
END = LENGTH - 1
_ENGINES: dict[int, Engine] = {}


def engine_of(bridge) -> Engine:
    """One engine a bridge, made once."""
    if id(bridge) not in _ENGINES:
        _ENGINES[id(bridge)] = Engine(bridge, name="shaped")
    return _ENGINES[id(bridge)]


def pairs(n=3, length=LENGTH):
    """Pairs that differ in two tokens, at 4 and 7; roles name them."""
    out = []
    for i in range(n):
        clean = tuple(range(10 + 20 * i, 10 + 20 * i + length))
        corrupted = (*clean[:4], 300 + i, *clean[5:7], 400 + i, *clean[8:])
        out.append(Pair(clean, corrupted, {"first": 4, "second": 7}))
    return tuple(out)


def question(n=3, **more):
    """A set with its own answers, one of them a set of two tokens."""
    answers = (LogitDiff(7, 8), LogitDiff((9, 200), 33), LogitDiff(55, (8, 9)), LogitDiff(3, 4))
    return Snapshot(pairs=pairs(n), answers=answers[:n], **more)


def uneven():
    """Three pairs of two lengths, with roles."""
    long = tuple(range(100, 113))
    last = Pair(long, (*long[:5], 301, *long[6:]), {"first": 5, "second": 6})
    return Snapshot(pairs=(*pairs(2), last), metric=LogitDiff(7, 8))


def run(bridge, ids, hooks=()):
    """Logits at the end by plain `run_with_hooks`; each function maps a copy to new values."""

    def bound(function):
        return lambda tensor, hook: function(tensor.clone())

    with torch.no_grad():
        fwd = [(name, bound(function)) for name, function in hooks]
        return bridge.run_with_hooks(torch.tensor([ids]), fwd_hooks=fwd)[0, -1].float()


def cached(bridge, ids):
    """All activations of a plain run."""
    with torch.no_grad():
        return bridge.run_with_cache(torch.tensor([ids]))[1]


def difference(logits, words, cap=None):
    """A logit difference, before the soft cap if there is one."""
    if cap:
        logits = cap * torch.atanh(logits.double() / cap)
    right, wrong = (list(s) if isinstance(s, tuple) else [s] for s in (words.answer, words.foil))
    logits = logits.detach()
    return float(logits[right].double().mean() - logits[wrong].double().mean())


def cap_of(bridge):
    """The final soft cap of a model, None without one."""
    return getattr(bridge.original_model.config, "final_logit_softcapping", None)
