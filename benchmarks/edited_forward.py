"""One edited forward, beside the same forward by hand-written hooks.

A new factor in every call, so that no result is found again. The session also holds the
clean run, which its first call made, and compares the edited one with it. By hand: one
hook that scales the same head in place, without gradients, on the bridge itself. "Nothing
kept" is the first edit of all: it also makes the clean run and checks that the layer reads
its edited z.
"""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING, Any

from _bench import Row, against, conclude, take_turns, timed
from _models import D_VOCAB, random_bridge

if TYPE_CHECKING:
    from collections.abc import Callable

BAR = 1.15
HEAD = (9, 9)
PROMPTS = ((16, 25), (64, 15))  # tokens, rounds
SHAPES: dict[str, tuple[str, dict[str, Any]]] = {
    "GPT-2 small, 12 × 12 × 768": (
        "GPT2Config",
        {"n_layer": 12, "n_head": 12, "n_embd": 768, "n_positions": 128},
    ),
    "Llama, 12 × 12 over 4 × 768": (
        "LlamaConfig",
        {
            "num_hidden_layers": 12,
            "num_attention_heads": 12,
            "num_key_value_heads": 4,
            "hidden_size": 768,
            "intermediate_size": 2048,
            "max_position_embeddings": 128,
        },
    ),
}


def by_hand(bridge: Any, ids: Any, **options: Any) -> Callable[[float], Any]:
    """Return a function from a factor to logits: the hook that one would write."""
    import torch

    layer, head = HEAD

    def run(factor: float) -> Any:
        def hook(z: Any, hook: Any) -> Any:  # noqa: ARG001 - TransformerLens passes the point
            z[:, :, head] *= factor
            return z

        with torch.no_grad():
            hooks = [(f"blocks.{layer}.attn.hook_z", hook)]
            return bridge.run_with_hooks(ids, fwd_hooks=hooks, **options)[0, -1]

    return run


def by_session(session: Any, *, whole: bool) -> Callable[[float], Any]:
    """Return the session's way: a new edit, then logits at the end, or the whole effect."""
    import headwidgets as hw
    from headwidgets.methods.runs import logits

    def run(factor: float) -> Any:
        session.edits = [hw.scale(HEAD, factor)]
        if whole:
            return session.effect()
        return logits(session.engine, session.snapshot(), "edited", [0]).values[0]

    return run


def measure(name: str, bridge: Any, length: int, rounds: int) -> list[Row]:
    """Measure one shape on one prompt."""
    import torch

    import headwidgets as hw

    ids = torch.arange(1, length + 1)[None]
    session = hw.Session(bridge)
    session.prompt = ids[0].tolist()
    ways = {
        "session": by_session(session, whole=False),
        "effect": by_session(session, whole=True),
        "all": by_hand(bridge, ids),
        "end": by_hand(bridge, ids, logits_to_keep=1),
    }
    check(ways)

    def first(factor: float) -> Any:
        session.engine.cache.clear()
        return ways["session"](factor)

    factors = itertools.count(2)
    calls = {
        way: lambda run=run: timed(lambda: run(1 / next(factors)))
        for way, run in {**ways, "first": first}.items()
    }
    cost = take_turns(calls, rounds)
    session.close()
    what = f"{name}, T = {length}"
    return [
        against(f"{what}: end logits / `logits_to_keep=1`", cost["session"], cost["end"], BAR),
        against(f"{what}: end logits / logits everywhere", cost["session"], cost["all"], BAR),
        against(f"{what}: `s.effect()` / `logits_to_keep=1`", cost["effect"], cost["end"], None),
        against(f"{what}: nothing kept / `logits_to_keep=1`", cost["first"], cost["end"], None),
    ]


def check(ways: dict[str, Callable[[float], Any]]) -> None:
    """Make sure that all ways do the same, and that it is something."""
    got, unedited = ways["session"](-3.0), ways["end"](1.0)
    for way in ("end", "all"):
        difference = float((got - ways[way](-3.0)).abs().max())
        if difference > 1e-5:  # noqa: PLR2004 - the bar of exactness
            sys.exit(f"the session and {way!r} differ by {difference:.3g}")
    if float((got - unedited).abs().max()) < 1e-3:  # noqa: PLR2004 - a hundred times the bar
        sys.exit("the edit did nothing, so there is nothing to measure")


def main() -> int:
    """Measure, print, and say whether a bar was missed."""
    import torch

    torch.set_num_threads(1)
    rows = []
    for name, (class_name, options) in SHAPES.items():
        bridge = random_bridge(class_name, **options)
        for length, rounds in PROMPTS:
            rows += measure(name, bridge, length, rounds)
    turns = " and ".join(f"{rounds} turns at T = {length}" for length, rounds in PROMPTS)
    print(f"Random weights, {D_VOCAB:,} tokens of vocabulary; minima of {turns}.\n")
    return conclude(["what", "ours, ms", "theirs, ms", "ratio", "ratio of CPU time"], rows)


if __name__ == "__main__":
    sys.exit(main())
