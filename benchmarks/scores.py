"""Every kind of head scored, beside the forwards that it needs.

`s.scores` draws new prompts in every round; the peer runs the same batches of token ids through
the bridge and nothing else: no hook, logits of the last position. On random weights of GPT-2
small's shape (with the bundled model's tokenizer, which spells the tasks) the model is at chance
and many kinds would end after their first forwards: they are measured once as they are, and once
with the gate of the tasks off, so that every kind does all its work. On the bundled model, which
knows the tasks, the forwards are so small that the arithmetic of nulls and names shows: for
information.
"""

from __future__ import annotations

import itertools
import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from _bench import Cost, Row, against, conclude, take_turns, timed
from _models import random_bridge

ROUNDS = 3
BAR, MOST_SECONDS = 1.5, 60.0


def gpt2_shaped() -> Any:
    """Open random weights of GPT-2 small's shape with a tokenizer that spells the tasks."""
    import transformers

    import headwidgets as hw
    from headwidgets.model.text import Text
    from headwidgets.zoo.shipped import FOLDER

    session = hw.Session(random_bridge("GPT2Config", bos_token_id=0, vocab_size=50_257))
    # A tokenizer of far fewer tokens than the model has is none to a session: handed over.
    session.engine.text = Text.of(transformers.AutoTokenizer.from_pretrained(FOLDER))
    return session


def compared(session: Any, what: str, bar: float | None) -> Row:
    """Take `s.scores` and its own forwards in turns."""
    import torch

    ran: list[Any] = []
    seeds = itertools.count(1)
    engine = session.engine
    forward = engine._forward  # noqa: SLF001 - what is run is what is to be run again

    def note(ids: Any, bound: Any, options: dict[str, Any]) -> Any:
        if "stop_at_layer" not in options:
            ran.append(ids)
        return forward(ids, bound, options)

    def ours() -> Cost:
        ran.clear()
        engine._forward = note  # noqa: SLF001 - as above
        try:
            return timed(lambda: session.scores(seed=next(seeds)))
        finally:
            del engine._forward  # noqa: SLF001 - the class's own again

    def theirs() -> Cost:
        def run() -> None:
            with torch.inference_mode():
                for ids in ran:
                    engine.view(ids, logits_to_keep=1)

        return timed(run)

    ran.extend([torch.zeros(1, 4, dtype=torch.long)])
    costs = take_turns({"ours": ours, "theirs": theirs}, ROUNDS)
    sizes = f"{sum(ids.shape[0] for ids in ran)} prompts, {sum(ids.numel() for ids in ran)} tokens"
    return against(f"{what}: {sizes}", costs["ours"], costs["theirs"], bar)


def seconds(session: Any, what: str, bar: float) -> Row:
    """Time it once more on two threads."""
    import torch

    torch.set_num_threads(2)
    took = min(timed(partial(session.scores, seed=seed)).seconds for seed in (90, 91))
    torch.set_num_threads(1)
    return Row(f"{what}, two threads", [f"{took:.1f} s", "", "", ""], took, bar)


def main() -> int:
    """Measure and print."""
    import torch

    import headwidgets as hw

    columns = ["scores", "ours, ms", "forwards, ms", "ratio", "ratio of a processor"]
    torch.set_num_threads(1)
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "taxonomy"))
    gates: Any = import_module("gates")
    large = gpt2_shaped()
    rows = [compared(large, "GPT-2 shape", BAR), seconds(large, "GPT-2 shape", MOST_SECONDS)]
    with gates.gates_off():
        rows.append(compared(large, "GPT-2 shape, gates off", BAR))
        rows.append(seconds(large, "GPT-2 shape, gates off", MOST_SECONDS))
    large.close()
    small = hw.Session()
    rows.append(compared(small, "bundled model", None))
    small.close()
    return conclude(columns, rows)


if __name__ == "__main__":
    sys.exit(main())
