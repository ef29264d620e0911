"""Every kind of head scored, beside the forwards that it needs.

`s.scores` draws new prompts in every round; the peer runs the same batches of token ids through
the bridge and nothing else: no hook, logits of the last position. On random weights of GPT-2
small's shape (with the bundled model's tokenizer, which spells the tasks) the model is at chance
and many kinds end after their forwards; on the bundled model, which knows the tasks, none does,
but its forwards are so small that the arithmetic of nulls and names shows: for information.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from _bench import Cost, Row, against, conclude, take_turns, timed

ROUNDS = 3
BAR, MOST_SECONDS = 1.5, 60.0


def gpt2_shaped() -> Any:
    """Open random weights of GPT-2 small's shape with a tokenizer that spells the tasks."""
    import torch
    import transformers

    import headwidgets as hw
    from headwidgets.zoo.shipped import FOLDER

    torch.manual_seed(0)
    config = transformers.GPT2Config(bos_token_id=0, eos_token_id=0, pad_token_id=0)
    make: Any = transformers.AutoModelForCausalLM
    with tempfile.TemporaryDirectory() as folder:
        make.from_config(config).save_pretrained(folder)
        transformers.AutoTokenizer.from_pretrained(FOLDER).save_pretrained(folder)
        return hw.Session(Path(folder))


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


def seconds(session: Any) -> Row:
    """Time it once more on two threads."""
    import torch

    torch.set_num_threads(2)
    took = min(timed(partial(session.scores, seed=seed)).seconds for seed in (90, 91))
    torch.set_num_threads(1)
    return Row(
        "GPT-2 shape, two threads, seconds", [f"{took:.1f} s", "", "", ""], took, MOST_SECONDS
    )


def main() -> int:
    """Measure and print."""
    import torch

    import headwidgets as hw

    torch.set_num_threads(1)
    large = gpt2_shaped()
    rows = [compared(large, "GPT-2 shape", BAR), seconds(large)]
    large.close()
    small = hw.Session()
    rows.append(compared(small, "bundled model", None))
    small.close()
    return conclude(["scores", "ours, ms", "forwards, ms", "ratio", "ratio of a processor"], rows)


if __name__ == "__main__":
    sys.exit(main())
