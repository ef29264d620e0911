"""A sparse autoencoder on planted ones and tens: a feature for each last digit."""

from __future__ import annotations

import pytest
import torch
import tqdm.auto
from numerals import counting

from headwidgets.errors import Cancelled, InputError, NotMeasurable
from headwidgets.labs import autoencoder as lab
from headwidgets.model.work import Work, doing
from headwidgets.session import progress


@pytest.fixture(scope="module")
def engine():
    return counting()


@pytest.fixture(scope="module")
def found(engine):
    return lab.train(engine, steps=1500)


def test_every_last_digit_has_a_feature(engine, found):
    """The bar: cosine ≥ .85 and coverage ≥ .95 by contrast, for every class."""
    frame = lab.classes(engine, found)
    assert frame["residue"].tolist() == list(range(10))
    assert frame["feature"].is_unique
    assert frame["cosine"].min() >= 0.85
    assert frame["coverage"].min() >= 0.95
    assert frame["elsewhere"].max() <= 0.1
    assert frame["probe"].mean() > 0.7, "the paper: .708"
    assert frame["probe"].max() < 1
    assert frame["modal"].mean() < 0.9, "features of tens are often the most active"


def test_training_explains_what_it_has_not_seen(found):
    history = found.history
    assert history["step"].tolist()[:2] == [0, 100]
    assert history["step"].iloc[-1] == 1500
    assert history["loss"].is_monotonic_decreasing
    assert history["explained"].iloc[-1] > 0.85
    assert 0 < history["active"].iloc[-1] < 60
    assert found.decoder.norm(dim=1).numpy() == pytest.approx(1, abs=1e-5)


def test_what_is_kept_explained_the_most(engine):
    """Longer than is good for numbers held out: the weights are those of the best step."""
    made = lab.train(engine, steps=2600)
    history = made.history.set_index("step")["explained"]
    assert made.history.attrs["kept"] == history.idxmax() < 2600
    assert history.iloc[-1] < history.max()
    frame = lab.classes(engine, made)
    assert frame["coverage"].min() >= 0.95
    assert frame["cosine"].min() >= 0.85


def test_a_seed_is_one_autoencoder(engine):
    one, same, other = (lab.train(engine, steps=20, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(one.encoder, same.encoder)
    assert not torch.equal(one.encoder, other.encoder)


def test_what_is_stopped_is_what_was_learned(engine):
    work, seen = Work(), []

    def watch(done, total, label):
        seen.append((done, total, label))
        if done == 200:
            work.cancel()

    work.progress = watch
    with doing(work), pytest.raises(Cancelled) as stop:
        lab.train(engine, steps=1000)
    partial = stop.value.partial
    assert seen[0] == (0, 1000, "steps")
    assert 100 <= partial.history["step"].iloc[-1] < 1000
    assert len(lab.classes(engine, partial)) == 10


def test_a_long_training_shows_a_bar(engine, monkeypatch):
    seen = []
    monkeypatch.setattr(progress, "_PATIENCE", 0)
    monkeypatch.setattr(
        tqdm.auto, "tqdm", lambda **options: seen.append(Shown(options)) or seen[-1]
    )
    lab.train(engine, steps=101)
    (bar,) = seen
    assert (bar.total, bar.closed) == (101, True)
    with doing(Work()):
        lab.train(engine, steps=101)
    assert len(seen) == 1, "whoever has a work of his own watches it"


class Shown:
    def __init__(self, options):
        self.total, self.n, self.closed = options["total"], 0, False

    def set_description_str(self, *_, **__):
        pass

    refresh = set_description_str

    def close(self):
        self.closed = True


def test_features_that_all_die_are_told(engine):
    with pytest.raises(NotMeasurable, match="all 10 features have died: choose a smaller penalty"):
        lab.train(engine, n=10, penalty=1e6, steps=2500)


def test_features_that_explain_nothing_are_told_and_kept(numerals):
    """Most have died, not all: what was drawn at random explained more than what was trained."""
    with pytest.raises(NotMeasurable, match="nothing of the numbers held out is explained") as stop:
        lab.train(numerals, penalty=1e4, steps=300)
    history = stop.value.partial.history
    assert 0 < history["dead"].iloc[-1] < 512
    assert history["explained"][0] == history["explained"].max()
    assert history.attrs["kept"] > 0


@pytest.mark.parametrize(
    "change",
    [
        {"n": 9},
        {"n": 1.5},
        {"steps": 0},
        {"penalty": -1},
        {"penalty": float("nan")},
        {"penalty": "x"},
    ],
)
def test_numbers_out_of_range_are_refused(engine, change):
    with pytest.raises(InputError, match="expected at least 10 features"):
        lab.train(engine, **{"steps": 1, **change})
