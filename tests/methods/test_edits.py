"""Edits against hooks written by hand, and against what must be equal exactly."""

from __future__ import annotations

import json
import random
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
from exact import edited_logits, hand, recorded
from shaped import NAMES

import headwidgets as hw
from headwidgets.methods.donors import donors
from headwidgets.methods.edit import Edit
from headwidgets.methods.runs import logits
from headwidgets.methods.snapshot import Pair, Snapshot

FIVE = ("gpt2", "neox", "llama", "mistral", "gemma2")
LENGTH = 12
CLEAN = tuple(range(10, 22))
CORRUPTED = (*range(10, 14), 99, *range(15, 20), 77, 21)
REFERENCE = (tuple(range(40, 52)), tuple(range(90, 102)), CORRUPTED)
OTHER = tuple(range(200, 212))


@pytest.fixture
def on(shaped_bridges):
    """A session on one pair with a reference, `on("llama")`; closed after the test."""
    made = []

    def open_session(name, **sets):
        session = hw.Session(shaped_bridges(name))
        session.use(
            prompts=hw.Prompts(clean=[CLEAN], corrupted=[CORRUPTED]),
            reference=hw.Prompts(clean=list(REFERENCE)),
        )
        made.append(session)
        return session

    yield open_session
    for session in made:
        session.close()


def after(session, *edits):
    session.edits = list(edits)
    return edited_logits(session)


def near(one, other, size=1.0):
    return float((one - other).abs().max()) <= 2e-5 * size


def drawn(n, seed=0):
    return torch.randn(n, generator=torch.Generator().manual_seed(seed)).numpy()


# ------------------------------------------------------------------ the residual stream


@pytest.mark.parametrize("name", NAMES)
def test_the_whole_stream_patched_is_the_other_run(on, shaped_bridges, name):
    """Everything after a stream follows from it, at every layer, on every architecture."""
    session = on(name)
    other, clean = (hand(shaped_bridges(name), [], ids) for ids in (CORRUPTED, CLEAN))
    for layer in range(session.facts.n_layers + 1):
        assert near(after(session, hw.patch(f"resid {layer}")), other, 10), layer
        assert near(after(session, hw.patch(f"resid {layer}", into="corrupted")), clean, 10), layer
    last = session.facts.n_layers
    assert near(after(session, hw.patch(f"resid {last}", at="end")), other, 10)
    assert near(after(session, hw.patch("resid 0", at=[4, 10])), other, 10)  # where they differ
    assert torch.equal(after(session, hw.patch("resid 0", at=[3, 5])), after(session))
    assert not near(other, clean, 1e3)


@pytest.mark.parametrize("name", FIVE)
def test_adding_u_at_z_is_adding_u_through_the_output_weights(on, shaped_bridges, name):
    bridge, session = shaped_bridges(name), on(name)
    u = drawn(session.facts.d_head)
    for layer, head in ((0, 1), (2, 3)):
        written = 2.0 * torch.tensor(u) @ session.engine.weights.W_O(layer)[head]
        out = f"blocks.{layer}.attn.hook_out"
        for at in (None, [3, LENGTH - 1]):
            places = slice(None) if at is None else at

            def more(x, places=places, written=written):
                x[:, places] += written
                return x

            got = after(session, hw.add((layer, head), u, 2.0, at))
            assert near(got, hand(bridge, [(out, more)], CLEAN), 10)
            assert not near(got, hand(bridge, [], CLEAN), 1e3)


def test_in_a_parallel_block_it_is_an_addition_to_the_next_stream(on):
    session = on("neox")
    u = drawn(session.facts.d_head)
    through = session.engine.weights.W_O(1)[2].T.numpy() @ u
    one = after(session, hw.add("1.2", u, -1.5))
    assert near(one, after(session, hw.add("resid 2", through, -1.5)), 10)


# ------------------------------------------------------------------ subtraction


def stream_after(session, name):
    """An activation under the session's edits, [position, ...]."""
    from headwidgets.methods.apply import compile_edits
    from headwidgets.methods.record import keep_into

    kept = []
    compiled = compile_edits(session.engine, session.snapshot(), [0])
    ids = torch.tensor([session.snapshot().pair.ids(session.snapshot().base)])
    session.engine.run(ids, [*compiled.hooks, (name, keep_into(kept))])
    return torch.cat(kept, 1)[0]


@pytest.mark.parametrize("name", FIVE)
@pytest.mark.parametrize("target", ["1.2", "resid 2", "mlp 1"])
@pytest.mark.parametrize("to", ["zero", "mean", "patch"])
def test_subtraction_leaves_what_it_says_along_the_direction(on, shaped_bridges, name, target, to):
    bridge, session = shaped_bridges(name), on(name)
    head = target == "1.2"
    v = drawn(session.facts.d_head if head else session.facts.d_model) * 3
    unit = torch.tensor(v / np.linalg.norm(v))
    point = {"1.2": "blocks.1.attn.hook_z", "resid 2": "blocks.2.hook_resid_pre"}.get(
        target, "blocks.1.hook_mlp_out"
    )

    def values(ids):
        found = recorded(bridge, ids, point)[0]
        return found[:, 2] if head else found

    before = values(CLEAN)
    wanted = {
        "zero": torch.zeros(LENGTH),
        "mean": torch.stack([values(ids) for ids in REFERENCE]).mean(0) @ unit,
        "patch": values(CORRUPTED) @ unit,
    }[to]
    once = hw.subtract(target, v, to=to)
    one = after(session, once)
    found = stream_after(session, point)
    found = found[:, 2] if head else found
    assert torch.allclose(found @ unit, wanted, atol=1e-4)
    # nothing across the direction has changed
    across = found - before
    assert float((across - (across @ unit)[:, None] * unit).abs().max()) < 1e-4
    assert near(after(session, once, once), one, 10)  # idempotent
    assert near(after(session, hw.subtract(target, -v / 7, to=to)), one, 10)  # of its axis alone
    assert not near(one, hand(bridge, [], CLEAN), 10)


def test_patching_all_axes_is_patching(on):
    """Of one axis after the other, d_head in all, nothing of the clean run is left."""
    session = on("llama")
    axes = np.linalg.qr(np.random.default_rng(0).normal(size=(16, 16)))[0]
    every = [hw.subtract("1.1", axis, to="patch", at="end") for axis in axes]
    assert near(after(session, *every), after(session, hw.patch("1.1", at="end")), 10)


# ------------------------------------------------------------------ means, keep


@pytest.mark.parametrize("name", FIVE)
def test_the_mean_over_the_prompt_itself_changes_nothing(on, shaped_bridges, name):
    session = on(name)
    session.reference = hw.Prompts(clean=[CLEAN])
    clean = hand(shaped_bridges(name), [], CLEAN)
    v = drawn(session.facts.d_model)
    for edit in (hw.mean("1.1"), hw.keep("0.0"), hw.subtract("resid 1", v, to="mean")):
        assert near(after(session, edit), clean, 10), edit
    session.reference = hw.Prompts(clean=list(REFERENCE))
    for edit in (hw.mean("1.1"), hw.keep("0.0"), hw.subtract("resid 1", v, to="mean")):
        assert not near(after(session, edit), clean, 10), edit


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2"])
def test_keep_is_the_mean_of_every_other_head(on, shaped_bridges, name):
    session = on(name)
    heads = [(i, h) for i in range(3) for h in range(4)]
    kept = [(0, 1), (2, 0)]
    for at in (None, [3, "end"]):
        others = [hw.mean(head, at) for head in heads if head not in kept]
        assert near(after(session, hw.keep(*kept, at=at)), after(session, *others), 10)
        more = [hw.zero("2.0"), hw.scale("1.1", 2)]
        assert near(
            after(session, hw.keep(*kept, at=at), *more), after(session, *others, *more), 10
        )
    assert near(after(session, hw.keep(heads)), hand(shaped_bridges(name), [], CLEAN), 10)


def test_edits_of_one_place_apply_in_order(on):
    session = on("gpt2")
    u = drawn(session.facts.d_head)
    both = hw.add("1.1", u), hw.scale("1.1", 3)
    assert near(after(session, *both), after(session, both[1], hw.add("1.1", 3 * u)), 10)
    assert near(
        after(session, hw.zero("1.1"), both[0]),
        after(
            session,
            hw.add("1.1", u),
            hw.keep(*[(i, h) for i in range(3) for h in range(4)]),
            hw.zero("1.1"),
            both[0],
        ),
        10,
    )
    assert not near(after(session, *both), after(session, *both[::-1]), 10)


# ------------------------------------------------------------------ resampling


@pytest.mark.parametrize("name", FIVE)
def test_resampling_takes_the_z_of_another_prompt(on, shaped_bridges, name):
    bridge, session = shaped_bridges(name), on(name)
    session.prompts = hw.Prompts(clean=[CLEAN, OTHER, (1, 2, 3), (3, 2, 1)])
    session.edits = [hw.resample("1.2", seed=3)]
    z = recorded(bridge, OTHER, "blocks.1.attn.hook_z")

    def given(x):
        x[:, :, 2] = z[:, :, 2]
        return x

    expected = hand(bridge, [("blocks.1.attn.hook_z", given)], CLEAN)
    assert near(edited_logits(session), expected, 10)
    assert not near(expected, hand(bridge, [], CLEAN), 10)


def test_every_other_prompt_is_as_likely_and_none_takes_its_own():
    pairs = tuple(Pair((i, 7)) for i in range(4)) + tuple(Pair((i, 7, 7)) for i in range(2))
    snapshot = Snapshot(pairs=(*pairs, pairs[0]))  # a prompt twice is one prompt
    counts = {}
    for seed in range(3000):
        giver = donors(snapshot, seed)
        assert sorted(giver) == sorted(giver.values())  # each gives once
        for taker, ids in giver.items():
            assert ids != taker
            assert len(ids) == len(taker)
            counts[taker, ids] = counts.get((taker, ids), 0) + 1
    of_four = [n for (taker, _), n in counts.items() if len(taker) == 2]
    assert len(of_four) == 12
    assert max(abs(n - 1000) for n in of_four) < 130  # five standard deviations
    assert counts[(0, 7, 7), (1, 7, 7)] == 3000
    assert donors(snapshot, 5) == donors(snapshot, 5)


def test_the_expectation_is_that_over_the_others_and_not_the_metric_of_the_mean(on):
    session = on("gpt2")
    ids = [(0, 5, 17, 99, 5), (0, 30, 5, 31, 32), (0, 17, 5, 5, 40), (0, 9, 8, 7, 9)]
    session.metric = hw.LogitDiff(17, 99)
    single = {}
    for giver in range(1, 4):  # prompt 0 with each of the others' z, from a pair of the two
        session.prompts = hw.Prompts(clean=[ids[0], ids[giver]])
        session.edits = [hw.resample("1.0")]
        single[ids[giver]] = metric_of_first(session)
    session.prompts = hw.Prompts(clean=ids)
    seen = []
    for seed in range(30):
        session.edits = [hw.resample("1.0", seed=seed)]
        giver = donors(session.snapshot(), seed)[ids[0]]
        seen.append(giver)
        assert metric_of_first(session) == pytest.approx(single[giver], abs=1e-4)
    assert set(seen) == set(ids[1:])
    session.reference = hw.Prompts(clean=ids[1:])
    session.edits = [hw.mean("1.0")]
    assert abs(metric_of_first(session) - np.mean(list(single.values()))) > 1e-3


def metric_of_first(session):
    values = logits(session.engine, session.snapshot(), "edited", [0]).values[0]
    right, wrong = session.metric.ids(session.token_ids, session.engine.text.answer_id)
    return float(values[right].mean() - values[wrong].mean())


def test_one_prompt_alone_cannot_be_resampled(planted):
    planted.edits = [hw.resample("1.0")]  # kept, as every edit that lacks something
    with pytest.raises(hw.InputError, match="resampling needs another prompt of the same length"):
        planted.effect()
    assert planted.waiting == [
        f"resample 1.0 · waiting: no other prompt of {len(planted.token_ids)} tokens"
    ]
    assert planted.compare()["edited"].isna().all()
    planted.prompts = [(1, 2), (3, 2), (1, 2, 3)]
    with pytest.raises(hw.InputError, match="only one of the set has 3 tokens"):
        planted.effect()


# ------------------------------------------------------------------ as values

TWO = [(0, 5, 17, 99, 5), (0, 30, 5, 31, 32)]
VECTOR = np.array([3.0, 0.0, 4.0], dtype=np.float32)
NAMED = hw.Direction(VECTOR, "resid 5", "sentiment", "pca")
ALL = [
    hw.resample("9.9"),
    hw.resample("mlp 3", at=["S2", 4], seed=7),
    hw.add("resid 12", NAMED, -2.5, at="end"),
    hw.add((9, 9), VECTOR),
    hw.subtract("9.9", NAMED),
    hw.subtract("resid 5", NAMED, to="mean", at=3),
    hw.subtract("resid 5", NAMED, to="patch", into="corrupted"),
    hw.keep("9.9", (9, 6), "L9H9"),
    hw.keep(["1.1"], at="end"),
]


@pytest.mark.parametrize("edit", ALL, ids=str)
def test_json(edit):
    again = Edit.from_json(json.loads(json.dumps(edit.to_json())))
    assert again == edit
    assert hash(again) == hash(edit)


def test_words():
    assert list(map(str, ALL)) == [
        "resample 9.9",
        "resample mlp 3 seed 7 at S2, 4",
        "add resid 12 × -2.5 sentiment at end",
        "add 9.9 × 1 direction",
        "subtract 9.9 sentiment to zero",
        "subtract resid 5 sentiment to mean at 3",
        "subtract resid 5 sentiment to patch into corrupted",
        "keep 9.6, 9.9",
        "keep 1.1 at end",
    ]
    assert all(one != other for one, other in pairwise(ALL))


def test_a_direction_is_a_value():
    assert NAMED.norm == pytest.approx(5)
    assert NAMED.unit.tolist() == pytest.approx([0.6, 0, 0.8])
    assert hw.Direction([3, 0, 4], "resid 5", "sentiment", "pca") == NAMED
    assert hw.Direction([3, 0, 5], "resid 5", "sentiment", "pca") != NAMED
    assert str(NAMED) == "sentiment at resid 5, norm 5"
    with pytest.raises(ValueError, match="read-only"):
        NAMED.vector[0] = 1
    given = VECTOR.copy()
    made = hw.Direction(given, "0.0")
    given[:] = 0
    assert made.vector.tolist() == VECTOR.tolist()


SEVERAL = [
    ["9.9", "9.6"],
    ("9.6", "9.9"),
    ((9, 6), (9, 9)),
    {"9.6", "L9H9"},
    frozenset({hw.Head(9, 6), hw.Head(9, 9)}),
    np.array([[9, 9], [9, 6]]),
    torch.tensor([[9, 9], [9, 6]]),
    np.array(["9.6", "9.9"]),
    pd.Series(["9.6", "9.9"]),
    {"9.6": "mover", "9.9": "mover"}.keys(),
]


@pytest.mark.parametrize("heads", SEVERAL, ids=lambda heads: type(heads).__name__)
def test_heads_may_come_in_any_sequence(heads):
    assert hw.keep(heads) == hw.keep("9.6", "9.9")
    assert hw.keep(iter(heads)) == hw.keep("9.6", "9.9")
    assert hw.path(heads) == hw.path(["9.6", "9.9"])
    for one in ((9, 6), [9, 6], hw.Head(9, 6), np.array([9, 6]), ("9.6",)):
        assert hw.keep(one) == hw.keep("9.6")


def test_a_direction_belongs_to_its_head():
    found = hw.Direction(VECTOR, "1.0", "sentiment")
    for make in (hw.add, hw.subtract):
        assert make("1.0", found).direction is found
        assert make("1.1", found.vector).direction.target == "1.1"
        with pytest.raises(hw.InputError, match=r"of head 1\.1, got 'sentiment' of head 1\.0"):
            make("1.1", found)
        assert make("resid 2", NAMED).direction.target == "resid 5"  # the stream has one basis


def test_minus_one_is_the_end_of_every_prompt(planted):
    longer = (*TWO[0], 7)
    planted.use(hw.Prompts(clean=[TWO[0], longer], corrupted=[TWO[1], (*TWO[1], 9)]))
    named, counted = [], []
    for found, at in ((named, "end"), (counted, -1)):
        planted.edits = [hw.zero("1.0", at=at)]
        found.append(planted.effect()["value"])
        found.append(planted.sweep("zero", at=at)["effect"])
        found.append(planted.attribution(at=at)["attribution"])
    for one, other in zip(named, counted, strict=True):
        assert one.equals(other)
        assert one.abs().max() > 0
    with pytest.raises(hw.InputError, match="position -2 means another word in each prompt"):
        planted.edits = [hw.zero("1.0", at=-2)]


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: hw.add("9.9", [0.0, 0.0]), "a norm of zero"),
        (lambda: hw.add("9.9", [1.0, np.nan]), "finite numbers"),
        (lambda: hw.add("9.9", [[1.0]]), r"one row of numbers, got shape \(1, 1\)"),
        (lambda: hw.add("9.9", []), "one row of numbers"),
        (lambda: hw.add("9.9", "up"), "a row of numbers"),
        (lambda: hw.add("9.9", None), "expected a direction"),
        (lambda: hw.add("9.9", VECTOR, np.inf), "finite factor"),
        (lambda: hw.subtract("9.9", VECTOR, to="one"), "to='zero', to='mean' or to='patch'"),
        (lambda: hw.subtract("9.9", VECTOR, into="corrupted"), "only a patch or a path goes"),
        (lambda: hw.resample("9.9", seed=-1), "a whole number as seed"),
        (hw.keep, "at least one head to keep"),
        (lambda: hw.keep("mlp 3"), "expected a head"),
        (lambda: hw.zero("resid"), "a head such as '9.9' or an MLP"),
        (lambda: Edit("zero", "9.9", seed=3), "only resample takes a seed"),
        (lambda: Edit("mean", "9.9", direction=NAMED), "only add and subtract takes a direction"),
        (lambda: hw.Direction(VECTOR, "9.9", how="luck"), "expected how as one of"),
        (lambda: hw.Direction.from_json({"vector": "%", "target": "9.9"}), "base64 of float32"),
        (lambda: hw.Direction.from_json({"vector": "AAAA", "target": "9.9"}), "base64 of float32"),
    ],
)
def test_what_cannot_be_meant(make, match):
    with pytest.raises(hw.InputError, match=match):
        make()


@pytest.mark.parametrize(
    ("edit", "match"),
    [
        (hw.add("0.0", VECTOR), r"64 numbers|direction of \d+ numbers \(d_head\) at 0.0, got 3"),
        (
            hw.subtract("resid 1", VECTOR),
            r"\(d_model\) at resid 1, got 3: 'direction' is of resid 1",
        ),
        (hw.zero("resid 3"), "no resid 3: this model has residual streams 0 to 2"),
        (hw.keep("0.0", "7.0"), "no head 7.0"),
    ],
)
def test_what_does_not_fit_the_model_is_refused_at_the_door(planted, edit, match):
    before = [hw.zero("0.0")]
    planted.edits = before
    with pytest.raises(hw.InputError, match=match):
        planted.edits = [edit]
    assert list(planted.edits) == before


def test_a_session_keeps_them(planted, tmp_path):
    v = drawn(planted.facts.d_model)
    edits = [hw.add("resid 2", v, 2), hw.keep("1.0"), hw.resample("0.0", seed=2)]
    planted.prompts = TWO
    planted.state.edits = [edit.to_json() for edit in edits]
    assert list(planted.edits) == edits
    value = planted.effect()["value"]["edited"]
    planted.save(tmp_path / "s")
    again = hw.load(tmp_path / "s")
    assert list(again.edits) == edits
    assert again.effect()["value"]["edited"] == value
    again.close()
    planted.state.edits = []
    assert not planted.edits


def test_who_gives_is_part_of_what_is_kept(on):
    """Two sets with one prompt in common: what was computed for one is not shown for the other."""
    session = on("gpt2")
    seen = []
    for other in ((0, 30, 5, 31, 32), (0, 17, 5, 5, 40)):
        session.prompts = [(0, 5, 17, 99, 5), other]
        session.edits = [hw.resample("0.0"), hw.resample("1.0")]
        seen.append(edited_logits(session))
    assert not near(seen[0], seen[1])


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (hw.resample("0.0", at=0), "the other prompt has the same activation there"),
        (hw.keep("0.0", "0.1", "0.2", "1.0", "1.1", "1.2"), "or there is none"),
    ],
)
def test_why_nothing_changed(planted, edit, reason):
    planted.prompts = TWO
    planted.edits = [edit]
    assert reason in planted.compare().attrs["why"]
    assert "changed nothing" in planted.effect().attrs["notes"][0]


def test_generation_goes_on_under_them(planted):
    v = drawn(planted.facts.d_model)
    planted.prompts = TWO
    planted.edits = [hw.add("resid 1", 40 * v), hw.keep("1.0"), hw.resample("1.0")]
    frame = planted.generate(3)
    assert len(frame) == 3


def test_a_random_order_of_edits_round_trips():
    order = list(ALL)
    random.Random(0).shuffle(order)  # noqa: S311
    assert [Edit.from_json(edit.to_json()) for edit in order] == order
