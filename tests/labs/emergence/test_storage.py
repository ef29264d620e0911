"""A run in a file goes on as if it had not stopped; a full disk costs nothing."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
import torch

from headwidgets.errors import InputError, ModelError
from headwidgets.labs import emergence as lab

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


def test_a_full_disk_is_told_and_costs_nothing(small, tmp_path, monkeypatch):
    made = make(small)
    made.advance(10)
    path = lab.save_run(made, tmp_path / "run.safetensors")
    before = path.read_bytes()
    made.advance(10)

    def full(self, content):
        self.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
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
