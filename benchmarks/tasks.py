"""Tasks on the bundled model: accuracy beside raw forwards, and the memory of notebook 00.

`s.accuracy` draws, spells and reads 200 new prompts in every round; the peer runs the forwards
of such prompts and nothing else: token ids ready, those of one length in one batch, all logits
computed, as ``bridge(ids)`` does.
"""

from __future__ import annotations

import itertools
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _bench import Cost, Row, against, conclude, take_turns, timed

if TYPE_CHECKING:
    from collections.abc import Callable

TASKS = ("ioi", "succession", "key value", "options", "colored object", "repeated random tokens")
N, ROUNDS = 200, 5
BAR, MOST_GB = 1.5, 1.2
NOTEBOOK = Path(__file__).resolve().parents[1] / "notebooks" / "00_first_look.py"


def forwards(bridge: Any, rows: list[tuple[int, ...]]) -> Callable[[], None]:
    """Return the raw batched forwards of some prompts."""
    import torch

    groups: dict[int, list[tuple[int, ...]]] = {}
    for ids in rows:
        groups.setdefault(len(ids), []).append(ids)
    batches = [torch.tensor(group) for group in groups.values()]

    def run() -> None:
        with torch.inference_mode():
            for batch in batches:
                bridge(batch)

    return run


def accuracy() -> list[Row]:
    """Take the two in turns, task by task; the bar is on all of them together."""
    import headwidgets as hw
    from headwidgets.zoo.bundled import bundled

    bridge = bundled()
    session = hw.Session(bridge)
    seeds = itertools.count(1)
    rows, whole = [], {"ours": Cost(0, 0), "theirs": Cost(0, 0)}
    for name in TASKS:

        def ours(name: str = name) -> Cost:
            return timed(lambda: session.accuracy(name, n=N, seed=next(seeds)))

        def theirs(name: str = name) -> Cost:
            prompts = hw.task(name, N, seed=next(seeds), split="test")
            read = prompts.prompts(session.engine.text)
            ids = [
                tuple(session.engine.text.encode(one)) if isinstance(one, str) else one
                for one in read.clean
            ]
            return timed(forwards(bridge, ids))

        costs = take_turns({"ours": ours, "theirs": theirs}, ROUNDS)
        rows.append(against(f"{name}, {N} prompts", costs["ours"], costs["theirs"], None))
        for side, cost in costs.items():
            whole[side] = Cost(whole[side].seconds + cost.seconds, whole[side].cpu + cost.cpu)
    session.close()
    return [*rows, against("all of them", whole["ours"], whole["theirs"], BAR)]


def notebook() -> list[Row]:
    """Run notebook 00 in a kernel of its own; its peak of resident memory."""
    from nbclient import NotebookClient

    sys.path.insert(0, str(NOTEBOOK.parents[1] / "scripts"))
    from notebooks import read

    NotebookClient(read(NOTEBOOK.read_text(encoding="utf-8")), timeout=600).execute()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    shown = [f"{peak:.2f} GB", "", "", ""]
    return [Row("peak memory of the kernel of notebook 00", shown, peak, MOST_GB)]


def main() -> int:
    """Measure and print."""
    rows = [*accuracy(), *notebook()]
    return conclude(["task", "ours, ms", "forwards, ms", "ratio", "ratio of a processor"], rows)


if __name__ == "__main__":
    sys.exit(main())
