"""Simplified model training: data and baselines by hand; the trainings themselves, slow."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import headwidgets as hw
from headwidgets.errors import InputError
from headwidgets.labs import emergence as lab
from headwidgets.labs.emergence import chains, steps
from headwidgets.labs.emergence.batch import generator
from headwidgets.labs.emergence.model import NOTHING, losses
from headwidgets.tasks.icl_mc import baselines
from headwidgets.tasks.icl_mc import chains as drawn


def test_a_chain_asks_for_every_next_symbol():
    batch = chains.Chains(3, 20).draw(40, generator(0))
    assert batch.tokens.shape == (40, 20)
    assert {*batch.tokens.flatten().tolist()} == {0, 1, 2}
    assert torch.equal(batch.targets, batch.tokens[:, 1:])
    assert batch.rows == slice(0, 19)


@pytest.mark.parametrize("k", [2, 3, 8])
def test_predictors_lose_what_the_task_s_baselines_say(k):
    states, chances = drawn(300, 30, k, 1)
    known, want = chains.predictors(states, k), baselines(states, chances)
    for name, said in known.items():
        assert said.sum(-1) == pytest.approx(1)
        loss = -np.log(np.take_along_axis(said, states[:, 1:, None], -1)[..., 0]).mean(0)
        assert loss == pytest.approx(want[name], abs=1e-12), name


def test_the_baselines_are_the_notes():
    """B10, 4000 chains of 101 symbols, k = 3: 1.099; 1.003 (last .984); .886 (.841); .818."""
    found = baselines(*drawn(2000, 101, 3, 0))
    assert found["uniform"].mean() == pytest.approx(1.099, abs=1e-3)
    assert found["unigram"].mean() == pytest.approx(1.003, abs=0.02)
    assert found["bigram"].mean() == pytest.approx(0.886, abs=0.02)
    assert found["chain"].mean() == pytest.approx(0.818, abs=0.02)


@pytest.mark.parametrize("task", steps.TASKS)
def test_states_are_the_task(task):
    data = steps.Steps(task, 6)
    batch = data.draw(60, generator(0))
    values = steps.TASKS[task][0]
    assert batch.tokens.shape == (60, data.length)
    assert (batch.tokens[:, 6] == values).all()
    assert torch.equal(batch.tokens[:, 7:], batch.targets[:, :-1])
    for x, states in zip(batch.tokens[:, :6].tolist(), batch.targets.tolist(), strict=True):
        state = 0
        for t in range(6):
            state = {"copy": x[t], "parity": state ^ x[t], "polynomial": (state * x[t] + 1) % 3}[
                task
            ]
            assert states[t] == state
    assert torch.equal(batch.shown[0], torch.arange(6))


def test_guessing_costs_what_it_must():
    assert steps.guessing(steps.Steps("parity")) == pytest.approx(
        dict.fromkeys(("uniform", "frequencies", "last state"), math.log(2)), abs=0.01
    )
    found = steps.guessing(steps.Steps("polynomial"))
    assert found["uniform"] == pytest.approx(math.log(3))
    assert found["last state"] < found["frequencies"] < found["uniform"]


def test_iteration_is_scored_by_attention_on_the_next_input():
    data = steps.Steps("parity", 5)
    shape = lab.Shape(n_heads=2, d_model=16, n_labels=3, n_features=0)
    made = lab.run(data, shape=shape, sequences=32, asked=20, progress=False)
    trained = made.trained()
    frame = lab.iterating(trained, n=50, seed=3)
    batch = data.draw(50, generator(3, 1))
    patterns = trained.patterns(batch)
    for _, row in frame.iterrows():
        mine = patterns[:, int(row["layer"]), int(row["head"])]
        want = np.mean([[float(p[5 + t, t]) for t in range(5)] for p in mine])
        assert row["score"] == pytest.approx(want, abs=1e-5)


def test_what_is_not_asked_costs_nothing():
    logits, targets = (
        torch.randn(1, 2, 3, 4),
        torch.tensor([[1, NOTHING, 2], [NOTHING, NOTHING, 0]]),
    )
    said = logits[0].log_softmax(-1)
    want = -(said[0, 0, 1] + said[0, 2, 2] + said[1, 2, 0]) / 3
    assert float(losses(logits, targets)[0]) == pytest.approx(float(want))


def test_small_trainings_are_saved_and_loaded(tmp_path):
    for made in (lab.icl_mc(2, length=10), lab.iteration("copy", inputs=4), lab.attn_only(1)):
        made.advance(3)
        again = lab.load_run(lab.save_run(made, tmp_path / "run"))
        assert again.data == made.data
        made.advance(2)
        one, two = made.trained().weights, again.advance(2).trained().weights
        assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: lab.icl_mc(1), "k as a whole number from 2"),
        (lambda: lab.icl_mc(length=2), "length"),
        (lambda: lab.iteration("sum"), "expected a task among copy, parity, polynomial"),
        (lambda: lab.iteration(inputs=1), "inputs"),
        (lambda: lab.attn_only(0), "n_layers"),
        (lambda: lab.compare(lab.run(lab.low16())), "a run of icl_mc, iteration or attn_only"),
        (lambda: lab.compare(lab.iteration()), "a run that has begun"),
    ],
)
def test_trainings_of_nonsense_are_refused(make, match):
    with pytest.raises(InputError, match=match):
        make()


# ------------------------------------------------------------------------ trained


@pytest.mark.slow
def test_markov_chains_are_learned_in_stages():
    """Uniform, then unigram, then bigram; a previous-token head forms, and the session sees it."""
    made = lab.icl_mc(3).train()
    frame, loss = lab.stages(made), lab.compare(made).set_index("predictor")["loss"]
    print(frame, loss)
    order = list(dict.fromkeys(frame["stage"]))
    assert order == ["uniform", "unigram", "bigram"]
    assert loss["bigram"] < loss["model"] < loss["unigram"] < loss["uniform"]
    assert loss["model"] - loss["bigram"] < 0.3 * (loss["unigram"] - loss["bigram"])
    s = hw.Session(lab.bridge(made.trained()))
    s.prompts = made.data.draw(20, generator(5)).tokens.tolist()
    scored = s.score("previous token", on="prompts")
    best = scored.loc[scored["score"].idxmax()]
    assert best["layer"] == 0
    assert best["score"] > 0.6


@pytest.mark.slow
def test_parity_is_learned_step_by_step():
    made = lab.iteration("parity").train()
    loss = lab.compare(made).set_index("predictor")["loss"]
    scores = lab.iterating(made.trained())
    print(loss, scores)
    assert loss["model"] < 0.05 < loss["last state"]
    assert scores["score"].max() > 0.4
    best = scores.loc[scores["score"].idxmax()]
    assert best["elsewhere"] < best["score"] / 2


def test_a_shape_of_one_s_own_is_taken_and_others_are_refused():
    shape = lab.Shape(n_layers=1, n_heads=1, d_model=16, n_labels=3, n_features=0)
    assert lab.icl_mc(3, shape=shape).shape == shape
    for make in (lab.icl_mc, lab.iteration, lab.attn_only):
        with pytest.raises(InputError, match="expected a shape such as"):
            make(shape="small")
    with pytest.raises(InputError, match="expected a shape of 3 labels"):
        lab.icl_mc(3, shape=lab.Shape())
    with pytest.raises(InputError, match="expected a shape such as"):
        lab.one_head_each(lab.repeats(20, 4), shape=3)


@pytest.mark.parametrize("wrong", ["3", 2.5, None, [3], lab.Shape()])
def test_numbers_of_a_small_training_that_are_none_are_refused(wrong):
    for make in (
        lambda: lab.icl_mc(wrong),
        lambda: lab.icl_mc(length=wrong),
        lambda: lab.iteration(inputs=wrong),
        lambda: lab.iteration(wrong),
        lambda: lab.attn_only(wrong),
        lambda: lab.icl_mc(sequences=wrong),
    ):
        with pytest.raises(InputError, match="expected"):
            make()


def test_figures_of_other_data_are_refused():
    other = lab.run(lab.repeats(20, 4), sequences=32, asked=20, progress=False).train()
    with pytest.raises(InputError, match="expected a run on chains"):
        lab.stages(other)
    with pytest.raises(InputError, match=r"expected what a run of iteration\(\) trained"):
        lab.iterating(other.trained())
    for wrong in (3, lab.finished("low16"), other.trained().shape):
        with pytest.raises(InputError, match="expected a run of icl_mc, iteration or attn_only"):
            lab.compare(wrong)
    for wrong in (3, other.trained()):
        with pytest.raises(InputError, match="expected a run, or a finished one"):
            lab.times(wrong)
