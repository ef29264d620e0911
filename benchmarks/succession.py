"""Successor scores of every head, beside one forward; a slider's redraw has its own in the browser.

The scores of `headwidgets.labs.succession.scores` (one variant, eight sets, 290 pairs) on random
weights of GPT-2 small's shape, 144 heads, with the bundled model's tokenizer, which spells all
sets. The bar is for the scores alone (``draws=0``); with the 200 random circuits that are drawn by
default they are shown for information. The peer is one forward of 300 tokens through the same
bridge, no hook, logits of all positions. The slider is measured in ``widgets.py sliding``.
"""

from __future__ import annotations

import sys
from functools import partial

from _bench import Cost, against, conclude, take_turns, timed
from scores import gpt2_shaped

ROUNDS = 4
BAR = 2.0
TOKENS = 300


def main() -> int:
    """Measure and print."""
    import torch

    from headwidgets.labs.succession import NULL_DRAWS, VARIANTS, scores

    torch.set_num_threads(1)
    session = gpt2_shaped()
    engine = session.engine
    ids = torch.randint(1, 5000, (1, TOKENS), generator=torch.Generator().manual_seed(0))

    def forward() -> Cost:
        def run() -> None:
            with torch.inference_mode():
                engine.view(ids)

        return timed(run)

    rows = []
    for variant in VARIANTS:
        ours = partial(timed, partial(scores, engine, variant, draws=0))
        costs = take_turns({"ours": ours, "theirs": forward}, ROUNDS)
        rows.append(against(f"{variant}, 144 heads, draws=0", costs["ours"], costs["theirs"], BAR))
    ours = partial(timed, partial(scores, engine, "normed"))
    costs = take_turns({"ours": ours, "theirs": forward}, ROUNDS)
    rows.append(
        against(
            f"normed, 144 heads, draws={NULL_DRAWS}: the default",
            costs["ours"],
            costs["theirs"],
            None,
        )
    )
    session.close()
    columns = ["scores", "ours, ms", "forward of 300 tokens, ms", "ratio", "ratio of a processor"]
    return conclude(columns, rows)


if __name__ == "__main__":
    sys.exit(main())
