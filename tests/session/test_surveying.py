"""Heads against tasks, scores over training, whether edits help: beside the numbers by hand."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

import headwidgets as hw
from headwidgets.errors import Cancelled, InputError, NotMeasurable
from headwidgets.heads import Head
from headwidgets.methods.snapshot import Snapshot
from headwidgets.methods.sweep import changes
from headwidgets.session.reading import answers_of
from headwidgets.taxonomy.over_training import _check_shape
from headwidgets.zoo.shipped import FOLDER

TASKS = ["ioi", "parity"]


@pytest.fixture(scope="module")
def session():
    held = hw.Session()
    yield held
    held.close()


@pytest.fixture(scope="module")
def matrix(session):
    return session.matrix(None, TASKS, heads=["3.2", "0.3", "1.0"], n=40)


# ------------------------------------------------------------------ heads against tasks


def test_a_cell_is_the_cost_of_resampling_within_each_template(session, matrix):
    one = matrix[(matrix.task == "ioi") & (matrix["layer"] == 3)].set_index("template")
    costs = []
    for split in ("test", "templates"):
        session.prompts = hw.task("ioi", n=40, split=split)
        snapshot, prompts = session.snapshot(), session.prompts
        answers = answers_of(prompts)
        for name in dict.fromkeys(prompts.templates):
            mine = [i for i, other in enumerate(prompts.templates) if other == name]
            lengths = {len(snapshot.pairs[i].clean) for i in mine}
            if len(mine) < 2:
                assert name not in one.index
                continue
            assert len(lengths) == 1
            pairs, asked = zip(*[(snapshot.pairs[i], answers[i]) for i in mine], strict=True)
            change, clean = changes(
                session.engine, Snapshot(pairs, answers=asked), "resample", [Head(3, 2)]
            )
            assert one.loc[name, "cost"] == pytest.approx(-change.mean(), abs=1e-9)
            assert one.loc[name, "clean"] == pytest.approx(clean.mean(), abs=1e-9)
            costs += list(-change[0])
    whole = one.loc["all"]
    assert whole["n"] == len(costs)
    assert whole["cost"] == pytest.approx(np.mean(costs), abs=1e-9)
    assert whole["share"] == pytest.approx(whole["cost"] / whole["clean"])
    assert whole["se"] == pytest.approx(np.std(costs, ddof=1) / np.sqrt(len(costs)))


def test_heads_are_of_some_tasks_and_not_of_others(matrix):
    shares = matrix[matrix.template == "all"].pivot_table(
        index=["layer", "head"], columns="task", values="share"
    )
    assert shares.loc[(3, 2), "ioi"] > 0.2 > abs(shares.loc[(3, 2), "parity"]) * 10
    assert shares.loc[(0, 3)].min() > 0.3
    assert set(matrix["kinds"]) == {"named"}


def test_kinds_name_their_heads_from_the_scores_that_hold(session):
    scored = session.score("previous token")
    best = scored.sort_values("score").iloc[-1]
    frame = session.matrix("previous token", "ioi", n=20)
    found = {(r["layer"], r["head"]) for r in frame.to_dict("records")}
    assert (best["layer"], best["head"]) in found
    assert len(found) <= 2
    assert set(frame["kinds"]) == {"previous token"}
    assert "matrix" in session.frames


def test_a_task_that_cannot_be_asked_says_so(session):
    frame = session.matrix(None, ["agenda"], heads=["3.2"], n=20)
    row = frame.iloc[0]
    assert np.isnan(row["share"])
    assert "at chance" in row["note"] or "usable" in row["note"] or "token" in row["note"]


def test_rounding_does_not_differ_between_templates(planted):
    """The planted induction head costs names nothing: what is left is 1e-13."""
    frame = planted.matrix("induction", ["ioi"], n=20)
    whole = frame[frame["template"] == "all"].iloc[0]
    assert 0 < abs(whole["cost"]) < 1e-9
    assert whole["between"] == 0
    assert whole["between_p"] == 1


def test_what_is_stopped_keeps_the_tasks_that_were_done(session, monkeypatch):
    from headwidgets.session import crossed

    real = crossed._of_task

    def stop(engine, heads, task, n, seed):
        if task.name == "parity":
            raise Cancelled
        return real(engine, heads, task, n, seed)

    monkeypatch.setattr(crossed, "_of_task", stop)
    with pytest.raises(Cancelled):
        session.matrix(None, TASKS, heads=["3.2"], n=20)
    assert set(session.frames["matrix"]["task"]) == {"ioi"}


@pytest.mark.parametrize(
    ("asked", "options", "says"),
    [
        (("no such kind", "ioi"), {}, "no kind is called"),
        (("induction", "no such task"), {}, "expected a task"),
        ((None, "ioi"), {}, "expected kinds of heads, or heads="),
        (("induction", []), {}, "expected names of tasks"),
        ((None, "ioi"), {"heads": ["9.9"]}, "9.9"),
        ((None, "ioi"), {"heads": ["1.0"], "n": 0}, "n"),
        (([], "ioi"), {}, "expected names of kinds"),
    ],
)
def test_bad_questions_about_tasks(session, asked, options, says):
    with pytest.raises(InputError, match=says):
        session.matrix(*asked, **options)


def test_a_kind_without_heads_says_so(planted):
    with pytest.raises(NotMeasurable, match="candidate"):
        planted.matrix("subword merge", "ioi", n=20)


def test_its_figure(matrix, tmp_path):
    figure = hw.crossing(matrix)
    assert "3 heads of bundled against 2 tasks" in repr(figure)
    assert figure.save(tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    assert figure.to_frame().equals(matrix)
    for wrong in ("frame", pd.DataFrame({"a": [1]}), matrix.head(0)):
        with pytest.raises(InputError, match=r"s\.matrix"):
            hw.crossing(wrong)


# ------------------------------------------------------------------ over training


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """Make three checkpoints: the bundled model with less and less noise on its weights."""
    root = tmp_path_factory.mktemp("run")
    weights = load_file(FOLDER / "model.safetensors")
    for step, noise in ((10, 0.5), (200, 0.05), (3000, 0.0)):
        folder = root / "checkpoints" / f"step-{step:06d}"
        shutil.copytree(FOLDER, folder)
        generator = torch.Generator().manual_seed(step)
        noisy = {
            name: one + noise * torch.randn(one.shape, generator=generator).to(one)
            for name, one in weights.items()
        }
        save_file(noisy, folder / "model.safetensors", metadata={"format": "pt"})
    return root


def test_scores_over_training_are_those_of_each_checkpoint(session, checkpoints):
    frame = session.over_training(["induction", "successor"], checkpoints, rows=4)
    assert list(dict.fromkeys(frame["step"])) == [10, 200, 3000]
    last = frame[(frame["step"] == 3000) & (frame["kind"] == "successor")]
    own = session.score("successor", rows=4)
    assert np.allclose(last["score"], own["score"])
    first = hw.Session(checkpoints / "checkpoints" / "step-000010")
    mine = frame[(frame["step"] == 10) & (frame["kind"] == "induction")]
    assert np.allclose(mine["score"], first.score("induction", rows=4)["score"], atol=1e-6)
    first.close()
    top = frame.groupby(["kind", "step"])["score"].max()
    assert top["successor", 3000] > 2 * top["successor", 10]
    figure = hw.curves(frame)
    assert "over 3 checkpoints" in repr(figure)
    assert "successor: 3.1 0.97" in repr(figure)


def test_a_list_of_folders_is_put_in_order(session, checkpoints):
    steps = sorted((checkpoints / "checkpoints").iterdir(), reverse=True)
    frame = session.over_training("previous token", steps[:2], rows=2)
    assert list(dict.fromkeys(frame["checkpoint"])) == ["step-000200", "step-003000"]


def test_checkpoints_of_another_shape_are_refused(planted, checkpoints):
    with pytest.raises(InputError, match=r"step-000010 has \d+ layers, this session's model 2"):
        planted.over_training("induction", checkpoints)


def test_checkpoints_as_deep_but_of_another_width_are_refused(session):
    own = session.facts
    wider = replace(own, d_model=own.d_model + 64, d_head=own.d_head + 8)
    with pytest.raises(InputError, match=f"step9 has {own.d_model + 64} dimensions, this session"):
        _check_shape(own, wider, "step9")
    with pytest.raises(InputError, match=f"has {own.d_head + 8} dimensions a head"):
        _check_shape(own, replace(wider, d_model=own.d_model), "step9")
    _check_shape(own, own, "step9")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("no/such/folder", "expected a folder of checkpoints"),
        (["no/such/folder", "neither"], "no checkpoint at"),
        ([], "at least two checkpoints"),
        (5, "folders or revisions"),
        (["step1", "step2"], "no checkpoint at 'step1'"),  # the bundled model has no revisions
    ],
)
def test_checkpoints_that_are_none(session, given, says):
    with pytest.raises(InputError, match=says):
        session.over_training("induction", given)


def test_two_checkpoints_of_one_step_are_refused(session, checkpoints):
    one = checkpoints / "checkpoints" / "step-000010"
    with pytest.raises(InputError, match="each with its own step"):
        session.over_training("induction", [one, one])


def test_revisions_are_of_the_model_that_the_session_opened():
    from headwidgets.taxonomy.over_training import read_checkpoints

    found = read_checkpoints(["step1000", "step512"], "EleutherAI/pythia-70m")
    assert [one.revision for one in found] == ["step512", "step1000"]
    assert {one.model for one in found} == {"EleutherAI/pythia-70m"}


def test_curves_want_scores_over_training(session):
    for wrong in (None, session.score("induction"), pd.DataFrame()):
        with pytest.raises(InputError, match="over_training"):
            hw.curves(wrong)


# ------------------------------------------------------------------ benchmark


def test_a_benchmark_is_accuracy_before_and_after(session):
    session.prompt = "When Mary and John went to the store, John gave a drink to"
    variants = {"off": hw.zero("3.2"), "same": [hw.scale("3.2", 1.0)]}
    frame = session.benchmark(["ioi", "parity"], variants, n=40).set_index(["edits", "task"])
    session.edits = [hw.zero("3.2")]
    for task in ("ioi", "parity"):
        before = session.accuracy(task, n=40).iloc[0]
        after = session.accuracy(task, n=40, run="edited").iloc[0]
        row = frame.loc["off", task]
        assert row["accuracy"] == pytest.approx(before["accuracy"])
        assert row["edited"] == pytest.approx(after["accuracy"])
        assert row["logit_diff_change"] == pytest.approx(
            after["logit_diff"] - before["logit_diff"], abs=1e-6
        )
        same = frame.loc["same", task]
        assert (same["change"], same["logit_diff_change"]) == (0, 0)
        assert same["verdict"] == "no change shown"
    by_default = session.benchmark("ioi", n=40)
    assert by_default["logit_diff_change"].iloc[0] == frame.loc["off", "ioi"]["logit_diff_change"]
    session.edits = []


def test_a_benchmark_says_what_harms_and_where_the_model_is_at_chance(session):
    frame = session.benchmark(["ioi", "mmlu"], hw.zero("0.3"), n=60).set_index("task")
    assert frame.loc["ioi", "verdict"] == "harms"
    assert frame.loc["ioi", "high"] < 0
    assert frame.loc["mmlu", "verdict"] == "at chance"


def test_one_prompt_does_not_say_that_a_model_is_at_chance(session):
    row = session.benchmark("ioi", hw.zero("3.2"), n=1).iloc[0]
    assert row["accuracy"] == 1
    assert row["verdict"] == "no change shown"
    assert "one prompt gives no interval" in row["note"]


def test_side_effects_are_by_hand(session):
    texts = ["The color of the sky is blue", "One two three four five six"]
    frame = session.benchmark("ioi", hw.zero("3.2"), n=20, neutral=texts)
    beside = frame.attrs["side_effects"][0]
    assert "neutral texts, n = 2" in frame.attrs["neutral"]
    kls, losses = [], []
    for text in texts:
        session.prompt, session.edits = text, [hw.zero("3.2")]
        ids = session.token_ids
        both = []
        for run in ("clean", "edited"):
            from headwidgets.methods.runs import logits

            found = logits(session.engine, session.snapshot(), run, [0], positions="all").values
            both.append(found[0].double().log_softmax(-1))
        clean, edited = both
        kls.append(float((clean.exp() * (clean - edited)).sum(-1).mean()))
        there = range(len(ids) - 1)
        losses.append(float((clean - edited)[there, ids[1:]].mean()))
    session.edits = []
    assert beside["kl"] == pytest.approx(np.mean(kls), rel=1e-4)
    assert beside["loss_change"] == pytest.approx(np.mean(losses), abs=1e-5)


def test_edits_that_neutral_text_has_no_partner_for_are_said(session):
    frame = session.benchmark("ioi", hw.patch("3.2"), n=20, neutral=["The sky is blue"])
    assert "corrupted" in frame.attrs["side_effects"][0]["note"]
    assert frame["logit_diff_change"].iloc[0] < 0


@pytest.mark.parametrize(
    ("edits", "says"),
    [
        (None, "there are no edits"),
        ({}, "there are no edits"),
        ({"off": []}, "there are no edits"),
        ("3.2", "expected edits such as"),
        (hw.zero("9.9"), "9.9"),
        ({"off": 3}, "expected edits such as"),
    ],
)
def test_a_benchmark_of_nothing(session, edits, says):
    session.edits = []
    with pytest.raises(InputError, match=says):
        session.benchmark("ioi", edits, n=20)
