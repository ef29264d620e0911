"""Nothing in the tree belongs to one machine."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Written in pieces, so that this file does not find itself.
SLASH = "/"
PATHS = re.compile(rf"(?<![\w.~$}}/-])/(work|root|opt|home|Users){SLASH}[\w.-]+")
HOST = ".".join(("pypi", "org"))  # noqa: FLY002 - in pieces, too
HOSTS = re.compile(
    "|".join(
        re.escape(".".join(parts))
        for parts in [
            (HOST,),
            ("pythonhosted", "org"),
            ("registry", "npmjs", "org"),
            ("registry", "yarnpkg", "com"),
            ("download", "pytorch", "org"),
            ("deb", "debian", "org"),
            ("conda", "anaconda", "org"),
        ]
    )
)


def tree():
    """Return the files of the repository: tracked, or about to be."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "-co", "--exclude-standard"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return []
    return [name for name in done.stdout.split("\0") if (ROOT / name).is_file()]


def strangers(text):
    """Return every path of one machine and every registry's host that `text` names."""
    return [match.group() for pattern in (PATHS, HOSTS) for match in pattern.finditer(text)]


def test_no_file_names_a_machine_or_a_registry():
    names = tree()
    if not names:
        pytest.skip("not a git checkout: nothing says which files belong to the project")
    found = {
        name: hits[:3]
        for name in names
        if (hits := strangers((ROOT / name).read_text(encoding="utf-8", errors="replace")))
    }
    assert not found


@pytest.mark.parametrize(
    "line",
    [
        f"see {SLASH}work/main/x.py",
        f"'{SLASH}root/.cache'",
        f"https:{SLASH}{SLASH}{HOST}/simple",
    ],
)
def test_a_stranger_is_seen(line):
    assert strangers(line)


@pytest.mark.parametrize("line", ["../shared/work/x", "a/root/b", "$HOME/opt/x", "/usr/bin/env"])
def test_a_neighbour_is_let_in(line):
    assert not strangers(line)
