"""Importing headwidgets is quick, its names arrive when they are touched."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import headwidgets

HEAVY = ("torch", "transformer_lens", "transformers", "circuitsvis", "sklearn", "pandas", "numpy")
LOADED = f"print([name for name in {HEAVY} if name in sys.modules])"


def python(*lines):
    """Run `lines` in a new interpreter; return what it printed."""
    command = [sys.executable, "-c", "\n".join(lines)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout.strip(), done.stderr.strip()


@pytest.mark.parametrize(
    "touch",
    [
        "dir(headwidgets)",
        "headwidgets.__version__",
        "headwidgets.Head.parse('4.11')",
        "headwidgets.InputError, headwidgets.Cancelled",
    ],
)
def test_light_names_load_no_heavy_library(touch):
    printed, said = python("import sys, headwidgets", touch, LOADED)
    assert printed == "[]"
    assert said == ""


def test_every_public_name_is_declared_three_times_alike():
    tree = ast.parse(Path(headwidgets.__file__).read_text(encoding="utf-8"))
    types_only = next(node for node in tree.body if isinstance(node, ast.If))
    typed = {
        alias.name: line.module for line in types_only.body for alias in getattr(line, "names", [])
    }
    assert typed == headwidgets._HOME_OF
    assert {*typed, "__version__"} == set(headwidgets.__all__)
    assert set(headwidgets.__all__) <= set(dir(headwidgets))


def test_an_unknown_name_is_refused_by_name():
    with pytest.raises(AttributeError, match=r"'headwidgets' has no attribute 'sesion'"):
        headwidgets.sesion  # noqa: B018 - touching it is the point


def test_a_misspelt_name_gets_a_suggestion():
    done = subprocess.run(
        [sys.executable, "-c", "import headwidgets; headwidgets.Promts"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Did you mean: 'Prompts'" in done.stderr


@pytest.fixture
def homes(monkeypatch):
    """Stand in for the modules that names come from; return what was asked for, and when."""
    asked = []

    class Home:
        def __getattr__(self, name):
            return f"the real {name}"

    def stand_in(module):
        asked.append(module)
        return Home()

    monkeypatch.setattr(headwidgets, "import_module", stand_in)
    for name in headwidgets._HOME_OF:
        monkeypatch.setitem(vars(headwidgets), name, None)  # so that it is put back after
        del vars(headwidgets)[name]
    return asked


@pytest.mark.parametrize("name", ["Session", "load"])
def test_a_sign_of_life_comes_before_the_long_import(name, homes, monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "transformer_lens", raising=False)
    seen = []
    stand_in = headwidgets.import_module
    monkeypatch.setattr(
        headwidgets,
        "import_module",
        lambda module: (seen.append(capsys.readouterr().err), stand_in(module))[1],
    )
    assert getattr(headwidgets, name) == f"the real {name}"
    assert homes == ["headwidgets.session"]
    assert seen[0].startswith("headwidgets: loading PyTorch and TransformerLens")
    assert seen[0].count("\n") == 1


def test_no_sign_of_life_when_nothing_long_is_left_to_do(homes, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "transformer_lens", object())
    assert headwidgets.Session == "the real Session"
    monkeypatch.delitem(sys.modules, "transformer_lens")
    assert headwidgets.Head == "the real Head"
    assert capsys.readouterr().err == ""
    assert homes == ["headwidgets.session", "headwidgets.heads"]


def test_a_name_is_looked_up_once(homes):
    assert headwidgets.kinds is headwidgets.kinds
    assert homes == ["headwidgets.taxonomy"]
