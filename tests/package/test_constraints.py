"""The tested set covers what is declared, and nothing in it belongs to one machine."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PINS = {
    canonicalize_name(pin.name): pin
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#") and (pin := Requirement(line))
}
NEEDS = [
    *PROJECT["dependencies"],
    *PROJECT["optional-dependencies"]["lab"],
    *PROJECT["optional-dependencies"]["test"],
]


@pytest.mark.parametrize("line", NEEDS)
def test_what_is_needed_is_pinned_within_its_range(line):
    need = Requirement(line)
    (pin,) = PINS[canonicalize_name(need.name)].specifier
    assert pin.operator == "=="
    assert need.specifier.contains(pin.version)


def test_no_pin_names_a_build_or_an_address():
    assert len(PINS) > len(NEEDS)
    for pin in PINS.values():
        assert pin.url is None
        assert all(Version(part.version).local is None for part in pin.specifier)
