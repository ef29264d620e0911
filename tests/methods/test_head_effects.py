"""Direct, norms and indirect sum to the total; each equals plain hooks and plain sums."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from direct import (
    ARCHITECTURES,
    END,
    LENGTH,
    cached,
    cap_of,
    difference,
    engine_of,
    question,
    run,
    uneven,
)

from headwidgets.errors import Cancelled, InputError
from headwidgets.methods import replaced
from headwidgets.methods.attribution import attribution
from headwidgets.methods.head_effects import _repaired, effects
from headwidgets.methods.metrics import KL, LogitDiff, Prob
from headwidgets.methods.snapshot import Pair, Snapshot
from headwidgets.model.able import Able
from headwidgets.model.work import Work, doing

PARTS = ["total", "direct", "layernorm", "indirect"]
HEADS = ["0.1", "1.3", "2.2"]


def by_hand(bridge, pair, words, head, kind, place):
    """Total and direct effect, and the direct one with norms recomputed, by plain runs."""
    layer, number = (int(part) for part in head.split("."))
    name = f"blocks.{layer}.attn.hook_z"
    cap = cap_of(bridge)
    clean = cached(bridge, pair.clean)
    new = torch.zeros_like(clean[name])
    if kind == "patch":
        new = cached(bridge, pair.corrupted)[name]
    where = slice(None) if place is None else slice(place, place + 1)

    def edit(z):
        z[0, where, number] = new[0, where, number]
        return z

    before = difference(run(bridge, pair.clean), words, cap)
    after = difference(run(bridge, pair.clean, [(name, edit)]), words, cap)
    change = edit(clean[name].clone())[0, END, number] - clean[name][0, END, number]
    change = change @ bridge.W_O[layer, number].detach()
    frozen = moved = change
    if hasattr(bridge.blocks[layer], "ln1_post"):
        norm = bridge.blocks[layer].ln1_post.original_component
        out = clean[f"blocks.{layer}.attn.hook_out"][0, END]
        scale = clean[f"blocks.{layer}.ln1_post.hook_scale"][0, END]
        frozen, moved = change / scale * (1 + norm.weight), norm(out + change) - norm(out)
    norm = bridge.ln_final.original_component
    residual = clean["blocks.2.hook_resid_post"][0, END]
    gemma = type(norm).__name__.startswith("Gemma")
    if type(norm).__name__ == "LayerNorm":
        frozen = frozen - frozen.mean()
    still = frozen / clean["ln_final.hook_scale"][0, END] * (norm.weight + (1 if gemma else 0))
    W_U = bridge.W_U.detach().double()
    read = [difference(norm(residual).double() @ W_U, words)]
    read.append(difference((norm(residual) + still).double() @ W_U, words))
    read.append(difference(norm(residual + moved).double() @ W_U, words))
    return before - after, read[0] - read[1], read[0] - read[2]


@pytest.mark.parametrize(
    ("kind", "at", "place"),
    [("patch", None, None), ("zero", "end", END), ("patch", "second", 7), ("zero", None, None)],
)
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_each_part_equals_plain_runs(shaped_bridges, name, kind, at, place):
    bridge, asked = shaped_bridges(name), question()
    frame = effects(engine_of(bridge), asked, HEADS, kind=kind, at=at)
    assert (frame["direct"] + frame["layernorm"] + frame["indirect"]).to_numpy() == pytest.approx(
        frame["total"].to_numpy(), abs=1e-12
    )
    with torch.no_grad():
        for row, head in enumerate(HEADS):
            found = np.array(
                [
                    by_hand(bridge, pair, words, head, kind, place)
                    for pair, words in zip(asked.pairs, asked.answers, strict=True)
                ]
            )
            total, direct, again = found.T
            expected = {"total": total, "direct": direct, "layernorm": again - direct}
            expected["indirect"] = total - again
            for part, values in expected.items():
                assert frame[part][row] == pytest.approx(values.mean(), abs=2e-5), part
                se = values.std(ddof=1) / 3**0.5
                assert frame[f"{part}_se"][row] == pytest.approx(se, abs=2e-5), part
    assert frame["total"].abs().max() > 1e-3  # else nothing was compared
    if place == 7:
        assert not frame[["direct", "layernorm"]].to_numpy().any()


@pytest.mark.parametrize("name", [*ARCHITECTURES, "gemma3", "opt", "gpt-neo"])
def test_the_direct_effect_of_zeroing_is_the_direct_attribution(shaped_bridges, name):
    engine, asked = engine_of(shaped_bridges(name)), question()
    hooks = engine.hooks_left()
    frame = effects(engine, asked, kind="zero")
    heads = attribution(engine, asked).query("part == 'head'")["attribution"]
    assert len(frame) == 12
    assert np.allclose(frame["direct"], heads, atol=1e-5)
    last = frame[frame["layer"] == 2]["indirect"].abs().max()
    if engine.facts.parallel:  # nothing reads the last layer's heads
        assert last < 1e-5
    else:
        assert last > 1e-4
    assert engine.hooks_left() == hooks


@pytest.mark.parametrize("name", ["gpt2", "gemma2"])
def test_hooks_give_the_same_where_nothing_can_be_replayed(shaped_bridges, name, monkeypatch):
    engine, asked = engine_of(shaped_bridges(name)), question()
    frame = effects(engine, asked)
    monkeypatch.setattr(replaced, "able", lambda _: Able(*[False] * 5))
    assert np.allclose(frame[PARTS], effects(engine, asked)[PARTS], atol=1e-5)


def test_few_heads_at_a_time_give_the_same(shaped_bridges, monkeypatch):
    engine, asked = engine_of(shaped_bridges("llama")), question()
    frame = effects(engine, asked)
    monkeypatch.setattr(replaced, "BYTES", 1)
    assert np.allclose(frame[PARTS], effects(engine, asked)[PARTS], atol=1e-5)


@pytest.mark.parametrize("metric", [Prob(7), KL()])
def test_other_metrics_sum_too(shaped_bridges, metric):
    bridge = shaped_bridges("gemma2")
    asked = Snapshot(pairs=question().pairs, metric=metric)
    frame = effects(engine_of(bridge), asked, ["1.1"], kind="zero")

    def edit(z):
        z[:, :, 1] = 0
        return z

    found = []
    for pair in asked.pairs:
        before = run(bridge, pair.clean).log_softmax(-1)
        after = run(bridge, pair.clean, [("blocks.1.attn.hook_z", edit)]).log_softmax(-1)
        kl = float((before.exp() * (before - after)).sum())
        found.append(-kl if metric == KL() else float(before.exp()[7] - after.exp()[7]))
    assert frame["total"][0] == pytest.approx(np.mean(found), rel=1e-3)
    assert frame[PARTS[1:]].sum(axis=1)[0] == pytest.approx(frame["total"][0], abs=1e-12)
    assert frame.attrs["notes"] == []


def test_the_mean_is_that_of_the_reference(shaped_bridges):
    bridge = shaped_bridges("neox")
    only = question(1).pairs
    asked = Snapshot(pairs=only, metric=LogitDiff(7, 8), reference=only)
    still = effects(engine_of(bridge), asked, kind="mean")
    assert still[PARTS].abs().max().max() < 1e-5  # a mean over the prompt itself
    other = Snapshot(pairs=only, metric=LogitDiff(7, 8), reference=question(3).pairs[1:])
    frame = effects(engine_of(bridge), other, ["1.1"], kind="mean")
    name = "blocks.1.attn.hook_z"
    new = torch.stack([cached(bridge, p.clean)[name][0, :, 1] for p in other.reference]).mean(0)

    def edit(z):
        z[0, :, 1] = new
        return z

    words = asked.metric
    total = difference(run(bridge, only[0].clean), words) - difference(
        run(bridge, only[0].clean, [(name, edit)]), words
    )
    assert frame["total"][0] == pytest.approx(total, abs=1e-5)
    assert "2 reference prompts" in frame.attrs["mean"]


def test_sets_of_two_lengths_are_measured_pair_by_pair(shaped_bridges):
    engine, asked = engine_of(shaped_bridges("mistral")), uneven()
    frame = effects(engine, asked, HEADS, at=["first", "end"])
    alone = [
        effects(engine, Snapshot(pairs=(p,), metric=asked.metric), HEADS, at=["first", "end"])
        for p in asked.pairs
    ]
    assert np.allclose(frame[PARTS], np.mean([f[PARTS] for f in alone], axis=0), atol=1e-6)
    assert set(frame["n"]) == {3}


def test_the_same_prompt_twice_has_no_effect(shaped_bridges):
    clean = question(1).pairs[0].clean
    asked = Snapshot(pairs=(Pair(clean, clean),), metric=LogitDiff(7, 8))
    assert effects(engine_of(shaped_bridges("gpt2")), asked)[PARTS].abs().max().max() < 1e-5


@pytest.mark.parametrize(
    ("total", "direct", "flag"),
    [
        ((0.1, 0.2, 0.15), (1.0, 1.1, 1.2), True),  # made up for
        ((1.0, 1.1, 1.2), (1.0, 1.1, 1.2), False),  # nothing indirect
        ((2.0, 2.1, 2.2), (1.0, 1.1, 1.2), False),  # helped on
        ((-0.1, -0.2, -0.15), (-1.0, -1.1, -1.2), True),
        ((0.9, -3.0, 4.0), (1.0, 1.1, 1.2), False),  # too uncertain
        ((-2.0, -2.1, -2.2), (1.0, 1.1, 1.2), False),  # turned round, and more
        ((0.999999,), (1.0,), False),  # rounding
        ((0.5,), (1.0,), True),  # one prompt has no errors
    ],
)
def test_self_repair_by_the_rule(total, direct, flag):
    total, direct = (np.array([values]) for values in (total, direct))
    parts = {"total": total, "direct": direct, "indirect": total - direct}
    assert _repaired(parts).tolist() == [flag]


def test_it_can_be_cancelled(shaped_bridges):
    engine = engine_of(shaped_bridges("gpt2"))
    hooks = engine.hooks_left()
    work = Work()
    work.cancel()
    with pytest.raises(Cancelled), doing(work):
        effects(engine, question())
    assert engine.hooks_left() == hooks


@pytest.mark.parametrize("stop", [Cancelled, KeyboardInterrupt])
def test_what_is_done_before_it_is_stopped_is_kept(shaped_bridges, stop):
    engine, asked = engine_of(shaped_bridges("gpt2")), uneven()
    first, *others = asked.batches(limit=99)
    assert others

    def watch(done, _total, what):
        if what == "effects, patch" and done:
            raise stop

    with pytest.raises(stop) as caught, doing(Work(watch)):
        effects(engine, asked)
    kept = caught.value.partial
    alone = replace(asked, pairs=tuple(asked.pairs[i] for i in first))
    np.testing.assert_allclose(kept["total"], effects(engine, alone)["total"], atol=1e-6)
    assert kept["n"].eq(len(first)).all()
    assert kept.attrs["incomplete"] == f"stopped: {len(first)} of {len(asked.pairs)} prompts done"
    assert kept.attrs["measured_on"] == f"your prompts, n = {len(first)} of {len(asked.pairs)}"
    whole = effects(engine, asked)
    assert "incomplete" not in whole.attrs


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kind": "noise"}, "'patch'"),
        ({"heads": []}, "at least one head"),
        ({"heads": ["3.0"]}, "no head 3.0"),
        ({"at": LENGTH}, f"no position {LENGTH}"),
        ({"at": "verb"}, "no role"),
    ],
)
def test_bad_input_is_refused(shaped_bridges, options, words):
    with pytest.raises(InputError, match=words):
        effects(engine_of(shaped_bridges("gpt2")), question(), **options)


def test_a_patch_needs_an_aligned_partner(shaped_bridges):
    pairs = (*question(1).pairs, Pair((1, 2, 3), (1, 2)))
    with pytest.raises(InputError, match="prompt 1 has 3 and 2 tokens"):
        effects(engine_of(shaped_bridges("gpt2")), Snapshot(pairs=pairs))
