"""Cold starts, each in a process of its own.

From the start of the interpreter to its end, on both sides alike. The files have been read
once before, so that neither side pays for the disk.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass

from _bench import Cost, Row, against, conclude, take_turns

SESSION = "import headwidgets as hw; s = hw.Session(); s.logits()"
BRIDGE = "from transformer_lens import TransformerBridge"
MODEL_ROUNDS, IMPORT_ROUNDS = 5, 9


@dataclass
class Cold:
    """Python code that runs in a new process, and when it first wrote to stderr."""

    code: str
    first_sign: float = float("inf")

    def __call__(self) -> Cost:
        """Run it once."""
        reader, writer = os.pipe()
        start = time.perf_counter()
        child = subprocess.Popen(
            [sys.executable, "-c", self.code], stdout=subprocess.DEVNULL, stderr=writer
        )
        os.close(writer)
        with os.fdopen(reader, "rb", buffering=0) as stderr:
            said = stderr.read(1)
            if said:
                self.first_sign = min(self.first_sign, time.perf_counter() - start)
            said += stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            sys.exit(f"{self.code!r} failed:\n{said.decode(errors='replace')}")
        return Cost(seconds, usage.ru_utime + usage.ru_stime)


def main() -> int:
    """Measure, print, and say whether a bar was missed."""
    session = Cold(SESSION)
    models = take_turns({"session": session, "bridge": Cold(BRIDGE)}, MODEL_ROUNDS)
    calls = {"ours": Cold("import headwidgets"), "theirs": Cold("import anywidget")}
    imports = take_turns(calls, IMPORT_ROUNDS)
    sign = session.first_sign
    rows = [
        against(
            "`Session()` to first logits / `from transformer_lens import TransformerBridge`",
            models["session"],
            models["bridge"],
            1.3,
        ),
        against(
            "`import headwidgets` / `import anywidget`", imports["ours"], imports["theirs"], 1.25
        ),
        Row("first sign of life on stderr", [round(1e3 * sign, 1), "", "", ""], 1e3 * sign, 300),
    ]
    print(f"Minima of {MODEL_ROUNDS} and {IMPORT_ROUNDS} turns after one to warm up.\n")
    return conclude(["what", "ours, ms", "theirs, ms", "ratio", "ratio of CPU time"], rows)


if __name__ == "__main__":
    sys.exit(main())
