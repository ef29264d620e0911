"""Probes: against closed forms, against what leaks, and what their directions do to the model."""

from __future__ import annotations

import math
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

import headwidgets as hw
from headwidgets.errors import InputError
from headwidgets.methods import probes
from headwidgets.methods.by_chance import best_by_chance, mean_best, p_best
from headwidgets.methods.held_out import (
    LOGISTIC,
    MASS_MEAN,
    fit,
    folds,
    permuted,
    sides,
    weights_of,
)
from headwidgets.methods.logistic import logistic, logistic_many
from headwidgets.methods.probed import read_groups, read_labels
from headwidgets.methods.snapshot import Pair, Snapshot

PHI = {1: 0.69, 2: 0.84, 3: 0.93}
"""Φ(δ/2): what the best probe reaches where two Gaussians lie δ standard deviations apart."""


@pytest.fixture(scope="module")
def session():
    s = hw.Session()
    s.prompts = hw.task("toy movie review", n=80, seed=1)
    yield s
    s.close()


def apart(delta, n, d=64, seed=0):
    random = torch.Generator().manual_seed(seed)
    y = torch.arange(n) % 2 == 0
    way = torch.randn(d, generator=random)
    x = torch.randn(n, d, generator=random) + delta * (y.float() - 0.5)[:, None] * way / way.norm()
    return x, y.numpy(), (way / way.norm()).numpy()


# ---------------------------------------------------------------------- closed forms


@pytest.mark.parametrize("how", [LOGISTIC, MASS_MEAN])
@pytest.mark.parametrize("delta", PHI)
def test_a_known_separation_is_told_as_well_as_can_be(how, delta):
    """1400 rows to fit, 600 to judge, as in the notes; 32 features, as the bundled model's z."""
    found = []
    for seed in range(12):
        x, y, _ = apart(delta, 2000, 32, seed)
        held = np.arange(2000) >= 1400
        found.append(sides(how, x, y[:, None], held).mean())
    best = 0.5 * (1 + math.erf(delta / 2 / math.sqrt(2)))
    assert best == pytest.approx(PHI[delta], abs=0.005)
    assert np.mean(found) == pytest.approx(best, abs=0.03)


@pytest.mark.parametrize("scale", [0.1, 1.0, 3.0])
def test_many_labellings_at_once_are_what_each_is_by_itself(scale):
    x = torch.randn(60, 24, generator=torch.Generator().manual_seed(0)) * scale
    y = torch.rand(60, 7, generator=torch.Generator().manual_seed(1)) > 0.5
    weights, intercepts = logistic_many(x, y)
    for i in range(7):
        w, b = logistic(x, y[:, i])
        said, own = x.double() @ weights[:, i] + intercepts[i], x.double() @ w + b
        assert (said - own).abs().max() < 0.01


def test_the_mass_mean_probe_by_hand():
    x = torch.tensor([[0.0, 0], [2, 0], [4, 2], [6, 2]])
    weights, intercept = fit(MASS_MEAN, x, torch.tensor([[False], [False], [True], [True]]))
    assert weights[:, 0].tolist() == [4, 2]
    assert float(intercept) == -(4 * 3 + 2 * 1)
    weights, _ = fit(MASS_MEAN, x, torch.tensor([[True]] * 4))
    assert float(weights.abs().max()) == 0, "one side has no mean"


@pytest.mark.parametrize(("n", "best"), [(60, 0.75), (200, 0.66), (600, 0.61)])
def test_the_best_of_64_heads_by_chance(n, best):
    """The notes' figures in closed form; and 64 probes of permuted labels, some times."""
    held = round(probes.TEST * n)
    assert mean_best(held, 64) == pytest.approx(best, abs=0.03)
    found = []
    for seed in range(6):
        z = torch.randn(n, 8, 8, 64, generator=torch.Generator().manual_seed(seed))
        labels = np.random.default_rng(seed).permutation(np.arange(n) % 2 == 0)
        found.append(probed(z, labels, seed=seed).frame["accuracy"].max())
    assert np.mean(found) == pytest.approx(mean_best(held, 64), abs=0.03)


def test_chance_in_closed_form_by_counting():
    assert best_by_chance(2, 1).tolist() == pytest.approx([0.25, 0.75, 1])
    assert best_by_chance(2, 3).tolist() == pytest.approx([0.25**3, 0.75**3, 1])
    assert mean_best(2, 1) == pytest.approx(0.5)
    assert p_best(2, 2, 3) == pytest.approx(1 - 0.75**3)
    assert p_best(0, 2, 3) == 1
    assert mean_best(10, 1, 0.8) == pytest.approx(0.8)
    assert best_by_chance(5000, 1000)[-1] == pytest.approx(1)


# ---------------------------------------------------------------------- splits


def test_groups_stay_on_one_side():
    groups = [i // 3 for i in range(90)]
    part = folds(groups, 2, np.random.default_rng(0))
    assert all(len({part[i] for i in range(90) if groups[i] == g}) == 1 for g in range(30))
    assert abs(int((part == 0).sum()) - 45) <= 3


def test_labels_are_permuted_as_far_as_groups_let_them():
    random = np.random.default_rng(0)
    labels = np.array([True, False] * 10 + [True] * 4 + [False] * 4)
    groups = [i // 2 for i in range(28)]
    found = permuted(labels, groups, 50, random)
    assert (found[:20].reshape(10, 2, 50).sum(1) == 1).all(), "one of each in a mixed group"
    assert (found[20:].reshape(4, 2, 50)[:, 0] == found[20:].reshape(4, 2, 50)[:, 1]).all()
    assert (found.sum(0) == labels.sum()).all()
    assert 0.3 < found[0].mean() < 0.7
    assert 0.3 < found[20].mean() < 0.7


def test_balanced_weights():
    labels = np.array([[True], [False], [False], [False]])
    counts = weights_of(labels)[:, 0]
    assert counts.tolist() == pytest.approx([2, 2 / 3, 2 / 3, 2 / 3])
    assert counts.mean() == pytest.approx(1)


# ---------------------------------------------------------------------- one probe a head


def probed(z, labels, how=LOGISTIC, *, tokens=None, rows=None, **options):
    """Probe z that is given, [row, layer, head, d_head]."""
    n = len(z)
    rows = rows or [(0, i) for i in range(n)]
    engine = SimpleNamespace(facts=SimpleNamespace(n_layers=z.shape[1], n_heads=z.shape[2]))
    snapshot = Snapshot(tuple(Pair(tuple(row)) for row in rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(probes, "heads_z_at", lambda *_: (z, tokens or [5] * n))
        return probes.probe(engine, snapshot, labels, how, **options)


@pytest.mark.parametrize("how", [LOGISTIC, MASS_MEAN])
def test_the_planted_head_is_found_and_its_direction(how):
    x, y, way = apart(3, 400, d=16)
    z = torch.randn(400, 2, 3, 16, generator=torch.Generator().manual_seed(9))
    z[:, 1, 2] = x
    found = probed(z, y, how)
    frame = found.frame
    best = frame.loc[frame["accuracy"].idxmax()]
    assert (best["layer"], best["head"]) == (1, 2)
    assert best["accuracy"] == pytest.approx(PHI[3], abs=0.06)
    assert best["p"] < 0.001
    assert frame.drop(index=best.name)["p"].min() > 0.01
    assert np.isnan(frame["control"]).all(), "one token stands in all prompts"
    direction = found.direction("1.2")
    assert float(direction.unit @ way) > 0.9
    along = x.numpy() @ direction.unit
    assert direction.norm == pytest.approx(along.std(), rel=0.1)


def test_a_head_that_remembers_tokens_tells_the_control_as_well():
    n, words = 300, 12
    token = np.random.default_rng(0).integers(words, size=n)
    labels = token % 2 == 0
    z = torch.zeros(n, 1, 2, words)
    z[np.arange(n), 0, 0, token] = 5.0
    z[:, 0, 1, 0] = torch.from_numpy(np.where(labels, 1.0, -1.0)).float() * 5
    frame = probed(z, labels, tokens=token.tolist()).frame
    assert frame["accuracy"].tolist() == [1, 1]
    assert frame["control"][0] == pytest.approx(1)
    assert frame["selectivity"][0] == pytest.approx(0)
    assert frame["selectivity"][1] > 0.1, "it knows the label alone"


def test_the_edit_adds_so_many_standard_deviations(session):
    found = session.probe()
    assert len(found) == 30
    assert found.to_frame() is found.frame
    assert session.frames["probe"]["accuracy"].equals(found.frame["accuracy"])
    best = found.frame.loc[found.frame["accuracy"].idxmax()]
    head = f"{best['layer']:.0f}.{best['head']:.0f}"
    edit = found.edit(head, strength=2, at="end")
    assert (edit.factor, edit.target, edit.at) == (2, head, "end")
    assert np.allclose(edit.direction.vector, found.direction(head).vector)


@pytest.mark.parametrize("how", [LOGISTIC, MASS_MEAN])
def test_an_edit_along_a_probe_moves_the_model(session, how):
    """Towards the prompts whose answer is the one word, and away from them."""
    found = session.probe(how=how)
    false, true = sorted(set(session.prompts.answer))
    session.metric = hw.LogitDiff(true, false)
    moved = []
    for strength in (-4, 4):
        session.edits = [found.edit((4, i), strength=strength, at="end") for i in range(6)]
        moved.append(float(session.effect().loc["change", "value"]))
    session.edits, session.metric = [], None
    assert moved[0] < -0.1 < 0.1 < moved[1]


def test_a_task_by_its_name_leaves_the_session_as_it_is(session):
    before = session.prompts
    found = session.probe("ioi", n=40, split="train")
    assert session.prompts is before
    assert found.frame.attrs["labels"] == "40 true, 40 false"
    assert found.frame["n_train"].iloc[0] + found.frame["n_test"].iloc[0] == 80


@pytest.mark.parametrize("made", [np.array, torch.tensor, pd.Series])
def test_labels_and_groups_may_be_arrays(made):
    plain = [i % 2 for i in range(60)]
    assert read_labels(made(plain), 60).tolist() == [bool(one) for one in plain]
    rows = [(0, i) for i in range(60)]
    assert list(read_groups(made(plain), rows)) == plain
    with pytest.raises(InputError, match=r"labels of two values, got 1: \[0.0\]"):
        read_labels(made([0.0] * 60), 60)
    with pytest.raises(InputError, match="expected one label for each prompt, got"):
        read_labels(made([[0, 1]] * 60) if made is not pd.Series else [[0, 1]] * 60, 60)


# ---------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("labels", "match"),
    [
        ([True] * 80, "labels of two values, got 1"),
        ([0, 1, 2, 3] * 20, "labels of two values, got 4"),
        ([True, False] * 39, "expected 80 labels, one for each prompt, got 78"),
        (
            [True, False] * 39 + [True, float("nan")],
            "a label for each prompt, got nan for prompt 79",
        ),
        ([None, *[True, False] * 39, True], "got None for prompt 0"),
        ([True] * 70 + [False] * 10, "at least 20 prompts with each label, got 10"),
        (5, "expected 80 labels"),
    ],
)
def test_labels_that_cannot_be(session, labels, match):
    with pytest.raises(InputError, match=match):
        session.probe(labels)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"how": "svm"}, "expected how as one of"),
        ({"test": 0.9}, "test as a share from 0.1 to 0.5"),
        ({"seed": -1}, "seed= as a whole number"),
        ({"groups": [1, 2]}, "expected 80 groups"),
        ({"groups": [0] * 80}, "cannot be split"),
        ({"at": None}, "one position of each prompt"),
        ({"folds": 2}, "folds"),
    ],
)
def test_options_that_cannot_be(session, options, match):
    with pytest.raises(InputError, match=match):
        session.probe([True, False] * 40, **options)


def test_a_prompt_on_both_sides_is_refused():
    z = torch.randn(80, 1, 1, 4)
    rows = [(0, i // 2) for i in range(80)]
    with pytest.raises(InputError, match="the same prompt is in two groups"):
        probed(z, [True, False] * 40, rows=rows, groups=range(80))
    assert probed(z, [True, False] * 40, rows=rows).frame.attrs["groups"] == 40


def test_a_head_that_tells_nothing_has_no_direction():
    z = torch.zeros(80, 1, 1, 4)
    found = probed(z, [True, False] * 40)
    with pytest.raises(InputError, match=r"head 0\.0 has no direction"):
        found.direction("0.0")
    with pytest.raises(InputError, match="z that is not finite"):
        probed(z + float("nan"), [True, False] * 40)


def test_scikit_learn_is_asked_for_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    with pytest.raises(InputError, match=r'pip install "headwidgets\[probes\]"'):
        probed(torch.randn(80, 1, 1, 4), [True, False] * 40, "scikit-learn")


def test_scikit_learn_fits_the_same():
    pytest.importorskip("sklearn")
    z = torch.randn(80, 1, 2, 4, generator=torch.Generator().manual_seed(0))
    labels = (z[:, 0, 0, 0] > 0).tolist()
    own, theirs = (probed(z, labels, how).frame["accuracy"] for how in (LOGISTIC, "scikit-learn"))
    assert np.allclose(own, theirs, atol=0.02)
