"""Run every file of benchmarks/ in a process of its own, and write reports/bench.md.

A benchmark prints its tables in Markdown and exits with 1 when it missed a bar; the first
line of its docstring is its heading. Files that begin with an underscore are shared code.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from typing import TYPE_CHECKING

import report

if TYPE_CHECKING:
    from pathlib import Path


def heading(benchmark: Path) -> str:
    """Return the first line of the file's docstring, or its name."""
    docstring = ast.get_docstring(ast.parse(benchmark.read_text(encoding="utf-8")))
    return docstring.splitlines()[0].rstrip(".") if docstring else benchmark.stem


def main() -> int:
    """Run them all; fail if any failed or missed a bar."""
    sections, failed = [], []
    files = sorted((report.ROOT / "benchmarks").glob("[!_]*.py"))
    for benchmark in files:
        print(f"{benchmark.name} …", flush=True)
        command = [sys.executable, str(benchmark)]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, check=False, cwd=report.ROOT
        )
        print(done.stdout)
        if done.returncode:
            failed.append(benchmark.name)
        outcome = "" if done.returncode == 0 else f"\n**Exit status {done.returncode}.**\n"
        sections.append(f"## {heading(benchmark)}\n\n{done.stdout.strip()}\n{outcome}")
    if not files:
        print("benchmarks/ holds nothing to run", file=sys.stderr)
        return 1
    report.write("bench", "The benchmarks", "\n".join(sections))
    if failed:
        print(f"missed a bar or failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
