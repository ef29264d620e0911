"""Score tables on attention that was drawn by hand: what is found, refused and said."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest
import torch
from fake_engine import (
    FakeEngine,
    back,
    copying_weights,
    current_token,
    duplicate_token,
    induction,
    mix,
    nan,
    previous_token,
    sink,
    times,
    uniform,
)

import headwidgets as hw
from headwidgets.errors import Cancelled, InputError
from headwidgets.model.work import Work, doing
from headwidgets.taxonomy import agreement, all_kinds, score, scores
from headwidgets.taxonomy.frame import COLUMNS
from headwidgets.taxonomy.verdict import CANDIDATE, CONSISTENT, NO, NOT_MEASURABLE

HEADS = [[previous_token, duplicate_token, induction], [current_token, sink, uniform]]
KINDS = ("previous token", "duplicate token", "induction")
MODULE = import_module("headwidgets.taxonomy.score")  # the package's `score` is the function


def at(table, layer, head):
    return table[(table["layer"] == layer) & (table["head"] == head)].iloc[0]


def claimed(table):
    found = table[table["verdict"] == CONSISTENT]
    return [f"{layer}.{head}" for layer, head in zip(found["layer"], found["head"], strict=True)]


def test_each_kind_finds_its_head_and_nothing_else():
    engine = FakeEngine(HEADS)
    for name, head in zip(KINDS, ("0.0", "0.1", "0.2"), strict=True):
        table = score(engine, name)
        assert claimed(table) == [head]
        assert table.loc[table["verdict"] == CONSISTENT, "p"].item() == pytest.approx(0.001)
        assert set(table.loc[table["verdict"] != CONSISTENT, "verdict"]) == {NO}
        # An ideal head scores exactly 1, the others exactly 0, uniform its closed form.
        expected = [0.0] * 6
        expected[int(head[2])] = 1.0
        assert table["score"].to_numpy()[:5] == pytest.approx(expected[:5])
        assert table["score"].notna().all()


def test_the_columns_are_these():
    table = score(FakeEngine(HEADS), "induction", length=9, rows=4, seed=5, edits="zero 0.0")
    assert (
        tuple(table.columns)
        == COLUMNS
        == (
            "layer",
            "head",
            "kind",
            "score",
            "se",
            "null_mean",
            "null_max",
            "p",
            "percentile",
            "n",
            "task_accuracy",
            "evidence",
            "verdict",
            "reason",
            "edits",
        )
    )
    assert table[["layer", "head"]].to_numpy().tolist() == [
        [i, j] for i in (0, 1) for j in range(3)
    ]
    assert set(table["n"]) == {4}
    assert set(table["edits"]) == {"zero 0.0"}
    assert set(table["task_accuracy"]) == {1.0}
    assert table["percentile"].max() == 100
    assert {str(table[name].dtype) for name in COLUMNS[3:9]} == {"float64"}
    assert str(table["task_accuracy"].dtype) == "float64"
    assert table.attrs == {
        "kind": "induction",
        "model": "fake",
        "revision": None,
        "numerics": "raw",
        "threshold": 0.4,
        "threshold_origin": "paper",
        "unit": "attention, 0 to 1",
        "measured_on": "random tokens, 4 × 2 × 9",
        "by_rows": True,
        "n_counts": "rows of random tokens",
        "seed": 5,
        "draws": 999,
        "first_on_random": "0.2 (1.000)",
    }


def test_se_is_over_rows():
    def by_row(ids, first):
        return (sum(ids) % 7) / 7 * previous_token(ids, first)

    table = score(FakeEngine([[by_row, uniform]]), "previous token", rows=5, length=6)
    one = score(FakeEngine([[by_row, uniform]]), "previous token", rows=1, length=6)
    assert at(table, 0, 0)["se"] > 0
    assert np.isnan(at(one, 0, 0)["se"])
    same = score(FakeEngine(HEADS), "previous token", rows=5, length=6)
    assert at(same, 0, 0)["se"] == 0


def test_a_previous_token_head_does_not_stand_in_the_way_of_a_weak_induction_head():
    heads = [[previous_token, mix(0.45, induction, sink), uniform]]
    found = at(score(FakeEngine(heads), "induction"), 0, 1)
    assert (found["verdict"], found["score"]) == (CONSISTENT, pytest.approx(0.45))


def test_one_short_row_proves_little():
    heads = [[previous_token, mix(0.45, induction, sink), uniform]]
    found = at(score(FakeEngine(heads), "induction", rows=1, length=6), 0, 1)
    # One of its twenty shifts is another head's line, and no other row tells the two apart.
    assert found["p"] > 0.01
    assert found["verdict"] == CANDIDATE


def test_a_head_that_looks_a_fixed_way_back_is_neither_duplicate_nor_induction():
    engine = FakeEngine([[back(50), back(49), uniform]])
    for name, head in (("duplicate token", 0), ("induction", 1)):
        found = at(score(engine, name), 0, head)
        assert found["score"] == pytest.approx(1, abs=0.03)
        assert found["p"] > 0.5
        assert found["verdict"] == CANDIDATE  # over the threshold, and not beyond its null
        assert "p = 1.000 is above 0.01" in found["reason"]


def test_a_head_that_looks_more_elsewhere_says_where():
    heads = [[mix(0.45, induction, duplicate_token), mix(0.3, previous_token, back(3)), uniform]]
    first = at(score(FakeEngine(heads), "induction"), 0, 0)
    assert first["verdict"] == NO
    assert "attends as much or more to its earlier copy (0.550)" in first["reason"]
    assert at(score(FakeEngine(heads), "duplicate token"), 0, 0)["verdict"] == CONSISTENT
    second = at(score(FakeEngine(heads), "previous token"), 0, 1)
    assert "the token 3 back" in second["reason"]
    assert second["verdict"] == NO


@pytest.mark.parametrize("sign", [-1.0, 0.0])
def test_induction_without_copying_is_a_candidate_at_most(sign):
    engine = FakeEngine(HEADS, weights=copying_weights(200, sign=sign))
    found = at(score(engine, "induction"), 0, 2)
    assert found["verdict"] == CANDIDATE
    assert f"copying {sign:+.2f}" in found["reason"].replace("-0.00", "+0.00")


def test_copying_that_cannot_be_computed_is_said():
    weights = copying_weights(200)
    weights.W_E = weights.W_E[:, :8]
    found = at(score(FakeEngine(HEADS, weights=weights), "induction"), 0, 2)
    assert found["verdict"] == CANDIDATE
    assert "widths do not meet" in found["reason"]


def test_nothing_planted_nothing_claimed():
    table = scores(FakeEngine([[uniform, sink, current_token]]))
    assert set(table["verdict"]) == {NO, NOT_MEASURABLE}
    measured = table[table["verdict"] == NO]
    assert set(KINDS) <= set(measured["kind"])
    assert (measured["p"] > 0.9).all()


def test_p_is_right_on_heads_with_a_taste_for_places_the_same_in_all_rows():
    def drifting(seed):
        generator = torch.Generator().manual_seed(seed)
        bias = torch.randn(300, 300, generator=generator)

        def head(ids, _first):
            length = len(ids)
            return (
                bias[:length, :length]
                .masked_fill(torch.ones(length, length).triu(1) > 0, -torch.inf)
                .softmax(-1)
            )

        return head

    least = []
    for seed in range(40):
        engine = FakeEngine([[drifting(8 * seed + h) for h in range(8)]])
        least.append(score(engine, "previous token", length=20, rows=4)["p"].min())
    assert sum(p <= 0.01 for p in least) <= 2  # of 40 models, one in a hundred
    assert 10 <= sum(p <= 0.5 for p in least) <= 30  # the null is not merely too high


def test_nan_is_not_measurable_and_spoils_no_other_head():
    table = score(FakeEngine([[previous_token, nan, uniform]]), "previous token")
    assert at(table, 0, 1)["verdict"] == NOT_MEASURABLE
    assert at(table, 0, 1)["reason"] == "its attention is NaN"
    assert np.isnan(at(table, 0, 1)["p"])
    assert claimed(table) == ["0.0"]


def test_all_nan():
    table = scores(FakeEngine([[nan, nan]]))
    assert set(table["verdict"]) == {NOT_MEASURABLE}


def test_rows_that_do_not_sum_to_one_are_taken_as_they_are():
    table = score(FakeEngine([[times(0.3, previous_token), uniform]]), "previous token")
    assert at(table, 0, 0)["score"] == pytest.approx(0.3)
    assert at(table, 0, 0)["verdict"] == CANDIDATE


def test_a_window_that_is_too_short_is_not_measurable():
    engine = FakeEngine([[induction], [induction]], windows=(None, 32))
    table = score(engine, "induction")
    assert claimed(table) == ["0.0"]
    assert at(table, 1, 0)["reason"] == "it sees 32 tokens, the target is 49 back"
    assert set(score(engine, "induction", length=20)["verdict"]) == {CONSISTENT}


@pytest.mark.parametrize(("window", "seen"), [(49, False), (50, True)])
def test_a_window_counts_the_token_itself(window, seen):
    table = score(FakeEngine([[induction]], windows=(window,)), "induction")
    assert (table["verdict"].item() == CONSISTENT) == seen


def test_a_context_that_holds_no_block_is_not_measurable():
    table = scores(FakeEngine(HEADS, n_ctx=5))
    assert set(table["verdict"]) == {NOT_MEASURABLE}
    assert table["reason"].str.contains("context of 5 tokens").all()
    assert tuple(table.columns) == COLUMNS


def test_a_model_without_bos():
    engine = FakeEngine([[previous_token, duplicate_token, induction]], bos=None)
    for name, head in zip(KINDS, ("0.0", "0.1", "0.2"), strict=True):
        assert claimed(score(engine, name)) == [head]


def test_kinds_share_their_runs():
    engine = FakeEngine(HEADS)
    scores(engine, length=8)
    together = engine.runs
    alone = {}
    for name in hw.kinds()["name"]:
        engine.runs = 0
        score(engine, name, length=8)
        alone[name] = engine.runs
    assert [alone[name] for name in KINDS] == [1, 2, 2]  # repeated and control rows
    others = sum(alone.values()) - 5
    assert together == 2 + others


def test_what_the_model_says_of_the_second_copy_is_read_off_the_run_that_shows_attention():
    def accuracy_and_runs(measured):
        engine, ran = FakeEngine(HEADS), []
        real = engine.run
        engine.run = lambda ids, *edits, **options: ran.append(ids) or real(ids, *edits, **options)
        table = measured(engine)
        return table[table["kind"] == "induction"]["task_accuracy"].iloc[0], len(ran)

    whole, runs = accuracy_and_runs(scores)
    alone, more = accuracy_and_runs(lambda engine: score(engine, "induction"))
    assert whole == alone == 1
    assert runs == 0 < more


def test_scores_are_the_scores_of_each_kind():
    engine = FakeEngine(HEADS)
    whole = scores(engine)
    for name in KINDS:
        part = whole[whole["kind"] == name].reset_index(drop=True)
        alone = score(engine, name)
        assert part.equals(alone)
        assert whole.attrs["kinds"][name] == alone.attrs


TEXT = [[0, 5, 6, 7, 5, 6, 8], [0, 9, 4, 9, 4, 9, 3, 9]]


def test_text_has_the_same_kinds():
    for name, head in zip(KINDS, (0, 1, 2), strict=True):
        table = score(FakeEngine(HEADS), name, on=TEXT)
        assert table.attrs["measured_on"] == "your text, 2 × 7 to 8 tokens"
        assert table.attrs["n_counts"] == "prompts with a target"
        assert at(table, 0, head)["score"] == table["score"].max()
    assert table.attrs["first_on_text"].startswith("0.2")


def test_text_without_repeats_is_not_measurable():
    table = score(FakeEngine(HEADS), "induction", on=[[0, 1, 2, 3]])
    assert set(table["verdict"]) == {NOT_MEASURABLE}
    assert "no token has the token after its earlier copy to look at" in table["reason"].iloc[0]


def only_on_text(ids, first):
    return (previous_token if len(ids) < 20 else sink)(ids, first)


def test_another_first_head_on_text_is_said():
    engine = FakeEngine([[mix(0.75, previous_token, sink), only_on_text, uniform]])
    table = score(engine, "previous token", text=TEXT)
    said = "first on random tokens: 0.0 (0.750); first on your text: 0.1 (1.000): they differ"
    assert table.attrs["agreement"] == said
    assert table.attrs["first_on_random"] == "0.0 (0.750)"
    assert table.attrs["first_on_text"] == "0.1 (1.000)"
    assert said in at(table, 0, 0)["reason"]
    assert at(table, 0, 0)["verdict"] == CONSISTENT


def test_the_same_first_head_on_text():
    table = score(FakeEngine(HEADS), "previous token", text=TEXT)
    assert table.attrs["agreement"].endswith("they agree")
    assert not table["reason"].str.contains("agree").any()


def test_agreement_with_nothing_to_compare():
    engine = FakeEngine(HEADS)
    on_text = score(engine, "induction", on=[[0, 1, 2]])
    said = agreement(score(engine, "induction"), on_text)
    assert said.endswith("first on your text: not measurable")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"draws": 100}, "at least 200 draws, got draws=100"),
        ({"lenght": 3}, "no option 'lenght'"),
        ({"on": []}, "at least one row"),
    ],
)
def test_options_that_cannot_be_used(options, said):
    with pytest.raises(InputError, match=said):
        score(FakeEngine(HEADS), "induction", **options)


def test_an_unknown_kind():
    with pytest.raises(InputError, match="'induction'"):
        score(FakeEngine(HEADS), "inducton")


def test_it_can_be_cancelled_between_kinds():
    work = Work()
    seen = []

    def watch(done, total, label):
        seen.append((done, total, label))
        work.cancel()

    work.progress = watch
    with doing(work), pytest.raises(Cancelled):
        scores(FakeEngine(HEADS), length=5, rows=2, causal=True)
    first = hw.kinds()["name"].iloc[0]
    assert seen == [(0, 40, f"scoring {first} on random tokens, 2 × 2 × 5")]


@pytest.mark.parametrize(("text", "stopped"), [(None, 7), (TEXT, 7), (TEXT, 47)])
def test_what_stops_it_has_the_kinds_that_were_done(monkeypatch, text, stopped):
    """After seven kinds; with text, also while all kinds are measured on that as well."""
    calls = []
    real = MODULE.checkpoint

    def interrupt(*at):
        calls.append(at)
        if len(calls) == stopped + 1:
            raise KeyboardInterrupt
        real(*at)

    monkeypatch.setattr(MODULE, "checkpoint", interrupt)
    engine = FakeEngine(HEADS)
    with pytest.raises(KeyboardInterrupt) as stop:
        scores(engine, text=text, length=8, rows=2, causal=True)
    done = stop.value.partial
    names = hw.kinds()["name"].tolist()
    assert [table["kind"].iloc[0] for table in done] == names[: min(stopped, 40)]
    for table in (done[5], done[-1]):
        alone = score(engine, table["kind"].iloc[0], length=8, rows=2)
        assert table.equals(alone)
        assert table.attrs == alone.attrs


def test_logits_that_are_nan_leave_the_accuracy_open():
    engine = FakeEngine(HEADS)
    engine.run = lambda ids, *_, **__: torch.full((*ids.shape, 200), float("nan"))
    assert score(engine, "induction")["task_accuracy"].isna().all()


def test_kinds_that_intervene_are_asked_for():
    engine = FakeEngine(HEADS)
    usual, every = (scores(engine, length=5, rows=2, causal=causal) for causal in (False, True))
    rest = set(every["kind"]) - set(usual["kind"])
    assert rest == {kind.name for kind in all_kinds() if kind.work is not None}
    assert {kind.name for kind in all_kinds() if kind.evidence == "causal"} <= rest
    assert len(set(every["kind"])) == 40
    assert {name for name in rest if name in usual.attrs["notes"][0]} == rest
    assert every.attrs["notes"] == []
