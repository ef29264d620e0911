from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import headwidgets
from headwidgets.widgets.bundles import FURTHER

ROOT = Path(__file__).parents[2]
JS = ROOT / "js"
STATIC = Path(headwidgets.__file__).parent / "static"
SVG = "http://www.w3.org/2000/svg"  # a name, which nobody fetches
BUNDLES = sorted(STATIC.glob("*.js"))


def npm_tool(*command):
    """Run one of js's own tools; skip where Node or its packages are not installed."""
    if shutil.which("node") is None or not (JS / "node_modules").is_dir():
        pytest.skip("needs Node and `npm ci` in js/")
    return subprocess.run(command, cwd=JS, capture_output=True, text=True, check=False)


def test_the_committed_bundles_are_what_the_sources_build(tmp_path):
    done = npm_tool("node", "build.mjs", str(tmp_path))
    assert done.returncode == 0, done.stderr
    built = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    kept = {path.name: path.read_bytes() for path in STATIC.iterdir()}
    assert kept == built, "run `npm run build` in js/ and commit the bundles"


@pytest.mark.slow  # make test runs these scripts by themselves
@pytest.mark.parametrize("script", ["check", "lint", "test"])
def test_types_style_and_unit_tests_of_the_sources(script):
    done = npm_tool("npm", "run", script)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda path: path.name)
def test_a_bundle_is_small_and_fetches_nothing(bundle):
    text = bundle.read_text(encoding="utf-8").replace(SVG, "")
    assert bundle.stat().st_size <= 80_000
    assert not re.search(r"\bimport\s*[\w{*(\"'].*?https?:|\bfetch\(|https?://", text)
    assert "export" in text
    if bundle.name == "page.js":  # the host of a page of its own
        assert bundle.stat().st_size <= 6_000
    else:
        assert not re.search(r"document\.(getElementById|querySelector|head|body)", text)


def test_there_is_a_bundle_for_the_session_and_each_further_one():
    names = {path.stem for path in BUNDLES}
    assert names == {"session", "view", "page", *FURTHER}


@pytest.mark.parametrize("pair", [*itertools.combinations(("session", *FURTHER), 2)])
def test_what_two_bundles_share_is_in_one_of_them(pair):
    """Style sheets, colours, long texts: none of them travels twice."""
    long = re.compile(r"`[^`]{60,}`|\"[^\"]{60,}\"")
    one, other = (set(long.findall((STATIC / f"{name}.js").read_text("utf-8"))) for name in pair)
    assert one
    assert other
    assert not one & other


def test_the_lock_file_names_no_registry():
    lock = json.loads((JS / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    assert all("resolved" not in entry for entry in packages.values())
    assert all("integrity" in entry for entry in packages.values())
    declared = json.loads((JS / "package.json").read_text(encoding="utf-8"))
    assert "dependencies" not in declared, "bundles carry no library"
