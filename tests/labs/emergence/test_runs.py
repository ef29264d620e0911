"""A run: by hand, to the end, in the background; seeded, measured, stopped where it goes wrong."""

from __future__ import annotations

import math
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch

from headwidgets.errors import Cancelled, InputError, ModelError
from headwidgets.labs import emergence as lab
from headwidgets.labs.emergence.batch import generator
from headwidgets.labs.emergence.measures import composition
from headwidgets.labs.emergence.model import drawn, flat, views
from headwidgets.model.work import Work, doing

SLOW = 20
"""Seconds that a wait may take on a busy machine."""


def make(small, conditions=None, steps=40, **options):
    data, shape = small
    return lab.run(
        data,
        conditions,
        **{"shape": shape, "sequences": 32 * steps, "every": 10, "kept": 5, "asked": 40, **options},
    )


def same(one, two):
    first, second = one.trained().weights, two.trained().weights
    return all(torch.equal(first[name], second[name]) for name in first)


def test_a_run_is_its_seeds(small):
    assert same(make(small).train(), make(small).train())
    assert not same(make(small).train(), make(small, seed=6).train())
    assert not same(make(small).train(), make(small, stream=1).train())


def test_steps_by_hand_are_the_run(small):
    by_hand = make(small)
    for steps in (1, 9, 13, 17):
        by_hand.advance(steps)
    assert by_hand.step == 40
    whole = make(small).train()
    assert same(by_hand, whole)
    assert by_hand.curves().equals(whole.curves())
    assert whole.state == "done"
    assert whole.advance(5).step == 40, "not beyond the end"


def test_a_step_is_adam_on_the_mean_loss(small):
    """Against torch's own Adam on the weights one by one."""
    data, shape = small
    made = make(small, rate=1e-2, steps=3).train()
    own = {n: w.clone().requires_grad_() for n, w in drawn(shape, 5).items()}
    adam = torch.optim.Adam(own.values(), lr=1e-2)
    for step in range(3):
        batch = made._stream.at(step)
        from headwidgets.labs.emergence.embed import Embedding
        from headwidgets.labs.emergence.model import forward

        one = {n: w[None] for n, w in own.items()}
        logits = forward(shape, one, Embedding(data)(one, batch.tokens), batch.rows)
        loss = torch.nn.functional.cross_entropy(logits[0, :, 0], batch.targets[:, 0])
        adam.zero_grad()
        loss.backward()
        adam.step()
    for name, weight in made.trained().weights.items():
        assert weight.numpy() == pytest.approx(own[name].detach().numpy(), abs=1e-5), name


def test_it_measures_every_k_steps(small):
    made = make(small, {"a": None, "b": lab.preset("none", head=1)}).train()
    curves = made.curves()
    assert sorted(curves["step"].unique()) == [0, 10, 20, 30, 40]
    assert (curves["sequences"] == 32 * curves["step"]).all()
    assert {*curves["part"]} == {
        *("train", "new classes", "new exemplars", "relabelled"),
        *("A + B", "B", "C", "B + C"),
    }
    assert curves["loss"].gt(0).all()
    assert curves["accuracy"].between(0, 1).all()
    start = curves.query("step == 0 and part == 'train'")["loss"]
    assert start.between(1.2, 2.6).all(), "near ln 5 before anything is learned"
    heads = made.heads()
    assert len(heads) == 5 * 2 * 2 * 2
    strength = heads[heads["measure"] == "induction strength"]["value"]
    assert strength.between(-1, 1).all()
    assert {*heads.query("measure == 'previous token'")["layer"]} == {0}
    assert make(small, parts=["train"], progress=False).train().curves()["part"].unique() == [
        "train"
    ]


def test_measures_are_those_by_hand(small):
    """Loss, accuracy, strength and previous-token score of a trained model, from its patterns."""
    made = make(small, steps=60, rate=3e-3).train()
    trained, batch = made.trained(), made._ruler.batches["train"]
    logits, patterns = trained.logits(batch)[:, 0], trained.patterns(batch)
    last = made.curves().query("step == 60 and part == 'train'").iloc[0]
    want = torch.nn.functional.cross_entropy(logits, batch.targets[:, 0])
    assert last["loss"] == pytest.approx(float(want), abs=1e-5)
    assert last["accuracy"] == pytest.approx(
        float((logits.argmax(1) == batch.targets[:, 0]).float().mean())
    )
    heads = made.heads().query("step == 60").set_index(["measure", "head"])["value"]
    for head in range(2):
        by_hand = [
            float(p[1, head, 4, shown] - p[1, head, 4, other])
            for p, (shown,), (other,) in zip(patterns, batch.shown, batch.other, strict=True)
        ]
        assert heads["induction strength", head] == pytest.approx(np.mean(by_hand), abs=1e-5)
        previous = (patterns[:, 0, head, 1, 0] + patterns[:, 0, head, 3, 2]) / 2
        assert heads["previous token", head] == pytest.approx(float(previous.mean()), abs=1e-5)


def test_progress_is_the_loss_under_clamps(small):
    made = make(small, steps=60, rate=3e-3).train()
    trained, batch = made.trained(), made._ruler.batches["train"]
    heads = made.heads().query("step == 60 and measure == 'induction strength'")
    best = int(heads.set_index("head")["value"].idxmax())
    curves = made.curves().query("step == 60").set_index("part")["loss"]
    for part, name, head in (("C", "match", None), ("A + B", "copy", best)):
        logits = trained.logits(batch, lab.preset(name, head=head))[:, 0]
        want = torch.nn.functional.cross_entropy(logits, batch.targets[:, 0])
        assert curves[part] == pytest.approx(float(want), abs=1e-5)


def test_composition_is_the_formula():
    shape = lab.Shape(n_features=16)
    own = drawn(shape, 0)
    found = composition(shape, views(shape, flat([own, drawn(shape, 1)])))[0]
    assert found.shape == (3, 8, 8)
    W_O = own["0.W_O"][2 * 8 : 3 * 8]
    for way in range(3):
        W = own["1.W_QKV"][:, way * 64 + 5 * 8 : way * 64 + 6 * 8]
        want = (W_O @ W).norm() / (W_O.norm() * W.norm())
        assert float(found[way, 2, 5]) == pytest.approx(float(want), abs=1e-6)
    assert 0.09 < float(found.min()) < float(found.max()) < 0.17, "the paper's range at the start"


def test_checkpoints_hold_weights_and_patterns(small):
    made = make(small).train()
    assert made.checkpoints[0] == 0
    assert made.checkpoints[-1] == 40
    assert made.patterns().shape == (len(made.checkpoints), 2, 2, 5, 5)
    assert made.patterns().sum(-1) == pytest.approx(1, abs=1e-5)
    assert torch.equal(made.trained(step=0).weights["1.W_O"], drawn(made.shape, 5)["1.W_O"])
    assert made.trained(step=0).step == 0
    with pytest.raises(InputError, match="expected a checkpoint among"):
        made.trained(step=3)
    with pytest.raises(InputError, match=r"expected a condition among \['none'\]"):
        made.trained("all")


def test_sixty_checkpoints_by_default():
    assert len(lab.run(lab.low16()).plan.checkpoints()) in range(56, 61)


# ------------------------------------------------------------------------ the background


def test_a_run_goes_on_in_the_background_and_can_be_paused(small):
    made, seen, paused = make(small, steps=400), [], threading.Event()

    def told():
        seen.append(made.step)
        if made.step >= 80 and not paused.is_set():
            made.pause()
            paused.set()

    made.start(told)
    assert paused.wait(SLOW)
    assert not made.wait(0.2)
    at = made.step
    assert made.state == "paused"
    assert 80 <= at < 400
    assert not made.wait(0.1)
    assert made.step == at
    made.clamp({"blocks.1.attn.hook_z": lab.zero()})
    made.start()
    assert made.wait(SLOW)
    assert made.state == "done"
    assert made.step == 400
    assert seen == sorted(seen)


def test_the_background_is_the_run(small):
    made = make(small)
    made.start()
    assert made.wait(SLOW)
    assert same(made, make(small).train())
    made.start()
    assert made.state == "done"


def test_it_can_be_read_while_it_runs(small):
    made, read = make(small, steps=300, kept=40), 0
    made.start()
    while not made.wait(0.005):
        steps = made.checkpoints
        assert len(made.patterns()) >= len(steps)
        assert made.trained().weights["1.W_O"].isfinite().all()
        assert made.curves()["step"].is_monotonic_increasing
        assert len(made.heads()) % 4 == 0
        read += 1
    assert made.error is None
    assert read > 3


def test_cancelled_it_stands_where_it_is_and_goes_on(small):
    made = make(small, steps=60)
    made.start(lambda: made.cancel() if made.step >= 16 else None)
    assert made.wait(SLOW)
    assert made.state == "cancelled"
    assert 16 <= made.step < 60
    made.start(lambda: None)
    assert made.wait(SLOW)
    assert made.state == "done"
    assert same(made, make(small, steps=60).train())


def test_a_paused_run_can_be_cancelled(small):
    made = make(small, steps=4000)
    made.start(lambda: made.pause() if made.step == 8 else None)
    while made.state != "paused":
        made.wait(0.01)
    made.cancel()
    assert made.wait(SLOW)
    assert made.state == "cancelled"


def test_work_that_holds_it_can_cancel_and_keep(small):
    work = Work()
    work.progress = lambda done, total, label: work.cancel() if done >= 20 else None
    made = make(small)
    with doing(work), pytest.raises(Cancelled) as stop:
        made.train()
    assert stop.value.partial is made
    assert 20 <= made.step < 40


# ------------------------------------------------------------------------ what goes wrong


def test_a_loss_that_is_not_finite_puts_the_last_good_state_back(small):
    made = make(small, {"well": None, "ill": None}, steps=60)
    made.advance(25)
    good = [one.clone() for one in made.trained().weights.values()]
    with torch.no_grad():
        views(made.shape, made._trainer.vector)["unembed.bias"][1] = float("nan")
    with pytest.raises(
        ModelError, match=r"the loss of ill is not finite at step 25.*of step 20"
    ) as stop:
        made.train()
    assert "choose a rate below 0.0001" in str(stop.value)
    assert made.state == "failed"
    assert made.step == 20
    assert made.history.steps == [0, 10, 20]
    assert all(bool(one.isfinite().all()) for one in made.trained("ill").weights.values())
    made.advance(5)
    assert not [step for step in made.checkpoints if step > 25]
    again = made.trained("well").weights.values()
    assert all(torch.equal(a, b) for a, b in zip(good, again, strict=True)), "it goes on as before"


def test_a_rate_that_explodes_is_told_in_the_background(small):
    made = make(small, rate=1e30)
    made.start()
    assert made.wait(SLOW)
    assert made.state == "failed"
    assert "not finite" in str(made.error)
    assert bool(made.trained().weights["1.W_O"].isfinite().all())


def test_a_last_step_that_is_not_finite_is_told_too(small):
    made = make(small, steps=20)
    made.advance(19)
    with torch.no_grad():
        made._trainer._adam.param_groups[0]["lr"] = float("inf")
    with pytest.raises(ModelError, match="not finite at step 20: the state of step 10"):
        made.advance(1)
    assert made.state == "failed"


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"sequences": 31}, "sequences as a whole number from 32, got 31"),
        ({"rate": 0}, "rate as a finite number above 0"),
        ({"rate": math.nan}, "rate"),
        ({"batch": 0}, "batch"),
        ({"every": 0}, "every"),
        ({"kept": -1}, "kept"),
        ({"asked": 1}, "asked"),
        ({"seed": -1}, "seed"),
        ({"seed": [1, 2]}, "a seed, or one for each of 1 conditions"),
        ({"conditions": {}}, "conditions by name"),
        ({"conditions": ["none"]}, "conditions by name"),
        ({"parts": ["test"]}, "expected parts among train, new classes"),
        ({"parts": "train"}, "expected parts among"),
        ({"shape": lab.Shape()}, "expected a shape of 5 labels and 16 features"),
        ({"shape": 3}, r"expected a shape such as Shape\(n_heads=4\), got 3"),
        ({"data": 3}, r"expected data such as low16\(\), got int"),
    ],
)
def test_what_cannot_be_run_is_refused(small, options, match):
    data, _ = small
    with pytest.raises(InputError, match=match):
        lab.run(**{"data": data, **options})


def test_a_clamp_that_cannot_be_leaves_the_others(small):
    made = make(small, {"x": {"blocks.1.attn.hook_z": lab.zero([0])}})
    with pytest.raises(InputError, match="no head 7"):
        made.clamp({"blocks.1.attn.hook_z": lab.zero([7])})
    with pytest.raises(InputError, match="a condition among"):
        made.clamp(None, "y")
    assert list(made.clamps()) == ["blocks.1.attn.hook_z"]
    assert made.switched == []


def test_thresholds_count_sequences(small):
    made = make(small).train()
    curves = made.curves()
    first = curves.query("part == 'train'")["loss"].iloc[0]
    assert lab.threshold(curves, first + 1) == {"none": 0}
    assert math.isnan(lab.threshold(curves, 0.0)["none"])


def test_draws_do_not_move_the_caller_s_random_numbers(small):
    torch.manual_seed(0)
    want = torch.rand(3)
    torch.manual_seed(0)
    make(small).train()
    generator(3)
    assert torch.equal(torch.rand(3), want)


def test_two_threads_that_train_one_run_do_not_go_beyond_its_end(small):
    for _ in range(5):
        made = make(small, steps=100, every=100, kept=0, progress=False, parts=["train"])
        made.start()
        made.train()
        assert made.wait(SLOW)
        assert (made.step, made.history.steps) == (100, [0, 100])


def test_a_checkpoint_has_weights_and_patterns_or_neither(small, monkeypatch):
    made = make(small)

    def stopped(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(made._ruler, "patterns", stopped)
        with pytest.raises(KeyboardInterrupt):
            made.advance(1)
    assert made.checkpoints == []
    assert len(made.patterns()) == 0
    made.train()
    assert len(made.patterns()) == len(made.checkpoints) == len(made.plan.checkpoints())


def test_a_run_that_was_cancelled_goes_on_at_once(small):
    made = make(small, steps=400, every=400, kept=0)
    made.start()
    while made.step < 8:
        made.wait(0.001)
    made.cancel()
    made.start()
    assert made.wait(SLOW)
    assert (made.state, made.step) == ("done", 400)


def test_what_was_switched_before_a_failure_holds_from_where_it_goes_on(small):
    made = make(small, rate=1e-3)
    made.advance(25)
    made.clamp(lab.preset("match", head=None))
    with torch.no_grad():
        made._trainer.vector[0] = float("nan")
    with pytest.raises(ModelError):
        made.advance()
    assert [(made.step, one["step"]) for one in made.switched] == [(20, 20)]
    again = make(small, rate=1e-3).advance(20)
    again.clamp(lab.preset("match", head=None))
    assert same(made.train(), again.train())


def test_a_script_may_end_while_a_run_is_under_way():
    """A thread that is torn down within torch aborts the interpreter."""
    code = (
        "from headwidgets.labs import emergence as lab\n"
        "made = lab.run(lab.low16(), sequences=32 * 100_000, progress=False)\n"
        "made.start()\n"
        "while made.step < 3: made.wait(0.01)\n"
    )
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
