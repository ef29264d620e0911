"""Sweeps by replay against brute force: every architecture, kind and `over`, and gold checks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformer_lens.patching as lens
from shaped import ALL
from swept import METRIC, session_of

import headwidgets as hw
from headwidgets.methods import sweep as sweeping
from headwidgets.methods.metrics import KL, LogProb, Rank


def by_hand(session, bridge, kind, over="heads", at=None, direction="denoise"):
    """The same numbers by plain hooks on the bridge, one run an edit."""
    snapshot = session.snapshot()
    runs = {
        run: torch.tensor([p.ids(run) for p in snapshot.pairs]) for run in ("clean", "corrupted")
    }
    base = "corrupted" if kind == "patch" and direction == "denoise" else "clean"
    other = runs["clean" if base == "corrupted" else "corrupted"]
    length = other.shape[1]
    stream = over == "positions x layers"

    def name(layer):
        return f"blocks.{layer}.{'hook_resid_pre' if stream else 'attn.hook_z'}"

    layers = range(session.facts.n_layers)
    with torch.no_grad():
        _, cache = bridge.run_with_cache(other)

        def metric(hooks):
            logits = bridge.run_with_hooks(runs[base], fwd_hooks=hooks)[:, -1]
            return (logits[:, 7] - logits[:, 8]).mean().item()

        before = metric([])
        places = [at] if over == "heads" else range(length)
        units = (
            [(i, None) for i in layers]
            if stream
            else [(i, h) for i in layers for h in range(session.facts.n_heads)]
        )
        out = []
        for layer, head in units:
            for place in places:
                where = slice(None) if place is None else [place]

                def put(value, hook, layer=layer, head=head, where=where):
                    new = cache[name(layer)] if kind == "patch" else torch.zeros_like(value)
                    value = value.clone()
                    if head is None:
                        value[:, where] = new[:, where]
                    else:
                        value[:, where, head] = new[:, where, head]
                    return value

                out.append(metric([(name(layer), put)]) - before)
    return np.array(out)


CASES = {
    "heads": ("patch", {}),
    "noise": ("patch", {"direction": "noise"}),
    "zero": ("zero", {}),
    "at the end": ("patch", {"at": 10}),
    "at a place": ("patch", {"at": 5}),
    "heads x positions": ("patch", {"over": "heads x positions"}),
    "positions x layers": ("patch", {"over": "positions x layers"}),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("architecture", ALL)
def test_a_sweep_equals_brute_force(shaped_bridges, architecture, case):
    kind, options = CASES[case]
    bridge = shaped_bridges(architecture)
    session = session_of(bridge)
    hooks = session.engine.hooks_left()
    frame = session.sweep(kind, **options)
    expected = by_hand(session, bridge, kind, **options)
    assert np.abs(expected).max() > 1e-3  # else the comparison could not fail
    assert np.abs(frame["effect"].to_numpy() - expected).max() < 2e-5
    assert session.engine.hooks_left() == hooks
    session.close()


def test_whole_runs_give_the_same_numbers(shaped_bridges, monkeypatch):
    session = session_of(shaped_bridges("llama"))
    replayed = {name: session.sweep(kind, **options) for name, (kind, options) in CASES.items()}
    monkeypatch.setattr(sweeping.Replay, "run", lambda *_: pytest.fail("nothing is replayed"))
    able = sweeping.Replay.__init__

    def unable(self, *asked):
        able(self, *asked)
        self.able = self.able._replace(blocks=False)

    monkeypatch.setattr(sweeping.Replay, "__init__", unable)
    for name, (kind, options) in CASES.items():
        whole = session.sweep(kind, **options)
        assert np.allclose(whole["effect"], replayed[name]["effect"], atol=2e-5)
    session.close()


def test_a_residual_patch_is_transformer_lens_s(shaped_bridges):
    bridge = shaped_bridges("gpt2")
    session = session_of(bridge, n=1)
    pair = session.snapshot().pairs[0]
    with torch.no_grad():
        _, cache = bridge.run_with_cache(torch.tensor([pair.clean]))
        theirs = lens.get_act_patch_resid_pre(
            bridge, torch.tensor([pair.corrupted]), cache, lambda x: x[0, -1, 7] - x[0, -1, 8]
        )
    frame = session.sweep("patch", over="positions × layers")
    raw = frame["effect"].to_numpy() + frame.attrs["corrupted"]
    assert np.abs(raw - theirs.numpy().reshape(-1)).max() < 1e-5
    session.close()


def test_the_gold_checks_of_patching(shaped_bridges):
    """B0: the embedding at the one place that differs restores all, at any other nothing."""
    session = session_of(shaped_bridges("gpt2"), n=1)
    clean = list(session.snapshot().pairs[0].clean)
    session.use(hw.Prompts(clean=[clean], corrupted=[[*clean[:4], 199, *clean[5:]]]), METRIC)
    frame = session.sweep("patch", over="positions x layers")
    first = frame[frame["layer"] == 0].set_index("position")["normalised"]
    assert first[4] == pytest.approx(1, abs=1e-5)
    assert (first.drop(4) == 0).all()
    assert (frame[frame["position"] < 4]["effect"] == 0).all()
    heads = session.sweep("patch", over="heads x positions")
    assert (heads[heads["position"] < 4]["effect"] == 0).all()
    # all heads of the last layer at the end, together, are what they are one by one where
    # nothing comes after: the sum of their direct changes (the norm is what couples them)
    session.use(hw.Prompts(clean=[clean], corrupted=[clean]), METRIC)
    same = session.sweep("patch", over="heads x positions")
    assert (same["effect"] == 0).all()
    assert same["normalised"].isna().all()
    session.close()


def test_prompts_of_unequal_length_are_swept_at_their_roles(shaped_bridges):
    bridge = shaped_bridges("llama")
    session = hw.Session(bridge)
    clean = [[11, 12, 13, 14, 15], [21, 22, 23, 24, 25, 26, 27]]
    corrupted = [[11, 99, 13, 14, 15], [21, 22, 23, 98, 25, 26, 27]]
    roles = {"S": [1, 3]}
    session.use(hw.Prompts(clean=clean, corrupted=corrupted, roles=roles), METRIC)
    frame = session.sweep("patch", over="heads x positions")
    assert list(frame["position"].unique()) == ["S", "end"]
    assert (frame["n"] == 2).all()
    for role in ("S", "end"):
        rows = frame[frame["position"] == role].reset_index(drop=True)
        alone = session.sweep("patch", at=role)
        assert np.allclose(rows["effect"], alone["effect"], atol=1e-5)
        assert rows["effect"].abs().max() > 1e-3
    session.close()


@pytest.mark.parametrize("metric", [KL(), LogProb(7), Rank(7)])
def test_a_metric_that_looks_at_every_logit(shaped_bridges, metric):
    session = session_of(shaped_bridges("gemma2"))
    frame = session.sweep("zero", metric=metric)
    for head in ("0.0", "2.3"):
        session.metric = metric
        session.edits = [hw.zero(head)]
        layer, index = map(int, head.split("."))
        row = frame[(frame["layer"] == layer) & (frame["head"] == index)]["effect"].item()
        assert row == pytest.approx(session.effect()["value"]["change"], abs=1e-5)
    assert frame.attrs["unit"] == metric.unit
    session.close()


def test_some_heads_only_and_a_resample(shaped_bridges):
    session = session_of(shaped_bridges("gpt2"), n=4)
    whole = session.sweep("resample", seed=3)
    some = session.sweep("resample", seed=3, heads=["2.1", (0, 3)])
    assert some[["layer", "head"]].to_numpy().tolist() == [[0, 3], [2, 1]]
    picked = whole.set_index(["layer", "head"])["effect"][[(0, 3), (2, 1)]]
    assert np.allclose(some["effect"], picked, atol=1e-5)
    session.edits = [hw.resample("2.1", seed=3)]
    assert some["effect"].iloc[1] == pytest.approx(session.effect()["value"]["change"], abs=1e-5)
    assert not np.allclose(session.sweep("resample", seed=4)["effect"], whole["effect"])
    session.close()
