"""Toys with known answers: direct only, induction, OR and AND; where methods must disagree."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from direct import engine_of, run

from headwidgets.errors import InputError
from headwidgets.methods.attribution import attribution
from headwidgets.methods.attribution_patching import attribution_patching
from headwidgets.methods.head_effects import effects
from headwidgets.methods.metrics import LogitDiff
from headwidgets.methods.paths import paths
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


# ------------------------------------------------------------------ induction

T = 25  # different letters, which come twice
TWICE = (0, *range(1, T + 1), *range(1, T + 1))
AGAIN = slice(T + 1, 2 * T)  # queries in the second half whose next letter is known
# From the prompt's letter 3, changed into Z before 4, to the answer 5 after the second 4.
LETTERS = TWICE[: T + 5]
NO_MATCH = (*LETTERS[:4], 52, *LETTERS[5:])


def induction_numbers(beta, zeroed=None):
    """PM, PT, the duplicate scores, and the loss of the second half in nats."""
    bridge = toys.induction(beta)

    def off(z, hook):
        return torch.zeros_like(z)

    hooks = [] if zeroed is None else [(z_name(zeroed), off)]
    ids = torch.tensor([TWICE])
    with torch.no_grad(), bridge.hooks(fwd_hooks=hooks):
        logits, cache = bridge.run_with_cache(ids)
    first, second = (cache[f"blocks.{layer}.attn.hook_pattern"][0, 0] for layer in (0, 1))
    loss = -logits[0].log_softmax(-1)[AGAIN].gather(1, ids[0, T + 2 :, None]).mean()
    return {
        "PM": float(second.diagonal(-(T - 1))[2:].mean()),
        "PT": float(first.diagonal(-1).mean()),
        "duplicate": max(float(a.diagonal(-T)[1:].mean()) for a in (first, second)),
        "loss": float(loss),
    }


@pytest.mark.parametrize(
    ("beta", "pm", "pt", "loss"),
    [
        (2, 0.059, 0.294, 4.07),
        (5, 0.712, 0.859, 1.04),
        (10, 0.998, 0.999, 0.003),
        (20, 1.0, 1.0, 0.0),
    ],
)
def test_induction_has_the_numbers_of_its_formula(beta, pm, pt, loss):
    found = induction_numbers(beta)
    assert found["PM"] == pytest.approx(pm, abs=5.1e-4)
    assert found["PT"] == pytest.approx(pt, abs=5.1e-4)
    assert found["loss"] == pytest.approx(loss, abs=5.1e-3 if beta < 10 else 5.1e-4)
    assert found["duplicate"] <= 0.03
    assert 4.015 <= induction_numbers(beta, zeroed=0)["loss"] <= 4.145
    assert induction_numbers(beta, zeroed=1)["loss"] == pytest.approx(math.log(64), abs=1e-6)


def test_induction_at_zero_is_nothing():
    assert induction_numbers(0)["loss"] == pytest.approx(math.log(64), abs=1e-6)
    assert induction_numbers(0)["PM"] == pytest.approx(
        np.mean([1 / (i + 1) for i in range(T + 1, 2 * T + 1)]), abs=1e-6
    )


@pytest.mark.parametrize("kind", ["zero", "patch"])
def test_the_previous_token_head_acts_through_keys_alone(kind):
    asked = Snapshot(pairs=(Pair(LETTERS, NO_MATCH),), metric=LogitDiff(5, 6))
    engine = engine_of(toys.induction())
    total = -effects(engine, asked, ["0.0"], kind=kind)["total"][0]
    found = {
        end: paths(engine, asked, end, senders=["0.0"], kind=kind)["effect"][0]
        for end in ("1.0.k", "1.0.q", "1.0.v", "logits")
    }
    assert abs(total) > 15
    assert found["1.0.k"] == pytest.approx(total, abs=1e-5)
    assert found["1.0.q"] == found["1.0.v"] == found["logits"] == 0


def test_letters_are_read_and_written():
    tokenizer = toys.induction().tokenizer
    assert len(tokenizer) == 64
    assert tokenizer("aZ9 \n\u20ac<bos>")["input_ids"] == [0, 1, 52, 62, *[63] * 4, 2, 15, 19, 63]
    assert tokenizer.decode([0, 1, 52, 62, 63]) == "<bos>aZ9."


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
    toys.induction()
    assert torch.equal(torch.rand(2), expected)


@pytest.mark.parametrize("beta", [-1.0, float("nan"), float("inf")])
def test_beta_must_be_a_number(beta):
    for build in (toys.either, toys.both, toys.induction):
        with pytest.raises(InputError, match="beta"):
            build(beta)
