"""Neurons of period ten, index and domain, other spellings, no head: planted, then learned."""

from __future__ import annotations

import numpy as np
import pytest
from numerals import counting

import headwidgets as hw
from headwidgets.errors import InputError, NotMeasurable
from headwidgets.labs import outside as beyond
from headwidgets.labs.decomposition import index_and_domain
from headwidgets.labs.neurons import neurons
from headwidgets.labs.outside import outside, without_heads
from headwidgets.zoo.numerals import numerals as build

# ------------------------------------------------------------------ neurons


def test_a_neuron_a_digit_fires_with_period_ten(numerals):
    """Neurons 0 to 9 are planted, one a digit; 10 to 30 fire a ten long."""
    frame = neurons(numerals)
    ten = frame.iloc[:10]
    assert set(ten["neuron"]) == set(range(10))
    assert (ten["neuron"] == ten["residue"]).all()
    assert ten["explained"].min() > 0.98
    assert ten["p"].tolist() == [1 / 201] * 10, "no draw of 200 reaches one: never 0"
    assert ten["here"].min() > 0.9
    assert ten["elsewhere"].max() < 0.05
    assert ten["other"].max() < 0.2
    assert (frame["p"][10:] > 0.05).all()
    of_tens = frame[frame["neuron"].between(10, 29)]
    assert of_tens["tens"].min() > 0.9
    assert frame.attrs["features"] == dict.fromkeys(range(10), 1)
    assert frame.attrs["null_max"] < 0.4


def test_shuffled_digits_explain_what_chance_gives(numerals):
    """η² of ten classes is 9 / 199 by chance, for each neuron."""
    frame = neurons(numerals, draws=20)
    rest = frame[~frame["neuron"].isin(range(31)) & (frame["neuron"] > 128 + 31)]
    assert rest["explained"].mean() == pytest.approx(9 / 199, rel=0.35)


def test_the_bundled_models_neurons_have_no_period(bundled):
    assert neurons(bundled)["p"].min() > 0.01


def test_neurons_that_are_not_shown_are_told():
    with pytest.raises(NotMeasurable, match="no MLP that shows its neurons"):
        neurons(counting())


# ------------------------------------------------------------------ index and domain


def test_members_are_put_together_from_index_and_set(numerals):
    frame = index_and_domain(numerals, "1.0")
    assert frame.attrs["decoded"] >= 0.95
    assert frame.attrs["sum"] < 0.3
    assert frame.attrs["chance"] < 0.01
    assert frame["successor"].mean() > 0.9
    assert (frame["decoded"] <= np.minimum(frame["index"], frame["domain"]) + 1e-9).all()
    assert index_and_domain(numerals, "1.1")["successor"].max() < 0.1, "it copies"


def test_noise_has_neither_index_nor_set():
    session = hw.Session(build(noise=50.0))
    assert index_and_domain(session).attrs["decoded"] < 0.1
    session.close()


def test_pairs_learned_by_heart_are_not_put_together(bundled):
    frame = index_and_domain(bundled, "3.1")
    assert frame.attrs["decoded"] < 0.3
    assert frame["successor"].mean() < 0.5


def test_one_set_alone_shares_no_index():
    sets = ("number words", "ordinals", "days", "months", "letters")
    sets = (*sets, "day prefixes", "month prefixes")
    cut = [m for name in sets for m in beyond.SETS[name][0]]
    with pytest.raises(NotMeasurable, match="no two sets"):
        index_and_domain(counting(cut=tuple(cut)))


# ------------------------------------------------------------------ outside


def test_roman_numerals_follow_where_the_code_is_shared(numerals):
    frame = outside(numerals, "1.0").set_index("set")
    assert frame["pairs"]["Roman numerals"] == frame["of"]["Roman numerals"] == 38
    assert 0.25 < frame["score"]["Roman numerals"] < 0.9, "above chance, below what was fitted"
    assert frame["chance"]["Roman numerals"] == pytest.approx(1 / 39)
    assert outside(numerals, "1.1").set_index("set")["score"]["Roman numerals"] == 0


def test_other_spellings_are_sets_of_their_own(bundled):
    frame = outside(bundled, "3.1").set_index("set")
    assert "numbers, other case" not in frame.index
    assert frame["pairs"]["letters, no space"] == 25
    assert frame["score"]["letters, no space"] < 0.2, "bytes, that it has not learned to count"
    assert frame["score"].isna()["days, capitals"]
    texts, wraps = beyond.variants()["days, capitals"]
    assert texts[0] == " MONDAY"
    assert wraps
    assert beyond.variants()["number words, other case"][0][0] == " One"


# ------------------------------------------------------------------ without heads


def test_the_first_mlp_alone_says_nothing_here(numerals):
    frame = without_heads(numerals)
    assert frame.attrs == {"mlp": 0, "mlp_first": 0, "stream": 0}
    assert frame["n"].sum() == 290


def test_an_unembedding_that_reads_the_code_says_the_member_itself():
    engine = counting()  # W_U is its W_E
    frame = without_heads(engine)
    assert frame["itself"].mean() > 0.99
    assert frame.attrs["mlp_first"] == 0


def test_the_bundled_mlp_alone_predicts_hardly_any(bundled):
    frame = without_heads(bundled)
    assert frame.attrs["mlp_first"] < 0.01
    assert frame.attrs["mlp"] < 0.06


@pytest.mark.parametrize("ask", [neurons, index_and_domain, without_heads])
def test_no_session_is_told(ask):
    with pytest.raises(InputError, match="expected a session"):
        ask(3)


def test_a_model_without_mlp_is_told():
    session = hw.Session("planted")
    for ask in (without_heads, neurons, lambda s: outside(s, "1.0")):
        with pytest.raises(NotMeasurable, match="no MLP"):
            ask(session)
    session.close()
