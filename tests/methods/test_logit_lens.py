"""The lens reads each stage with the model's own end; a head's tokens are those of its write."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from direct import ARCHITECTURES, END, cached, difference, engine_of, question, run, uneven

from headwidgets.errors import InputError
from headwidgets.methods.attribution import attribution
from headwidgets.methods.logit_lens import logit_lens
from headwidgets.methods.metrics import LogitDiff, Prob
from headwidgets.methods.snapshot import Pair, Snapshot


@pytest.mark.parametrize("name", [*ARCHITECTURES, "gemma3", "opt", "gpt-neo"])
def test_each_stage_is_read_by_the_models_own_end(shaped_bridges, name):
    bridge, asked = shaped_bridges(name), question(index=1)
    frame = logit_lens(engine_of(bridge), asked, k=3)
    halves = [] if name == "neox" else ["attention"]
    after = "block" if name == "neox" else "mlp"
    assert list(frame["stage"]) == ["embedding", *[*halves, after] * 3]
    last = frame.iloc[-1]
    ends = [run(bridge, pair.clean) for pair in asked.pairs]
    expected = [difference(e, words) for e, words in zip(ends, asked.answers, strict=True)]
    assert last["metric"] == pytest.approx(np.mean(expected), rel=1e-4)
    assert last["se"] == pytest.approx(np.std(expected, ddof=1) / 3**0.5, rel=1e-4)
    best = ends[1].softmax(-1).topk(3)
    engine = engine_of(bridge)
    assert last["top"] == tuple(engine.text.labels(best.indices.tolist()))
    assert last["p"] == pytest.approx(best.values.tolist(), rel=1e-4)
    if halves:  # a stage on its way, by hand
        found = []
        for pair, words in zip(asked.pairs, asked.answers, strict=True):
            cache = cached(bridge, pair.clean)
            mid = cache["blocks.1.hook_resid_pre"] + cache["blocks.1.hook_attn_out"]
            with torch.no_grad():
                normed = bridge.ln_final.original_component(mid)
                logits = normed[0, END] @ bridge.W_U
            cap = getattr(bridge.original_model.config, "final_logit_softcapping", None)
            logits = cap * torch.tanh(logits / cap) if cap else logits
            found.append(difference(logits, words))
        row = frame[(frame["stage"] == "attention") & (frame["layer"] == 1)].iloc[0]
        assert row["metric"] == pytest.approx(np.mean(found), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("name", ["gpt2", "gemma2", "llama"])
def test_a_head_promotes_what_its_write_raises(shaped_bridges, name):
    bridge, asked = shaped_bridges(name), question(index=2)
    engine = engine_of(bridge)
    frame = logit_lens(engine, asked, by="head", k=4)
    heads = attribution(engine, asked).query("part == 'head'")
    assert np.allclose(frame["attribution"], heads["attribution"])
    assert len(frame) == 12
    cache = cached(bridge, asked.pair.clean)
    with torch.no_grad():
        write = cache["blocks.1.attn.hook_z"][0, END, 2] @ bridge.W_O[1, 2]
        if name == "gemma2":
            write = write * (1 + bridge.blocks[1].ln1_post.original_component.weight)
        weight = bridge.ln_final.original_component.weight + (1 if name == "gemma2" else 0)
        if name == "gpt2":
            write = write - write.mean()
        raised = (write * weight) @ bridge.W_U
    row = frame.query("layer == 1 and head == 2").iloc[0]
    assert row["promoted"] == tuple(engine.text.labels(raised.topk(4).indices.tolist()))
    assert row["suppressed"] == tuple(engine.text.labels((-raised).topk(4).indices.tolist()))


def test_sets_of_two_lengths_and_other_metrics(shaped_bridges):
    engine = engine_of(shaped_bridges("mistral"))
    frame = logit_lens(engine, uneven(), at="second")
    alone = [
        logit_lens(engine, Snapshot(pairs=(p,), metric=LogitDiff(7, 8)), at="second")["metric"]
        for p in uneven().pairs
    ]
    assert np.allclose(frame["metric"], np.mean(alone, axis=0), atol=1e-5)
    lens = logit_lens(engine, question(metric=Prob(7)))
    assert lens["metric"].between(0, 1).all()


def test_the_planted_model_knows_after_its_last_block(planted_bridge):
    engine = engine_of(planted_bridge)
    asked = Snapshot(pairs=(Pair((0, 5, 9, 12, 5, 9)),), metric=LogitDiff(12, 30))
    frame = logit_lens(engine, asked, k=1)
    assert list(frame["stage"]) == ["embedding", "block", "block"]
    assert frame["metric"].tolist() == pytest.approx([0.0, 0.0, 40.0], abs=6)
    assert frame["top"].iloc[-1] == tuple(engine.text.labels([12]))
    heads = logit_lens(engine, asked, by="head", k=1)
    assert heads["promoted"].iloc[3] == tuple(engine.text.labels([12]))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"by": "token"}, "'head'"),
        ({"k": 0}, "k from 1"),
        ({"k": "many"}, "k from 1"),
        ({"at": None}, "one position or role"),
    ],
)
def test_bad_input_is_refused(shaped_bridges, options, words):
    with pytest.raises(InputError, match=words):
        logit_lens(engine_of(shaped_bridges("gpt2")), question(), **options)


def test_by_head_needs_a_logit_difference(shaped_bridges):
    with pytest.raises(InputError, match="logit difference"):
        logit_lens(engine_of(shaped_bridges("gpt2")), question(metric=Prob(7)), by="head")
