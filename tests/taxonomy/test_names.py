"""Name movers, negative ones, letter movers: planted heads, and decoys that have one half."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from planted.acronyms import (
    ACRONYMS,
    QUERIES,
    SPELLING,
    SPELLS,
    every_word,
    last_word,
    letter_before,
    letter_mover,
    says_letter,
    spelling_measure,
    writes_from_afar,
)
from planted.names import (
    HEADS,
    IOI,
    PLACE,
    N,
    ioi_measure,
    lowers_unwritten,
    mover,
    negative,
    next_to_nothing,
    says_subject,
    sink,
    suppresses,
    unwritten,
)
from planted.names import logits as logits_of
from planting import Weighted, asked, claimed, codes, copiers, drawn, everyone, measuring, table

from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy import names
from headwidgets.taxonomy.on_task import answers
from headwidgets.taxonomy.verdict import CANDIDATE, CONSISTENT, NO

HAS_NOT_RUN = "the proving intervention has not run"


@pytest.fixture(params=[0.0, 0.05], ids=["clean", "dirty"], scope="module")
def measure(request):
    return ioi_measure(request.param)


def of(*rules):
    return {PLACE[rule] for rule in rules}


def test_a_name_mover_is_a_candidate_until_its_proof_has_run(measure):
    found = table(measure, "name mover")
    assert found["score"].idxmax() == PLACE[mover]
    assert found["score"][PLACE[mover]] == pytest.approx(0.5, abs=0.01)
    assert claimed(found) == set()
    assert claimed(found, CANDIDATE) == of(mover, suppresses, unwritten)
    assert HAS_NOT_RUN in found["reason"][PLACE[mover]]
    assert "looks at the name with 0." in found["reason"][PLACE[mover]]
    assert "writes 100% of names among its 5 first" in found["reason"][PLACE[mover]]


def test_with_every_proof_passed_only_the_name_mover_is_one(measure):
    found = table(measure, "name mover", everyone(HEADS))
    assert claimed(found) == of(mover)
    assert claimed(found, CANDIDATE) == of(suppresses, unwritten)
    assert "writes 0% of names" in found["reason"][PLACE[unwritten]]
    assert "looks at the name with 0.0" in found["reason"][PLACE[suppresses]]
    others = of(*PLACE) - of(mover, suppresses, unwritten)
    assert set(found["verdict"][sorted(others)]) == {NO}


def test_a_proof_that_failed_leaves_a_candidate(measure):
    found = table(measure, "name mover", {(0, 0): False})
    assert found["verdict"][PLACE[mover]] == CANDIDATE
    assert "the proving intervention failed" in found["reason"][PLACE[mover]]


def test_a_negative_name_mover_is_the_other_sign(measure):
    found, other = (table(measure, kind) for kind in ("negative name mover", "name mover"))
    np.testing.assert_array_equal(found["score"], -other["score"])
    assert found["score"].idxmax() == PLACE[negative]
    assert found["score"][PLACE[negative]] == pytest.approx(0.4, abs=0.01)
    assert claimed(found) == set()
    assert claimed(found, CANDIDATE) == of(negative, lowers_unwritten, says_subject)
    proved = table(measure, "negative name mover", everyone(HEADS))
    assert claimed(proved) == of(negative)
    assert "lowers 100% of names among its 5 first" in proved["reason"][PLACE[negative]]
    assert "lowers 0% of names" in proved["reason"][PLACE[lowers_unwritten]]


def test_a_head_that_adds_next_to_nothing_is_none(measure):
    found = table(measure, "name mover", everyone(HEADS)).loc[PLACE[next_to_nothing]]
    assert abs(found["score"]) < 0.03
    assert found["verdict"] == NO


def test_permuted_names_leave_nothing():
    """The same heads, and right names that are right in half of the prompts."""
    turned = np.random.default_rng(1).integers(2, size=N).astype(bool)
    pair = np.array([IOI.answer, IOI.foil])
    mixed = asked(
        "IOI, turned",
        IOI.rows,
        IOI.prompts.roles,
        np.where(turned, pair[1], pair[0]),
        np.where(turned, pair[0], pair[1]),
    )

    def turn(rule):
        def turned_rule(row, query):
            looks, brings = rule(row, query)
            flip = bool(turned[row])
            return looks, {(k, 1 - t if flip else t): worth for (k, t), worth in brings.items()}

        return turned_rule

    heads = [[turn(rule) for rule in some] for some in HEADS]
    measure = ioi_measure(task=mixed, heads=heads)
    for kind in ("name mover", "negative name mover"):
        assert claimed(table(measure, kind, everyone(HEADS))) == set()


@pytest.mark.parametrize("seed", range(3))
def test_heads_that_bring_anything_claim_nothing(seed):
    random = np.random.default_rng(seed)

    def anything(row, _):
        n = len(IOI.rows[row])
        looks = dict(enumerate(random.dirichlet(np.full(n, 0.3))))
        return looks, {(k, t): random.standard_normal() for k in range(n) for t in (0, 1)}

    heads = [[anything] * 6] * 2
    measure = ioi_measure(heads=heads)
    for kind in ("name mover", "negative name mover"):
        assert claimed(table(measure, kind, everyone(heads))) == set()


@pytest.mark.parametrize("share", [0.5, 0.3])
def test_a_model_that_does_not_prefer_the_name_has_no_lead(share):
    seen = drawn(IOI, [[mover, sink]], logits_of(IOI, share), answers)
    both = codes(60)
    measure = measuring("ioi", seen, answers, Weighted(both, both.T, copiers([[1, 0]])))
    with pytest.raises(NotMeasurable, match="it has no lead"):
        table(measure, "name mover")


# ------------------------------------------------------------------ letters


@pytest.fixture(params=[0.0, 0.05], ids=["clean", "dirty"], scope="module")
def spelling(request):
    return spelling_measure(request.param)


def test_a_letter_mover_is_a_candidate_until_its_proof_has_run(spelling):
    found = table(spelling, "letter mover")
    assert found["score"][SPELLS[letter_mover]] == pytest.approx(0.5, abs=0.01)
    assert found["score"].idxmax() == SPELLS[letter_mover]
    assert claimed(found) == set()
    assert found["verdict"][SPELLS[letter_mover]] == CANDIDATE
    assert HAS_NOT_RUN in found["reason"][SPELLS[letter_mover]]
    assert set(found["n"]) == {2 * N}


def test_with_every_proof_passed_only_the_letter_mover_is_one(spelling):
    found = table(spelling, "letter mover", everyone(SPELLING))
    assert claimed(found) == {SPELLS[letter_mover]}
    bounded = {SPELLS[rule] for rule in (last_word, says_letter, writes_from_afar)}
    assert claimed(found, CANDIDATE) == bounded
    assert abs(found["score"][SPELLS[every_word]]) < 0.03  # whosever turn it is
    assert found["score"][SPELLS[last_word]] == pytest.approx(0.125, abs=0.01)
    assert "looks at the word with 0.0" in found["reason"][SPELLS[last_word]]
    assert "writes the letter of 0% of words" in found["reason"][SPELLS[says_letter]]
    assert "writes the letter of 100% of words" in found["reason"][SPELLS[letter_mover]]
    assert found["score"][SPELLS[letter_before]] < 0


def test_letters_need_a_lead():
    logits = np.zeros((N, 200))
    task = drawn(ACRONYMS, [[letter_mover]], logits, names._spelled, queries=QUERIES)
    engine = Weighted(torch.eye(200), torch.eye(200), copiers([[1]], 200))
    measure = measuring("acronyms", task, names._spelled, engine)
    with pytest.raises(NotMeasurable, match="it has no lead"):
        table(measure, "letter mover")


def test_consistent_is_what_the_verdict_says():
    """One head by itself: nothing else in the model, nothing else in the null."""
    measure = ioi_measure(heads=[[mover, sink]], signs=[[1, 0]])
    assert table(measure, "name mover", {(0, 0): True})["verdict"].tolist() == [CONSISTENT, NO]
