"""The same arrays by CircuitsVis and BertViz: text in the notebook, seconds, memory.

Each in a process of its own, in turn: least seconds and most memory of the turns. 144 heads
of causal attention, float32, softmax of N(0, 2²). Bytes: what the notebook holds. Of ours,
everything that goes over the comm, with the code; of CircuitsVis the page with its code left
on the network (1.3 MB more without one); of BertViz the page of `html_action="return"`.
Memory: from the arrays being there to the most that was held. BertViz is optional:
``pip install --no-deps --target .overlays/bertviz bertviz==1.4.1``.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _bench import Row, conclude
from memory import Peak, held

if TYPE_CHECKING:
    from collections.abc import Callable

LAYERS = HEADS = 12
TURNS = {64: 3, 128: 3, 256: 3, 512: 3}
NEEDS = {"circuitsvis": 90, "model_view": 170, "head_view": 170}
"""Bytes of memory that each takes for one value of a pattern, about."""
OVERLAY = Path(__file__).resolve().parents[1] / ".overlays" / "bertviz"
sys.path.append(str(OVERLAY))


def ours(attention: Any, tokens: list[str]) -> Callable[[], int]:
    """AttentionView: the state of both models, buffers and code included, and its face."""
    import headwidgets as hw

    def build() -> int:
        view = hw.AttentionView(attention.numpy(), tokens)
        total = 0
        for widget in (view.session, view):
            state = widget.get_state()
            buffers = [state.pop(key) for key in list(state) if isinstance(state[key], bytes)]
            total += len(json.dumps(state, default=str)) + sum(map(len, buffers))
        return total + len(json.dumps(view._repr_mimebundle_()[0]))

    return build


def circuitsvis(attention: Any, tokens: list[str]) -> Callable[[], int]:
    """CircuitsVis's attention heads, all in one."""
    from circuitsvis.attention import attention_heads

    names = [f"{layer}.{head}" for layer in range(LAYERS) for head in range(HEADS)]
    flat = attention.reshape(LAYERS * HEADS, *attention.shape[2:])
    return lambda: len(attention_heads(flat, tokens, attention_head_names=names).cdn_src)


def bertviz(view: str) -> Callable[[Any, list[str]], Callable[[], int]]:
    """Return one of BertViz's views."""

    def prepare(attention: Any, tokens: list[str]) -> Callable[[], int]:
        import bertviz

        layers = [layer[None] for layer in attention]
        show = getattr(bertviz, view)
        return lambda: len(show(layers, tokens, html_action="return").data)

    return prepare


WAYS: dict[str, Callable[[Any, list[str]], Callable[[], int]]] = {
    "ours": ours,
    "circuitsvis": circuitsvis,
    "model_view": bertviz("model_view"),
    "head_view": bertviz("head_view"),
}
SAID = {
    "ours": "`hw.AttentionView`",
    "circuitsvis": "CircuitsVis `attention_heads`",
    "model_view": "BertViz `model_view`",
    "head_view": "BertViz `head_view`",
}


def measure(way: str, n: int) -> None:
    """Build once in this process; print bytes, seconds, GB above what was held."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    scores = 2 * torch.randn(LAYERS, HEADS, n, n)
    scores.masked_fill_(torch.ones(n, n, dtype=torch.bool).triu(1), float("-inf"))
    attention = scores.softmax(-1)
    del scores
    build = WAYS[way](attention, [f" token{i}" for i in range(n)])
    before = held("VmRSS")
    with Peak() as peak:
        start = time.perf_counter()
        size = build()
        seconds = time.perf_counter() - start
    print(size, seconds, peak.most - before)


def lacks(way: str, n: int) -> str:
    """Say why a view is not measured, if it is not."""
    if way.endswith("view") and importlib.util.find_spec("bertviz") is None:
        return "not installed"
    need = NEEDS.get(way, 0) * LAYERS * HEADS * n * n / 1e9
    status = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    free = next(int(line.split()[1]) for line in status if line.startswith("MemAvailable"))
    free_gb = free * 1024 / 1e9
    return f"needs about {need:.1f} GB, {free_gb:.1f} are free" if need > free_gb else ""


def row(way: str, n: int, found: list[list[float]], why: str) -> Row:
    """One line of the table."""
    what = f"{SAID[way]}, {n} tokens"
    if not found:
        bar = 0 if way == "ours" else None
        return Row(what, [f"not measured: {why}", "", "", ""], float("nan"), bar)
    size = found[0][0]
    seconds, memory = min(one[1] for one in found), max(one[2] for one in found)
    shown = [f"{size / 1e6:.2f}", f"{seconds:.2f}", f"{memory:.2f}", len(found)]
    return Row(what, shown, size, 1e6 if way == "ours" else None)


def main() -> int:
    """Measure everything in turn, print, and say whether a bar was missed."""
    rows = []
    for n, turns in TURNS.items():
        found: dict[str, list[list[float]]] = {way: [] for way in WAYS}
        why: dict[str, str] = {}
        for turn in range(turns):
            order = [*WAYS][turn:] + [*WAYS][:turn]
            for way in order:
                why[way] = lacks(way, n)
                if why[way]:
                    continue
                command = [sys.executable, __file__, way, str(n)]
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
                if done.returncode:
                    why[way] = f"exit status {done.returncode}"
                    continue
                found[way].append([float(part) for part in done.stdout.split()[-3:]])
        rows += [row(way, n, found[way], why[way]) for way in WAYS]
    return conclude(["what", "MB", "seconds", "GB above", "turns"], rows)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1], int(sys.argv[2]))
        sys.exit(0)
    sys.exit(main())
