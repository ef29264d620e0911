"""Heads that go by place: one distance, or all the way to every copy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fake_engine import (
    FakeEngine,
    back,
    current_token,
    duplicate_token,
    induction,
    mix,
    nan,
    previous_token,
    sink,
    uniform,
)

from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy import positional, score
from headwidgets.taxonomy.largest import largest
from headwidgets.taxonomy.measure import Measure
from headwidgets.taxonomy.random_tokens import random_rows, text_rows
from headwidgets.taxonomy.verdict import CONSISTENT, NO, NOT_MEASURABLE


def noise(seed=0):
    generator = torch.Generator().manual_seed(seed)

    def head(ids, _first):
        drawn = torch.rand(len(ids), len(ids), generator=generator).tril()
        return drawn / drawn.sum(-1, keepdim=True)

    return head


def dirty(head, seed=0):
    return mix(0.95, head, noise(seed))


def all_copies(ids, first):
    """Look at every earlier copy of the token alike."""
    out = torch.zeros(len(ids), len(ids))
    for i, one in enumerate(ids):
        keys = [j for j in range(first, i) if ids[j] == one] or [0]
        out[i, keys] = 1 / len(keys)
    return out


def named(table):
    table.index = [f"{a}.{b}" for a, b in zip(table["layer"], table["head"], strict=True)]
    return table


def claimed(table):
    return list(table.index[table["verdict"] == CONSISTENT])


# ---------------------------------------------------------------------- the largest


def test_ties_and_bos_alone_are_no_place():
    rows = torch.tensor([[0.9, 0.1, 0.0], [0.2, 0.4, 0.4], [1.0, 0.0, 0.0], [0.5, 0.2, 0.3]])
    place, off = largest(rows, 1)
    assert place.tolist() == [1, -1, -1, 2]
    assert off.tolist() == pytest.approx([0.1, 0.8, 0.0, 0.5])
    assert largest(rows, 0)[0].tolist() == [0, -1, 0, 0]
    assert largest(torch.tensor([1.0]), 0)[0].item() == 0


# ---------------------------------------------------------------------- one distance


@pytest.mark.parametrize("places", [1, 2, 5, 8])
@pytest.mark.parametrize("bos", [0, None])
def test_a_fixed_distance_scores_one(places, bos):
    heads = [back(places), current_token, sink, uniform, duplicate_token, induction]
    table = named(score(FakeEngine([heads], bos=bos), "positional", rows=4, draws=200))
    assert table["score"]["0.0"] == 1
    assert claimed(table) == ["0.0"]
    assert f"it looks {places} back" in table["reason"]["0.0"]
    others = table.drop("0.0")
    assert set(others["verdict"]) <= {NO}
    assert others["score"].max() < 0.2


@pytest.mark.parametrize("seed", range(5))
def test_a_noisy_one_is_still_first_and_decoys_are_not(seed):
    often = mix(0.55, back(3), current_token)  # the largest, though not by much
    heads = [
        [dirty(back(3), seed), dirty(often, seed), dirty(back(9), seed)],
        [mix(0.02, back(2), sink), noise(seed), dirty(current_token, seed)],
    ]
    table = named(score(FakeEngine(heads), "positional", rows=8, draws=200, seed=seed))
    assert claimed(table) == ["0.0", "0.1"]
    assert table["score"].idxmax() == "0.0" or table["score"]["0.0"] == table["score"].max()
    assert "0.020 of its attention is not on BOS" in table["reason"]["1.0"]
    assert set(table["verdict"].drop(["0.0", "0.1"])) == {NO}


def test_a_preference_far_above_chance_is_not_enough():
    def sometimes(ids, first):
        one, other = back(2)(ids, first), current_token(ids, first)
        keep = (torch.arange(len(ids)) % 10 < 4)[:, None]
        return torch.where(keep, one, other)

    table = named(score(FakeEngine([[sometimes, uniform]]), "positional", rows=4, draws=200))
    assert table["score"]["0.0"] == pytest.approx(0.4, abs=0.02)
    assert table["p"]["0.0"] <= 0.01
    assert table["verdict"]["0.0"] == NO
    assert "few queries look 2 back" in table["reason"]["0.0"]


def test_the_null_is_a_random_place_among_those_that_are_seen():
    """A head that sees four tokens is at one distance in a quarter of the cases by chance."""
    engine = FakeEngine([[current_token], [current_token], [uniform]], windows=(None, 4, None))
    measure = Measure(engine, random_rows(engine, rows=8, length=50), draws=400)
    null = positional.positional(measure).null[..., 0]
    assert null[:, 1].mean() == pytest.approx(0.27, abs=0.03)
    assert null[:, 0].mean() == pytest.approx(0.05, abs=0.02)
    assert not null[:, 2].any()  # a tie is a miss, turned round as well


def test_text_is_measured_as_it_is():
    engine = FakeEngine([[previous_token, induction]], chunk=7)
    text = [[0, *range(1, 30)], [5, 6], [0, *([3, 4, 5] * 8)]]
    table = named(score(engine, "positional", on=text, draws=200))
    assert table.attrs["measured_on"].startswith("your text")
    assert list(table["n"]) == [2, 2]  # two tokens have no place eight back
    assert claimed(table) == ["0.0"]
    assert table["score"]["0.1"] == pytest.approx(22 / 22 / 2, abs=0.06)  # the trap: period three
    with pytest.raises(NotMeasurable, match="no row has more than 8"):
        positional.positional(Measure(engine, text_rows(engine, [[1, 2, 3]])))


def test_nan_is_named():
    table = named(score(FakeEngine([[nan, back(1)]]), "positional", rows=2, draws=200))
    assert table["verdict"]["0.0"] == NOT_MEASURABLE
    assert "NaN" in table["reason"]["0.0"]
    assert claimed(table) == ["0.1"]


# ---------------------------------------------------------------------- all copies


@pytest.mark.parametrize(("n", "echo"), [(50, 0.01557), (100, 0.00784)])
def test_uniform_attention_has_the_closed_form(n, echo):
    engine = FakeEngine([[uniform]], n_ctx=512, d_vocab=500)
    measure = Measure(engine, random_rows(engine, rows=1, length=n), draws=200)
    scores = positional.global_retrieval(measure)
    # to copies and to what followed them: as many keys each
    assert scores.mean.item() == pytest.approx(2 * echo, abs=2e-5)
    assert f"1 × 4 × {n}" in scores.words


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("clean", [True, False])
def test_every_head_that_looks_at_copies_is_found(clean, seed):
    period = 20

    def form(head):
        return head if clean else dirty(head, seed)

    heads = [
        [form(duplicate_token), form(induction), form(all_copies)],
        [form(back(period)), form(back(period - 1)), form(previous_token)],
        [form(uniform), form(sink), form(mix(0.2, induction, sink))],
    ]
    engine = FakeEngine(heads, n_ctx=100)
    table = named(score(engine, "global retrieval", length=period, draws=200, seed=seed))
    expected = [1.0, 1.0, 1.0] if clean else [0.95, 0.95, 0.95]
    assert table["score"].iloc[:3].to_numpy() == pytest.approx(expected, abs=0.02)
    assert claimed(table) == ["0.0", "0.1", "0.2"]
    assert "copies 0.9" in table["reason"]["0.0"].replace("1.00", "0.9")
    assert "what followed them 0.9" in table["reason"]["0.1"].replace("1.00", "0.9")
    # as many places back as a copy is: so it is on rows that repeat nothing
    assert table["score"]["1.0"] > 0.9
    assert "where nothing repeats" in table["reason"]["1.0"]
    assert set(table["verdict"].iloc[3:8]) == {NO}
    assert table["verdict"]["2.2"] != CONSISTENT  # a fifth of its attention: below the threshold


def test_a_head_that_looks_more_elsewhere_is_none():
    def two_before(ids, first):
        out = torch.zeros(len(ids), len(ids))
        for i, one in enumerate(ids):
            j = next((j for j in range(i - 1, first - 1, -1) if ids[j] == one), None)
            if j is None or j - 2 < first:
                out[i, 0] = 1
            else:
                out[i, j - 2], out[i, j] = 0.6, 0.4
        return out

    engine = FakeEngine([[two_before, duplicate_token]], n_ctx=100)
    table = named(score(engine, "global retrieval", length=20, draws=200))
    assert table["verdict"]["0.0"] == NO
    assert "attends as much or more to other places" in table["reason"]["0.0"]
    assert claimed(table) == ["0.1"]


def test_blocks_are_of_the_same_tokens_and_controls_repeat_nothing():
    engine = FakeEngine([[uniform]], n_ctx=100)
    measure = Measure(engine, random_rows(engine, rows=16, length=20))
    repeated, control, first = positional._blocks(measure)
    assert len(repeated) == len(control) == 8
    assert first == 1
    for one, other in zip(repeated, control, strict=True):
        block = one[1:21]
        assert one == (0, *(block * 4))
        assert other[:21] == one[:21]
        assert len(set(other)) == 81
        assert {len(one), len(other)} == {81}
    tiny = FakeEngine([[uniform]], n_ctx=100, d_vocab=8)
    _, (short, *_), _ = positional._blocks(Measure(tiny, random_rows(tiny, rows=1)))
    assert len(short) == 29  # of seven tokens, again and again
    assert np.isin(short[1:], range(1, 8)).all()


def test_what_cannot_be_asked_is_said():
    engine = FakeEngine([[uniform], [duplicate_token]], n_ctx=100, windows=(None, 20))
    table = named(score(engine, "global retrieval", length=22, rows=2, draws=200))
    assert table["verdict"]["1.0"] == NOT_MEASURABLE
    assert "sees 20 tokens" in table["reason"]["1.0"]
    with pytest.raises(NotMeasurable, match="not on rows that are given"):
        positional.global_retrieval(Measure(engine, text_rows(engine, [[1, 2, 1, 2]])))
    small = FakeEngine([[uniform]], n_ctx=20)
    with pytest.raises(NotMeasurable, match="context of 20 tokens"):
        positional.global_retrieval(Measure(small, random_rows(small)))
