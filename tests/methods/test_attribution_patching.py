"""Attribution patching is the metric's slope: finite differences, hand-made gradients, no trace."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from direct import ARCHITECTURES, LENGTH, cached, engine_of, question, run, uneven

from headwidgets.errors import Cancelled, EditDropped, InputError
from headwidgets.methods import attribution_patching as patching
from headwidgets.methods.attribution_patching import attribution_patching
from headwidgets.methods.beside_exact import compare_with_exact
from headwidgets.methods.gradients import gradients
from headwidgets.methods.metrics import KL, LogitDiff, Prob, Rank
from headwidgets.methods.snapshot import Pair, Snapshot
from headwidgets.model.work import Work, doing

ONE = LogitDiff(7, 8)
STEP = 2e-2


def slope(bridge, pair, base, head, place):
    """The change that a small step towards the other run makes, as if it went on so."""
    layer, number = head
    name = f"blocks.{layer}.attn.hook_z"
    other = cached(bridge, pair.ids("clean" if base == "corrupted" else "corrupted"))[name]
    where = slice(None) if place is None else slice(place, place + 1)

    def value(step):
        def edit(z):
            z[0, where, number] += step * (other[0, where, number] - z[0, where, number])
            return z

        logits = run(bridge, pair.ids(base), [(name, edit)])
        return float(logits[7] - logits[8])

    return (value(STEP) - value(-STEP)) / (2 * STEP)


@pytest.mark.parametrize("direction", ["denoise", "noise"])
@pytest.mark.parametrize("name", [*ARCHITECTURES, "opt", "gpt-neo"])
def test_it_is_the_slope_of_a_patch(shaped_bridges, name, direction):
    bridge, asked = shaped_bridges(name), Snapshot(pairs=question().pairs, metric=ONE)
    engine = engine_of(bridge)
    base = "corrupted" if direction == "denoise" else "clean"
    frame = attribution_patching(engine, asked, direction=direction)
    each = attribution_patching(engine, asked, "heads x positions", direction)
    assert len(frame) == 12
    assert len(each) == 12 * LENGTH
    sums = each.groupby(["layer", "head"])["estimate"].sum().to_numpy()
    assert np.allclose(sums, frame["estimate"], atol=1e-6)
    for head in ((0, 1), (2, 3)):
        row = frame.query(f"layer == {head[0]} and head == {head[1]}").iloc[0]
        found = [slope(bridge, pair, base, head, None) for pair in asked.pairs]
        assert row["estimate"] == pytest.approx(np.mean(found), rel=2e-2, abs=1e-3)
        assert row["se"] == pytest.approx(np.std(found, ddof=1) / 3**0.5, rel=5e-2, abs=1e-3)
        assert row["n"] == 3
    row = each.query("layer == 1 and head == 2 and position == 7").iloc[0]
    found = [slope(bridge, pair, base, (1, 2), 7) for pair in asked.pairs]
    assert row["estimate"] == pytest.approx(np.mean(found), rel=2e-2, abs=1e-3)
    assert frame["estimate"].abs().max() > 1e-2


def test_before_the_first_difference_nothing_is_attributed(shaped_bridges):
    engine = engine_of(shaped_bridges("llama"))
    each = attribution_patching(engine, question(), "heads x positions")
    assert not each.query("position < 4")["estimate"].any()
    some = attribution_patching(engine, question(), at=["first", 7, 4])
    expected = each.query("position in (4, 7)").groupby(["layer", "head"])["estimate"].sum()
    assert np.allclose(some["estimate"], expected, atol=1e-6)


def test_the_batch_does_not_matter(shaped_bridges):
    engine = engine_of(shaped_bridges("gemma2"))
    frame = attribution_patching(engine, question())
    alone = attribution_patching(engine, question(), memory=patching.bytes_of(engine, LENGTH) / 1e9)
    assert np.allclose(frame["estimate"], alone["estimate"], atol=1e-5)
    mixed = attribution_patching(engine, uneven(), "heads x positions")
    assert list(mixed["position"].unique()) == ["first", "second", "end", "rest"]
    whole = attribution_patching(engine, uneven())["estimate"]
    sums = mixed.groupby(["layer", "head"])["estimate"].sum()
    assert np.allclose(sums, whole, atol=1e-6)


@pytest.mark.parametrize("metric", [Prob(7), KL(), None])
def test_other_metrics_have_slopes(shaped_bridges, metric):
    bridge = shaped_bridges("gpt2")
    pair = question(1).pairs[0]
    frame = attribution_patching(engine_of(bridge), Snapshot(pairs=(pair,), metric=metric))
    name = "blocks.1.attn.hook_z"
    other = cached(bridge, pair.clean)[name]
    clean = run(bridge, pair.clean)
    first, second = clean.topk(2).indices.tolist()

    def value(step):
        def edit(z):
            z[0, :, 2] += step * (other[0, :, 2] - z[0, :, 2])
            return z

        logits = run(bridge, pair.corrupted, [(name, edit)]).double()
        if metric is None:
            return float(logits[first] - logits[second])
        log = logits.log_softmax(-1)
        if metric == Prob(7):
            return float(log[7].exp())
        p = clean.double().log_softmax(-1)
        return float((p.exp() * (p - log)).sum())

    found = (value(STEP) - value(-STEP)) / (2 * STEP)
    estimate = frame.query("layer == 1 and head == 2")["estimate"].iloc[0]
    assert estimate == pytest.approx(found, rel=2e-2, abs=1e-5)


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_nothing_is_left_behind(shaped_bridges, name, frozen):
    bridge = shaped_bridges(name)
    engine = engine_of(bridge)
    flags = [p.requires_grad for p in bridge.parameters()]
    hooks, before = engine.hooks_left(), engine.run(torch.tensor([range(9)]))
    bridge.requires_grad_(not frozen)
    try:
        frame = attribution_patching(engine, question())
        assert [p.requires_grad for p in bridge.parameters()] == [not frozen] * len(flags)
    finally:
        for parameter, flag in zip(bridge.parameters(), flags, strict=True):
            parameter.requires_grad_(flag)
    assert np.isfinite(frame["estimate"]).all()
    assert all(p.grad is None for p in bridge.parameters())
    assert engine.hooks_left() == hooks
    assert all(getattr(block.attn, "_pattern", None) is None for block in engine.view.blocks)
    assert torch.equal(engine.run(torch.tensor([range(9)])), before)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, Cancelled])
def test_nothing_is_left_after_an_interruption(shaped_bridges, error):
    bridge = shaped_bridges("neox")
    engine = engine_of(bridge)
    hooks = engine.hooks_left()
    flags = [p.requires_grad for p in bridge.parameters()]

    def metric(_logits):
        raise error

    with pytest.raises(error):
        gradients(engine, torch.tensor([range(9)]), metric)
    assert engine.hooks_left() == hooks
    assert [p.requires_grad for p in bridge.parameters()] == flags
    assert all(p.grad is None for p in bridge.parameters())
    assert all(getattr(block.attn, "_pattern", None) is None for block in engine.view.blocks)


def test_it_can_be_cancelled(shaped_bridges):
    engine = engine_of(shaped_bridges("gpt2"))
    work = Work()
    work.cancel()
    with pytest.raises(Cancelled), doing(work):
        attribution_patching(engine, question())


@pytest.mark.parametrize("stop", [Cancelled, KeyboardInterrupt])
def test_what_is_done_before_it_is_stopped_is_kept(shaped_bridges, stop):
    engine, asked = engine_of(shaped_bridges("gpt2")), uneven()
    first, *others = asked.batches(limit=99)
    assert others

    def watch(done, _total, what):
        if what == "prompts, forward and backward" and done:
            raise stop

    with pytest.raises(stop) as caught, doing(Work(watch)):
        attribution_patching(engine, asked)
    kept = caught.value.partial
    alone = replace(asked, pairs=tuple(asked.pairs[i] for i in first))
    np.testing.assert_allclose(
        kept["estimate"], attribution_patching(engine, alone)["estimate"], atol=1e-6
    )
    assert kept["n"].eq(len(first)).all()
    assert kept.attrs["incomplete"] == f"stopped: {len(first)} of {len(asked.pairs)} prompts done"
    assert kept.attrs["measured_on"] == f"your prompts, n = {len(first)} of {len(asked.pairs)}"
    whole = attribution_patching(engine, asked)
    assert "incomplete" not in whole.attrs


def test_a_model_that_does_not_read_z_is_refused(shaped_bridges):
    engine = engine_of(shaped_bridges("gpt2"))
    ids = torch.tensor([range(9)])
    with pytest.raises(EditDropped, match="layer 0"):
        gradients(engine, ids, lambda _: torch.zeros(1, requires_grad=True))


def test_beside_the_exact_effects():
    index = pd.DataFrame({"layer": [0, 0, 1], "head": [0, 1, 0]})
    estimate = index.assign(estimate=[1.0, 2.0, -1.0])
    sweep = index.assign(effect=[1.5, 2.0, 0.5])[::-1]
    estimate.attrs |= {"direction": "noise", "metric": "m"}
    sweep.attrs |= {"sweep": "patch", "direction": "noise", "metric": "m"}
    out = compare_with_exact(estimate, sweep)
    assert out["error"].tolist() == [-0.5, 0.0, -1.5]
    assert out.attrs["largest_error"] == 1.5
    assert out.attrs["sign_disagreements"] == 1
    correlation = np.corrcoef([1.0, 2.0, -1.0], [1.5, 2.0, 0.5])[0, 1]
    assert out.attrs["correlation"] == pytest.approx(correlation)
    assert out.attrs["direction"] == "noise"
    sweep.attrs["direction"] = "denoise"
    with pytest.raises(InputError, match="one direction"):
        compare_with_exact(estimate, sweep)
    with pytest.raises(InputError, match="'effect'"):
        compare_with_exact(estimate, estimate)
    sweep.attrs["direction"] = "noise"
    with pytest.raises(InputError, match="2 of them shared"):
        compare_with_exact(estimate, sweep[:2])
    with pytest.raises(InputError, match="positions"):
        compare_with_exact(estimate.assign(position=0), sweep)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"over": "layers"}, "'heads x positions'"),
        ({"direction": "up"}, "'denoise'"),
        ({"over": "heads x positions", "at": "end"}, "at="),
        ({"memory": 1e-6}, r"about 0.00\d+ GB above .* memory=1e-06 allows less.* memory=0.00\d+"),
        ({"memory": "1"}, "memory= as gigabytes"),
        ({"memory": float("nan")}, "memory= as gigabytes"),
        ({"memory": True}, "memory= as gigabytes"),
        ({"heads": ["1.0"]}, "no option 'heads': it has over, direction, at, memory"),
        ({"at": "verb"}, "no role"),
    ],
)
def test_bad_input_is_refused(shaped_bridges, options, words):
    with pytest.raises(InputError, match=words):
        attribution_patching(engine_of(shaped_bridges("gpt2")), question(), **options)


@pytest.mark.parametrize(
    ("metric", "direction"), [(Rank(7), "denoise"), (KL(), "noise"), (Rank(7), "noise")]
)
def test_a_metric_without_a_slope_is_refused(shaped_bridges, metric, direction):
    asked = Snapshot(pairs=question().pairs, metric=metric)
    with pytest.raises(InputError, match="gradient"):
        attribution_patching(engine_of(shaped_bridges("gpt2")), asked, direction=direction)


def test_prompts_must_align(shaped_bridges):
    asked = Snapshot(pairs=(Pair((1, 2, 3), (1, 2)),), metric=ONE)
    with pytest.raises(InputError, match="3 and 2 tokens"):
        attribution_patching(engine_of(shaped_bridges("gpt2")), asked)
