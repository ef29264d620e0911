"""The finished runs: what lies in the package, and one command that makes it again."""

from __future__ import annotations

import math

import pytest

from headwidgets.labs import emergence as lab
from headwidgets.labs.emergence import figures
from headwidgets.labs.emergence.batch import generator
from headwidgets.labs.emergence.recipe.__main__ import main
from headwidgets.labs.emergence.recipe.settings import SETTINGS

SMALL = ["--sequences", "640"]


def folders(path):
    return ["--out", str(path / "out"), "--state", str(path / "state")]


def test_one_command_makes_the_runs_again_small(tmp_path, capsys):
    assert main(["low16", "gauss clamps", *SMALL, *folders(tmp_path)]) == 0
    said = capsys.readouterr().err
    assert "low16: step 20 of 20" in said
    assert sorted(one.name for one in (tmp_path / "out").iterdir()) == [
        "gauss-clamps.safetensors",
        "low16.safetensors",
    ]
    assert not [*(tmp_path / "state").iterdir()], "no state is left of what is done"
    found = lab.Finished(tmp_path / "out" / "low16.safetensors")
    again = SETTINGS["low16"].prepare(640).train()
    assert found.curves()["loss"].to_numpy() == pytest.approx(again.curves()["loss"], rel=1e-3)
    assert main(["low16", *SMALL, *folders(tmp_path)]) == 0
    assert "there; --again trains it anew" in capsys.readouterr().err


def test_what_was_stopped_goes_on(tmp_path, capsys, monkeypatch):
    begun = SETTINGS["low16"].prepare(640)
    begun.advance(7)
    lab.save_run(begun, tmp_path / "state" / "low16.safetensors")
    assert main(["low16", *SMALL, *folders(tmp_path)]) == 0
    assert "goes on at step 7" in capsys.readouterr().err
    found = lab.Finished(tmp_path / "out" / "low16.safetensors")
    whole = SETTINGS["low16"].prepare(640).train()
    assert found.curves()["loss"].to_numpy() == pytest.approx(whole.curves()["loss"], rel=1e-3)


def test_a_name_that_is_none_and_a_full_disk_are_told(tmp_path, capsys):
    assert main(["high16"]) == 2
    assert "expected runs among low16, gauss" in capsys.readouterr().err
    (tmp_path / "state").write_text("no folder")
    assert main(["low16", *SMALL, *folders(tmp_path)]) == 1
    assert "could not be written" in capsys.readouterr().err


def test_what_lies_in_the_package_is_small():
    files = list(lab.FOLDER.glob("*.safetensors"))
    assert sum(file.stat().st_size for file in files) <= 4e6
    names = {name.replace(" ", "-") for name in SETTINGS}
    assert {*lab.finished_runs()} <= names
    assert {"low16", "gauss", "gauss-clamps", "low16-clamps"} <= {*lab.finished_runs()}


@pytest.mark.parametrize("name", lab.finished_runs())
def test_a_finished_run_is_whole(name):
    found = lab.finished(name)
    setting = SETTINGS[name.replace("-", " ")]
    assert found.conditions == list(setting.conditions)
    assert found.plan == setting.prepare().plan
    curves = found.curves().query("part == 'train'")
    assert curves["sequences"].max() == setting.sequences // 32 * 32
    final = curves.groupby("condition", sort=False)["loss"].last()
    assert final.lt(math.log(2)).all(), "all have come down to the plateau"
    assert final.iloc[1:].lt(0.6).all(), "what is clamped, or one head of many, has left it"
    assert len(found.checkpoints) == setting.weights
    assert found.patterns().shape[1:] == (2, 8, 5, 5)


@pytest.mark.parametrize("name", ["low16", "gauss"])
def test_the_main_runs_open_at_four_steps_with_patterns_at_sixty(name):
    found = lab.finished(name)
    assert len(found.checkpoints) == 4
    assert 56 <= len(found.steps) <= 60
    assert found.patterns().sum(-1) == pytest.approx(1, abs=2e-3)
    last = found.curves().query("part == 'train'")["loss"].iloc[-1]
    batch = found.data.draw(2000, generator(1))
    logits = found.trained().logits(batch)[:, 0]
    from torch.nn.functional import cross_entropy

    assert float(cross_entropy(logits, batch.targets[:, 0])) == pytest.approx(last, abs=0.03)


def test_the_shipped_runs_stand_beside_the_paper():
    frame = lab.beside_paper()
    assert {*frame["run"]} <= {*lab.finished_runs()}
    mine = frame.query("run == 'gauss-clamps'").set_index("condition")
    want = figures.times(lab.finished("gauss-clamps")).set_index("condition")["learned"] / 1e3
    assert mine["learned"].equals(want)
    assert mine.loc["none", "earlier_learned"] == 38
    ratio = (frame["learned"] / frame["earlier_learned"]).dropna()
    print(frame.to_string())
    assert ratio.between(0.5, 2).all(), "another implementation agrees within a factor of two"


def test_each_head_alone_learns_in_the_end_and_none_is_needed():
    for name in ("gauss-heads", "paper-heads"):
        frame = figures.times(lab.finished(name)).set_index("condition")
        assert len(frame) == 9
        assert frame["final"].max() < figures.LEARNED
    assert frame["learned"].idxmin() == "all", "at the paper's rate all together are the fastest"
    for name in ("gauss", "low16"):
        worth = figures.heads(lab.finished(name).trained())
        assert worth.attrs["all"] - worth["drop_one"].min() <= 0.02


def test_the_shipped_clamps_are_in_the_paper_s_order():
    for name in ("gauss-clamps", "low16-clamps"):
        t = figures.times(lab.finished(name)).set_index("condition")["learned"].fillna(math.inf)
        assert t["none"] > t["previous token"] > t["layer 1"] >= max(t["match"], t["copy"])
        assert min(t["match"], t["copy"]) >= t["layer 1 + copy"]
