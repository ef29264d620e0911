"""The commands behind make say clearly what is missing."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def sh(script, folder, **environment):
    """Run a script of scripts/ with nothing on the path but `folder`."""
    for name in ("id", "grep"):
        if not (folder / name).exists():
            (folder / name).symlink_to(shutil.which(name))
    return subprocess.run(
        [shutil.which("sh"), str(ROOT / "scripts" / script)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PATH": str(folder), **environment},
    )


def program(folder, name, body):
    """Put an executable shell script `name` into `folder`."""
    path = folder / name
    path.write_text(f"#!{shutil.which('sh')}\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_python_3_11_is_taken_first(tmp_path):
    expected = program(tmp_path, "python3.11", "exit 0")
    program(tmp_path, "python3", "exit 0")
    assert sh("find_python.sh", tmp_path).stdout.strip() == expected


def test_another_new_python_will_do(tmp_path):
    program(tmp_path, "python3.11", "exit 127")
    expected = program(tmp_path, "python3", "exit 0")
    assert sh("find_python.sh", tmp_path).stdout.strip() == expected


def test_an_old_python_is_refused_with_its_version(tmp_path):
    program(tmp_path, "python3", '[ "$1" = --version ] && echo "Python 3.9.2"; exit 1')
    done = sh("find_python.sh", tmp_path)
    assert done.returncode == 1
    assert "needs Python 3.11 or newer; found: Python 3.9.2" in done.stderr
    assert "PYTHON=" in done.stderr


def test_the_browser_that_is_named_is_taken(tmp_path):
    named = program(tmp_path, "mine", "")
    program(tmp_path, "chromium", "")
    assert sh("find_chromium.sh", tmp_path, CHROMIUM=named).stdout.strip() == named


def test_a_named_browser_that_is_not_there_is_an_error(tmp_path):
    program(tmp_path, "chromium", "")
    done = sh("find_chromium.sh", tmp_path, CHROMIUM="/nowhere/chromium")
    assert done.returncode == 1
    assert "/nowhere/chromium" in done.stderr


def test_a_browser_on_the_path_is_found(tmp_path):
    expected = program(tmp_path, "google-chrome", "")
    assert sh("find_chromium.sh", tmp_path).stdout.strip() == expected


def test_without_a_browser_it_says_what_to_do(tmp_path):
    program(tmp_path, "id", "echo 1000")
    done = sh("find_chromium.sh", tmp_path)
    assert done.returncode == 1
    assert "make test CHROMIUM=" in done.stderr


def test_help_lists_every_command():
    make = shutil.which("make")
    done = subprocess.run(
        [make, "--no-print-directory", "-C", str(ROOT)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, "MAKEFLAGS": ""},
    )
    listed = {line.split()[0] for line in done.stdout.splitlines()}
    known = {"help", "venv", "lab", "test", "verify", "bench", "model", "card"}
    known |= {"checkpoints", "emergence", "lint", "js", "clean"}
    assert listed == known


@pytest.mark.parametrize(("user", "flag"), [("0", True), ("1000", False)])
def test_make_lab_allows_root_only_to_root(user, flag, tmp_path):
    program(tmp_path, "id", f"echo {user}")
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "MAKEFLAGS": ""}
    done = subprocess.run(
        [shutil.which("make"), "-n", "lab", "LAB_ARGS=--no-browser --port=8890"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=ROOT,
        env=environment,
    )
    assert ("--allow-root" in done.stdout) is flag
    assert "--no-browser --port=8890" in done.stdout
    assert "notebooks/00_first_look.ipynb" in done.stdout


@pytest.mark.parametrize("index", ["", "https://example.org/cpu"])
def test_an_index_for_pytorch_is_asked_only_when_named(index):
    done = subprocess.run(
        [shutil.which("make"), "-n", "-B", "venv", f"TORCH_INDEX_URL={index}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=ROOT,
        env={**os.environ, "MAKEFLAGS": ""},
    )
    assert (f"--extra-index-url {index}" in done.stdout) is bool(index)
    assert "-c constraints.txt" in done.stdout
