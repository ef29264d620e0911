"""Negative heads: no against yes in both orders, whatever is right and wherever they stand."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from direct import engine_of
from planted.yes_no import HEADS, asked, follows_truth, negative, scored, sink

from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy import yes_no
from headwidgets.taxonomy.asked import Asked
from headwidgets.taxonomy.seen import see
from headwidgets.taxonomy.verdict import CONSISTENT, NO


@pytest.mark.parametrize("noise", [0.0, 0.05])
@pytest.mark.parametrize("seed", range(3))
def test_planted(noise, seed):
    found = scored(HEADS, noise=noise, seed=seed)
    claimed = set(found.index[found["verdict"] == CONSISTENT])
    assert claimed <= {"0.0", "0.1"}
    assert "0.0" in claimed
    assert found["score"].drop("1.4").idxmax() == "0.0"
    assert "as uneven a look in 100% of 99 sets (p = 1.00" in found["reason"]["1.4"] or noise
    assert "as uneven a look in 0% of 99 sets (p = 0.01" in found["reason"]["0.0"]
    assert set(found["verdict"].drop(["0.0", "0.1"])) == {NO}
    assert "it follows the place: +" in found["reason"]["1.1"]
    assert "it follows the place" in found["reason"]["1.0"]
    assert "+0.000 where yes is right" in found["reason"]["1.3"] or noise


def test_closed_forms():
    found = scored(HEADS)["score"]
    assert found["0.0"] == pytest.approx(0.5 * math.log(4), rel=1e-5)
    assert found["0.1"] == pytest.approx(0.15 * math.log(2), rel=1e-5)  # the card's 0.104
    assert found["0.2"] == pytest.approx(-found["0.0"])  # the two exchanged turn the sign
    assert found[["0.3", "1.0", "1.2"]].to_numpy() == pytest.approx([0, 0, 0], abs=1e-5)


def test_a_place_that_outweighs_the_word_is_no_negative_head():
    found = scored(HEADS).loc["1.1"]
    assert found["score"] > 0.1
    assert found["verdict"] == NO


def test_what_was_measured_is_said():
    found = scored(HEADS)
    assert found.attrs["measured_on"] == "Yes or no, made, n = 40, each in both orders"
    assert set(found["n"]) == {yes_no.PAIRS} == {40}
    assert set(found["task_accuracy"]) == {0.95}
    few = scored(HEADS, prompts=asked(24))
    assert set(few["n"]) == {24}


def test_nothing_planted_and_permuted_answers_claim_nothing():
    assert set(scored([[sink, sink]], noise=0.3)["verdict"]) == {NO}
    made = asked()
    mixed = tuple(np.random.default_rng(0).permutation(made.answer).tolist())
    made = Asked(made.prompts, made.rows, mixed, made.foil, made.options)
    found = scored([[follows_truth, sink]], prompts=made)
    assert set(found["verdict"]) == {NO}


def test_words_of_several_tokens_are_refused():
    made = asked()
    made.prompts.spans["tNo"] = [(3, 5)] * len(made.rows)
    with pytest.raises(NotMeasurable, match="one token each"):
        scored([[negative]], prompts=made)


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_on_a_real_run_it_is_equation_5_in_both_orders(shaped_bridges, name):
    engine = engine_of(shaped_bridges(name))
    made = asked(24)
    measure = SimpleNamespace(engine=engine, hooks=())
    found = yes_no._both_orders(measure, SimpleNamespace(asked=made), made.rows, range(24))
    assert found.shape[:2] == (24, 2)
    row, (yes, no) = 2, (made.prompts.roles[role][2] for role in ("tYes", "tNo"))
    assert yes > no  # no stands first here
    ids = list(made.rows[row])
    for order in (1, 0):
        (seen,) = see(engine, [yes_no.Look(tuple(ids), tuple(range(len(ids))))])
        after = seen.attention[:, :, max(yes, no) + 1 :]
        y, n = (yes, no) if order else (no, yes)
        expected = (after[..., y] + after[..., n]) * np.log(after[..., n] / after[..., y])
        np.testing.assert_allclose(found[row, order], expected.mean(-1), atol=1e-4)
        ids[yes], ids[no] = ids[no], ids[yes]
