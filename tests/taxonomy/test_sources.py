"""Subject, relation and mixed heads: whose tokens the answer comes from."""

from __future__ import annotations

import numpy as np
import pytest
from planted.facts import (
    HEADS,
    PLACE,
    STOP,
    TASK,
    N,
    both,
    everywhere,
    leaning,
    little_of_both,
    logits_of,
    looks_only,
    made,
    mixed,
    next_to_nothing,
    raises_all,
    relation,
    relation_of,
    sink,
    subject,
    subject_of,
)
from planting import asked, claimed, everyone, table

from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy import sources
from headwidgets.taxonomy.asked import FEW
from headwidgets.taxonomy.verdict import CANDIDATE, NO, NOT_MEASURABLE

KINDS = ("subject", "relation", "mixed")
HAS_NOT_RUN = "the proving intervention has not run"


def of(*rules):
    return {PLACE[rule] for rule in rules}


@pytest.fixture(params=[0.0, 0.05], ids=["clean", "dirty"], scope="module")
def measure(request):
    return made(request.param)


@pytest.mark.parametrize(
    ("kind", "own", "score", "bounded"),
    [
        ("subject", subject, 1.0, {leaning, mixed}),
        ("relation", relation, 1.0, set()),
        ("mixed", mixed, 0.4, set()),
    ],
)
def test_planted_heads_and_decoys(measure, kind, own, score, bounded):
    found = table(measure, kind)
    assert found["score"][PLACE[own]] == pytest.approx(score, abs=0.03)
    brings = found.drop(sorted(of(next_to_nothing, little_of_both, looks_only, raises_all, sink)))
    assert brings["score"].idxmax() == PLACE[own]
    assert claimed(found) == set()
    assert HAS_NOT_RUN in found["reason"][PLACE[own]]
    proved = table(measure, kind, everyone(HEADS))
    assert claimed(proved) == of(own)
    assert claimed(proved, CANDIDATE) - of(everywhere) == of(*bounded)
    nobody = of(*PLACE) - of(own, everywhere, *bounded)
    assert set(proved["verdict"][sorted(nobody)]) == {NO}


def test_reasons_say_from_where_and_how_much(measure):
    reason = table(measure, "subject")["reason"]
    assert "+0.2" in reason[PLACE[leaning]].split("from the subject")[1]
    assert "in all 25% of the answer's lead" in reason[PLACE[subject]]
    assert "in all 2% of the answer's lead" in reason[PLACE[next_to_nothing]]


def test_a_head_that_adds_next_to_nothing_is_none_whatever_its_share():
    found = table(made(), "subject", everyone(HEADS)).loc[PLACE[next_to_nothing]]
    assert found["score"] == pytest.approx(1)
    assert found["verdict"] == NO


def test_shares_are_signed_and_in_the_sizes_of_the_three():
    def three(row, _):
        last = len(TASK.rows[row]) - 1
        looks, brings = both(row, 1.0, 0.5)
        return looks, brings | {(last, 0): -0.5}

    measure = made(heads=[[three, sink]])
    scores = [table(measure, kind)["score"]["0.0"] for kind in KINDS]
    assert scores == pytest.approx([0.5, 0.25, 0.25], abs=1e-5)


def test_noise_of_heads_that_bring_nothing_does_not_stand_in_the_way():
    """Sixty heads of pure noise: by chance some has any share of next to nothing."""
    heads = [[subject, relation, mixed, *[sink] * 27], [sink] * 30]
    measure = made(noise=0.05, heads=heads)
    for kind, place in zip(KINDS, ("0.0", "0.1", "0.2"), strict=True):
        assert claimed(table(measure, kind, everyone(heads))) == {place}


def test_even_attention_beats_no_null(measure):
    """It is as mixed as its prompts are: permuted groups give it the same."""
    for kind in KINDS:
        assert table(measure, kind)["p"][PLACE[everywhere]] > 0.01


def test_the_groups_are_the_sentence_that_the_subject_stands_in():
    engine = made().engine
    measure = made()
    for row in range(4):
        groups = sources.groups_of(measure, TASK, row)
        assert list(np.flatnonzero(groups == 0)) == list(subject_of(row))
        assert list(np.flatnonzero(groups == 1)) == relation_of(row)
        assert groups[0] == groups[-1] == 2
    assert engine.text.label(STOP) == "."


def test_rivals_are_answers_of_other_relations():
    for row in range(N):
        own, *others = sources.rivals(TASK, row)
        assert own == TASK.answer[row]
        assert len(set(others)) == FEW
        assert not set(others) & set(TASK.options[row])


def test_one_relation_has_no_rivals():
    one = asked(
        *("One", TASK.rows, TASK.prompts.roles, (100,) * N, (101,) * N),
        spans=TASK.prompts.spans,
        options=[(100, 101)] * N,
    )
    with pytest.raises(NotMeasurable, match="all prompts have the same options"):
        sources.rivals(one, 0)


def test_without_a_lead_there_are_no_shares_of_it():
    with pytest.raises(NotMeasurable, match="no lead"):
        table(made(logits=logits_of(-1.0)), "mixed")


def test_nan_is_not_measurable_and_stops_no_other_head():
    measure = made(heads=[[subject, sink, relation]])
    (task,) = measure._tasks.values()
    task.seen[5].brought[0, 1] = np.nan
    found = table(measure, "subject", everyone(HEADS))
    assert found["verdict"].tolist() == ["consistent with", NOT_MEASURABLE, NO]


@pytest.mark.parametrize("seed", range(3))
def test_heads_that_bring_anything_claim_nothing(seed):
    random = np.random.default_rng(seed)

    def anything(row, _):
        n = len(TASK.rows[row])
        looks = dict(enumerate(random.dirichlet(np.full(n, 0.3))))
        return looks, {(k, t): random.standard_normal() for k in range(n) for t in range(9)}

    heads = [[anything] * 6] * 2
    measure = made(heads=heads)
    for kind in KINDS:
        assert claimed(table(measure, kind, everyone(heads))) == set()
