"""The first three kinds on real forwards: planted, noisy, decoys, random, and from outside."""

from __future__ import annotations

import pytest
import torch

from headwidgets.model.engine import Engine
from headwidgets.taxonomy import score, scores
from headwidgets.taxonomy.verdict import CANDIDATE, CONSISTENT, NO, NOT_MEASURABLE
from headwidgets.zoo.planted import planted as build
from headwidgets.zoo.planted import planted_decoys as build_decoys

OWN = [
    ("previous token", "0.0"),
    ("positional", "0.0"),
    ("duplicate token", "0.1"),
    ("global retrieval", "0.1"),
    ("global retrieval", "1.0"),
    ("induction", "1.0"),
]
"""What each planted head is: one head may be several kinds."""
COPIES = ("associative memories", "1.0")  # a property of weights: never more than a candidate


def heads(table, verdict):
    found = table[table["verdict"] == verdict]
    return [
        (kind, f"{layer}.{head}")
        for kind, layer, head in zip(found["kind"], found["layer"], found["head"], strict=True)
    ]


def engine_of(bridge):
    return Engine(bridge, name="test")


def test_each_kind_finds_its_own_planted_head(planted_bridge):
    table = scores(engine_of(planted_bridge))
    assert heads(table, CONSISTENT) == OWN
    assert heads(table, CANDIDATE) == [COPIES]
    claimed = table[table["verdict"] == CONSISTENT]
    assert (claimed["p"] <= 0.01).all()
    assert claimed["score"].to_numpy() == pytest.approx([1] * len(OWN), abs=1e-5)
    assert table.loc[table["kind"] == "induction", "task_accuracy"].iloc[0] == 1


@pytest.mark.parametrize("seed", [0, 1])
def test_noise_on_all_weights_changes_no_verdict(seed):
    table = scores(engine_of(build(noise=0.05, seed=seed)))
    assert heads(table, CONSISTENT) == OWN
    assert heads(table, CANDIDATE) == [COPIES]


@pytest.mark.parametrize("noise", [0.0, pytest.param(0.05, marks=pytest.mark.slow)])
def test_decoys_are_no_induction_heads(noise):
    table = scores(engine_of(build_decoys(noise=noise)))
    looks = ("global retrieval", "1.3")  # attention is all that this kind asks for
    assert heads(table, CONSISTENT) == [*OWN[:5], looks, *OWN[5:]]
    copies = [COPIES, ("associative memories", "1.4")]
    assert heads(table, CANDIDATE) == [*copies, ("induction", "1.3")]  # it attends, and no copying
    decoy = table[(table["kind"] == "induction") & (table["layer"] == 1) & (table["head"] == 3)]
    assert "no copier" in decoy["reason"].item()


def test_with_nothing_planted_nothing_is_claimed():
    assert set(scores(engine_of(build(beta=0.0)))["verdict"]) == {NO, NOT_MEASURABLE}


def test_without_its_previous_token_head_induction_is_gone(planted_bridge):
    def zero(z, _):
        z = z.clone()
        z[:, :, 0] = 0
        return z

    engine = engine_of(planted_bridge)
    engine.run(torch.tensor([[0, 1, 2]]))  # TransformerLens wires hooks of its own, once
    before = engine.hooks_left()
    hooks = [("blocks.0.attn.hook_z", zero)]
    table = score(engine, "induction", hooks=hooks, edits="zero 0.0")
    assert heads(table, CONSISTENT) == []
    assert table["score"].max() < 0.1
    assert table["task_accuracy"].iloc[0] < 0.1
    assert engine.hooks_left() == before


@pytest.mark.parametrize("size", [0.3, 1.0])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_random_model_claims_nothing(seed, size):
    from transformer_lens import TransformerBridge

    config = {
        "n_layers": 2,
        "n_heads": 4,
        "d_model": 32,
        "d_head": 8,
        "n_ctx": 128,
        "d_vocab": 200,
        "attn_only": True,
        "normalization_type": "LN",
    }
    with torch.random.fork_rng(devices=[]):
        bridge = TransformerBridge.boot_native(config)
    bridge.eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in bridge.original_model.parameters():
            weight.copy_(size * torch.randn(weight.shape, generator=generator))
    assert not heads(scores(engine_of(bridge)), CONSISTENT)


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2"])
def test_random_models_of_other_shapes_claim_nothing(shaped_bridges, name):
    table = scores(engine_of(shaped_bridges(name)), length=12)
    assert heads(table, CONSISTENT) == []
    measured = table[table["verdict"] != NOT_MEASURABLE]
    assert measured["score"].notna().all()
    assert {"induction", "positional", "associative memories"} <= set(measured["kind"])


def test_a_real_model_from_outside(stories_path):
    engine = Engine.open(str(stories_path))
    story = engine.text.encode(
        "Once upon a time, there was a little girl named Lily. She loved to play outside in the "
        "park. One day, she saw a big, red ball. She wanted to play with it, but it was too high."
    )
    options = {"ids": range(259, 500), "length": 20}
    table = score(engine, "previous token", text=[story], **options)
    best = table.sort_values("score", ascending=False).head(4)
    order = [f"{a}.{b}" for a, b in zip(best["layer"], best["head"], strict=True)]
    assert order == ["3.6", "1.3", "1.6", "1.5"]
    assert best["score"].to_numpy() == pytest.approx([0.745, 0.612, 0.501, 0.461], abs=0.03)
    assert set(best["verdict"]) == {CONSISTENT}
    assert "first on your text: 1.3" in table.attrs["agreement"]
    assert table.attrs["agreement"].endswith("they differ")
    assert "they differ" in best["reason"].iloc[0]

    none = score(engine, "induction", **options)
    assert set(none["verdict"]) == {NO}
    assert none["score"].max() < 0.08
    assert none["task_accuracy"].iloc[0] < 0.05
