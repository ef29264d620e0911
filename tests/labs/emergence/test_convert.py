"""A trained model as a bridge: the same logits, the same attention, a session like any other."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

import headwidgets as hw
from headwidgets.errors import InputError
from headwidgets.labs import emergence as lab
from headwidgets.labs.emergence import small as trainings
from headwidgets.labs.emergence.batch import generator
from headwidgets.labs.emergence.model import sizes


def rough(data, shape, seed=0):
    """Return a model whose weights, norms and biases are far from their start."""
    random = generator(seed)
    own = {
        name: torch.randn(size, generator=random) / (4 if len(size) > 1 else 2)
        for name, size in sizes(shape).items()
    }
    return lab.Trained(shape, data, own)


CASES = {
    "exemplars": lambda: (lab.low16(), lab.Shape()),
    "three layers": lambda: (lab.gauss(n_labels=7), lab.Shape(n_layers=3, n_labels=7)),
    "another base": lambda: (lab.low16(n_features=16), lab.Shape(n_features=16, base=50.0)),
    "wide heads": lambda: (
        lab.repeats(),
        lab.Shape(n_heads=3, d_head=10, n_labels=40, n_features=0),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_logits_and_attention_are_the_same(case):
    trained = rough(*CASES[case]())
    batch = trained.data.draw(40, generator(1))
    made = lab.bridge(trained)
    with torch.no_grad():
        logits, cache = made.run_with_cache(batch.tokens)
    labels = trained.shape.n_labels
    found = logits[:, batch.rows, :labels]
    want = trained.logits(batch).numpy()
    assert found.numpy() == pytest.approx(want, abs=1e-5)
    assert (logits[..., labels:] == -torch.inf).all(), "no logit outside the labels"
    patterns = trained.patterns(batch)
    for layer in range(trained.shape.n_layers):
        mine = cache[f"blocks.{layer}.attn.hook_pattern"]
        assert mine.numpy() == pytest.approx(patterns[:, layer].numpy(), abs=1e-5)
    z = trained.run(batch)["blocks.0.attn.hook_z"]
    assert cache["blocks.0.attn.hook_z"].numpy() == pytest.approx(z.numpy(), abs=1e-5)


def test_in_double_precision_the_logits_are_the_same():
    """The rotary angles are the same numbers, not the same formula rounded twice."""
    trained = rough(*CASES["wide heads"]())
    batch = trained.data.draw(40, generator(1))
    own = {name: one.double() for name, one in trained.weights.items()}
    with torch.no_grad():
        found = lab.bridge(trained).double()(batch.tokens)[:, batch.rows]
    want = lab.Trained(trained.shape, trained.data, own).logits(batch)
    assert found.dtype == want.dtype == torch.float64
    assert found.numpy() == pytest.approx(want.numpy(), abs=1e-12)


def test_of_sharp_heads_the_logits_are_the_same_to_rounding_and_in_a_session():
    """Heads of 16 on 25 tokens, which angles and norms rounded otherwise move by more."""
    data = lab.repeats()
    shape = lab.Shape(n_heads=4, d_head=16, n_labels=40, n_features=0)
    trained = rough(data, shape)
    for name in ("0.W_QKV", "1.W_QKV", "unembed.weight"):
        trained.weights[name] *= 4
    batch = data.draw(100, generator(1))
    want = trained.logits(batch)
    made = lab.bridge(trained)
    with torch.no_grad():
        found = made(batch.tokens)[:, batch.rows]
    assert found.numpy() == pytest.approx(want.numpy(), abs=1e-5)
    s = hw.Session(made)
    s.prompt = batch.tokens[0].tolist()
    found = s.logits(k=40)["clean"].sort_index().to_numpy()
    assert found == pytest.approx(want[0, -1].numpy(), abs=1e-5)
    s.close()


def test_a_run_opens_in_a_session(shipped):
    trained = shipped
    batch = trained.data.draw(1, generator(2))
    s = hw.Session(lab.bridge(trained, name="low16"))
    assert s.facts.name == "low16"
    s.prompt = batch.tokens[0].tolist()
    assert s.logits(k=1).index[0] == int(trained.logits(batch).argmax())
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # five tokens have a logit, the others -inf
        assert s.logits(k=10)["change"].notna().sum() == 5
    for layer, head in ((0, 3), (1, 6)):
        own = trained.patterns(batch)[0, layer, head].numpy()
        assert s.attention((layer, head)) == pytest.approx(own, abs=1e-5)
    s.edits = [hw.zero((1, head)) for head in range(8)]
    off = trained.logits(batch, {"blocks.1.attn.hook_z": lab.zero()})[0, 0]
    edited = s.logits(k=5)["edited"]
    assert edited.sort_index().to_numpy() == pytest.approx(off.numpy(), abs=1e-4)
    right, wrong = (int(batch.tokens[0, at[0, 0]]) for at in (batch.shown, batch.other))
    s.metric = hw.LogitDiff(right, wrong)
    effect = s.effect()["value"]
    assert effect["edited"] == pytest.approx(float(off[right] - off[wrong]), abs=1e-4)
    p, q = trained.logits(batch)[0, 0].log_softmax(0), off.log_softmax(0)
    assert effect["KL"] == pytest.approx(float((p.exp() * (p - q)).sum()), abs=1e-4)


def test_a_clamp_of_the_lab_is_the_clamp_on_its_bridge(shipped):
    trained = shipped
    batch = trained.data.draw(30, generator(2))
    name = "blocks.0.attn.hook_pattern"
    made = lab.bridge(trained)
    with torch.no_grad(), hw.clamp(made, {name: lab.previous_token([1, 5])}):
        found = made(batch.tokens)[:, 4, :5]
    want = trained.logits(batch, {name: lab.previous_token([1, 5])})[:, 0]
    assert found.numpy() == pytest.approx(want.numpy(), abs=1e-5)


def test_building_does_not_move_the_caller_s_random_numbers():
    trained = rough(lab.repeats(), lab.Shape(n_labels=40, n_features=0))
    torch.manual_seed(0)
    want = torch.rand(2)
    torch.manual_seed(0)
    lab.bridge(trained)
    assert torch.equal(torch.rand(2), want)


def test_what_was_not_trained_is_refused():
    with pytest.raises(InputError, match=r"expected what a run trained, such as run\.trained\(\)"):
        lab.bridge(3)


@pytest.mark.slow
def test_induction_heads_of_a_run_are_found_by_the_taxonomy():
    """Two layers of attention on tokens that come again: .85 to .90, p = .001, when written."""
    made = trainings.attn_only(2).train()
    trained = made.trained()
    batch = trained.data.draw(50, generator(1))
    with torch.no_grad():
        logits = lab.bridge(trained)(batch.tokens)[:, batch.rows]
    want = trained.logits(batch).numpy()
    assert logits.numpy() == pytest.approx(want, abs=1e-5)
    s = hw.Session(lab.bridge(trained))
    for kind, layer, measure in (
        ("induction", 1, "induction strength"),
        ("previous token", 0, "previous token"),
    ):
        frame = s.score(kind)
        print(frame[["layer", "head", "score", "p", "verdict"]])
        found = frame[frame["verdict"] == "consistent with"]
        assert len(found)
        assert (found["layer"] == layer).all()
        assert found["score"].max() > 0.7
        own = made.heads().query(f"step == {made.step} and measure == '{measure}'")["value"]
        best = frame[frame["layer"] == layer].set_index("head")["score"].idxmax()
        assert own.to_numpy()[best] == pytest.approx(np.max(own), abs=0.05)
    other = trainings.attn_only(1).train()
    frame = hw.Session(lab.bridge(other.trained())).score("induction")
    assert not (frame["verdict"] == "consistent with").any(), "one layer has none"
    loss = {n: one.curves()["loss"].iloc[-1] for n, one in (("one", other), ("two", made))}
    assert loss["two"] < 0.2
    assert loss["one"] > 2
