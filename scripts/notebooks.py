"""Make the notebooks: run each ``notebooks/*.py`` and write it, with its outputs, as ``.ipynb``.

A source is Python in the "percent" form: ``# %%`` begins a cell of code, ``# %% [markdown]``
one of text, ``# %% [source_hidden]`` one of code that is folded away. The outputs and the
widgets' state are saved with the notebook, so that it reads well where nothing runs.

    python scripts/notebooks.py             run all and write them
    python scripts/notebooks.py 00          those whose names begin so
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
VIEW, STATE = (f"application/vnd.jupyter.widget-{part}+json" for part in ("view", "state"))
TIMEOUT = 300
_CELL = re.compile(r"^# %%(?: \[(\w+)\])?\n", re.MULTILINE)


def read(source: str) -> Any:
    """Return the notebook that a source in percent form stands for, not run."""
    _, *parts = _CELL.split(source)
    cells = [_cell(*part) for part in enumerate(zip(parts[::2], parts[1::2], strict=True))]
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    about = {"kernelspec": kernel, "language_info": {"name": "python"}}
    notebook = {"cells": cells, "metadata": about, "nbformat": 4, "nbformat_minor": 5}
    return nbformat.reads(json.dumps(notebook), as_version=4)


def execute(notebook: Any, folder: Path) -> set[str]:
    """Run `notebook` in `folder` on this environment's kernel; return which widgets closed."""
    os.environ |= {"JUPYTER_PREFER_ENV_PATH": "1", "OMP_NUM_THREADS": "1"}
    from nbclient import NotebookClient

    closed: set[str] = set()

    class Client(NotebookClient):
        def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
            if msg["msg_type"] == "comm_close":
                closed.add(msg["content"]["comm_id"])
            return super().process_message(msg, cell, cell_index)

    where = {"metadata": {"path": str(folder)}}
    Client(
        notebook, timeout=TIMEOUT, kernel_name="python3", record_timing=False, resources=where
    ).execute()
    return closed


def tidy(notebook: Any, closed: set[str]) -> Any:
    """Return a run notebook without what is no longer there or would differ the next time.

    That is widgets that are closed (progress bars) and what belonged to them alone, the ids of
    the others, and the version of Python.
    """
    notebook.metadata.language_info.pop("version", None)
    shown = set()
    for cell in notebook.cells:
        outputs = [(out, out.get("data", {}).get(VIEW)) for out in cell.get("outputs", [])]
        kept = [(out, view) for out, view in outputs if not view or view["model_id"] not in closed]
        shown |= {view["model_id"] for _, view in kept if view}
        if "outputs" in cell:
            cell.outputs = [out for out, _ in kept]
    if not shown:
        return notebook
    models = notebook.metadata.widgets[STATE].state
    notebook.metadata.widgets[STATE].state = live = _reached(models, shown)
    text = json.dumps(notebook)
    for number, model in enumerate(live):
        text = text.replace(model, f"{number:032x}")
    return nbformat.reads(text, as_version=4)


def main() -> int:
    """Make the notebooks whose names begin as the arguments say, or all."""
    for source in _chosen(sys.argv[1:]):
        start = time.perf_counter()
        notebook = read(source.read_text(encoding="utf-8"))
        closed = execute(notebook, source.parent)
        target = source.with_suffix(".ipynb")
        nbformat.write(tidy(notebook, closed), target)
        size = target.stat().st_size / 1e6
        print(f"{target.name}: {time.perf_counter() - start:.0f} s, {size:.2f} MB")
    return 0


def _cell(number: int, part: tuple[str | None, str]) -> dict[str, Any]:
    kind, text = part
    cell = {"id": f"cell-{number:02d}", "metadata": {}, "source": text.strip()}
    if kind == "markdown":
        lines = [line.removeprefix("#").removeprefix(" ") for line in text.strip().split("\n")]
        return {**cell, "cell_type": "markdown", "source": "\n".join(lines)}
    if kind == "source_hidden":
        cell["metadata"] = {"jupyter": {"source_hidden": True}}
    return {**cell, "cell_type": "code", "execution_count": None, "outputs": []}


def _reached(models: dict[str, Any], shown: set[str]) -> dict[str, Any]:
    """Return the widgets that are shown, those they are made of, and the links among them."""
    texts = {model: json.dumps(state) for model, state in models.items()}
    live, new = set(), shown
    while new:
        live |= new
        new = {m for m in models if any(m in texts[part] for part in new)} - live
    links = [m for m in models if models[m].model_name in ("LinkModel", "DirectionalLinkModel")]
    live |= {link for link in links if any(model in texts[link] for model in live)}
    return {model: state for model, state in models.items() if model in live}


def _chosen(names: list[str]) -> Iterator[Path]:
    for source in sorted(FOLDER.glob("*.py")):
        if not names or source.name.startswith(tuple(names)):
            yield source


if __name__ == "__main__":
    sys.exit(main())
