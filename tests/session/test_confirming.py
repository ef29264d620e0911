"""The best heads of every kind, proved: beside each proof by itself."""

from __future__ import annotations

import numpy as np
import pytest

import headwidgets as hw
from headwidgets.errors import Cancelled, InputError
from headwidgets.heads import Head
from headwidgets.session import scored
from headwidgets.taxonomy.confirmed import holm

KINDS = ["previous token", "positional", "induction", "duplicate token", "semantic induction"]


@pytest.fixture(scope="module")
def session():
    held = hw.Session()
    yield held
    held.close()


@pytest.fixture(scope="module")
def table(session):
    return session.confirm_all([*KINDS, "sentiment summarizer"], n=60)


def test_each_row_is_that_proof(session, table):
    known = table.dropna(subset="layer")
    assert len(known)
    for row in known.to_dict("records"):
        name = f"confirm: {row['kind']} {int(row['layer'])}.{int(row['head'])} (n = 60, seed 1)"
        own = session.frames[name].iloc[0]
        for column in ("effect", "share", "p", "n", "clean"):
            assert row[column] == own[column]
        best = session.score(row["kind"]).set_index(["layer", "head"])["score"]
        assert row["score"] == pytest.approx(best[int(row["layer"]), int(row["head"])])


def test_it_is_corrected_over_all_proofs_of_the_session(table):
    known = table.dropna(subset="layer")
    assert np.allclose(known["p_corrected"], holm(known["p"].to_numpy(dtype=float)))
    confirmed = (known["share"] >= 0.1) & (known["p_corrected"] <= 0.01)
    assert list(known["confirmed"]) == list(confirmed)


def test_the_bundled_models_previous_token_head_is_proved(table):
    rows = table.set_index(["kind", "layer", "head"])
    assert rows.loc[("previous token", 2, 3), "confirmed"]
    assert not rows.loc[("previous token", 2, 5), "confirmed"]
    assert table.attrs["confirmed"][0] == "previous token"
    assert "seed 1" in table.attrs["measured_on"]


def test_kinds_without_a_proof_say_why(table):
    why = table.set_index("kind")["reason"]
    assert why["duplicate token"].startswith("no candidate; highest ")
    assert why["semantic induction"].startswith("no candidate; highest ")
    assert not table["reason"].str.startswith("nothing here runs its proof").any()
    assert why["sentiment summarizer"].startswith("not measurable here: ")
    assert not table[table["layer"].isna()]["confirmed"].any()


def test_scores_take_the_proofs_into_their_verdict(session, table):
    assert table["confirmed"].any()
    frame = session.score("previous token").set_index(["layer", "head"])
    assert "confirmed" in frame.loc[(2, 3), "reason"] or frame.loc[(2, 3), "verdict"]
    assert session.proofs()["previous token", Head(2, 3)]


def test_what_is_stopped_keeps_the_proofs_that_were_done(planted, monkeypatch):
    real = scored.confirm

    def stop(engine, kind, head, **options):
        if kind == "induction":
            raise Cancelled
        return real(engine, kind, head, **options)

    monkeypatch.setattr(scored, "confirm", stop)
    with pytest.raises(Cancelled):
        planted.confirm_all(["previous token", "induction"], heads=1, n=30)
    assert list(planted.proofs_tried()["kind"]) == ["previous token"]


def test_best_heads_are_consistent_ones_before_candidates(planted):
    assert planted.best_heads("induction") == [Head(1, 0)]
    assert planted.best_heads("subword merge") == []
    scores = planted.scores_held()
    assert planted.best_heads("induction", 1) == [Head(1, 0)]
    assert list(planted.scores_held()) == list(scores), "nothing is measured twice"


@pytest.mark.parametrize(
    ("asked", "options", "says"),
    [
        (([],), {}, "expected names of kinds"),
        (("no such",), {}, "no kind is called"),
        (("induction",), {"heads": 0}, "whole number from 1"),
        (("induction",), {"heads": True}, "whole number from 1"),
        (("induction",), {"n": -1}, "n"),
    ],
)
def test_bad_questions(planted, asked, options, says):
    with pytest.raises(InputError, match=says):
        planted.confirm_all(*asked, **options)
