"""Models side by side, checkpoints, and one model's probe in another: planted differences found."""

from __future__ import annotations

import numpy as np
import pytest
import shaped
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import headwidgets as hw
from headwidgets.errors import Cancelled, InputError, NotMeasurable
from headwidgets.labs.across import across, curve
from headwidgets.labs.neurons import neurons
from headwidgets.labs.on_text import on_text
from headwidgets.labs.probe_across import probe_across
from headwidgets.labs.succession import VARIANTS, scores
from headwidgets.model.engine import Engine
from headwidgets.model.work import Work, doing
from headwidgets.taxonomy.score import score
from headwidgets.zoo.numerals import numerals as build
from headwidgets.zoo.shipped import FOLDER


@pytest.fixture(scope="module")
def table(numerals):
    return across([numerals, build(rank=8), "planted", "/nowhere", FOLDER])


def test_a_row_each_in_the_order_given(table, numerals):
    assert table["model"].tolist()[:4] == ["numerals", "numerals", "planted", "/nowhere"]
    assert table["head"].tolist() == ["1.0", "1.0", "", "", "3.1"]
    own = scores(numerals)
    assert table["score"][0] == own["micro"].max()
    assert table["pairs"].tolist()[:2] == [290, 290]
    assert 0.2 < table["score"][1] < 0.4
    assert table["runner_up_score"][0] == 0
    assert (table["null_max"].dropna() < 0.1).all()
    assert table["weights"][0] == sum(p.numel() for p in build().original_model.parameters())


def test_what_cannot_be_read_is_a_row_with_its_reason(table):
    assert table["reason"].tolist()[:2] == ["", ""]
    assert "no MLP" in table["reason"][2]
    assert table["architecture"][2] == "TransformerLensNative"
    assert "there is no folder" in table["reason"][3]
    assert np.isnan(table["score"][3])


def test_a_folder_of_checkpoints_is_a_curve(tmp_path):
    """Weights that are mixed with noise, less and less: the score of the best head rises."""
    session = hw.Session()
    whole = AutoModelForCausalLM.from_pretrained(FOLDER, dtype=torch.float32)
    held = {name: tensor.clone() for name, tensor in whole.state_dict().items()}
    random = torch.Generator().manual_seed(0)
    for step, noise in ((1000, 0.0), (20, 3.0), (300, 0.8)):
        mixed = {
            name: one + noise * one.std() * torch.randn(one.shape, generator=random)
            if one.ndim > 1
            else one
            for name, one in held.items()
        }
        whole.load_state_dict(mixed)
        whole.save_pretrained(tmp_path / f"step{step}")
        AutoTokenizer.from_pretrained(FOLDER).save_pretrained(tmp_path / f"step{step}")
    (tmp_path / "step40").mkdir()
    (tmp_path / "step40" / "config.json").write_text("{", encoding="utf-8")
    frame = curve(tmp_path, "3.1")
    assert frame["step"].tolist() == [20, 40, 300, 1000]
    assert "is not valid JSON" in frame["reason"][1]
    assert frame["reason"][0].startswith("nothing found")
    there = frame["3.1"].dropna().tolist()
    assert there[0] < there[1] < there[2]
    assert there[2] == pytest.approx(scores(session)["micro"].max())
    session.close()


def test_models_of_different_shapes_have_their_own_heads(numerals):
    frame = curve([numerals, hw.Session("bundled")])
    assert list(frame.columns[3:5]) == ["1.0", "3.1"]
    assert np.isnan(frame["3.1"][0])
    assert frame["1.0"][1] < 0.5


@pytest.mark.parametrize("name", shaped.ALL)
def test_every_architecture_is_read(name):
    """Parallel blocks, grouped queries, norms after attention: random weights find nothing."""
    session = hw.Session(shaped.reading(name))
    hooks = session.engine.hooks_left()
    for variant in VARIANTS:
        frame = across([session], variant)
        if name == "opt" and variant == "raw":
            assert "does not run by itself" in frame["reason"][0]
            continue
        assert frame["pairs"][0] == 290, frame["reason"][0]
        assert frame["score"][0] < 0.2
    assert neurons(session)["p"].min() > 0.01
    cases = on_text(session, "1.2", "In order: Monday Tuesday Wednesday 1 2 3 4 5 6")
    assert len(cases) <= cases.attrs["n"]
    assert session.engine.hooks_left() == hooks
    session.close()


def test_a_tokenizer_of_512_spells_too_little_and_the_row_says_so(stories_path):
    frame = across(stories_path)
    assert frame["pairs"][0] == 3
    assert "3 of 290 pairs are single tokens" in frame["reason"][0]
    kind = score(hw.Session(stories_path).engine, "successor")
    assert "of at least 20" in kind["reason"][0]


def test_what_is_done_when_it_is_stopped_is_kept(numerals):
    work = Work()
    work.progress = lambda done, *_: work.cancel() if done == 1 else None
    with doing(work), pytest.raises(Cancelled) as stop:
        across([numerals, numerals, numerals])
    assert len(stop.value.partial) in (1, 2)


@pytest.mark.parametrize("models", [[], ()])
def test_no_models_are_told(models):
    with pytest.raises(InputError, match="expected models"):
        across(models)


@pytest.mark.parametrize("error", [ImportError("x"), AttributeError("x"), IndexError("x")])
def test_a_model_that_does_not_open_stops_no_other(numerals, monkeypatch, error):
    def broken(*_, **__):
        raise error

    monkeypatch.setattr(Engine, "open", broken)
    assert across(["x", numerals])["reason"].tolist() == [f"{type(error).__name__}: x", ""]


def test_none_is_the_bundled_model_and_is_called_so():
    frame = across(None)
    assert frame["model"].tolist() == ["bundled"]
    assert frame["head"].tolist() == ["3.1"]


@pytest.mark.parametrize("ask", [across, curve])
def test_an_option_that_opens_nothing_is_refused(ask, numerals):
    with pytest.raises(InputError, match="across has no option 'draws'"):
        ask([numerals], draws=0)
    assert ask([numerals], dtype="float32")["reason"].tolist() == [""]


def test_what_is_no_model_is_a_row():
    assert "expected a model name" in across([3.5])["reason"][0]


# ------------------------------------------------------------------ the probe


def test_a_probe_is_read_in_a_model_with_the_same_code(numerals):
    other = hw.Session(build(seed=7))
    frame = probe_across(numerals, other).set_index("read")
    assert frame.loc["mapped", "accuracy"] >= 0.95
    assert frame.loc["own", "accuracy"] >= 0.95
    assert frame.loc["shuffled", "accuracy"] < 0.25
    assert frame.attrs["explained"] > 0.8
    assert "numbers" in frame.attrs["fitted_on"]
    other.close()


def test_a_model_that_knows_pairs_by_heart_has_no_digit_to_read(numerals, bundled):
    frame = probe_across(numerals, bundled).set_index("read")
    assert frame.loc["mapped", "accuracy"] < 0.25


def test_too_few_numbers_are_told(numerals, stories_path):
    with pytest.raises(NotMeasurable, match="0 numbers are one token in both models"):
        probe_across(numerals, hw.Session(stories_path))
