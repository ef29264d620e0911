"""Run files of benchmarks/, each in a process of its own, and write reports/bench_*.md.

A benchmark prints its tables in Markdown and exits with 1 when it missed a bar; the first
line of its docstring is its heading. Files that begin with an underscore are shared code.
``python scripts/bench.py sweeps widgets`` runs these only.
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


def main(names: list[str]) -> int:
    """Run these, or all; fail if any failed or missed a bar."""
    files = {path.stem: path for path in sorted((report.ROOT / "benchmarks").glob("[!_]*.py"))}
    unknown = [name for name in names if name not in files]
    if unknown or not files:
        print(
            f"expected benchmarks among {', '.join(files)}, got {' '.join(unknown)}",
            file=sys.stderr,
        )
        return 1
    failed = [name for name in names or files if not run(files[name])]
    if failed:
        print(f"missed a bar or failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def run(benchmark: Path) -> bool:
    """Run one and write its report; return whether it kept its bars."""
    print(f"{benchmark.name} …", flush=True)
    command = [sys.executable, str(benchmark)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, cwd=report.ROOT)
    print(done.stdout)
    outcome = "" if done.returncode == 0 else f"\n**Exit status {done.returncode}.**\n"
    report.write(f"bench_{benchmark.stem}", heading(benchmark), f"{done.stdout.strip()}\n{outcome}")
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
