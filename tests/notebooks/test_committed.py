"""The committed notebooks are small, and read well where nothing runs."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LARGEST = 1_500_000
MACHINE = re.compile(r"(?<![\w.:/])/(?:home|mnt|opt|private|root|srv|tmp|Users|usr|var|work)/")
STATE = "application/vnd.jupyter.widget-state+json"

pytestmark = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture
def notebook(path):
    return nbformat.read(path, as_version=4)


@pytest.fixture(scope="session")
def maker():
    """The script that makes the notebooks."""
    spec = importlib.util.spec_from_file_location("maker", ROOT / "scripts" / "notebooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_it_is_what_its_source_makes(notebook, path, maker):
    made = maker.read(path.with_suffix(".py").read_text(encoding="utf-8"))
    ours = [(cell.cell_type, cell.source, cell.metadata) for cell in notebook.cells]
    assert ours == [(cell.cell_type, cell.source, cell.metadata) for cell in made.cells]


def test_it_is_small(path):
    assert path.stat().st_size <= LARGEST


def test_it_was_run_from_its_first_cell_to_its_last(notebook):
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output.output_type for cell in cells for output in cell.outputs]
    assert "error" not in outputs


def test_what_a_cell_shows_is_there(notebook):
    for cell in code_cells(notebook):
        *_, last = ast.parse(cell.source).body
        shows = isinstance(last, ast.Expr) and not ast.unparse(last).startswith("show_")
        assert cell.outputs or not shows, cell.source


def test_its_widgets_are_saved_and_nothing_else(notebook):
    views = {
        output.data["application/vnd.jupyter.widget-view+json"]["model_id"]
        for cell in code_cells(notebook)
        for output in cell.outputs
        if "application/vnd.jupyter.widget-view+json" in output.get("data", {})
    }
    models = notebook.metadata.widgets[STATE].state
    assert views
    assert views <= set(models)
    parts = set(re.findall("(?:IPY_MODEL_|anywidget:)([0-9a-f]+)", json.dumps(models)))
    assert parts <= set(models)
    links = {name for name, model in models.items() if model.model_name.endswith("LinkModel")}
    assert set(models) == views | parts | links


def test_everything_shown_has_words(notebook):
    """A picture or a control says in text what it is, for who cannot see it."""
    for cell in code_cells(notebook):
        for output in cell.outputs:
            if "data" in output:
                words = output.data.get("text/plain", "")
                assert words
                assert not re.match(r"<[\w.]+ object|\w+\(children=", words), words
        assert "![](" not in cell.source


def test_no_output_names_a_machine(notebook):
    outputs = json.dumps([cell.outputs for cell in code_cells(notebook)])
    outputs += json.dumps(notebook.metadata)
    assert MACHINE.findall(outputs) == []


@pytest.mark.parametrize("folder", ["home", "tmp", "Users"])
@pytest.mark.parametrize("text", ["see {}", '"{}"', "(in {})"])
def test_a_machine_would_be_seen(text, folder, path):
    assert MACHINE.search(text.format(f"/{folder}/x"))
