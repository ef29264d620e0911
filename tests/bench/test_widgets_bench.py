"""The widgets' benchmark at its smallest: peers build in their own process, rows are honest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def peers(monkeypatch):
    """The peers' module; what it does to the environment and the path is taken back."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TOKENIZERS_PARALLELISM"):
        monkeypatch.setenv(name, os.environ.get(name, "1"))
    monkeypatch.syspath_prepend(BENCHMARKS)
    import widgets_peers

    return widgets_peers


@pytest.mark.parametrize("way", ["ours", "circuitsvis"])
def test_a_peer_is_measured_in_a_process_of_its_own(way):
    command = [sys.executable, str(BENCHMARKS / "widgets_peers.py"), way, "8"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    size, seconds, memory = (float(part) for part in done.stdout.split()[-3:])
    assert 144 * 8 * 8 < size < 1e6
    assert seconds > 0
    assert memory >= 0


def test_what_was_not_measured_is_said_and_not_guessed(peers):
    row = peers.row("model_view", 512, [], "needs about 6.4 GB, 2.0 are free")
    assert row.shown[0] == "not measured: needs about 6.4 GB, 2.0 are free"
    assert not row.missed


def test_time_is_the_least_and_memory_the_most(peers):
    row = peers.row("ours", 64, [[2e6, 3.0, 0.1], [2e6, 1.0, 0.2]], "")
    assert list(row.shown) == ["2.00", "1.00", "0.20", 2]
    assert row.missed


def test_ours_that_failed_is_a_missed_bar(peers):
    assert peers.row("ours", 64, [], "exit status 1").missed


def test_what_does_not_fit_is_left_out(peers, monkeypatch):
    monkeypatch.setitem(peers.NEEDS, "circuitsvis", 1e9)
    assert "are free" in peers.lacks("circuitsvis", 512)
    assert peers.lacks("ours", 512) == ""
