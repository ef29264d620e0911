"""The twenty checkpoints beside the package: what they lose in 8 bits, and how they are had."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

import headwidgets as hw
from headwidgets.errors import InputError
from headwidgets.zoo import checkpoints as kept
from headwidgets.zoo.shipped import FOLDER


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run whose two checkpoints are the bundled model, the first with noise."""
    root = tmp_path_factory.mktemp("run")
    for step in (0, 100):
        folder = root / "checkpoints" / f"step-{step:06d}"
        folder.mkdir(parents=True)
        for path in FOLDER.iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
    return root


def test_twenty_are_kept_of_one_training_and_shape():
    folders = sorted(hw.checkpoints().iterdir())
    assert len(folders) == 20
    plans = [json.loads((folder / "meta.json").read_text(encoding="utf-8")) for folder in folders]
    own = json.loads((FOLDER / "meta.json").read_text(encoding="utf-8"))
    assert [plan["step"] for plan in plans] == [int(f.name.split("-")[1]) for f in folders]
    assert all(plan["shape"] == own["shape"] and not plan.get("begun") for plan in plans)
    assert len({plan["seed"] for plan in plans}) == 1
    assert plans[0]["step"] == 0
    assert plans[-1]["step"] == plans[-1]["steps"]
    assert plans[-1]["tasks"] == own["tasks"]


def test_heads_form_on_the_way():
    folders = sorted(hw.checkpoints().iterdir())
    session = hw.Session()
    try:
        frame = session.over_training("previous token", [folders[0], folders[-1]], rows=2)
        best = frame.groupby("step")["score"].max()
        assert best.iloc[0] < 0.2
        assert best.iloc[-1] > 0.8
    finally:
        session.close()


def test_eight_bits_change_no_weight_by_more_than_they_say(run, tmp_path):
    kept.pack(run, tmp_path)
    folder = kept.checkpoints(tmp_path) / "step-000100"
    before, after = (
        kept._read(FOLDER / "model.safetensors"),
        kept._read(folder / "model.safetensors"),
    )
    assert before.keys() == after.keys()
    for name, one in before.items():
        most = one.float().abs().amax(-1, keepdim=True)
        gone = (one.float() - after[name].float()).abs()
        assert (gone <= most * (1 / 254 + 2**-9) + 1e-6).all(), name
        assert after[name].dtype is torch.float16
    assert sum(path.stat().st_size for path in tmp_path.glob("step-*")) < 2 * 1.5e6


def test_scores_of_the_bundled_model_are_the_same_within_a_hundredth(run, tmp_path):
    kept.pack(run, tmp_path)
    exact, coded = hw.Session(), hw.Session(kept.checkpoints(tmp_path) / "step-000100")
    try:
        for kind in ("induction", "previous token"):
            mine, theirs = (one.score(kind, rows=4)["score"] for one in (exact, coded))
            assert np.abs(mine - theirs).max() < 0.01
    finally:
        exact.close()
        coded.close()


def test_they_are_unpacked_once(run, tmp_path, monkeypatch):
    kept.pack(run, tmp_path)
    folder = kept.checkpoints(str(tmp_path))
    monkeypatch.setattr(kept, "unpack", None)
    assert kept.checkpoints(tmp_path) == folder


def test_half_of_them_is_never_left(run, tmp_path):
    kept.pack(run, tmp_path / "packed")
    packed = sorted((tmp_path / "packed").glob("step-*"))
    packed[-1].write_bytes(packed[-1].read_bytes()[:1000])
    with pytest.raises(Exception, match=r"(?i)header|safetensor|buffer|incomplete"):
        kept.unpack(packed, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["packed"]


def test_several_may_unpack_at_once(run, tmp_path):
    kept.pack(run, tmp_path / "packed")
    packed, out = sorted((tmp_path / "packed").glob("step-*")), tmp_path / "out"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: kept.unpack(packed, out), range(4)))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "packed"]
    assert sorted(path.name for path in out.iterdir()) == ["step-000000", "step-000100"]
    assert all(len(list(path.iterdir())) == 5 for path in out.iterdir())


def test_a_cache_that_cannot_be_written_is_named(run, tmp_path, monkeypatch):
    kept.pack(run, tmp_path / "packed")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(InputError, match="XDG_CACHE_HOME"):
        kept.checkpoints(tmp_path / "packed")


def test_a_damaged_one_is_told(run, tmp_path):
    kept.pack(run, tmp_path)
    last = max(tmp_path.glob("step-*"))
    last.write_bytes(last.read_bytes()[:900])
    with pytest.raises(InputError, match="is damaged"):
        hw.checkpoints(tmp_path)


def test_where_there_are_none_it_is_said(tmp_path):
    with pytest.raises(InputError, match="expected a folder of packed checkpoints, got int"):
        hw.checkpoints(3)
    with pytest.raises(InputError, match="outside the package"):
        hw.checkpoints(tmp_path)
    with pytest.raises(InputError, match="expected the folder of a run"):
        kept.pack(tmp_path, tmp_path / "out")
