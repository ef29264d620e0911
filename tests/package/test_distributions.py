"""What a user installs: the wheel and the sdist hold what they must, and need no Node."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = "00_first_look.ipynb"
BUNDLES = sorted(path.name for path in (ROOT / "headwidgets" / "static").glob("*.js"))


def run(*command, **options):
    """Run a command of this environment's Python; return it when it is done."""
    return subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
        **options,
    )


@pytest.fixture(scope="session")
def dist(tmp_path_factory):
    """Build both distributions, with no Node on the path."""
    folder = tmp_path_factory.mktemp("dist")
    environment = {**os.environ, "PATH": str(folder)}
    run("-m", "hatchling", "build", "-d", str(folder), cwd=ROOT, env=environment)
    return folder


@pytest.fixture(scope="session")
def wheel(dist):
    return next(dist.glob("*.whl"))


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory):
    """Install the wheel, alone, into an empty folder."""
    target = tmp_path_factory.mktemp("site")
    run("-m", "pip", "install", "--no-deps", "--no-index", "--target", str(target), str(wheel))
    return target


def test_there_are_bundles_to_ship():
    assert BUNDLES


def test_the_wheel_holds_what_a_user_needs(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        shipped = archive.read(f"headwidgets/notebooks/{NOTEBOOK}")
        for bundle in BUNDLES:
            path = f"headwidgets/static/{bundle}"
            assert archive.read(path) == (ROOT / path).read_bytes()
    assert shipped == (ROOT / "notebooks" / NOTEBOOK).read_bytes()
    assert "headwidgets/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_wheel_holds_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    outside = [name for name in names if not name.startswith(("headwidgets/", "headwidgets-"))]
    assert not outside
    assert not [name for name in names if "node_modules" in name or name.endswith(".ts")]


def test_every_module_of_the_package_is_in_the_wheel(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    modules = [path.relative_to(ROOT).as_posix() for path in (ROOT / "headwidgets").rglob("*.py")]
    assert not [name for name in modules if name not in names]


def test_the_sdist_builds_the_same_wheel(dist, wheel, tmp_path):
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path, filter="data")
    source = next(tmp_path.iterdir())
    assert not list(source.rglob("node_modules"))
    again = tmp_path / "again"
    environment = {**os.environ, "PATH": str(again)}
    run("-m", "hatchling", "build", "-t", "wheel", "-d", str(again), cwd=source, env=environment)
    with zipfile.ZipFile(wheel) as one, zipfile.ZipFile(again / wheel.name) as other:
        contents = [{name: z.read(name) for name in z.namelist()} for z in (one, other)]
    assert contents[0] == contents[1]


def demo(installed, folder, *options):
    """Run the demo of the installed wheel from `folder`, no checkout in sight."""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    return run("-P", "-m", "headwidgets", "demo", *options, cwd=folder, env=environment)


def test_the_demo_copies_the_notebook_from_the_wheel(installed, tmp_path):
    (installed / "headwidgets" / "notebooks" / NOTEBOOK).write_text("from the wheel")
    said = demo(installed, tmp_path, "--no-open").stderr
    assert (tmp_path / NOTEBOOK).read_text() == "from the wheel"
    assert f"wrote {NOTEBOOK}" in said


def test_the_demo_keeps_what_is_there(installed, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / NOTEBOOK).write_text("my notes")
    said = demo(installed, tmp_path, "--no-open", "--dir", "mine").stderr
    assert (tmp_path / "mine" / NOTEBOOK).read_text() == "my notes"
    assert "stays as it is" in said
