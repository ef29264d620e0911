"""The committed notebooks run in the memory that Binder gives; `make test` runs the first."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
MOST_MEMORY = 1.6 * 2**20  # KiB, of the kernel; JupyterLab itself needs the rest of 2 GB
EACH = [
    pytest.param(path, marks=[pytest.mark.slow] if place else [], id=path.stem)
    for place, path in enumerate(NOTEBOOKS)
]


@pytest.mark.kernel
@pytest.mark.parametrize("path", EACH)
def test_every_cell_runs_within_the_memory_of_binder(path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "1")
    notebook = nbformat.read(path, as_version=4)
    # not ru_maxrss: that of a child begins with what its parent held when it was forked
    peak = "print(next(line.split()[1] for line in open('/proc/self/status') if 'VmHWM' in line))"
    notebook.cells.append(nbformat.v4.new_code_cell(peak))
    where = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources=where).execute()
    assert int(notebook.cells[-1].outputs[0].text) < MOST_MEMORY
