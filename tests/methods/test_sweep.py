"""Every head by itself: a sweep equals one edit after another, and TransformerLens's own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
import transformer_lens.patching as lens

import headwidgets as hw
from headwidgets.methods import sweep_cost, sweep_replay
from headwidgets.methods.interval import interval
from headwidgets.methods.sweep_table import COLUMNS
from headwidgets.model import climb
from headwidgets.model.replay import Recording
from headwidgets.model.work import Work, doing

START = "When Mary and John went to the store,"
SET = hw.Prompts(
    clean=[f"{START} Mary", f"{START} John", f"And {START} Mary"],
    corrupted=[f"{START} John", f"{START} Mary", f"And {START} John"],
    answer=[" and", " went", " and"],
    foil=[" went", " and", " went"],
)


def heads_of(session):
    facts = session.facts
    return [(i, h) for i in range(facts.n_layers) for h in range(facts.n_heads)]


def one_by_one(session, make):
    """The same numbers by edits: one `effect` a head."""
    rows = []
    for head in heads_of(session):
        session.edits = [make(head)]
        found = session.effect()
        rows.append(
            [found["value"][row] for row in ("change", "normalised")]
            + [found["se"][row] for row in ("change", "normalised")]
        )
    session.edits = []
    return np.array(rows)


def numbers(frame):
    return frame[["effect", "normalised", "se", "normalised_se"]].to_numpy()


EDITS = {
    "denoise": ("patch", {}, lambda head: hw.patch(head, into="corrupted")),
    "noise": ("patch", {"direction": "noise"}, hw.patch),
    "zero": ("zero", {}, hw.zero),
    "mean": ("mean", {}, hw.mean),
    "at the end": ("patch", {"at": "end"}, lambda h: hw.patch(h, "end", into="corrupted")),
}


@pytest.mark.parametrize("name", EDITS)
def test_it_equals_one_edit_after_another(planted, name):
    kind, options, make = EDITS[name]
    planted.use(SET)  # of two lengths
    frame = planted.sweep(kind, **options)
    assert np.allclose(numbers(frame), one_by_one(planted, make), atol=1e-5, equal_nan=True)
    assert frame["effect"].abs().max() > 1


@pytest.mark.parametrize("architecture", ["gpt2", "llama", "gemma2"])
@pytest.mark.parametrize("kind", ["patch", "mean"])
def test_it_does_so_on_other_architectures(shaped_bridges, architecture, kind):
    session = hw.Session(shaped_bridges(architecture))
    ids = [tuple(range(10, 22)), tuple(range(50, 62))]
    session.use(
        hw.Prompts(clean=ids, corrupted=[(*i[:4], 99, *i[5:]) for i in ids]), hw.LogitDiff(7, 8)
    )
    hooks = session.engine.hooks_left()
    frame = session.sweep(kind)
    _, _, make = EDITS["denoise" if kind == "patch" else "mean"]
    assert np.allclose(numbers(frame), one_by_one(session, make), atol=1e-5, equal_nan=True)
    assert frame["effect"].abs().max() > 1e-4  # else the comparison could not fail
    assert session.engine.hooks_left() == hooks
    session.close()


def test_it_equals_transformer_lens_patching(planted, planted_bridge):
    planted.use(hw.Prompts(clean=SET.clean[:2], corrupted=SET.corrupted[:2]))
    planted.metric = hw.LogitDiff(" and", " went")
    ids = [torch.tensor([p.clean for p in planted.snapshot().pairs])]
    ids.append(torch.tensor([p.corrupted for p in planted.snapshot().pairs]))
    right, wrong = planted.metric.ids(planted.token_ids, planted.engine.text.answer_id)
    with torch.no_grad():
        _, cache = planted_bridge.run_with_cache(ids[0])

        def metric(logits):
            return (logits[:, -1, right] - logits[:, -1, wrong]).mean()

        before = float(metric(planted_bridge(ids[1])))
        theirs = lens.get_act_patch_attn_head_out_all_pos(planted_bridge, ids[1], cache, metric)
    ours = planted.sweep("patch")
    assert np.allclose(ours["effect"], theirs.numpy().reshape(-1) - before, atol=1e-5)


def test_the_planted_circuit_is_found(planted):
    planted.use(SET)
    frame = planted.sweep()
    assert list(frame.columns) == list(COLUMNS)
    best = frame.loc[frame["effect"].idxmax()]
    assert (best["layer"], best["head"], best["n"]) == (1, 0, 3)
    assert best["normalised"] == pytest.approx(1, abs=1e-5)
    assert best["low"] <= best["effect"] <= best["high"]
    assert frame.attrs["metric"] == "logit of each prompt's answer minus its foil"
    assert frame.attrs["measured_on"] == "your prompts, n = 3"
    assert (frame.attrs["numerics"], frame.attrs["revision"]) == ("raw", planted.revision)


def test_the_session_s_edits_are_put_aside(planted):
    planted.use(SET)
    before = planted.sweep()
    planted.edits = [hw.zero("1.0")]
    assert not planted.is_stale(before)
    pd.testing.assert_frame_equal(planted.sweep(), before)
    assert [str(edit) for edit in planted.edits] == ["zero 1.0"]
    planted.metric = hw.LogitDiff(" and", " went")
    assert planted.is_stale(before)


def test_a_normalised_effect_needs_a_difference(planted):
    planted.use(hw.Prompts(clean=[f"{START} Mary"], corrupted=[f"{START} Mary"]))
    frame = planted.sweep()
    assert frame["normalised"].isna().all()
    assert "differ by 0" in frame.attrs["normalised"]
    assert frame[["se", "low", "high"]].isna().all(axis=None)  # one prompt has no spread
    planted.corrupted_prompt = None
    assert planted.sweep("zero").attrs["normalised"] == "no corrupted prompt"


@pytest.mark.parametrize("kind", ["patch", "mean"])
def test_a_call_has_a_bounded_number_of_tokens(planted, monkeypatch, kind):
    planted.use(SET)
    whole = planted.sweep(kind)
    calls = []
    block = Recording.block

    def counted(self, layer, rows, start):
        calls.append(rows.shape[0] * rows.shape[1])
        return block(self, layer, rows, start)

    monkeypatch.setattr(Recording, "block", counted)
    for module in (climb, sweep_replay, sweep_cost):
        monkeypatch.setattr(module, "TOKENS", 30)
    pd.testing.assert_frame_equal(planted.sweep(kind), whole)
    assert max(calls) <= 30
    assert len(calls) >= 4  # where all go together, one a layer would do


def test_it_can_be_cancelled_and_leaves_no_hook(planted):
    planted.use(SET)
    hooks = planted.engine.hooks_left()
    seen = []

    def watch(done, total, label):
        seen.append((done, total, label))
        work.cancel()

    work = Work(watch)
    with pytest.raises(hw.Cancelled), doing(work):
        planted.sweep()
    assert seen == [(0, 18, "heads, patch")]
    assert planted.engine.hooks_left() == hooks


@pytest.mark.parametrize("stop", [hw.Cancelled, KeyboardInterrupt])
def test_what_was_done_before_it_was_stopped_is_kept(planted, monkeypatch, stop):
    planted.use(SET)
    whole = planted.sweep()
    for module in (sweep_replay, sweep_cost):
        monkeypatch.setattr(module, "TOKENS", 30)

    def arrived(table):
        if table()["effect"].notna().sum() >= 4:
            raise stop

    with pytest.raises(stop) as caught:
        planted.sweep(arrived=arrived)
    part = caught.value.partial
    done = part["effect"].notna()
    assert 4 <= done.sum() < 6
    assert part.attrs["incomplete"] == f"stopped: {done.sum()} of 6 edits done"
    assert np.allclose(part["effect"][done], whole["effect"][done], atol=1e-4, rtol=0.5)
    kept = planted.frames["sweep: patch"]
    pd.testing.assert_frame_equal(kept, part)
    assert kept.attrs["revision"] == planted.revision


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "pach"}, "expected kind 'patch', 'zero', 'mean'"),
        ({"direction": "up"}, "expected direction 'denoise', 'noise'"),
        ({"over": "layers"}, "expected over 'heads'"),
        ({"over": "heads x positions", "at": "end"}, "visits every position"),
        ({"over": "positions x layers", "heads": ["1.0"]}, "leave heads= out"),
        ({"heads": ["9.9"]}, "no head 9.9"),
        ({"heads": []}, "at least one head"),
        ({"memory": 1e-6}, r"memory=1e-06 allows less: shorten the prompts, or pass memory="),
        ({"most": 3}, r"cost about \d+ whole forwards, and most=3 allows fewer"),
        ({"batch": 3}, "sweep has no option 'batch'"),
        ({"at": 3}, "means another word in each prompt"),
        ({"at": "S2"}, "no role 'S2'"),
    ],
)
def test_what_cannot_be_meant_is_refused(planted, arguments, message):
    planted.use(SET)
    with pytest.raises(hw.InputError, match=message):
        planted.sweep(**arguments)


def test_a_patch_needs_aligned_pairs(planted):
    with pytest.raises(hw.InputError, match="prompt 0 has no corrupted prompt"):
        planted.sweep()
    planted.corrupted_prompt = f"{planted.prompt} and"
    with pytest.raises(hw.InputError, match=r"prompt 0 has \d+ and \d+ tokens"):
        planted.sweep()


@pytest.mark.parametrize(("n", "t"), [(2, 12.706), (11, 2.228), (21, 2.086), (1001, 1.962)])
def test_the_interval_is_student_s(n, t):
    low, high = interval(1.0, 0.5, n)
    assert (high - 1) / 0.5 == pytest.approx(t, abs=2e-3)
    assert (1 - low) / 0.5 == pytest.approx(t, abs=2e-3)
