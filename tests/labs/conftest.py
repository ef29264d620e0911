"""Planted weights are those of the taxonomy's tests; two models that are opened once."""

import sys
from pathlib import Path

import pytest

import headwidgets as hw

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "taxonomy")]


@pytest.fixture(scope="session")
def numerals():
    session = hw.Session("numerals")
    yield session
    session.close()


@pytest.fixture(scope="session")
def bundled():
    session = hw.Session()
    yield session
    session.close()
