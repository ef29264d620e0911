"""Tasks on a session: spelled in its tokens, measured, and the head that each leans on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from shaped import folder

import headwidgets as hw
from headwidgets.errors import InputError

COPY = "repeated random tokens"


def test_a_task_becomes_the_prompts(planted):
    planted.prompts = hw.task("ioi", n=40)
    prompts = planted.prompts
    assert len(prompts) == 40
    assert {"IO", "S1", "S2"} <= set(prompts.roles)
    where = prompts.roles["S2"][0]
    assert planted.tokens[where] == prompts.foil[0]
    assert planted.effect()["n"]["clean"] == 40
    planted.edits = [hw.zero("0.0", at="S2")]
    assert planted.effect()["n"]["edited"] == 40
    planted.edits = []


def test_a_reference_may_be_a_task_too(planted):
    planted.use(prompts=hw.task("ioi", n=20), reference=hw.task("ioi", n=30, seed=1))
    assert len(planted.reference) == 30
    planted.reference = None


def by_hand(session, prompts):
    """The same numbers, prompt by prompt, off plain forwards."""
    right, top, differences = [], [], []
    for i, prompt in enumerate(prompts.clean):
        ids = session.engine.text.encode(prompt) if isinstance(prompt, str) else prompt
        with torch.no_grad():
            logits = session.engine.view(torch.tensor([list(ids)]))[0, -1].float()
        asked = [prompts.answer[i], prompts.foil[i]]
        answer, foil = (session.engine.text.answer_id(ids, a) for a in asked)
        differences.append(float(logits[answer] - logits[foil]))
        top.append(float(logits.argmax() == answer))
        among = prompts.options[i] if prompts.options else None
        if among is None:
            right.append(top[-1])
        else:
            rivals = [session.engine.text.answer_id(ids, a) for a in among]
            best = float(logits[rivals].max())
            ties = sum(float(logits[r]) == best for r in rivals)
            right.append((float(logits[answer]) == best) / ties)
    return right, top, differences


@pytest.mark.parametrize("task", ["ioi", COPY, "key value"])
def test_accuracy_is_what_plain_forwards_give(tmp_path, task):
    session = hw.Session(folder("gpt2", tmp_path, tokenizer=True))  # no two logits are alike
    frame = session.accuracy(task, n=50, seed=3)
    prompts = hw.task(task, 50, seed=3, split="test").prompts(session.engine.text)
    right, top, differences = by_hand(session, prompts)
    row = frame.iloc[0]
    assert row["n"] == 50
    assert row["accuracy"] == pytest.approx(np.mean(right), abs=1e-6)
    assert row["top1"] == pytest.approx(np.mean(top), abs=1e-6)
    assert row["logit_diff"] == pytest.approx(np.mean(differences), abs=1e-4)
    assert row["skill"] == pytest.approx((np.mean(right) - row["chance"]) / (1 - row["chance"]))
    se = np.std(differences, ddof=1) / np.sqrt(50)
    assert row["logit_diff_se"] == pytest.approx(se, rel=1e-4)
    assert frame["n"][1:].sum() == 50  # by template
    whole = (frame["accuracy"][1:] * frame["n"][1:]).sum() / 50
    assert whole == pytest.approx(row["accuracy"])


def test_the_planted_model_copies_and_nothing_else(planted):
    copied = planted.accuracy(COPY, n=50)
    assert copied["accuracy"][0] == 1
    assert copied.attrs["notes"] == []
    assert "n = 50" in copied.attrs["measured_on"]
    guessed = planted.accuracy("ioi", n=50)
    assert any("at chance" in note for note in guessed.attrs["notes"])


def test_edits_count_where_they_are_asked_for(planted):
    planted.edits = [hw.zero("1.0")]
    clean, edited = (planted.accuracy(COPY, n=30, run=run) for run in ("clean", "edited"))
    planted.edits = []
    assert clean["accuracy"][0] == 1
    assert edited["accuracy"][0] < 0.1  # no logit is above another


def test_the_sessions_own_prompts_are_measured_and_left_alone(planted):
    planted.prompts = hw.task("key value", n=20)
    before = planted.prompts
    own = planted.accuracy()
    assert own["n"][0] == 20
    planted.accuracy("ioi", n=20)
    assert planted.prompts is before
    planted.prompts = "no answers here"
    with pytest.raises(InputError, match="expected prompts with answers"):
        planted.accuracy()


def test_an_unknown_task_is_refused_with_the_near_ones(planted):
    with pytest.raises(InputError, match="did you mean 'key value'"):
        planted.accuracy("key valu")


def test_a_task_that_cannot_be_spelled_says_which_words_are_cut(planted):
    with pytest.raises(InputError, match="' bad'"):
        planted.prompts = hw.task("toy movie review")


def test_the_list_says_what_a_tokenizer_can_spell(planted):
    frame = hw.tasks(planted).set_index("name")
    assert frame["usable"]["ioi"]
    assert frame["n"]["ioi"] == 100
    assert not frame["usable"]["toy movie review"]
    assert "' bad'" in frame["reason"]["toy movie review"]
    assert len(hw.tasks()) == len(frame)


def test_the_card_finds_the_head_that_copies(planted):
    """Without 1.0 nothing is copied, and without 0.0 it finds nothing to copy."""
    card = hw.report_card(planted, [COPY, "ioi", "toy movie review"], n=40)
    frame = card.to_frame().set_index("task")
    row = frame.loc[COPY]
    assert row["accuracy"] == row["accuracy_new"] == 1
    assert row["head"] in ("0.0", "1.0")
    assert row["cost"] > 0.9
    assert "not surely above zero" in frame["note"]["ioi"]
    assert "' bad'" in frame["note"]["toy movie review"]
    assert planted.frames["report card"].shape == card.to_frame().shape


def test_the_cards_costs_are_those_of_a_sweep(planted):
    prompts = hw.task(COPY, 40, split="test").prompts(planted.engine.text)
    lengths = [len(ids) for ids in prompts.clean]
    keep = [i for i, n in enumerate(lengths) if lengths.count(n) > 1]
    planted.prompts = hw.Prompts(
        **{k: [getattr(prompts, k)[i] for i in keep] for k in ("clean", "answer", "foil")}
    )
    frame = planted.sweep("resample", seed=0)
    costs = -frame["effect"] / frame.attrs["clean"]
    row = hw.report_card(planted, [COPY], n=40).to_frame().iloc[0]
    assert row["cost"] == pytest.approx(costs.max(), abs=1e-5)
    others = costs.drop(costs.idxmax())
    assert row["others"] == pytest.approx(np.percentile(others, 95), abs=1e-5)
    assert row["special"] == (row["cost"] >= 0.3 and row["cost"] > row["others"])


def test_the_card_is_a_picture(planted, tmp_path):
    card = hw.report_card(planted, [COPY, "ioi"], n=20)
    assert card._repr_mimebundle_()["image/png"].startswith(b"\x89PNG")
    assert "1 of 2 tasks" in repr(card)
    for suffix in (".png", ".svg"):
        assert card.save(tmp_path / f"card{suffix}").stat().st_size > 1000
    with pytest.raises(InputError, match=r"\.png or \.svg"):
        card.save(tmp_path / "card.html")


@pytest.mark.parametrize(
    ("tasks", "options", "said"),
    [
        ([], {}, "at least one task"),
        (["ioi"], {"n": 0}, "expected n as a whole number"),
        (["ioi"], {"seed": -1}, "expected seed as a whole number"),
        (["xx"], {}, "expected a task such as"),
    ],
)
def test_a_card_of_nothing_is_refused(planted, tasks, options, said):
    with pytest.raises(InputError, match=said):
        hw.report_card(planted, tasks, **options)


@pytest.mark.parametrize("other", [3, "gpt2"])
def test_a_card_is_of_a_session_and_a_list_of_a_tokenizer(other):
    with pytest.raises(InputError, match="expected a session"):
        hw.report_card(other)
    with pytest.raises(InputError, match="expected a session or a tokenizer"):
        hw.tasks(other)


@pytest.fixture
def shipped(planted, tmp_path, monkeypatch):
    """A card that lies in the package, and the table it was written from."""
    path = tmp_path / "card.csv"
    monkeypatch.setattr("headwidgets.widgets.report_card.CARD", path)
    frame = planted.report_card([COPY, "ioi", "toy movie review"], n=20)
    frame.to_csv(path, index=False)
    return frame


def test_without_a_session_the_card_of_the_package_is_shown(shipped):
    card = hw.report_card()
    pd.testing.assert_frame_equal(card.to_frame(), shipped, check_dtype=False)
    assert repr(card) == repr(hw.ReportCard(shipped, card.about))
    assert list(hw.report_card(tasks="ioi").to_frame()["task"]) == ["ioi"]
    assert list(hw.report_card(tasks=["ioi", COPY]).to_frame()["task"]) == ["ioi", COPY]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"n": 10}, "measured already"),
        ({"seed": 1}, "measured already"),
        ({"tasks": "mmlu"}, "expected tasks of the bundled model's card"),
        ({"tasks": []}, "expected tasks of the bundled model's card"),
        ({"tasks": "xx"}, "expected a task such as"),
    ],
)
def test_what_the_card_of_the_package_does_not_have_is_refused(shipped, asked, said):
    with pytest.raises(InputError, match=said):
        hw.report_card(**asked)


def test_a_package_without_a_card_says_how_to_measure_it(monkeypatch, tmp_path):
    monkeypatch.setattr("headwidgets.widgets.report_card.CARD", tmp_path / "none.csv")
    with pytest.raises(InputError, match="make card"):
        hw.report_card()


def test_a_card_of_one_task_that_cannot_be_spelled_still_has_its_columns(planted):
    card = hw.report_card(planted, "toy movie review", n=20)
    assert card.to_frame()["accuracy"].isna().all()
    assert "0 of 0 tasks" in repr(card)
    assert card._repr_mimebundle_()["image/png"].startswith(b"\x89PNG")


def test_a_prompt_of_ones_own_is_no_longer_of_a_template(planted):
    planted.prompts = hw.task("ioi", n=20)
    planted.prompt = "</script> and John went to"
    assert planted.prompts.templates[0] == "your own"
    frame = planted.accuracy()
    assert frame.set_index("template")["n"]["your own"] == 1
