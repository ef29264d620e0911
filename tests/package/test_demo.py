"""``python -m headwidgets demo`` opens JupyterLab, or says what is missing."""

from __future__ import annotations

import os
import sys
import types

import pytest

from headwidgets import __main__ as command


@pytest.fixture
def launched(monkeypatch, tmp_path):
    """Stand in for JupyterLab and for the shipped notebook; return what Lab was given."""
    calls = []
    shipped = tmp_path / "shipped.ipynb"
    shipped.write_text("{}")
    monkeypatch.setattr(command, "shipped_notebook", lambda: shipped)
    lab = types.ModuleType("jupyterlab.labapp")
    lab.LabApp = types.SimpleNamespace(launch_instance=calls.append)
    monkeypatch.setitem(sys.modules, "jupyterlab.labapp", lab)
    return calls


@pytest.mark.parametrize(("user", "extra"), [(0, ["--allow-root"]), (1000, [])])
def test_only_root_is_allowed_as_root(user, extra, launched, monkeypatch, tmp_path):
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert command.main(["demo", "--dir", str(tmp_path / "new")]) == 0
    notebook = tmp_path / "new" / command.NOTEBOOK
    assert launched == [[str(notebook), *extra]]
    assert notebook.read_text() == "{}"


def test_no_open_opens_nothing(launched, tmp_path):
    assert command.main(["demo", "--dir", str(tmp_path), "--no-open"]) == 0
    assert launched == []


def test_without_jupyterlab_it_says_how_to_get_it(launched, monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "jupyterlab.labapp", None)
    assert command.main(["demo", "--dir", str(tmp_path)]) == 1
    assert "pip install 'headwidgets[lab]'" in capsys.readouterr().err
    assert (tmp_path / command.NOTEBOOK).exists()
    assert launched == []


def test_a_folder_that_cannot_be_made_is_a_clear_error(launched, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert command.main(["demo", "--dir", str(tmp_path / "file" / "below")]) == 1
    assert "could not copy the notebook" in capsys.readouterr().err
    assert launched == []


def test_no_command_is_refused(capsys):
    with pytest.raises(SystemExit):
        command.main([])
    assert "demo" in capsys.readouterr().err
