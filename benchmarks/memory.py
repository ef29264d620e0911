"""Memory above the model: 1,024 heads over 2,048 tokens.

Llamas of 32 layers × 32 heads with random float32 weights, each question in a process of
its own. Counted from what the process holds after opening the session and one short
forward, to the most it held while it answered, as Linux says it (VmRSS and VmHWM).
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from _bench import Row, conclude
from _models import random_bridge

if TYPE_CHECKING:
    from collections.abc import Callable

BAR = 2.0  # GB
LAYERS, HEADS, TOKENS = 32, 32, 2048
KB = 1024 / 1e9  # what /proc calls a kB, in GB
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def _edited(session: Any) -> Any:
    import headwidgets as hw

    session.edits = [hw.scale("5.3", 0.5)]
    return session.effect()


QUESTIONS: dict[str, Callable[[Any], Any]] = {
    "s.attention('5.3')": lambda session: session.attention("5.3"),
    "s.thumbnails()": lambda session: session.thumbnails(),
    "s.effect(), scale 5.3": _edited,
}


MODELS: dict[str, tuple[dict[str, int], tuple[str, ...], float | None]] = {
    "d_head 32": ({"hidden_size": 1024, "num_key_value_heads": HEADS}, tuple(QUESTIONS), BAR),
    "d_head 128, 8 key/value heads (as Llama 3 8B)": (
        {"hidden_size": 256, "num_key_value_heads": 8, "head_dim": 128},
        ("s.thumbnails()",),
        BAR,
    ),
    # Past the bar by their nature: the keys and values alone are 2.1 GB in float32.
    "d_head 128, 32 key/value heads (as Llama 2 7B)": (
        {"hidden_size": 256, "num_key_value_heads": HEADS, "head_dim": 128},
        ("s.thumbnails()",),
        None,
    ),
}


class Peak:
    """The most memory that this process holds inside a ``with``, in GB."""

    def __init__(self) -> None:
        self.most = 0.0
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        try:
            CLEAR.write_text("5", encoding="ascii")  # VmHWM begins again at what is held now
            self._field = "VmHWM"
        except OSError:
            self._field = "VmRSS"

    def _watch(self) -> None:
        while not self._done.is_set():
            self.most = max(self.most, held(self._field))
            time.sleep(0.005)

    def __enter__(self) -> Self:
        """Begin to watch."""
        self._watcher.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Look once more."""
        self._done.set()
        self._watcher.join()
        self.most = max(self.most, held(self._field))


def held(field: str) -> float:
    """Read one field of this process's status, in GB."""
    lines = STATUS.read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) * KB


def ask(model: str, question: str) -> None:
    """Answer one question in this process; print GB held before, GB above, seconds."""
    import headwidgets as hw

    bridge = random_bridge(
        "LlamaConfig",
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=2048,
        max_position_embeddings=TOKENS,
        **MODELS[model][0],
    )
    session = hw.Session(bridge)
    session.prompt = list(range(1, 9))
    session.logits()
    session.prompt = [1 + i % 4999 for i in range(TOKENS)]
    before, start = held("VmRSS"), time.perf_counter()
    with Peak() as peak:
        QUESTIONS[question](session)
    print(before, peak.most - before, time.perf_counter() - start)


def main() -> int:
    """Ask every question of every model, print, and say whether a bar was missed."""
    if not STATUS.exists():
        print("Not measured: only Linux has /proc/self/status.")
        return 0
    rows = []
    for model, (_, questions, bar) in MODELS.items():
        for question in questions:
            command = [sys.executable, __file__, model, question]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            before, above, seconds = map(float, done.stdout.split()[-3:])
            shown = [round(number, 2) for number in (before, above, seconds)]
            rows.append(Row(f"{model}: `{question}`", shown, above, bar))
    return conclude(["what", "held before, GB", "above it, GB", "seconds"], rows)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        ask(*sys.argv[1:])
        sys.exit(0)
    sys.exit(main())
