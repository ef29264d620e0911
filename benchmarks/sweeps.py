"""Sweeps, beside `transformer_lens.patching` on the same model and prompts.

Both patch the clean run's z into the corrupted run, one head (and position) after another,
and read a logit difference. The clean cache is made before and is not counted for either;
our corrupted run is. The prompts are new in every round, so that nothing is found again.
``python benchmarks/sweeps.py heads end`` measures these only.
"""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING, Any

from _bench import Cost, Row, against, conclude, take_turns, timed
from _models import random_bridge
from memory import Peak, held

if TYPE_CHECKING:
    from collections.abc import Callable

VOCAB = 50_257
SHAPES: dict[str, tuple[str, dict[str, Any]]] = {
    "GPT-2": (
        "GPT2Config",
        {"n_layer": 12, "n_head": 12, "n_embd": 768, "n_positions": 128, "vocab_size": VOCAB},
    ),
    "Llama": (
        "LlamaConfig",
        {
            "num_hidden_layers": 12,
            "num_attention_heads": 12,
            "num_key_value_heads": 4,
            "hidden_size": 768,
            "intermediate_size": 2048,
            "max_position_embeddings": 128,
            "vocab_size": VOCAB,
        },
    ),
    "small": ("GPT2Config", {"n_layer": 4, "n_head": 8, "n_embd": 128, "n_positions": 128}),
}
# what, shape, tokens, sweep, bar of ours / theirs, rounds
SWEEPS: dict[str, tuple[str, str, int, dict[str, Any], float, int]] = {
    "heads": ("all heads, all positions", "GPT-2", 64, {}, 1 / 3, 3),
    "heads-llama": ("all heads, all positions", "Llama", 64, {}, 1 / 3, 3),
    "end": ("all heads at the end", "GPT-2", 64, {"at": "end"}, 1 / 40, 3),
    "end-llama": ("all heads at the end", "Llama", 64, {"at": "end"}, 1 / 40, 3),
    "positions": ("heads × positions", "GPT-2", 16, {"over": "heads x positions"}, 1 / 14, 3),
    "positions-llama": ("heads × positions", "Llama", 16, {"over": "heads x positions"}, 1 / 14, 3),
    "small": ("all heads, all positions", "small", 32, {}, 1 / 4, 5),
}
SAME = 1e-4


def theirs(bridge: Any, clean: Any, corrupted: Any, options: dict[str, Any]) -> Callable[[], Any]:
    """Return TransformerLens's own sweep of the same edits."""
    import pandas as pd
    import torch
    import transformer_lens.patching as lens

    with torch.no_grad():
        _, cache = bridge.run_with_cache(clean)

    def metric(logits: Any) -> Any:
        return logits[0, -1, 7] - logits[0, -1, 8]

    def sweep() -> Any:
        with torch.no_grad():
            if options.get("over"):
                return lens.get_act_patch_attn_head_out_by_pos(bridge, corrupted, cache, metric)
            if not options:
                return lens.get_act_patch_attn_head_out_all_pos(bridge, corrupted, cache, metric)
            cfg, end = bridge.cfg, clean.shape[1] - 1
            index = pd.DataFrame(
                list(itertools.product(range(cfg.n_layers), [end], range(cfg.n_heads))),
                columns=["layer", "pos", "head"],
            )
            return lens.generic_activation_patch(
                bridge,
                corrupted,
                cache,
                metric,
                patch_setter=lens.layer_pos_head_vector_patch_setter,
                activation_name="z",
                index_df=index,
            )

    return sweep


def measure(name: str) -> list[Row]:
    """Take one sweep in turns with the library's; compare the numbers too."""
    import torch

    import headwidgets as hw

    what, shape, tokens, options, bar, rounds = SWEEPS[name]
    kind, config = SHAPES[shape]
    bridge = random_bridge(kind, **config)
    session = hw.Session(bridge)
    draw = torch.Generator().manual_seed(0)
    found: dict[str, Any] = {}
    prompts = [
        torch.randint(1, config.get("vocab_size", 5000), (2, tokens), generator=draw)
        for _ in range(2 * rounds + 2)
    ]
    turn = {"ours": iter(prompts), "theirs": iter(prompts)}

    def ours() -> Cost:
        clean, corrupted = next(turn["ours"])
        session.use(
            hw.Prompts(clean=[clean.tolist()], corrupted=[corrupted.tolist()]), hw.LogitDiff(7, 8)
        )
        return timed(lambda: found.__setitem__("ours", session.sweep("patch", **options)))

    def lens() -> Cost:
        clean, corrupted = next(turn["theirs"])
        sweep = theirs(bridge, clean[None], corrupted[None], options)
        return timed(lambda: found.__setitem__("theirs", sweep()))

    costs = take_turns({"ours": ours, "theirs": lens}, rounds, warm="over" not in options)
    rows = [against(f"{what}, {tokens} tokens, {shape}", costs["ours"], costs["theirs"], bar)]
    mine = found["ours"]
    raw = mine["effect"].to_numpy() + mine.attrs["corrupted"]
    other = found["theirs"].double().numpy()
    if options.get("over"):
        other = other.transpose(0, 2, 1)  # theirs is layer, position, head
    off = float(abs(raw - other.reshape(-1)).max())
    rows.append(Row("largest difference of the metric", [f"{off:.1e}", "", "", ""], off, SAME))
    turn["ours"] = iter(prompts)
    before = held("VmRSS")
    with Peak() as peak:
        ours()
    above = peak.most - before
    rows.append(Row("memory above the model's own", [f"{above:.2f} GB", "", "", ""], above, 1.0))
    session.close()
    return rows


def main(names: list[str]) -> int:
    """Measure and print."""
    unknown = [name for name in names if name not in SWEEPS]
    if unknown:
        sys.exit(f"expected sweeps among {', '.join(SWEEPS)}, got {', '.join(unknown)}")
    rows = [row for name in names or SWEEPS for row in measure(name)]
    return conclude(["sweep", "ours, ms", "theirs, ms", "ratio", "ratio of a processor"], rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
