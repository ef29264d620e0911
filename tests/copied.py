"""Run the code that a session writes for what a method found, and compare the numbers."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch

WORDS = {
    *("layer", "head", "position", "source", "part", "stage", "sender", "receiver"),
    *("score", "of", "K", "name"),
}
NOT_WRITTEN = {"low", "high"}
OPENING = "bridge.eval()\n"


@cache
def opened(code):
    """What the lines leave that open a model: run once for each model."""
    names = {}
    exec(compile(code, "opening.py", "exec"), names)  # noqa: S102 - to run it is the test
    return names


def copied(session, frame, bridge=None):
    """Run the code that a session writes for a frame; return what it leaves."""
    code = session.as_python(frame)
    assert all(c.isprintable() or c == "\n" for c in code)
    assert "</" not in code
    opening, rest = code.split(OPENING)
    if bridge is not None:
        held = [line for line in opening.splitlines() if line.startswith("bridge = ...")]
        assert len(held) == 1
        opening = opening.replace(held[0], "")
    names = opened(opening) | ({} if bridge is None else {"bridge": bridge})
    with torch.random.fork_rng():
        exec(compile(OPENING + rest, "copied.py", "exec"), names)  # noqa: S102 - to run it is the test
    return names["result"]


def agree(session, frame, bridge=None, *, least=1e-4):
    """Whether the copied code leaves the frame's rows, in order; some number must differ from 0."""
    result = copied(session, frame, bridge)
    assert len(result) == len(frame)
    assert set(frame.columns) - set(result.columns) <= NOT_WRITTEN
    assert set(result.columns) <= set(frame.columns)
    most = 0.0
    for name in result.columns:
        ours, theirs = frame[name], result[name]
        if name in ("top", "promoted", "suppressed"):
            theirs = [tuple(session.engine.text.labels(list(ids))) for ids in theirs]
            assert list(ours) == theirs, name
        elif name == "p":
            assert np.abs(np.array(list(ours)) - np.array(list(theirs))).max() <= 1e-5
        elif name in WORDS:
            filled = [None if one != one or str(one) == "<NA>" else one for one in theirs]  # noqa: PLR0124
            expected = [None if str(one) == "<NA>" else one for one in ours]
            assert expected == filled, name
        else:
            a, b = ours.to_numpy(dtype=float), theirs.to_numpy(dtype=float)
            assert (np.isnan(a) == np.isnan(b)).all(), name
            size = np.nanmax(np.abs(a), initial=0.0)
            assert np.nanmax(np.abs(a - b), initial=0.0) <= 1e-5 * max(1.0, size), name
            most = max(most, size) if name != "n" else most
    assert most > least
