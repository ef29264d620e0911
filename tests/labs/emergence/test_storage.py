"""A run in a file goes on as if it had not stopped; a full disk costs nothing."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import resource

import numpy as np
import pytest
import torch

from headwidgets.errors import InputError, ModelError
from headwidgets.labs import emergence as lab
from headwidgets.labs.emergence import files

PATTERN = "blocks.0.attn.hook_pattern"


def make(small, conditions=None):
    data, shape = small
    options = {"sequences": 32 * 40, "every": 10, "kept": 5, "asked": 40}
    return lab.run(data, conditions, shape=shape, **options)


def clamps():
    return {"none": None, "held": {PATTERN: [lab.previous_token([0]).during(5, 30)]}}


def test_saved_and_loaded_it_goes_on_as_unbroken(small, tmp_path):
    whole = make(small, clamps()).train()
    broken = make(small, clamps())
    broken.advance(17)
    path = lab.save_run(broken, tmp_path / "run.safetensors")
    again = lab.load_run(path)
    assert again.step == 17
    again.train()
    for name in whole.conditions:
        one, two = whole.trained(name).weights, again.trained(name).weights
        assert all(torch.equal(one[w], two[w]) for w in one)
    assert again.curves().equals(whole.curves())
    assert again.heads().equals(whole.heads())
    assert again.history.composition().equals(whole.history.composition())
    assert again.checkpoints == whole.checkpoints
    assert np.array_equal(again.patterns("held"), whole.patterns("held"))
    assert lab.load_run(lab.save_run(again, path)).state == "done"


def test_a_run_that_has_not_begun_can_be_saved(small, tmp_path):
    path = lab.save_run(make(small), tmp_path / "new.safetensors")
    one, two = lab.load_run(path).train().trained(), make(small).train().trained()
    assert all(torch.equal(one.weights[w], two.weights[w]) for w in one.weights)


def test_what_was_switched_is_kept(small, tmp_path):
    made = make(small)
    made.advance(5)
    made.clamp({PATTERN: lab.previous_token([1])})
    again = lab.load_run(lab.save_run(made, tmp_path / "run"))
    assert again.switched == made.switched
    assert again.clamps()[PATTERN][0].heads == (1,)


def test_features_of_one_s_own_are_saved_and_others_made_again(tmp_path):
    table = np.random.default_rng(0).normal(size=(12, 8))
    data = lab.exemplars(table, np.arange(12) // 2, trained=4)
    shape = lab.Shape(n_heads=2, d_model=8, n_features=8)
    made = lab.run(data, shape=shape, sequences=320, asked=20).advance(3)
    again = lab.load_run(lab.save_run(made, tmp_path / "own"))
    assert torch.equal(again.data.features, data.features)
    assert torch.equal(again.data.pairs, data.pairs)
    low = lab.low16(classes=6, new=4, n_features=16, spread=0.1, held=3, seed=4)
    small = lab.Shape(n_heads=2, d_model=16, n_features=16)
    other = lab.load_run(lab.save_run(lab.run(low, shape=small, asked=20), tmp_path / "low"))
    assert torch.equal(other.data.features, low.features)
    assert torch.equal(other.data.held, low.held)
    tokens = lab.run(
        lab.repeats(12, 4), shape=lab.Shape(n_heads=2, d_model=16, n_labels=12, n_features=0)
    )
    assert lab.load_run(lab.save_run(tokens, tmp_path / "tokens")).data == tokens.data


def test_a_clamp_to_another_run_must_be_given_again(small, tmp_path):
    other = make(small).advance(3).trained()
    made = make(small, {"graft": lab.grafted(other)})
    made.advance(4)
    path = lab.save_run(made, tmp_path / "run")
    with pytest.raises(
        InputError, match="a clamp to a <Trained> is not saved: give the conditions"
    ):
        lab.load_run(path)
    with pytest.raises(InputError, match="expected the conditions"):
        lab.load_run(path, {"other": None})
    again = lab.load_run(path, {"graft": lab.grafted(other)}).train()
    made.train()
    one, two = made.trained().weights, again.trained().weights
    assert all(torch.equal(one[w], two[w]) for w in one)


def test_what_was_switched_since_a_graft_stays_when_it_is_loaded(small, tmp_path):
    """Two conditions; in one the graft was lifted, in the other an array came to it."""
    other = make(small).advance(3).trained()
    given = {"graft": lab.grafted(other), "free": None}
    half = {PATTERN: lab.value(np.full((5, 5), 0.2), [0])}
    made = make(small, given)
    made.advance(4)
    made.clamp({PATTERN: lab.previous_token([1])}, "graft")
    made.advance(4)
    made.clamp({**lab.grafted(other), **half}, "graft")
    made.clamp({PATTERN: lab.zero([1])}, "free")
    path = lab.save_run(made, tmp_path / "run")
    now = {"graft": {**lab.grafted(other), **half}, "free": {PATTERN: lab.zero([1])}}
    again = lab.load_run(path, now).train()
    assert list(again.clamps("graft")) == ["blocks.0", PATTERN]
    assert again.clamps("free")[PATTERN][0].heads == (1,)
    made.train()
    for name in given:
        one, two = made.trained(name).weights, again.trained(name).weights
        assert all(torch.equal(one[w], two[w]) for w in one)
    with pytest.raises(InputError, match="a clamp to a <ndarray> is not saved"):
        lab.load_run(path, given)
    made.clamp(lab.grafted(other), "graft")
    again = lab.load_run(lab.save_run(made, path), given)
    assert list(again.clamps("graft")) == ["blocks.0"], "the graft comes from what it began with"
    assert again.clamps("free")[PATTERN][0].heads == (1,), "what was switched since stays"


@pytest.mark.parametrize(
    ("conditions", "match"),
    [
        ({"none": {PATTERN: lab.zero([1])}}, r"made or saved with \(nothing clamped\), got others"),
        ([None], r"expected the conditions \['none'\], got \[None\]"),
        (lab.low16(classes=4, new=0, n_features=16), "expected the conditions"),
        ({PATTERN: lab.zero()}, "expected the conditions"),
    ],
)
def test_conditions_that_are_not_the_run_s_are_refused(small, tmp_path, conditions, match):
    path = lab.save_run(make(small).advance(2), tmp_path / "run")
    with pytest.raises(InputError, match=match):
        lab.load_run(path, conditions)


def test_a_run_on_numpy_s_numbers_is_saved(tmp_path):
    options = {"sequences": np.int64(320), "seed": [np.int64(3)], "every": np.int32(5)}
    clamps = {"z": {PATTERN: [lab.previous_token(np.int64(1)).during(np.int64(2), np.int64(6))]}}
    for data in (
        lab.low16(np.int64(6), np.int64(4), n_features=np.int64(16), spread=np.float32(0.25)),
        lab.Repeats(np.int64(20), np.int64(4)),
        lab.Chains(np.int64(3), np.int64(9)),
        lab.Steps("parity", np.int64(4)),
    ):
        shape = lab.Shape(
            n_heads=np.int64(2),
            d_model=16,
            n_labels=np.int64(data.n_labels),
            n_features=data.n_features,
        )
        made = lab.run(
            data, clamps, shape=shape, asked=np.int64(20), rate=np.float32(1e-3), **options
        )
        made.advance(np.int64(3))
        made.clamp({PATTERN: lab.zero([np.int64(0)]).during(0, np.int16(8))})
        again = lab.load_run(lab.save_run(made, tmp_path / "run"))
        assert (again.plan, again.shape, again.step) == (made.plan, made.shape, 3)
        assert again.data.made == made.data.made
        assert again.switched == json.loads(json.dumps(made.switched))
        one, two = made.train().trained(), again.train().trained(step=np.int64(10))
        assert all(torch.equal(one.weights[w], two.weights[w]) for w in one.weights)


def test_data_of_one_s_own_with_numpy_s_numbers_are_saved(small, tmp_path):
    data, shape = small
    own = dataclasses.replace(data, made=None, trained=np.int64(data.trained), shown=np.int64(1))
    made = lab.run(own, shape=shape, sequences=320, asked=20).advance(1)
    again = lab.load_run(lab.save_run(made, tmp_path / "run"))
    assert (again.data.trained, again.data.shown) == (data.trained, 1)


def test_a_full_disk_is_told_and_costs_nothing(small, tmp_path, monkeypatch):
    made = make(small)
    made.advance(10)
    path = lab.save_run(made, tmp_path / "run.safetensors")
    before = path.read_bytes()
    made.advance(10)

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(ModelError, match=r"No space left on device.*still in memory"):
            lab.save_run(made, path)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["run.safetensors"]
    assert made.step == 20
    assert lab.load_run(lab.save_run(made, path)).step == 20


@pytest.mark.parametrize("content", [None, b"", b"no safetensors", b"\x02\0\0\0\0\0\0\0{}"])
def test_what_is_no_run_is_refused(tmp_path, content):
    path = tmp_path / "run"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match="run"):
        lab.load_run(path)


def test_a_finished_run_reads_as_the_run(small, tmp_path):
    made = make(small, clamps()).train()
    path = lab.ship(made, tmp_path / "done.safetensors", 4)
    found = lab.Finished(path)
    assert len(found.checkpoints) == 4
    assert found.checkpoints[0] == 0
    assert found.checkpoints[-1] == 40
    one, two = found.curves(), made.curves()
    assert one[["condition", "step", "part"]].equals(two[["condition", "step", "part"]])
    assert one["loss"].to_numpy() == pytest.approx(two["loss"].to_numpy(), rel=1e-3)
    assert found.heads()["value"].to_numpy() == pytest.approx(
        made.heads()["value"].to_numpy(), abs=1e-3
    )
    assert found.patterns("held") == pytest.approx(made.patterns("held"), abs=1e-3)
    assert found.steps == made.checkpoints
    batch = made._ruler.batches["train"]
    want = made.trained("held").logits(batch)
    assert found.trained("held").logits(batch).numpy() == pytest.approx(want.numpy(), abs=1e-2)
    with pytest.raises(InputError, match="train again from the seed"):
        found.trained(step=7)
    with pytest.raises(InputError, match="a condition among"):
        found.patterns("x")


def test_a_run_that_is_not_shipped_is_told():
    with pytest.raises(InputError, match="expected a run among"):
        lab.finished("nothing")


def test_a_finished_run_and_one_that_goes_on_are_told_apart(small, tmp_path):
    made = make(small, clamps()).train()
    kept, done = lab.save_run(made, tmp_path / "kept"), lab.ship(made, tmp_path / "done")
    with pytest.raises(InputError, match=r"goes on: lab\.load_run reads"):
        lab.Finished(kept)
    with pytest.raises(InputError, match=r"a finished one: lab\.Finished reads"):
        lab.load_run(done)


def stripped(path, *starts, **told):
    """Write a file again without some arrays."""
    settings, arrays = files.read(path)
    kept = {name: one for name, one in arrays.items() if not name.startswith(starts)}
    return files.write(path, kept, settings | told)


def test_a_file_without_weights_says_what_it_holds(small, tmp_path):
    made = make(small).train()
    path = stripped(lab.save_run(made, tmp_path / "run"), "now.weights")
    with pytest.raises(InputError, match=r"expected 'now.weights' .* it holds history, now, pat"):
        lab.load_run(path)
    path = stripped(lab.save_run(made, tmp_path / "run"), "now.", "weights.", "patterns", "history")
    with pytest.raises(InputError, match=r"got none: it holds nothing"):
        lab.load_run(path)
    path = stripped(lab.save_run(made, tmp_path / "run"), "history.strength")
    with pytest.raises(InputError, match="is damaged"):
        lab.load_run(path)
    settings, _ = files.read(lab.save_run(made, tmp_path / "run"))
    wider = settings["shape"] | {"d_model": 32}
    with pytest.raises(InputError, match=r"expected 'now.weights' of shape \[\d+\] .*, got \[\d+"):
        lab.load_run(stripped(path, "none", shape=wider))
    path = stripped(lab.ship(made, tmp_path / "done"), "patterns")
    with pytest.raises(InputError, match=r"expected 'patterns' .* it holds history, weights"):
        lab.Finished(path)
    path = stripped(lab.ship(made, tmp_path / "done"), "weights.")
    with pytest.raises(InputError, match="holds measures and patterns alone"):
        lab.Finished(path).trained()
    for wrong in ("x", 2.0, [1]):
        with pytest.raises(InputError, match="a step with weights among"):
            lab.finished("low16").trained(step=wrong)
        with pytest.raises(InputError, match="expected a checkpoint among"):
            made.trained(step=wrong)


def test_a_link_is_followed_and_its_target_is_replaced(small, tmp_path):
    made = make(small).advance(3)
    real = tmp_path / "elsewhere" / "real.safetensors"
    path = lab.save_run(made, real)
    real.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(real)
    made.advance(2)
    assert lab.save_run(made, link) == link
    assert link.is_symlink()
    assert lab.load_run(path).step == 5
    assert real.stat().st_mode & 0o777 == 0o640
    ahead = tmp_path / "ahead"
    ahead.symlink_to(tmp_path / "new" / "not yet")
    lab.save_run(made, ahead)
    assert ahead.is_symlink()
    assert lab.load_run(tmp_path / "new" / "not yet").step == 5


def test_what_is_no_file_is_left_as_it_is(small, tmp_path):
    made = make(small)
    pipe, linked = tmp_path / "pipe", tmp_path / "linked"
    os.mkfifo(pipe)
    linked.symlink_to("/dev/full")
    (tmp_path / "pipe.part").write_text("mine")
    for path, kind in (
        (pipe, "a pipe"),
        (tmp_path, "a folder"),
        (linked, "a device"),
        ("/dev/full", "a device"),
        ("/dev/null", "a device"),
    ):
        with pytest.raises(InputError, match=f"expected a file to save in, got {kind}"):
            lab.save_run(made, path)
    assert pipe.is_fifo()
    assert linked.is_symlink()
    lab.save_run(made, tmp_path / "pipe.safetensors")
    assert (tmp_path / "pipe.part").read_text() == "mine"
    circle = tmp_path / "circle"
    circle.symlink_to(circle)
    for path in (circle, tmp_path / "a\0b", tmp_path / "pipe.part" / "x", tmp_path / ("x" * 300)):
        with pytest.raises(ModelError, match="could not be written"):
            lab.save_run(made, path)
    there = {"pipe", "linked", "circle", "pipe.part", "pipe.safetensors"}
    assert {one.name for one in tmp_path.iterdir()} == there


def test_a_disk_that_fills_half_way_costs_nothing(small, tmp_path):
    """A file may be no larger than some bytes here: what is written ends half way."""
    made = make(small).advance(10)
    path = lab.save_run(made, tmp_path / "run")
    before = path.read_bytes()
    made.advance(10)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, hard))
    try:
        with pytest.raises(ModelError, match="could not be written"):
            lab.save_run(made, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["run"]
    assert lab.load_run(path).step == 10


@pytest.mark.parametrize("path", [None, 3, b"run"])
def test_what_is_no_path_and_no_run_is_refused(small, tmp_path, path):
    made = make(small).advance(1)
    for act in (lambda: lab.save_run(made, path), lambda: lab.load_run(path)):
        with pytest.raises(InputError, match="expected a path such as"):
            act()
    with pytest.raises(InputError, match="expected a path such as"):
        lab.Finished(path)
    for run in (path, lab.finished("low16"), made.trained()):
        with pytest.raises(InputError, match="expected a run to save"):
            lab.save_run(run, tmp_path / "run")
    with pytest.raises(InputError, match="expected weights as a whole number"):
        lab.ship(made, tmp_path / "run", "all")
