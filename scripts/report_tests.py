"""Write reports/tests.md from the test run that `make verify` just made."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import report

SOURCE = report.ROOT / ".verify" / "tests.xml"
SLOWEST = 10
OUTCOMES = ("failure", "error", "skipped")


@dataclass
class Folder:
    """What the tests of one folder came to."""

    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


def main() -> int:
    """Write the report; fail where there is no run to report."""
    if not SOURCE.exists():
        print(f"no {SOURCE.name}: run it through `make verify`", file=sys.stderr)
        return 1
    folders: dict[str, Folder] = defaultdict(Folder)
    timed: list[tuple[float, str]] = []
    for case in ET.parse(SOURCE).iter("testcase"):  # noqa: S314 - written by our own pytest
        place, seconds = case.get("classname", ""), float(case.get("time", 0))
        folder = folders[".".join(place.split(".")[:2])]
        folder.outcomes[next((o for o in OUTCOMES if case.find(o) is not None), "passed")] += 1
        folder.seconds += seconds
        timed.append((seconds, f"{place}::{case.get('name')}"))
    summary = report.table(
        ["tests", "passed", "failed", "skipped", "seconds"],
        [
            (
                name,
                found.outcomes["passed"],
                found.outcomes["failure"] + found.outcomes["error"],
                found.outcomes["skipped"],
                round(found.seconds, 1),
            )
            for name, found in sorted(folders.items())
        ],
    )
    slowest = report.table(
        ["slowest", "seconds"],
        [(name, round(seconds, 1)) for seconds, name in sorted(timed, reverse=True)[:SLOWEST]],
    )
    report.write("tests", "The tests", f"{summary}\n{slowest}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
