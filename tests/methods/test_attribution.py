"""What is written to the stream sums to the metric; keys of a head sum to the head."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from direct import ARCHITECTURES, END, cached, cap_of, difference, engine_of, question, run, uneven

from headwidgets.errors import InputError
from headwidgets.methods.attribution import attribution
from headwidgets.methods.interval import interval
from headwidgets.methods.metrics import LogitDiff, Prob
from headwidgets.methods.snapshot import Pair, Snapshot

MORE = [*ARCHITECTURES, "gemma3", "opt", "gpt-neo"]


def frozen(bridge, cache, write, words, place):
    """The metric that `write` adds to the last residual at a frozen scale, by hand."""
    norm = bridge.ln_final.original_component
    name = type(norm).__name__
    weight = norm.weight.detach().double() + (1.0 if name.startswith("Gemma") else 0.0)
    write = write.double()
    if name == "LayerNorm":
        write = write - write.mean()
    y = write / cache["ln_final.hook_scale"][0, place].double() * weight
    return difference(y @ bridge.W_U.detach().double(), words)


@pytest.mark.parametrize("name", MORE)
def test_components_sum_to_the_metric_before_the_cap(shaped_bridges, name):
    bridge = shaped_bridges(name)
    asked = question()
    frame = attribution(engine_of(bridge), asked)
    expected = [
        difference(run(bridge, pair.clean), words, cap_of(bridge))
        for pair, words in zip(asked.pairs, asked.answers, strict=True)
    ]
    assert frame["attribution"].sum() == pytest.approx(np.mean(expected), rel=1e-5)
    assert frame.attrs["metric_value"] == pytest.approx(np.mean(expected), rel=1e-5)
    assert frame.attrs["error"] <= 1e-5
    assert set(frame["part"]) <= {"embedding", "positions", "head", "mlp", "bias"}
    assert (frame["part"] == "head").sum() == 12
    assert not frame.duplicated(["part", "layer", "head", "name"]).any()


@pytest.mark.parametrize("name", MORE)
def test_each_head_and_mlp_equals_its_write_by_hand(shaped_bridges, name):
    bridge, asked = shaped_bridges(name), question()
    frame = attribution(engine_of(bridge), asked, at="second").set_index("name")
    values = {"2.3": [], "mlp 1": [], "embedding": []}
    for pair, words in zip(asked.pairs, asked.answers, strict=True):
        cache = cached(bridge, pair.clean)
        head = cache["blocks.2.attn.hook_z"][0, 7, 3] @ bridge.W_O[2, 3].detach()
        if name.startswith("gemma"):
            norm = bridge.blocks[2].ln1_post.original_component
            head = head / cache["blocks.2.ln1_post.hook_scale"][0, 7] * (1 + norm.weight)
        for key, write in (
            ("2.3", head),
            ("mlp 1", cache["blocks.1.hook_mlp_out"][0, 7]),
            ("embedding", cache["hook_embed"][0, 7]),
        ):
            values[key].append(frozen(bridge, cache, write, words, 7))
    for key, found in values.items():
        row = frame.loc[key]
        assert row["attribution"] == pytest.approx(np.mean(found), rel=1e-4, abs=1e-5)
        se = np.std(found, ddof=1) / 3**0.5
        assert row["se"] == pytest.approx(se, rel=1e-3, abs=1e-5)
        assert row["n"] == 3
        low, high = interval(row["attribution"], se, 3)
        assert (row["low"], row["high"]) == pytest.approx((low, high), rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("name", MORE)
def test_keys_of_a_head_sum_to_the_head(shaped_bridges, name):
    bridge, asked = shaped_bridges(name), question()
    engine = engine_of(bridge)
    frame = attribution(engine, asked, by="source token")
    whole = attribution(engine, asked).query("part == 'head'")["attribution"].to_numpy()
    assert len(frame) == 12 * (END + 1)
    sums = frame.groupby(["layer", "head"])["attribution"].sum().to_numpy()
    assert np.allclose(sums, whole, atol=1e-5 * np.abs(whole).max())
    assert frame.attrs["error"] <= 1e-5
    # one key by hand, of a head that shares its keys and values with another where heads do
    found = []
    for pair, words in zip(asked.pairs, asked.answers, strict=True):
        cache = cached(bridge, pair.clean)
        v = cache["blocks.1.attn.hook_v"][0, 9]
        v = v.reshape(-1, 16)[3 // (4 // v.reshape(-1, 16).shape[0])]
        write = cache["blocks.1.attn.hook_pattern"][0, 3, END, 9] * v @ bridge.W_O[1, 3].detach()
        if name.startswith("gemma"):
            norm = bridge.blocks[1].ln1_post.original_component
            write = write / cache["blocks.1.ln1_post.hook_scale"][0, END] * (1 + norm.weight)
        found.append(frozen(bridge, cache, write, words, END))
    row = frame.query("layer == 1 and head == 3 and source == 9").iloc[0]
    assert row["attribution"] == pytest.approx(np.mean(found), rel=1e-4, abs=1e-6)


def test_sets_of_two_lengths_are_by_role(shaped_bridges):
    engine, asked = engine_of(shaped_bridges("llama")), uneven()
    frame = attribution(engine, asked, by="source token", heads=["1.2"])
    assert list(frame["source"]) == ["first", "second", "end", "rest"]
    each = []
    for pair in asked.pairs:
        alone = Snapshot(pairs=(pair,), metric=asked.metric)
        keys = attribution(engine, alone, by="source token", heads=["1.2"])["attribution"]
        places = [pair.roles["first"], pair.roles["second"], len(pair.clean) - 1]
        each.append([*keys[places], keys.drop(places).sum()])
    assert np.allclose(frame["attribution"], np.mean(each, axis=0), atol=1e-6)
    whole = attribution(engine, asked).query("name == '1.2'")["attribution"].iloc[0]
    assert frame["attribution"].sum() == pytest.approx(whole, rel=1e-5)


def test_a_token_of_two_roles_counts_for_both(shaped_bridges):
    pairs = (
        Pair(tuple(range(9)), None, {"one": 3, "two": 3}),
        Pair(tuple(range(20, 32)), None, {"one": 3, "two": 11}),
    )
    asked = Snapshot(pairs=pairs, metric=LogitDiff(7, 8))
    engine = engine_of(shaped_bridges("gpt2"))
    frame = attribution(engine, asked, by="source token", heads=["2.0"])
    assert list(frame["source"]) == ["one", "two", "end", "rest"]
    each = []
    for pair in pairs:
        alone = Snapshot(pairs=(pair,), metric=asked.metric)
        keys = attribution(engine, alone, by="source token", heads=["2.0"])["attribution"]
        places = [pair.roles["one"], pair.roles["two"], len(pair.clean) - 1]
        each.append([*keys[places], keys.drop(places).sum()])
    assert np.allclose(frame["attribution"], np.mean(each, axis=0), atol=1e-7)
    assert each[0][0] == each[0][1] != 0  # two roles, one token
    assert "on 2 of 2 prompts a token has several" in frame.attrs["notes"][1]


def test_long_prompts_in_chunks_give_the_same(shaped_bridges, monkeypatch):
    engine = engine_of(shaped_bridges("mistral"))
    asked = Snapshot(pairs=(Pair(tuple(range(5, 105))),), metric=LogitDiff(7, 8))
    frames = [attribution(engine, asked, by=by) for by in ("component", "source token")]
    monkeypatch.setattr("headwidgets.model.engine.LAYER_BYTES", 100_000)
    engine.forget()
    chunked = [attribution(engine, asked, by=by) for by in ("component", "source token")]
    for one, other in zip(frames, chunked, strict=True):
        assert np.allclose(one["attribution"], other["attribution"], atol=1e-5)


def test_the_planted_model_without_a_norm(planted_bridge):
    engine = engine_of(planted_bridge)
    ids = (0, 5, 9, 12, 5, 9)  # 12 followed 9
    asked = Snapshot(pairs=(Pair(ids),), metric=LogitDiff(12, 30))
    frame = attribution(engine, asked).set_index("name")
    assert frame["attribution"].idxmax() == "1.0"  # the induction head
    assert frame.loc["1.0", "attribution"] == pytest.approx(frame.attrs["metric_value"])
    keys = attribution(engine, asked, by="source token", heads=["1.0"])
    assert keys["attribution"].idxmax() == 3  # where 12 stands
    assert torch.isfinite(torch.tensor(frame["attribution"].to_numpy())).all()


def test_the_default_metric_is_the_first_two_tokens(shaped_bridges):
    bridge = shaped_bridges("gpt2")
    pair = question(1).pairs[0]
    frame = attribution(engine_of(bridge), Snapshot(pairs=(pair,)))
    first, second = torch.topk(run(bridge, pair.clean), 2).values.tolist()
    assert frame["attribution"].sum() == pytest.approx(first - second, rel=1e-4)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"by": "neuron"}, "'source token'"),
        ({"at": ["end", 3]}, "one position or role"),
        ({"at": "verb"}, "first"),
        ({"heads": ["0.1"]}, "source token"),
        ({"by": "source token", "heads": ["7.1"]}, "no head 7.1"),
    ],
)
def test_bad_input_is_refused(shaped_bridges, options, words):
    with pytest.raises(InputError, match=words):
        attribution(engine_of(shaped_bridges("gpt2")), question(), **options)


def test_a_metric_that_is_no_logit_difference_is_refused(shaped_bridges):
    with pytest.raises(InputError, match="logit difference"):
        attribution(engine_of(shaped_bridges("gpt2")), question(metric=Prob(7)))
