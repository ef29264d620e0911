"""Small real models with heads set by hand, for kinds whose score runs the model itself."""

from __future__ import annotations

from contextlib import ExitStack
from inspect import signature
from unittest.mock import patch

import torch
from planted.plant import Plant

from headwidgets.model.engine import Engine
from headwidgets.taxonomy import find, on_task, skilled
from headwidgets.taxonomy.measure import Measure
from headwidgets.taxonomy.random_tokens import random_rows
from headwidgets.taxonomy.score import score
from headwidgets.zoo.toys.build import boot, write
from headwidgets.zoo.toys.letters import letters

N_CTX = 24


class Slots:
    """Stretches of the residual stream: ``slots.tok`` is a slice, ``slots["tok"]`` reads it."""

    def __init__(self, **widths):
        start = 0
        for name, width in widths.items():
            setattr(self, name, slice(start, start + width))
            start += width
        self.size = start

    def __getitem__(self, name):
        return torch.eye(self.size)[:, getattr(self, name)]

    @property
    def always(self):
        """What is 1 at every position."""
        return self["pos"].sum(1, keepdim=True)

    @property
    def rest(self):
        """A score that lets a head look at BOS where nothing else scores more."""
        return (0.5, self.always, self["bos"])

    def back(self, n):
        """Return a score for the token `n` back."""
        read = self["pos"].roll(-n, dims=1)
        read[:, len(read[0]) - n :] = 0
        return (1.0, read, self["pos"])


def built(slots, layers, embedding, out, *, height, beta=20.0, noise=0.0, seed=0):
    """Return an engine over a model of these heads, lists by layer.

    `embedding` is [token, d_model]; positions are one-hot in the slot "pos"; logits are `height`
    times what stands in the slot `out`.
    """
    d_vocab = len(embedding)
    width = max(
        max(sum(key.shape[1] for _, _, key in head.scores), sum(_width(m) for m in head.moves), 1)
        for some in layers
        for head in some
    )
    sizes = {"d_model": slots.size, "d_head": width, "n_ctx": N_CTX, "d_vocab": d_vocab}
    bridge = boot("made", letters(), n_layers=len(layers), n_heads=len(layers[0]), **sizes)
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in bridge.original_model.parameters():
            parameter.zero_()
        bridge.embed.weight[:] = embedding
        bridge.pos_embed.weight[:, slots.pos] = torch.eye(N_CTX)
        bridge.unembed.weight[:, getattr(slots, out)] = height * torch.eye(d_vocab)
        for layer, some in enumerate(layers):
            for number, head in enumerate(some):
                write(bridge.blocks[layer].attn, number, head, beta, width)
        for parameter in bridge.original_model.parameters() if noise else ():
            size = noise * parameter.square().mean().sqrt()
            parameter.add_(size * torch.randn(parameter.shape, generator=random))
    return Engine(bridge, name="made")


def _width(move):
    return move[1].stop - move[1].start


def scored(kind, engine_of, prompts):
    """Return how the heads score as one kind: ``prompts(seed)`` stands for the task."""

    def scores(seed, noise, *, proved=False, draws=999):
        engine = engine_of(noise, seed)
        facts = engine.facts
        passed = {
            (kind, (layer, head)): True
            for layer in range(facts.n_layers if proved else 0)
            for head in range(facts.n_heads)
        }
        with asked(prompts):
            options = {"length": 4, "rows": 2, "draws": draws, "seed": seed, "proved": passed}
            out = score(engine, kind, **options)
        out.index = [f"{a}.{b}" for a, b in zip(out["layer"], out["head"], strict=True)]
        return out

    return scores


def asked(prompts):
    """Return a context in which every task is these prompts, drawn with the seed asked for.

    Where they take a name as well, they are told which task is asked for.
    """
    named = len(signature(prompts).parameters) > 1

    def ask(_engine, name, *, seed, **_options):
        return prompts(seed, name) if named else prompts(seed)

    stack = ExitStack()
    for module in (on_task, skilled):
        stack.enter_context(patch.object(module, "ask", ask))
    return stack


def measuring(engine, kind, **options):
    """Return a measure of the kind's threshold."""
    rows = random_rows(engine, rows=2, length=4)
    return Measure(engine, rows, find(kind).threshold, **{"draws": 300, **options})


def plant(kind, own, layers, engine_of, prompts, **more):
    """Return the plant of a kind; `layers` say what each head does."""
    decoys = {
        f"{layer}.{number}": words
        for layer, some in enumerate(layers)
        for number, words in enumerate(some)
    }
    return Plant(kind, own, decoys, scored(kind, engine_of, prompts), **more)
