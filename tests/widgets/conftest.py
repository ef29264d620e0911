from __future__ import annotations

import sys
from pathlib import Path

import comm
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # so that tests can import `fake_session`

from fake_session import FakeSession, KeepingComm
from pairs import CLEAN, CORRUPTED

import headwidgets as hw


@pytest.fixture
def wire(monkeypatch):
    """All messages that widgets made in this test sent: (type, data, buffers)."""
    sent = []
    monkeypatch.setattr(comm, "create_comm", lambda *_, **keys: KeepingComm(sent, **keys))
    return sent


@pytest.fixture
def session():
    return FakeSession()


@pytest.fixture
def panel(wire, planted):
    """A panel on a corrupted pair with its answers."""
    planted.prompts = hw.Prompts(
        clean=[CLEAN], corrupted=[CORRUPTED], answer=[" apple"], foil=[" book"]
    )
    panel = hw.PatchPanel(planted)
    yield panel
    panel.close()
