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
_PART = re.compile("(?:IPY_MODEL_|anywidget:)([0-9a-f]{32})")  # ipywidgets' way and anywidget's
_CELL = re.compile(r"^# %%(?: \[(\w+)\])?\n", re.MULTILINE)


def read(source: str) -> Any:
    """Return the notebook that a source in percent form stands for, not run."""
    _, *parts = _CELL.split(source)
    cells = [_cell(*part) for part in enumerate(zip(parts[::2], parts[1::2], strict=True))]
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    about = {"kernelspec": kernel, "language_info": {"name": "python"}}
    notebook = {"cells": cells, "metadata": about, "nbformat": 4, "nbformat_minor": 5}
    return nbformat.reads(json.dumps(notebook), as_version=4)  # type: ignore[no-untyped-call]


def execute(notebook: Any, folder: Path) -> None:
    """Run `notebook` in `folder`, on this environment's kernel and on one thread."""
    os.environ |= {"JUPYTER_PREFER_ENV_PATH": "1", "OMP_NUM_THREADS": "1"}
    from nbclient import NotebookClient

    where = {"metadata": {"path": str(folder)}}
    NotebookClient(
        notebook, timeout=TIMEOUT, kernel_name="python3", record_timing=False, resources=where
    ).execute()


def tidy(notebook: Any) -> Any:
    """Return a run notebook without what is over, or would differ the next time.

    That is progress bars, widgets that are not shown, the ids of the others, and the version
    of Python.
    """
    notebook.metadata.language_info.pop("version", None)
    if "widgets" not in notebook.metadata:
        return notebook
    saved = notebook.metadata.widgets[STATE]
    bars = {m for m, model in saved.state.items() if model.model_name == "FloatProgressModel"}
    shown: set[str] = set()
    for cell in notebook.cells:
        views = [(out, _model(out)) for out in cell.get("outputs", [])]
        kept = [(out, m) for out, m in views if not m or not bars & _reached(saved.state, {m})]
        shown |= {model for _, model in kept if model}
        if views:
            cell.outputs = [out for out, _ in kept]
    saved.state = {m: saved.state[m] for m in saved.state if m in _with_links(saved.state, shown)}
    text = json.dumps(notebook)
    for number, model in enumerate(saved.state):
        text = text.replace(model, f"{number:032x}")
    return nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]


def main() -> int:
    """Make the notebooks whose names begin as the arguments say, or all."""
    for source in _chosen(sys.argv[1:]):
        start = time.perf_counter()
        notebook = read(source.read_text(encoding="utf-8"))
        execute(notebook, source.parent)
        target = source.with_suffix(".ipynb")
        nbformat.write(tidy(notebook), target)  # type: ignore[no-untyped-call]
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


def _model(output: Any) -> str:
    """Return the id of the widget that an output shows, or nothing."""
    return str(output.get("data", {}).get(VIEW, {}).get("model_id", ""))


def _reached(models: dict[str, Any], start: set[str]) -> set[str]:
    """Return the widgets in `start` and all that they are made of."""
    found, new = set(), start
    while new:
        found |= new
        new = {m for part in new for m in _PART.findall(json.dumps(models[part]))} - found
    return found


def _with_links(models: dict[str, Any], shown: set[str]) -> set[str]:
    """Return what is shown, and the links between two of them."""
    live = _reached(models, shown)
    links = [m for m in models if models[m].model_name.endswith("LinkModel")]
    return live | {link for link in links if _reached(models, {link}) - {link} <= live}


def _chosen(names: list[str]) -> Iterator[Path]:
    for source in sorted(FOLDER.glob("*.py")):
        if not names or source.name.startswith(tuple(names)):
            yield source


if __name__ == "__main__":
    sys.exit(main())
