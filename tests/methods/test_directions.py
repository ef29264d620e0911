"""Directions against closed forms and linear algebra written out; strengths against edits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import headwidgets as hw
from headwidgets.methods import adding
from headwidgets.methods import strengths as steering
from headwidgets.methods.directions import find_direction
from headwidgets.methods.logistic import logistic
from headwidgets.methods.runs import logits
from headwidgets.methods.strengths import COLUMNS, strengths
from headwidgets.model.work import Work, doing

FIVE = ("gpt2", "neox", "llama", "mistral", "gemma2")
CLEAN = [tuple(range(10 + 7 * i, 18 + 7 * i)) for i in range(6)]
CORRUPTED = [(*ids[:3], 300 + i, *ids[4:]) for i, ids in enumerate(CLEAN)]
GROUPS = [True, False, True, False, False, True]
POINTS = {
    "1.2": "blocks.1.attn.hook_z",
    "mlp 1": "blocks.1.hook_mlp_out",
    "resid 2": "blocks.2.hook_resid_pre",
    "resid 3": "blocks.2.hook_resid_post",
}


@pytest.fixture
def on(shaped_bridges):
    """A session on six pairs, `on("llama")`; closed after the test."""
    made = []

    def open_session(name):
        session = hw.Session(shaped_bridges(name))
        session.use(hw.Prompts(clean=CLEAN, corrupted=CORRUPTED), hw.LogitDiff(7, 8))
        made.append(session)
        return session

    yield open_session
    for session in made:
        session.close()


def find(session, target, how="mean difference", **options):
    return find_direction(session.engine, session.snapshot(), target, how, **options)


def curve(session, direction, *args, **options):
    return strengths(session.engine, session.snapshot(), direction, *args, **options)


def values(bridge, rows, target, place=-1):
    """An activation of every prompt by a plain run, [prompt, width]."""
    with torch.no_grad():
        _, cache = bridge.run_with_cache(torch.tensor(rows))
    found = cache[POINTS[target]]
    return (found[:, place, 2] if target == "1.2" else found[:, place]).double().numpy()


def cosine(one, other):
    return float(np.dot(one, other) / np.linalg.norm(one) / np.linalg.norm(other))


# ------------------------------------------------------------------ found


@pytest.mark.parametrize("target", POINTS)
@pytest.mark.parametrize("name", ["gpt2", "gemma2"])
def test_between_pairs(on, shaped_bridges, name, target):
    session, bridge = on(name), shaped_bridges(name)
    apart = values(bridge, CLEAN, target) - values(bridge, CORRUPTED, target)
    mean = find(session, target)
    assert np.allclose(mean.vector, apart.mean(0), atol=1e-5)
    assert (mean.target, mean.how, mean.name) == (target, "mean difference", "mean difference")
    first = find(session, target, "pca")
    moment = apart.T @ apart
    assert first.norm == pytest.approx(1, abs=1e-5)
    assert first.vector @ moment @ first.vector == pytest.approx(
        np.linalg.eigvalsh(moment)[-1], rel=1e-4
    )
    assert first.vector @ apart.mean(0) > 0
    other = find(session, target, at=5)
    assert np.allclose(
        other.vector,
        (values(bridge, CLEAN, target, 5) - values(bridge, CORRUPTED, target, 5)).mean(0),
        atol=1e-5,
    )
    assert cosine(other.vector, mean.vector) < 0.99


@pytest.mark.parametrize("target", ["1.2", "resid 2"])
def test_between_groups(on, shaped_bridges, target):
    session = on("llama")
    found = values(shaped_bridges("llama"), CLEAN, target)
    one, other = found[GROUPS], found[[not g for g in GROUPS]]
    mean = find(session, target, groups=GROUPS)
    assert np.allclose(mean.vector, one.mean(0) - other.mean(0), atol=1e-5)
    swapped = find(session, target, groups=[not g for g in GROUPS])
    assert np.allclose(swapped.vector, -mean.vector, atol=1e-5)
    every = (one[:, None] - other[None]).reshape(-1, found.shape[1])
    first = find(session, target, "pca", groups=GROUPS)
    assert first.vector @ every.T @ every @ first.vector == pytest.approx(
        np.linalg.eigvalsh(every.T @ every)[-1], rel=1e-4
    )
    separating = find(session, target, "logistic", groups=GROUPS)
    along = found @ separating.vector
    assert along[GROUPS].min() > along[[not g for g in GROUPS]].max()


def test_logistic_of_one_number_is_the_closed_form():
    """Rows ±1 with their class: w solves w = 2 C (1 - sigmoid(w)), and b is zero."""
    x = torch.tensor([[1.0], [-1.0]])
    w, b = logistic(x, torch.tensor([True, False]), strength=3.0)
    assert b == pytest.approx(0, abs=1e-8)
    assert float(w) == pytest.approx(2 * 3.0 * (1 - 1 / (1 + math.exp(-float(w)))), abs=1e-8)


@pytest.mark.parametrize("shape", [(40, 5), (12, 60)])  # more rows than features, and fewer
def test_logistic_is_at_its_minimum(shape):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(shape, generator=generator).double() * 3
    y = x[:, 0] + torch.randn(shape[0], generator=generator) > 0.5
    w, b = logistic(x, y)
    at = torch.cat([w, torch.tensor([b])]).requires_grad_()
    out = x @ at[:-1] + at[-1]
    sign = torch.where(y, 1.0, -1.0)
    loss = 0.5 * at[:-1].square().sum() + torch.nn.functional.softplus(-sign * out).sum()
    (slope,) = torch.autograd.grad(loss, at)
    assert float(slope.abs().max()) < 1e-7


def test_a_planted_direction_is_found():
    """Two clouds with a known axis between them, in the activations themselves."""
    generator = torch.Generator().manual_seed(0)
    axis = torch.nn.functional.normalize(torch.randn(30, generator=generator), dim=0)
    from headwidgets.methods.directions import _between

    other = torch.randn(400, 30, generator=generator)
    one = torch.randn(400, 30, generator=generator) + 6 * axis
    for how in ("mean difference", "pca", "logistic"):
        assert cosine(_between(how, one, other, partners=False).numpy(), axis.numpy()) > 0.93, how


@pytest.mark.parametrize("name", FIVE)
def test_the_logit_difference_is_read_along_the_unembedding_direction(on, shaped_bridges, name):
    """LD = α ‖d‖ ‖r‖ cos θ / scale + a constant: with a frozen norm the addition moves it by
    α ‖v‖ ‖d‖ cos θ / scale, and unfrozen by what the new scale makes of it."""
    session, bridge = on(name), shaped_bridges(name)
    d = find(session, "resid 3", "unembedding").vector.astype(float)
    rms = name in ("llama", "mistral", "gemma2")
    eps = {"llama": 1e-6, "mistral": 1e-6, "gemma2": 1e-6}.get(name, 1e-5)
    cap = {"gemma2": 8.0}.get(name)
    v = np.random.default_rng(0).normal(size=len(d)) * 3
    residual = values(bridge, CLEAN, "resid 3")

    def scale(r):
        centred = r if rms else r - r.mean(-1, keepdims=True)
        return np.sqrt((centred**2).mean(-1) + eps)

    def measured(*edits):
        session.edits = list(edits)
        found = [
            logits(session.engine, session.snapshot(), "edited", [i]).values[0] for i in range(6)
        ]
        uncapped = [x if cap is None else cap * torch.atanh(x.double() / cap) for x in found]
        return np.array([float(x[7] - x[8]) for x in uncapped])

    before = measured()
    constant = before - residual @ d / scale(residual)
    assert np.allclose(constant, constant[0], atol=2e-3)  # of the biases alone
    for alpha in (-2.0, 0.5):
        moved = residual + alpha * v
        after = measured(hw.add("resid 3", v, alpha, at="end"))
        assert np.allclose(after, moved @ d / scale(moved) + constant, atol=2e-3)
        frozen = before + alpha * np.linalg.norm(v) * np.linalg.norm(d) * cosine(v, d) / scale(
            residual
        )
        assert np.allclose(
            after * scale(moved),
            (frozen - constant) * scale(residual) + constant * scale(moved),
            atol=1e-2,
        )
    assert np.abs(after - before).max() > 0.1
    along = measured(hw.add("resid 3", d, 5.0, at="end"))
    assert (along > before).all()
    head = find(session, "1.2", "unembedding").vector
    W_O = session.engine.weights.W_O(1)[2].numpy()
    assert np.allclose(head, W_O @ d, atol=1e-4)


def test_the_answers_of_the_set_are_what_the_unembedding_is_of(on):
    session = on("gpt2")
    one = find(session, "resid 3", "unembedding")
    session.metric = hw.Prob(7)  # no foil: the answers of the set
    session.prompts = hw.Prompts(clean=CLEAN[:2], answer=[7, 7], foil=[8, 8])
    session.metric = hw.KL()
    assert np.allclose(find(session, "resid 3", "unembedding").vector, one.vector)


def test_a_given_one(on):
    session = on("gpt2")
    found = find(session, "1.2", "given", vector=np.ones(16), name="mine")
    assert str(found) == "mine at 1.2, norm 4"


@pytest.mark.parametrize(
    ("target", "options", "match"),
    [
        ("1.2", {"how": "luck"}, "expected how as one of"),
        ("1.2", {"layer": 3}, "direction has no option 'layer': it has at, groups"),
        ("1.2", {"how": "given"}, "expected vector="),
        ("1.2", {"vector": np.ones(16)}, "expected vector="),
        ("1.2", {"how": "given", "vector": np.ones(64)}, r"16 numbers \(d_head\) at 1.2, got 64"),
        ("resid 1", {"how": "given", "vector": np.ones(16)}, r"64 numbers \(d_model\)"),
        ("resid 1", {"how": "given", "vector": np.zeros(64)}, "a norm of zero"),
        ("resid 9", {}, "no resid 9: this model has residual streams 0 to 3"),
        ("1.9", {"how": "unembedding"}, "no head 1.9"),
        ("1.2", {"groups": [1, 0]}, "expected groups as 6 values"),
        ("1.2", {"groups": [1] * 6}, "some of both"),
        ("1.2", {"groups": 3}, "expected groups as 6 values"),
        ("resid 1", {"at": 1}, "the two sides do not differ there"),
        ("resid 1", {"at": 1, "how": "pca"}, "the two sides do not differ there"),
        ("resid 1", {"at": "S2"}, "no role 'S2'"),
    ],
)
def test_what_cannot_be_found(on, target, options, match):
    with pytest.raises(hw.InputError, match=match):
        find(on("gpt2"), target, **options)


def test_pairs_must_align(on):
    session = on("gpt2")
    session.prompts = hw.Prompts(clean=CLEAN, corrupted=[*CORRUPTED[:5], (1, 2)])
    with pytest.raises(hw.InputError, match="prompt 5 has 8 and 2 tokens"):
        find(session, "1.2")
    assert find(session, "1.2", groups=GROUPS).norm > 0


# ------------------------------------------------------------------ strengths


@pytest.mark.parametrize("name", FIVE)
def test_a_strength_is_an_edit(on, shaped_bridges, name):
    session = on(name)
    for target, at in (("1.2", None), ("resid 2", "end")):
        direction = find(session, target)
        session.edits = [hw.zero("0.0")]  # put aside
        frame = curve(session, direction, [-4, 0, 3], at=at, draws=0)
        assert list(frame.columns) == list(COLUMNS)
        places = range(8) if at is None else [7]
        found = np.concatenate([values(shaped_bridges(name), CLEAN, target, p) for p in places])
        sd = (found @ direction.unit).std(ddof=1)
        assert frame.attrs["sd"] == pytest.approx(sd, rel=1e-4)
        session.edits = []
        before = session.effect()
        for row in frame.itertuples():
            session.edits = [hw.add(target, direction.unit, row.strength * sd, at)]
            assert row.metric == pytest.approx(session.effect()["value"]["edited"], abs=1e-4)
            assert row.se == pytest.approx(session.effect()["se"]["edited"], abs=1e-4)
            assert row.low < row.metric < row.high
            assert math.isnan(row.random_sd)
        assert frame["metric"][1] == pytest.approx(before["value"]["clean"], abs=1e-4)
        assert abs(frame["metric"] - frame["metric"][1]).max() > 1e-2


def test_flips_cost_and_random_directions_by_hand(on, shaped_bridges):
    session, bridge = on("llama"), shaped_bridges("llama")
    direction = find(session, "resid 3", "unembedding")
    neutral = [(1, 2, 3, 4, 5), (9, 8, 7), (5, 6, 7, 8, 9)]
    frame = curve(session, direction, [-6, 0, 6], at="end", neutral=neutral, draws=4, seed=3)
    sd = frame.attrs["sd"]

    def run(ids, vector, places):
        def hook(x, hook):
            x = x.clone()
            x[:, places] += vector
            return x

        with torch.no_grad():
            return bridge.run_with_hooks(
                torch.tensor([ids]), fwd_hooks=[(POINTS["resid 3"], hook)]
            )[0]

    def differences(vector):
        ends = [run(ids, vector, [7])[-1] for ids in CLEAN]
        return np.array([float(x[7] - x[8]) for x in ends])

    unit = torch.tensor(direction.unit)
    drawn = torch.randn(4, 64, generator=torch.Generator().manual_seed(3))
    drawn = drawn / drawn.norm(dim=-1, keepdim=True)
    clean = differences(unit * 0)
    for row in frame.itertuples():
        found = differences(unit * row.strength * sd)
        assert row.flips == np.mean(np.sign(found) != np.sign(clean))
        spread = [differences(v * row.strength * sd).mean() for v in drawn]
        assert row.random_sd == pytest.approx(np.std(spread, ddof=1), abs=1e-4)
        total, tokens = 0.0, 0
        for ids in neutral:
            p, q = (
                run(ids, v, slice(None)).double().log_softmax(-1)
                for v in (unit * 0, unit * row.strength * sd)
            )
            total += float((p.exp() * (p - q)).sum())
            tokens += len(ids)
        assert row.kl_neutral == pytest.approx(total / tokens, abs=1e-5)
    assert frame["flips"][1] == 0
    assert frame["kl_neutral"][1] == pytest.approx(0, abs=1e-7)
    assert frame["flips"].max() > 0
    assert frame["kl_neutral"][0] > 1e-3
    assert frame.attrs["neutral"] == "neutral texts, n = 3"
    assert frame["metric"][2] - frame["metric"][1] > 2 * frame["random_sd"][2]


def test_what_is_neutral_is_said(on):
    session = on("gpt2")
    direction = find(session, "resid 2")
    assert curve(session, direction, [1], draws=0).attrs["neutral"] == (
        "your own prompts, for want of neutral ones, n = 6"
    )
    session.reference = hw.Prompts(clean=CORRUPTED[:2])
    said = curve(session, direction, [1], draws=0)
    assert said.attrs["neutral"] == "the reference, n = 2"
    assert said.attrs["metric"] == str(hw.LogitDiff(7, 8))
    session.metric = hw.KL()
    other = curve(session, direction, [0, 4], draws=0)
    assert other["metric"][0] == pytest.approx(0, abs=1e-6)
    assert other["metric"][1] > 0
    assert other.attrs["unit"] == "nats"


def test_one_prompt_has_a_unit_where_its_positions_differ(on):
    session = on("gpt2")
    session.prompts = hw.Prompts(clean=CLEAN[:1], corrupted=CORRUPTED[:1])
    frame = curve(session, find(session, "resid 2"), [2], at="end", draws=0)
    assert "over all positions" in frame.attrs["notes"][0]
    assert math.isnan(frame["se"][0])
    session.prompts = hw.Prompts(clean=[(5,)])
    with pytest.raises(hw.InputError, match="strengths have no unit"):
        curve(session, hw.Direction(np.ones(64), "resid 2"), [2])


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"strengths": []}, "expected strengths as finite numbers"),
        ({"strengths": "many"}, "expected strengths as finite numbers"),
        ({"strengths": [math.inf]}, "expected strengths as finite numbers"),
        ({"draws": -1}, "draws as a whole number"),
        ({"neutral": []}, "at least one clean prompt"),
        ({"neutral": [tuple(range(200))]}, "a neutral text has 200 tokens"),
        ({"at": "S2"}, "no role 'S2'"),
        ({"seed": "x"}, "seed as a whole number"),
        ({"seed": -1}, "seed as a whole number"),
        ({"seed": 1 << 70}, "seed as a whole number"),
        ({"subsets": 3}, "strengths has no option 'subsets': it has at, neutral, draws, seed"),
    ],
)
def test_bad_options(on, options, match):
    session = on("gpt2")
    with pytest.raises(hw.InputError, match=match):
        curve(session, find(session, "resid 2"), **options)
    with pytest.raises(hw.InputError, match="expected a direction that find_direction returns"):
        curve(session, np.ones(64))


def stopped_at(session, stop, when, *arguments, **options):
    """The error of strengths that stop at the first progress of which `when` is true."""

    def watch(done, _total, label):
        if label == "strengths" and when(done):
            raise stop

    hooks = session.engine.hooks_left()
    with doing(Work(watch)), pytest.raises(stop) as caught:
        session.strengths(*arguments, **options)
    assert session.engine.hooks_left() == hooks
    return caught.value


@pytest.mark.parametrize("stop", [hw.Cancelled, KeyboardInterrupt])
def test_what_is_done_before_it_is_stopped_is_kept(on, monkeypatch, stop):
    session = on("gpt2")
    direction = find(session, "resid 2")
    asked = (direction, [-2, 0, 3])
    whole = session.strengths(*asked, draws=2)
    monkeypatch.setattr(adding, "TOKENS", 4 * len(CLEAN) * len(CLEAN[0]))  # 4 vectors a call
    part = stopped_at(session, stop, lambda done: done >= 8 * len(CLEAN), *asked, draws=2).partial
    assert part["n"].tolist() == [6, 6, 0]
    assert part.iloc[2].drop(["strength", "n"]).isna().all()
    numbers = ["metric", "se", "flips", "random_sd"]
    assert np.allclose(part[numbers][:2], whole[numbers][:2], atol=1e-5)
    assert part["kl_neutral"].isna().all()
    assert part.attrs["incomplete"] == "stopped: 2 of 3 strengths done"
    assert part.attrs["measured_on"] == "your prompts, n = 6"
    assert session.frames["strengths"].equals(part)
    with pytest.raises(hw.InputError, match="stopped: 2 of 3 strengths done: run it again"):
        session.as_python("strengths")
    error = stopped_at(session, stop, lambda done: done == 0, *asked, draws=2)
    assert not hasattr(error, "partial")  # nothing is done: what is kept stays
    assert session.frames["strengths"].equals(part)
    assert "incomplete" not in session.strengths(*asked, draws=2).attrs


def test_prompts_of_another_length_and_the_cost_may_lack(on, monkeypatch):
    session = on("gpt2")
    direction = find(session, "resid 2")
    longer = [(*ids, 9) for ids in CLEAN[:2]]
    session.prompts = hw.Prompts(clean=[*CLEAN, *longer])
    asked = (direction, [1, 2])
    second = len(CLEAN) * len(asked[1])  # prompts times strengths: the other length begins
    part = stopped_at(session, hw.Cancelled, lambda done: done >= second, *asked, draws=0).partial
    assert part["n"].tolist() == [6, 6]
    assert part.attrs["measured_on"] == "your prompts, n = 6 of 8"
    assert part.attrs["incomplete"] == "stopped: 0 of 2 strengths done"

    def no_cost(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(steering, "cost", no_cost)
    with pytest.raises(KeyboardInterrupt) as caught:
        session.strengths(*asked, draws=0)
    part = caught.value.partial
    assert part["n"].tolist() == [8, 8]
    assert part["kl_neutral"].isna().all()
    said = "stopped: 2 of 2 strengths done, their cost on neutral text not"
    assert part.attrs["incomplete"] == said
