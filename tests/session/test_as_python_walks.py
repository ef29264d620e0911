"""Copied code of walks gives what the session found: looks, scores, and what breaking costs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from copied import OPENING, copied, opened

import headwidgets as hw
from headwidgets.errors import InputError
from headwidgets.heads import Head
from headwidgets.taxonomy import carriers, walk
from headwidgets.taxonomy.walk_plans import find_plan

NUMBERS = (
    *("query_at", "key_at", "attention", "attention_mean", "looks_at", "looks_attention", "qk"),
    *("before", "after", "cost", "se", "share", "n", "before_here", "after_here"),
)
TOGETHER = ("before", "after", "cost", "se", "share", "n", "before_here", "after_here")


def same_rows(frame, result):
    """Whether code left the walk's steps that have a head, and their numbers."""
    steps = frame[frame["head"] != ""]
    assert len(steps)
    assert list(result["step"]) == list(steps["step"])
    assert list(result["head"]) == list(steps["head"])
    for name in NUMBERS:
        ours = steps[name].to_numpy(dtype=float)
        theirs = result[name].to_numpy(dtype=float)
        assert (np.isnan(ours) == np.isnan(theirs)).all(), name
        assert np.allclose(ours, theirs, rtol=1e-4, atol=1e-4, equal_nan=True), name


@pytest.fixture(scope="module")
def session():
    held = hw.Session()
    yield held
    held.close()


@pytest.fixture(scope="module")
def parity(session):
    return session.walk("parity", n=12, index=3)


def test_a_walk_is_written_and_runs(session, parity):
    assert parity["cost"].abs().max() > 1
    same_rows(parity, copied(session, parity))
    assert session.as_python("walk: parity") == session.as_python(parity)
    assert session.walk_as_python("parity") == session.as_python(parity)


def test_what_is_broken_at_once_is_written(session, parity):
    steps = list(parity.loc[parity["head"] != "", "step"])
    found = session.break_walk("parity", *steps)
    left = _run(session.walk_as_python("parity", *steps))
    same_rows(parity, left["result"])
    for name in TOGETHER:
        assert left["broken"][name] == pytest.approx(found[name], abs=1e-4, nan_ok=True), name
    assert abs(found["cost"]) > 0.5


def test_your_own_prompts_are_written(session):
    prompts = hw.task("ioi", n=6, seed=5, split="test").prompts(session.engine.text)
    plan = find_plan("ioi")
    heads = {step.kind: ("2.3", "3.1") for step in plan.steps}
    frame = _forced(session, plan, prompts, heads, 2)
    same_rows(frame, copied(session, frame))
    kinds = {edit["kind"] for edits in frame.attrs["edits"].values() for edit in edits}
    assert {"path"} <= kinds


@pytest.mark.parametrize("shape", ["gpt2", "gemma2", "llama"])
def test_on_other_architectures(shape, shaped_folders):
    session = hw.Session(str(shaped_folders(shape)))
    plan = find_plan("multiple choice")
    draw = np.random.default_rng(0)
    clean = draw.integers(10, 200, (5, 9))
    corrupted = clean.copy()
    corrupted[:, 4:] = draw.integers(10, 200, (5, 5))
    roles = {role: [1 + i for _ in range(5)] for i, role in enumerate(plan.roles)}
    prompts = hw.Prompts(
        clean=clean.tolist(),
        corrupted=corrupted.tolist(),
        answer=[7] * 5,
        foil=[8] * 5,
        roles=roles,
    )
    heads = {step.kind: (f"{min(i, 2)}.{i % 4}",) for i, step in enumerate(plan.steps)}
    frame = _forced(session, plan, prompts, heads, 1)
    same_rows(frame, copied(session, frame))
    session.close()


def test_what_cannot_be_written_is_refused(session, parity):
    with pytest.raises(InputError, match="with a head"):
        session.walk_as_python("parity", "nobody")
    with pytest.raises(InputError, match="expected a walk"):
        session.walk_as_python(42)
    with pytest.raises(InputError, match=r"call s\.walk"):
        session.walk_as_python("multiple choice")
    with pytest.raises(InputError, match="other rows"):
        session.as_python(parity.iloc[::-1])
    other = hw.Session("planted")
    with pytest.raises(InputError, match="another session"):
        other.as_python(parity)
    other.close()
    session.walk("parity", n=14)
    with pytest.raises(InputError, match="taken again since"):
        session.as_python(parity)


def _run(code):
    opening, rest = code.split(OPENING)
    names = dict(opened(opening))
    with torch.random.fork_rng():
        exec(compile(OPENING + rest, "copied.py", "exec"), names)  # noqa: S102 - to run it is the test
    return names


def _forced(session, plan, prompts, heads, index):
    """Walk with heads given by hand, whatever their scores, on a model that may not do the task."""
    found = {
        kind: carriers.Carriers(
            tuple(carriers.Carrier(Head.parse(one), 1.0, "candidate") for one in some)
        )
        for kind, some in heads.items()
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walk, "able", lambda *_: [])
        patch.setattr(session, "_carriers", lambda _: found)
        return session.walk(plan.name, prompts, index=index)
