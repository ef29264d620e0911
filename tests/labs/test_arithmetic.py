"""Mod-10 features, a probe for them and arithmetic: on a planted code, and on the bundled model."""

from __future__ import annotations

import numpy as np
import pytest
from numerals import counting

import headwidgets as hw
from headwidgets.errors import InputError, NotMeasurable
from headwidgets.labs import arithmetic as lab
from headwidgets.labs import residues
from headwidgets.labs.succession import known_set, matrix


@pytest.fixture(scope="module")
def engine():
    return counting()


def test_a_probe_reads_the_last_digit_here_and_elsewhere(engine):
    frame = residues.probe(engine)
    assert frame["set"][0] == "numbers"
    assert frame["n"].tolist()[0] == 200
    assert (frame["accuracy"] >= 0.95).all()
    assert frame.attrs["cosine"] > 0.9


def test_a_probe_of_noise_is_at_chance():
    frame = residues.probe(counting(noise=50.0))
    assert frame["accuracy"][0] < 0.25


def test_features_point_to_their_residue(engine):
    directions = residues.features(engine)
    assert directions.sum(0).abs().max() < 1e-4
    known = known_set(engine, "months", "normed")
    own = residues.indices(known) % 10
    assert np.mean((known.embedded @ directions.T).argmax(-1).numpy() == own) > 0.9


@pytest.mark.parametrize(("name", "least"), [("numbers", 0.8), ("months", 0.8), ("letters", 0.8)])
def test_edited_members_are_followed_by_the_right_ones(engine, name, least):
    frame = lab.arithmetic(engine, "0.0", name)
    assert frame.attrs["share"] >= least
    assert frame.attrs["n"] == len(frame)
    assert frame["right"].mean() == pytest.approx(frame.attrs["share"])
    assert lab.arithmetic(engine, "0.1", name).attrs["share"] < 0.1, "the other head copies"


def test_of_twenty_to_twenty_nine_most_are_right(engine):
    frame = lab.arithmetic(engine, "0.0", "numbers")
    twenties = frame[frame["member"].isin([str(i) for i in range(20, 30)])]
    assert len(twenties) == 90
    assert twenties["right"].mean() >= 0.8


def test_every_edit_is_counted_and_those_that_carry_are_told_apart():
    """Without noise all of the twenties that need no carry are right, and all months but May."""
    engine = counting(noise=0.0)
    frame = lab.arithmetic(engine, "0.0", "numbers")
    twenties = frame[frame["member"].isin([str(i) for i in range(20, 30)])]
    assert len(twenties) == 90
    within = twenties[~twenties["beyond"]]
    assert (len(within), within["right"].sum()) == (81, 81)
    assert set(twenties[twenties["beyond"]]["wanted"]) == {"30"}
    months = lab.arithmetic(engine, "0.0", "months")
    assert (months.attrs["n"], months.attrs["n_within"]) == (78, 68)
    first = months[months["member"].isin(known_months()[:9]) & ~months["beyond"]]
    assert len(first) == 64
    assert set(first[~first["right"]]["member"]) == {"May"}, "its code is that of a month's prefix"
    assert months.attrs["share_within"] == months[~months["beyond"]]["right"].mean()
    last = months[(months["member"] == "October") & months["beyond"]]
    assert last["wanted"].tolist() == ["January"]


def test_without_strength_nothing_is_edited(engine):
    assert lab.arithmetic(engine, "0.0", "months", 0).attrs["share"] < 0.15
    still = lab.edited(engine, "0.0", "months", "May", 7, 0)
    assert still["before"].to_numpy() == pytest.approx(still["after"].to_numpy())


def test_numpys_numbers_are_numbers(engine):
    frame = lab.slid(engine, "0.0", "months", "May", np.int64(7), np.arange(3))
    assert frame.index.tolist() == [0, 1, 2]
    one, same = (lab.arithmetic(engine, "0.0", "days", k) for k in (1.0, np.float32(1)))
    assert one.equals(same)


def test_one_edit_is_a_row_of_the_table(engine):
    frame = lab.edited(engine, "0.0", "months", "May", 7)
    assert frame.attrs["wanted"] == "August"
    assert frame["after"].sum() == pytest.approx(1, abs=1e-5)
    table = lab.arithmetic(engine, "0.0", "months").set_index(["member", "residue"])
    assert frame["member"][frame["after"].idxmax()] == table["written"]["May", 7]
    assert frame["member"][frame["before"].idxmax()] == "June"


def test_an_edit_out_of_the_set_is_not_asked(engine):
    assert lab.edited(engine, "0.0", "letters", "Z", 9).attrs["wanted"] == ""
    asked = lab.arithmetic(engine, "0.0", "letters").query("member == 'Z'")
    assert set(asked["residue"]) == set(range(6)), "U to Z in the twenties: 26 is the last"


def test_greater_members_are_compared_with_lesser(engine):
    frame = lab.greater_than(engine, "0.0", "months")
    assert frame["member"].tolist() == list(known_months())[1:-2], (
        "above November is the next alone"
    )
    assert frame["difference"].to_numpy() == pytest.approx(frame["above"] - frame["below"])


def test_counting_on_is_no_bias_for_what_is_greater(engine):
    """The planted map raises the next member and prefers nothing: with it, all would be above 0."""
    logits = matrix(engine, "0.0", "months").to_numpy()
    frame = lab.greater_than(engine, "0.0", "months").set_index("member")
    rest = logits[4, 6:].mean() - logits[4, :4].mean()
    assert frame["difference"]["May"] == pytest.approx(rest, rel=1e-4)
    assert logits[4, 5:].mean() - logits[4, :4].mean() > rest
    assert frame["difference"].mean() < 0.5


def known_months():
    return (
        *("January", "February", "March", "April", "May", "June", "July", "August"),
        *("September", "October", "November", "December"),
    )


def test_the_bundled_models_numbers_have_no_last_digit():
    """It has learned each pair by heart: what the study finds in large models is not here."""
    session = hw.Session()
    assert residues.probe(session)["accuracy"][0] < 0.25
    assert lab.arithmetic(session, "3.1", "numbers").attrs["share"] < 0.1
    session.close()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "weeks"}, "expected a set among"),
        ({"member": "Mai"}, "expected a member of 'months'"),
        ({"residue": 10}, "expected a residue from 0 to 9"),
        ({"residue": 1.5}, "expected a residue from 0 to 9"),
        ({"strength": -1}, "expected a strength from 0 to 100"),
        ({"strength": "x"}, "expected a strength from 0 to 100"),
        ({"strength": None}, "expected a strength from 0 to 100"),
        ({"name": ["days"]}, "expected a set among"),
        ({"source": "modes"}, "expected source 'mean', 'probe' or a trained autoencoder"),
        ({"source": None}, "expected source 'mean'"),
        ({"session": None}, "expected a session or its engine"),
        ({"strength": float("nan")}, "expected a strength from 0 to 100"),
    ],
)
def test_what_cannot_be_asked_is_told(engine, change, words):
    asked = {
        "session": engine,
        "head": "0.0",
        "name": "months",
        "member": "May",
        "residue": 7,
        **change,
    }
    with pytest.raises(InputError, match=words):
        lab.edited(**asked)


def test_a_tokenizer_without_numbers_gives_no_features():
    engine = counting(cut=tuple(str(i) for i in range(1, 201)))
    with pytest.raises(NotMeasurable, match="cuts the members of 'numbers'"):
        residues.features(engine)
