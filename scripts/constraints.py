"""Write constraints.txt: the versions of this environment that headwidgets reaches.

Run it in an environment on which every test passed: ``python scripts/constraints.py``.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = ("lab", "test")
HEADER = """\
# The tested set: make installs these versions, any within pyproject.toml's ranges may work.
# Written by scripts/constraints.py.
"""


def reached(name: str, extras: tuple[str, ...] = ()) -> dict[str, str]:
    """Return name -> version of everything that `name` with `extras` leads to here."""
    versions: dict[str, str] = {}
    seen: set[tuple[str, tuple[str, ...]]] = set()
    waiting = [(name, extras)]
    while waiting:
        project, wanted = waiting.pop()
        if (project, wanted) in seen:
            continue
        seen.add((project, wanted))
        try:
            found = distribution(project)
        except PackageNotFoundError:  # an option of something else, not installed here
            continue
        versions[project] = Version(found.version).public
        for line in found.requires or []:
            need = Requirement(line)
            if need.marker is None or any(
                need.marker.evaluate({"extra": extra}) for extra in ("", *wanted)
            ):
                waiting.append((canonicalize_name(need.name), tuple(sorted(need.extras))))
    del versions[name]
    return versions


def main() -> None:
    """Write the file."""
    pins = sorted(reached("headwidgets", EXTRAS).items())
    lines = [f"{name}=={version}\n" for name, version in pins]
    (ROOT / "constraints.txt").write_text(HEADER + "".join(lines), encoding="utf-8")
    print(f"constraints.txt: {len(lines)} versions")


if __name__ == "__main__":
    main()
