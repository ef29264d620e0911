"""Attention on targets: closed forms, chunks, batches."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fake_engine import FakeEngine, nan, sink, times, uniform

from headwidgets.taxonomy import targets
from headwidgets.taxonomy.random_tokens import random_rows
from headwidgets.taxonomy.reduce import profile


def harmonic(n):
    return sum(1 / k for k in range(1, n + 1))


def reduced(engine, target, rows, shifts=(0,)):
    pairs = [
        target.find(np.array(row), first) for row, first in zip(rows.ids, rows.first, strict=True)
    ]
    return profile(engine, rows.ids, [(pairs, shifts)])[0]


@pytest.mark.parametrize("n", [25, 50, 100])
def test_uniform_attention_has_the_closed_form(n):
    engine = FakeEngine([[uniform]], n_ctx=256, d_vocab=300)
    rows = random_rows(engine, length=n, rows=1)
    same = (harmonic(2 * n + 1) - harmonic(n + 1)) / n
    for target in (targets.earlier_same, targets.after_earlier_same):
        assert reduced(engine, target, rows).values.item() == pytest.approx(same, rel=1e-5)
    before = (harmonic(2 * n + 1) - 1.5) / (2 * n - 1)
    assert reduced(engine, targets.previous, rows).values.item() == pytest.approx(before, rel=1e-5)


@pytest.mark.parametrize(
    ("n", "before", "same"),
    [(25, 0.09810, 0.02658), (50, 0.06161, 0.01357), (100, 0.03735, 0.00686)],
)
def test_the_closed_forms_have_these_values(n, before, same):
    assert (harmonic(n + 1) - 1.5) / (n - 1) == pytest.approx(before, abs=5e-6)
    assert (harmonic(2 * n + 1) - harmonic(n + 1)) / n == pytest.approx(same, abs=5e-6)


@pytest.mark.parametrize(("n", "expected"), [(25, 0.11733), (50, 0.07141), (100, 0.04230)])
def test_uniform_previous_without_bos(n, expected):
    engine = FakeEngine([[uniform]], bos=None, n_ctx=256)
    rows = random_rows(engine, length=n // 2, rows=1)  # two halves: n tokens
    row = rows.ids[0] if n % 2 == 0 else (*rows.ids[0], 0)
    pairs = targets.previous.find(np.array(row), 0)
    found = profile(engine, [row], [([pairs], (0,))])[0]
    assert found.values.item() == pytest.approx(expected, abs=5e-6)


@pytest.mark.parametrize("target", targets.ALL, ids=lambda t: t.name)
def test_uniform_attention_is_the_same_at_every_shift(target):
    engine = FakeEngine([[uniform]])
    rows = random_rows(engine, length=12, rows=2)
    shifts = [0, *range(-22, 0), *range(1, 23)]
    values = reduced(engine, target, rows, shifts).values
    assert np.allclose(values, values[..., :1], rtol=1e-6)


def noise(ids, _first):
    generator = torch.Generator().manual_seed(sum(ids))
    return torch.rand(len(ids), len(ids), generator=generator).tril()


@pytest.mark.parametrize("target", targets.ALL, ids=lambda t: t.name)
def test_it_equals_the_sum_by_hand(target):
    engine = FakeEngine([[noise, uniform], [uniform, noise]])
    rows = random_rows(engine, length=6, rows=3)
    shifts = (0, -2, 1)
    found = reduced(engine, target, rows, shifts).values
    for r, ids in enumerate(rows.ids):
        pairs = target.find(np.array(ids), 1)
        pattern = noise(ids, 1)
        for s, keys in enumerate(pairs.moved(shifts)):
            by_hand = sum(pattern[q, k] for q, k in zip(pairs.query, keys, strict=True))
            expected = float(by_hand) / pairs.n_queries
            assert found[r, 0, 0, s] == pytest.approx(expected, rel=1e-5)
            assert found[r, 1, 1, s] == pytest.approx(expected, rel=1e-5)


def test_chunks_of_queries_and_small_steps_change_nothing(monkeypatch):
    rows = random_rows(FakeEngine([[noise]]), length=9, rows=2)
    shifts = (0, *range(-8, 0))
    whole = reduced(FakeEngine([[noise]]), targets.previous, rows, shifts).values
    chunked = reduced(FakeEngine([[noise]], chunk=4), targets.previous, rows, shifts).values
    assert np.allclose(whole, chunked, rtol=1e-6)
    monkeypatch.setattr("headwidgets.taxonomy.reduce._AT_ONCE", 20)
    stepped = reduced(FakeEngine([[noise]]), targets.previous, rows, shifts).values
    assert np.array_equal(whole, stepped)


def test_rows_run_in_batches_that_the_engine_takes():
    engine = FakeEngine([[uniform]])
    reduced(engine, targets.previous, random_rows(engine))
    assert engine.largest_batch == engine.rows_at_once(101)
    assert engine.runs == 4


def test_rows_of_different_lengths_keep_their_order_and_rows_without_target_drop_out():
    engine = FakeEngine([[uniform]])
    rows = [(0, 5, 6, 5), (0, 1, 2), (0, 5, 5)]
    pairs = [targets.earlier_same.find(np.array(row), 1) for row in rows]
    found = profile(engine, rows, [(pairs, (0,))])[0]
    assert found.values[:, 0, 0, 0] == pytest.approx([1 / 4, 1 / 3])
    assert len(found.pairs) == 2


def test_a_sink_scores_0_and_rows_are_never_renormalised():
    engine = FakeEngine([[sink, times(0.5, uniform), nan, uniform]])
    values = reduced(engine, targets.previous, random_rows(engine, length=9)).values[..., 0]
    assert np.all(values[:, 0, 0] == 0)
    assert values[:, 0, 1] == pytest.approx(values[:, 0, 3] / 2)
    assert np.isnan(values[:, 0, 2]).all()
