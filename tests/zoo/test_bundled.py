"""The bundled model: what it weighs, what it spells, and that its card is what it does."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch

import headwidgets as hw
from headwidgets.tasks.lists import NAMES
from headwidgets.tasks.registry import all_tasks
from headwidgets.zoo.recipe.vocabulary import SERIES
from headwidgets.zoo.shipped import CARD, CARD_PROMPTS, FOLDER

MOST_BYTES = 8 * 2**20
TRAINED = [one.name for one in all_tasks() if one.trained]


@pytest.fixture(scope="module")
def bundled():
    session = hw.Session()
    yield session
    session.close()


def test_it_is_small(bundled):
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) <= MOST_BYTES
    assert bundled.facts.n_layers <= 8
    assert bundled.facts.n_ctx >= 256
    assert bundled.facts.dtype == "float32"
    assert bundled.facts.name == "bundled"


def test_its_tokenizer_has_what_the_tasks_need(bundled):
    text = bundled.engine.text
    words = {*SERIES, *NAMES, "yes", "no", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    assert {word: text.count_after(f" {word}") for word in words} == dict.fromkeys(words, 1)
    assert hw.tasks(bundled).set_index("name")["usable"][TRAINED].all()
    for odd in ("\u05e9\u05dc\u05d5\u05dd", "\U0001f469\u200d\U0001f4bb", "a\x00b", "<bos>"):
        assert text.decode(text.encode(odd)[1:]) == odd


def test_what_training_never_saw_is_marked(bundled):
    unseen = bundled.engine.text.unseen
    assert 0 < len(unseen) < bundled.facts.d_vocab
    seen = {token for name in ("ioi", "succession") for token in _tokens(bundled, name)}
    assert not seen & unseen
    bundled.prompt = "When \u05e9 came"
    panel = hw.PatchPanel(bundled)
    marked = bundled.state.panel["tokens"]["clean"]
    assert [marked["pieces"][at] for at in marked["unseen"]] != []
    panel.close()


def _tokens(session, name):
    prompts = hw.task(name, 100).prompts(session.engine.text)
    return {token for text in prompts.clean for token in session.engine.text.encode(text)}


def test_the_first_prompt_of_the_documents_is_answered(bundled):
    bundled.prompt = "When Mary and John went to the store, John gave a drink to"
    assert bundled.logits(k=1)["token"].item() == " Mary"


FEW = ["toy movie review", "succession", "ioi", "options"]


@pytest.mark.parametrize("tasks", [FEW, pytest.param(TRAINED, marks=pytest.mark.slow)])
def test_the_card_is_what_the_weights_do(bundled, tasks):
    """Every number of the shipped table, measured again from the committed weights."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    found = bundled.report_card(tasks, n=CARD_PROMPTS)
    torch.set_num_threads(threads)
    shipped = hw.report_card().to_frame()
    assert list(shipped["task"]) == TRAINED
    shipped = shipped.set_index("task").loc[tasks].reset_index()
    assert list(found["task"]) == tasks
    numbers = ("n", "accuracy", "skill", "accuracy_new", "skill_new", "chance", "cost", "others")
    for column in numbers:
        ours, theirs = (frame[column].to_numpy(float) for frame in (found, shipped))
        np.testing.assert_allclose(ours, theirs, atol=0.011, equal_nan=True, err_msg=column)
    sure = shipped["cost"] - shipped["others"] > 0.05
    pd.testing.assert_series_equal(found["head"][sure], shipped["head"][sure], check_dtype=False)


def test_the_card_keeps_its_bars():
    shipped = hw.report_card().to_frame().set_index("task")
    assert (shipped["accuracy"] >= 0.95).sum() >= 20
    assert shipped["special"].astype(bool).sum() >= 20
    assert shipped[["skill", "skill_new"]].min(axis=None) >= 0.5
    short = shipped.index[shipped["accuracy_new"] < 0.9 * shipped["accuracy"]]
    assert list(short) == ["toy mood story"]  # the one bar that it misses


def test_it_says_how_it_was_made():
    about = json.loads((FOLDER / "meta.json").read_text())
    assert about["step"] == about["steps"]
    assert about["tasks"] == TRAINED
    assert CARD.exists()
