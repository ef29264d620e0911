"""Execute every notebook from its first cell to its last, and write reports/notebooks.md.

The committed notebooks stay as they are: the executed copies go to .verify/notebooks.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

import report

if TYPE_CHECKING:
    from pathlib import Path

EXECUTED = report.ROOT / ".verify" / "notebooks"
TIMEOUT = 1800
KIB_PER_GIB = 2**20


def execute(notebook: Path) -> tuple[int, float, float]:
    """Run `notebook` in its own folder; return exit status, seconds and peak memory in GiB.

    The memory is that of the largest process among the kernel and its helpers.
    """
    command = [
        *(sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute"),
        f"--ExecutePreprocessor.timeout={TIMEOUT}",
        *("--output-dir", str(EXECUTED), str(notebook)),
    ]
    start = time.perf_counter()
    child = os.spawnv(os.P_NOWAIT, sys.executable, command)  # noqa: S606 - wait4 tells its memory
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - start
    return os.waitstatus_to_exitcode(status), seconds, usage.ru_maxrss / KIB_PER_GIB


def main() -> int:
    """Execute them all; fail if any failed."""
    rows, failed = [], 0
    EXECUTED.mkdir(parents=True, exist_ok=True)
    for notebook in sorted((report.ROOT / "notebooks").glob("*.ipynb")):
        status, seconds, memory = execute(notebook)
        failed += status != 0
        size = notebook.stat().st_size / 1e6
        outcome = "ran" if status == 0 else f"failed ({status})"
        rows.append((notebook.name, outcome, round(seconds, 1), round(memory, 2), round(size, 3)))
    columns = ["notebook", "outcome", "seconds", "peak memory of one process, GiB", "committed, MB"]
    report.write("notebooks", "The notebooks, executed", report.table(columns, rows))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
