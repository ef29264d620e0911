"""Memory above the model: 1,024 heads over 2,048 tokens, each question in a process of its own.

A Llama of 32 layers × 32 heads with random weights. Counted from what the process holds
after opening the session and one short forward, to the most it held while it answered.
Linux says both (VmRSS and VmHWM in /proc/self/status).
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

BAR = 2.0  # GiB
LAYERS, HEADS, TOKENS = 32, 32, 2048
WIDTHS = (256, 1024)
KIB = 1 << 20  # KiB in a GiB
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


class Peak:
    """The most memory that this process holds inside a ``with``, in GiB."""

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
    """Read one field of this process's status, in GiB."""
    lines = STATUS.read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / KIB


def ask(question: str, width: int) -> None:
    """Answer one question in this process; print GiB held before, GiB above, seconds."""
    import headwidgets as hw

    bridge = random_bridge(
        "LlamaConfig",
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        hidden_size=width,
        intermediate_size=2 * width,
        max_position_embeddings=TOKENS,
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
    for width in WIDTHS:
        for question in QUESTIONS:
            command = [sys.executable, __file__, question, str(width)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            before, above, seconds = map(float, done.stdout.split()[-3:])
            what = f"{LAYERS} × {HEADS} × {width}, T = {TOKENS}: `{question}`"
            shown = [round(number, 2) for number in (before, above, seconds)]
            rows.append(Row(what, shown, above, BAR))
    return conclude(["what", "held before, GiB", "above it, GiB", "seconds"], rows)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        ask(sys.argv[1], int(sys.argv[2]))
        sys.exit(0)
    sys.exit(main())
