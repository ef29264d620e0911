"""Toys with known answers: direct only, OR and AND; where the methods must disagree."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from direct import engine_of, run

from headwidgets.errors import InputError
from headwidgets.methods.attribution import attribution
from headwidgets.methods.attribution_patching import attribution_patching
from headwidgets.methods.head_effects import effects
from headwidgets.methods.metrics import LogitDiff
from headwidgets.methods.record import record, z_name
from headwidgets.methods.snapshot import Pair, Snapshot
from headwidgets.zoo import toys

BETA = 40.0
X, OTHER = 300, 310  # their codes do not overlap
CLEAN, CORRUPTED = (0, 40, X, 41, 42), (0, 40, 43, 41, 42)  # a word, and none
WORDS = LogitDiff(X, OTHER)
ASKED = Snapshot(pairs=(Pair(CLEAN, CORRUPTED),), metric=WORDS)
RANDOM = Snapshot(
    pairs=tuple(
        Pair(tuple(range(5 + 9 * i, 13 + 9 * i)), tuple(range(205 + 9 * i, 213 + 9 * i)))
        for i in range(3)
    ),
    metric=LogitDiff(7, 8),
)


@pytest.fixture(scope="module")
def bridges():
    return {"either": toys.either(BETA), "both": toys.both(BETA)}


def value(bridge, ids, heads=(), new=None):
    """The metric with some heads of layer 0 zeroed, or as in another run."""

    def edit(z):
        for head in heads:
            z[:, :, head] = 0 if new is None else new[:, :, head]
        return z

    logits = run(bridge, ids, [(z_name(0), edit)])
    return float(logits[X] - logits[OTHER])


def z_of(bridge, ids):
    return record(engine_of(bridge), [ids], [z_name(0)])[z_name(0)]


# ------------------------------------------------------------------ one layer


@pytest.mark.parametrize("kind", ["patch", "zero", "mean"])
@pytest.mark.parametrize("seed", [0, 1])
def test_one_layer_has_direct_effects_alone(kind, seed):
    engine = engine_of(bridge := toys.one_layer(seed))
    frame = effects(engine, RANDOM, kind=kind)
    assert np.allclose(frame["total"], frame["direct"], atol=1e-5)
    assert np.allclose(frame[["indirect", "layernorm"]], 0, atol=1e-5)
    assert not frame["self_repair"].any()
    assert frame["total"].abs().min() > 1e-3
    if kind == "zero":
        heads = attribution(engine, RANDOM).query("part == 'head'")["attribution"]
        assert np.allclose(frame["total"], heads, atol=1e-5)
    assert bridge.training is False


def test_with_a_norm_all_that_is_not_direct_is_the_norm():
    frame = effects(engine_of(toys.one_layer(norm=True)), RANDOM)
    assert np.allclose(frame["indirect"], 0, atol=1e-5)
    assert frame["layernorm"].abs().max() > 1e-2
    assert np.allclose(frame["total"], frame["direct"] + frame["layernorm"], atol=1e-5)


@pytest.mark.parametrize("norm", [False, True])
def test_attributions_of_a_native_model_sum_too(norm):
    engine = engine_of(bridge := toys.one_layer(norm=norm))
    expected = [run(bridge, pair.clean) for pair in RANDOM.pairs]
    mean = np.mean([float(logits[7] - logits[8]) for logits in expected])
    frame = attribution(engine, RANDOM)
    assert frame["attribution"].sum() == pytest.approx(mean, rel=1e-5)
    keys = attribution(engine, RANDOM, by="source token")
    sums = keys.groupby("head")["attribution"].sum()
    assert np.allclose(sums, frame.query("part == 'head'")["attribution"], atol=1e-6)
    assert ("final norm bias" in set(frame["name"])) == norm


@pytest.mark.parametrize("direction", ["denoise", "noise"])
def test_attribution_patching_is_exact_on_one_layer(direction):
    engine = engine_of(toys.one_layer())
    estimate = attribution_patching(engine, RANDOM, direction=direction)["estimate"]
    exact = effects(engine, RANDOM)["total"]  # M(x) − M(x | do): noising, turned round
    assert np.allclose(estimate, exact if direction == "denoise" else -exact, atol=1e-5)


# ------------------------------------------------------------------ either, both


@pytest.mark.parametrize("name", ["either", "both"])
def test_the_word_is_said_at_the_end(bridges, name):
    assert value(bridges[name], CLEAN) == pytest.approx(BETA, abs=1e-4)
    assert value(bridges[name], CORRUPTED) == pytest.approx(0, abs=1e-4)
    assert int(run(bridges[name], CLEAN).argmax()) == X


@pytest.mark.parametrize(("name", "one", "two"), [("either", 0, BETA), ("both", BETA, BETA)])
def test_zeroing_one_and_two(bridges, name, one, two):
    bridge = bridges[name]
    for heads, lost in (((0,), one), ((1,), one), ((0, 1), two)):
        assert value(bridge, CLEAN) - value(bridge, CLEAN, heads) == pytest.approx(lost, abs=1e-4)


@pytest.mark.parametrize(("name", "noised", "restored"), [("either", 0, BETA), ("both", BETA, 0)])
def test_noising_and_denoising_one_head_disagree(bridges, name, noised, restored):
    bridge = bridges[name]
    clean, corrupted = z_of(bridge, CLEAN), z_of(bridge, CORRUPTED)
    for head in (0, 1):
        lost = value(bridge, CLEAN) - value(bridge, CLEAN, (head,), corrupted)
        assert lost == pytest.approx(noised, abs=1e-4)
        back = value(bridge, CORRUPTED, (head,), clean)
        assert back == pytest.approx(restored, abs=1e-4)
    assert value(bridge, CORRUPTED, (0, 1), clean) == pytest.approx(BETA, abs=1e-4)
    assert value(bridge, CLEAN, (0, 1), corrupted) == pytest.approx(0, abs=1e-4)
    frame = effects(engine_of(bridge), ASKED).query("layer == 0")  # noising
    assert frame["total"].tolist() == pytest.approx([noised] * 2, abs=1e-4)


@pytest.mark.parametrize("at", [None, "end"])
@pytest.mark.parametrize("kind", ["zero", "patch"])
def test_either_repairs_itself(bridges, kind, at):
    frame = effects(engine_of(bridges["either"]), ASKED, kind=kind, at=at)
    assert frame["direct"].tolist() == pytest.approx([BETA, BETA, -BETA, 0], abs=1e-4)
    assert frame["indirect"].tolist() == pytest.approx([-BETA, -BETA, 0, 0], abs=1e-4)
    assert frame["total"].tolist() == pytest.approx([0, 0, -BETA, 0], abs=1e-4)
    assert frame["self_repair"].tolist() == [True, True, False, False]


def test_both_acts_through_its_reader(bridges):
    frame = effects(engine_of(bridges["both"]), ASKED, kind="zero")
    assert frame["direct"].tolist() == pytest.approx([0, 0, BETA, 0], abs=1e-4)
    assert frame["indirect"].tolist() == pytest.approx([BETA, BETA, 0, 0], abs=1e-4)
    assert not frame["self_repair"].any()


def test_attribution_patching_misses_what_is_saturated(bridges):
    noise = attribution_patching(engine_of(bridges["either"]), ASKED, direction="noise")
    # the reader's attention is flat there: the slope sees the code that it takes off, half each
    assert noise["estimate"].tolist()[:2] == pytest.approx([-BETA / 2] * 2, abs=1e-3)


def test_the_oracle_is_sharp_only_where_beta_is():
    vague = toys.either(1.0)
    left = value(vague, CLEAN) - value(vague, CLEAN, (0,))
    assert abs(left) > 0.05
    assert value(toys.either(0.0), CLEAN) == 0


def test_building_leaves_the_random_numbers_alone():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    toys.one_layer()
    toys.both()
    assert torch.equal(torch.rand(2), expected)


@pytest.mark.parametrize("beta", [-1.0, float("nan"), float("inf")])
def test_beta_must_be_a_number(beta):
    with pytest.raises(InputError, match="beta"):
        toys.either(beta)
