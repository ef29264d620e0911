"""What the benchmarks share: turns are fair, minima are minima, and a missed bar is an error."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bench(monkeypatch):
    """The shared module; what it does to the environment and the path is taken back."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TOKENIZERS_PARALLELISM"):
        monkeypatch.setenv(name, os.environ.get(name, "1"))
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import _bench

    return _bench


def test_everyone_warms_up_and_nobody_always_follows_the_same(bench):
    order = []

    def call(name):
        def run():
            order.append(name)
            return bench.Cost(10 - len(order), len(order))

        return run

    found = bench.take_turns({name: call(name) for name in "abc"}, rounds=3)
    assert "".join(order) == "abc" + "bca" + "cab" + "abc"
    assert found["a"] == bench.Cost(10 - 10, 6)  # the least of each, the first turn left out


@pytest.mark.parametrize(
    ("value", "bar", "status"),
    [(1.0, 1.3, 0), (1.3, 1.3, 0), (1.31, 1.3, 1), (math.nan, 1.3, 1), (9.0, None, 0)],
)
def test_a_missed_bar_is_the_exit_status(bench, capsys, value, bar, status):
    rows = [bench.Row("good", [0.5], 0.5, 1.0), bench.Row("this", [value], value, bar)]
    assert bench.conclude(["what", "value"], rows) == status
    said = capsys.readouterr().out
    assert ("MISSED" in said) is bool(status)
    assert ("for information" in said) is (bar is None)


def test_a_ratio_is_ours_over_theirs(bench):
    row = bench.against("x", bench.Cost(0.3, 0.2), bench.Cost(0.2, 0.4), 1.3)
    assert list(row.shown) == [300, 200, 1.5, 0.5]
    assert row.missed


def test_every_benchmark_says_what_it_measures():
    for path in (ROOT / "benchmarks").glob("*.py"):
        assert path.read_text(encoding="utf-8").startswith('"""'), path.name
