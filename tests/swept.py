"""A session over prompts of one length that share their first tokens, for sweeps and paths."""

from __future__ import annotations

import numpy as np

import headwidgets as hw

METRIC = hw.LogitDiff(7, 8)


def session_of(bridge, n=2, tokens=11, same=3, **options):
    """Prompts of one length that share their first tokens."""
    draw = np.random.default_rng(0)
    clean = draw.integers(10, 200, (n, tokens))
    corrupted = clean.copy()
    corrupted[:, same:] = draw.integers(10, 200, (n, tokens - same))
    session = hw.Session(bridge, **options)
    session.use(hw.Prompts(clean=clean.tolist(), corrupted=corrupted.tolist()), METRIC)
    return session
