"""Thumbnails are the largest of each bin, however the queries come."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from headwidgets.methods.pooling import Pooled

LENGTH, EDGE = 150, 64


def by_hand(pattern, *, bos):
    """Every pixel from its definition."""
    bin_of = torch.arange(LENGTH) * EDGE // LENGTH
    out = torch.zeros(*pattern.shape[:2], EDGE, EDGE)
    for query in range(LENGTH):
        for key in range(0 if bos else 1, LENGTH):
            at = out[:, :, bin_of[query], bin_of[key]]
            at.copy_(torch.maximum(at, pattern[:, :, query, key].nan_to_num(0.0)))
    return out


@pytest.mark.parametrize("bos", [True, False])
@pytest.mark.parametrize("step", [LENGTH, 64, 7])
@pytest.mark.parametrize("broken", [False, True])
def test_the_largest_of_each_bin(bos, step, broken):
    pattern = torch.rand(2, 3, LENGTH, LENGTH, generator=torch.Generator().manual_seed(0)).tril()
    if broken:
        pattern[1, 2, 40, 3] = torch.nan
    engine = SimpleNamespace(facts=SimpleNamespace(n_layers=1, n_heads=3))
    pooled = Pooled(engine, torch.zeros(2, LENGTH, dtype=torch.long), bos=bos)
    for start in range(0, LENGTH, step):
        pooled.visit(0, pattern[:, :, start : start + step], start)
    assert torch.equal(pooled.values[:, 0], by_hand(pattern, bos=bos))
