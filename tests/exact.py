"""How exact edits and sums are, against plain TransformerLens hooks written by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

import headwidgets as hw
from headwidgets.methods.parts import residual_parts
from headwidgets.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

ARCHITECTURES = ("gpt2", "neox", "llama", "gemma2", "gemma3")
LENGTH = 12
PLACES = (None, 3, "end", (2, 7))
CLEAN = tuple(range(10, 10 + LENGTH))
CORRUPTED = (*range(10, 14), 99, *range(15, 20), 77, 21)
REFERENCE = (tuple(range(40, 40 + LENGTH)), tuple(range(90, 90 + LENGTH)), CORRUPTED)


@dataclass(frozen=True)
class Found:
    """One architecture, one kind of edit: the largest differences of all heads and places."""

    architecture: str
    edit: str
    cases: int
    error: float
    moved: float
    least: float = 0.0  # how far the least of the edits moved the logits


def open_session(bridge: object) -> Session:
    """A session that has a pair and a reference of one length."""
    session = Session(bridge)
    session.use(
        prompts=hw.Prompts(clean=[CLEAN], corrupted=[CORRUPTED]),
        reference=hw.Prompts(clean=list(REFERENCE)),
    )
    return session


def hand(bridge, edits: list[tuple[str, Callable]], ids) -> torch.Tensor:
    """Logits at the end by plain `run_with_hooks`; each function maps old values to new ones."""
    hooks = [(name, _hook(function)) for name, function in edits]
    with torch.no_grad():
        return bridge.run_with_hooks(torch.tensor([ids]), fwd_hooks=hooks)[0, -1].float()


def _hook(function: Callable) -> Callable:
    def hook(tensor, hook):
        return function(tensor.clone())

    return hook


def recorded(bridge, ids, name: str) -> torch.Tensor:
    """One activation of a plain run."""
    with torch.no_grad():
        _, cache = bridge.run_with_cache(torch.tensor([ids]))
    return cache[name]


def positions(at) -> list[int]:
    """What the tests mean by a place."""
    if at is None:
        return list(range(LENGTH))
    return [LENGTH - 1 if p == "end" else p for p in (at if isinstance(at, tuple) else (at,))]


def written(kind: str, bridge, target: str, at, factor: float) -> tuple[str, Callable, tuple]:
    """The same edit by hand: hook point, function, and the prompt that is run."""
    layer = int(target.split(".", maxsplit=1)[0] if "." in target else target.split()[1])
    head = int(target.split(".")[1]) if "." in target else None
    name = f"blocks.{layer}.attn.hook_z" if head is not None else f"blocks.{layer}.hook_mlp_out"
    base, other = (CORRUPTED, CLEAN) if kind == "patch into corrupted" else (CLEAN, CORRUPTED)
    source = None
    if kind.startswith("patch"):
        source = recorded(bridge, other, name)[0]
    elif kind == "mean":
        source = torch.stack([recorded(bridge, ids, name)[0] for ids in REFERENCE]).mean(0)

    def function(tensor):
        part = tensor[0] if head is None else tensor[0, :, head]
        for p in positions(at):
            if kind == "zero":
                part[p] = 0
            elif kind == "scale":
                part[p] *= factor
            else:
                part[p] = source[p] if head is None else source[p, head]
        return tensor

    return name, function, base


BUILD = {
    "zero": hw.zero,
    "scale": lambda target, at: hw.scale(target, -1.5, at),
    "mean": hw.mean,
    "patch into clean": hw.patch,
    "patch into corrupted": lambda target, at: hw.patch(target, at, into="corrupted"),
}


def compare(architecture: str, bridge, kind: str) -> Found:
    """Every head and MLP, at every place, one edit at a time."""
    session = open_session(bridge)
    facts = session.facts
    targets = [f"{i}.{h}" for i in range(facts.n_layers) for h in range(facts.n_heads)]
    targets += [f"mlp {i}" for i in range(facts.n_layers)]
    error = moved = 0.0
    least = float("inf")
    cases = 0
    plain = {ids: hand(bridge, [], ids) for ids in (CLEAN, CORRUPTED)}
    for number, target in enumerate(targets):
        for at in PLACES if number % 4 == 0 else (None, "end"):
            name, function, base = written(kind, bridge, target, at, -1.5)
            expected = hand(bridge, [(name, function)], base)
            session.edits = [BUILD[kind](target, at)]
            got = edited_logits(session)
            error = max(error, float((got - expected).abs().max()))
            one = float((expected - plain[base]).abs().max())
            moved = max(moved, one)
            # The last layer's other positions cannot reach the end, and at the end itself both
            # prompts have one token: a parallel block's first MLP writes the same there.
            if at is None or (at == "end" and not kind.startswith("patch")):
                least = min(least, one)
            cases += 1
    session.close()
    return Found(architecture, kind, cases, error, moved, least)


def edited_logits(session: Session) -> torch.Tensor:
    """Logits of the edited run at the end, as the session has them."""
    from headwidgets.methods.runs import logits

    return logits(session.engine, session.snapshot(), "edited", [0]).values[0]


def compare_zeroed_weights(architecture: str, bridge, edited: object) -> Found:
    """Zeroing a head in the session against zeroing its output weights in `edited`, a copy."""
    session = open_session(bridge)
    facts = session.facts
    error = moved = 0.0
    plain = hand(bridge, [], CLEAN)
    for layer in range(facts.n_layers):
        weight = edited.blocks[layer].attn.o.original_component.weight
        rows = type(edited.blocks[layer].attn.o.original_component).__name__ == "Conv1D"
        for head in range(facts.n_heads):
            mine = slice(head * facts.d_head, (head + 1) * facts.d_head)
            kept = weight.detach().clone()
            with torch.no_grad():
                weight[mine] = 0 if rows else weight[mine]
                if not rows:
                    weight[:, mine] = 0
                expected = hand(edited, [], CLEAN)
                weight.copy_(kept)
            session.edits = [hw.zero((layer, head))]
            error = max(error, float((edited_logits(session) - expected).abs().max()))
            moved = max(moved, float((expected - plain).abs().max()))
    session.close()
    return Found(architecture, "zero = W_O zeroed", facts.n_layers * facts.n_heads, error, moved)


def compare_sums(architecture: str, bridge) -> Found:
    """Parts of the residual stream against the stream itself, at every position."""
    session = Session(bridge)
    found = [residual_parts(session.engine, CLEAN, at) for at in range(LENGTH)]
    size = max(float(p.total.abs().max()) for p in found)
    session.close()
    return Found(architecture, "parts sum", LENGTH, max(p.error for p in found), size)
