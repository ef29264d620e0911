"""Attribution patching, all heads × positions, beside plain forwards of the same prompt.

A new pair of prompts in every call and nothing kept, so that the clean run is counted: one
forward for the clean z, one forward and one backward at the corrupted run. The forward that
it is compared with is TransformerLens's own, without gradients and without hooks, of one
prompt of the same length with logits everywhere.
"""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING, Any

from _bench import Row, against, conclude, take_turns, timed
from _models import D_VOCAB, random_bridge

if TYPE_CHECKING:
    from collections.abc import Callable

BAR = 4.0
PROMPTS = ((16, 12), (64, 8))  # tokens, rounds
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


def measure(name: str, bridge: Any, length: int, rounds: int) -> list[Row]:
    """Measure one shape on prompts of one length."""
    import torch

    from headwidgets.methods.attribution_patching import attribution_patching
    from headwidgets.methods.metrics import LogitDiff
    from headwidgets.methods.snapshot import Pair, Snapshot
    from headwidgets.model.engine import Engine

    engine = Engine(bridge, name="random")
    numbers = itertools.count(1)

    def prompt() -> tuple[int, ...]:
        start = next(numbers)
        return tuple((start * 101 + 7 * i) % D_VOCAB for i in range(length))

    def ours() -> Any:
        snapshot = Snapshot(pairs=(Pair(prompt(), prompt()),), metric=LogitDiff(7, 8))
        return attribution_patching(engine, snapshot, "heads x positions")

    def forward() -> Any:
        with torch.no_grad():
            return bridge(torch.tensor([prompt()]))

    def both_ways() -> Any:
        return slopes_by_hand(bridge, torch.tensor([prompt()]))

    if ours()["estimate"].abs().max() <= 0:
        sys.exit("nothing was estimated, so there is nothing to measure")
    calls: dict[str, Callable[[], Any]] = {"ours": ours, "forward": forward, "hand": both_ways}
    cost = take_turns({way: lambda run=run: timed(run) for way, run in calls.items()}, rounds)
    what = f"{name}, T = {length}"
    return [
        against(f"{what}: attribution patching / one forward", cost["ours"], cost["forward"], BAR),
        against(f"{what}: attribution patching / `backward()`", cost["ours"], cost["hand"], None),
    ]


def slopes_by_hand(bridge: Any, ids: Any) -> Any:
    """One forward and `backward()`, as one would write it: without a clean run."""
    zs: list[Any] = []

    def keep(z: Any, hook: Any) -> Any:  # noqa: ARG001 - TransformerLens passes the point
        z.retain_grad()
        zs.append(z)
        return z

    hooks = [(f"blocks.{layer}.attn.hook_z", keep) for layer in range(bridge.cfg.n_layers)]
    logits = bridge.run_with_hooks(ids, fwd_hooks=hooks)[0, -1]
    (logits[7] - logits[8]).backward()
    bridge.zero_grad()
    return [z.grad for z in zs]


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
