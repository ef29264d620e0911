"""Subject, relation and mixed heads: whose tokens the answer comes from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from planting import (
    Weighted,
    asked,
    claimed,
    copiers,
    drawn,
    everyone,
    measuring,
    places,
    table,
)

from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy import sources
from headwidgets.taxonomy.asked import FEW
from headwidgets.taxonomy.verdict import CANDIDATE, NO, NOT_MEASURABLE

N, STOP, RELATIONS, LEAD = 100, 99, 10, 4.0
KINDS = ("subject", "relation", "mixed")
HAS_NOT_RUN = "the proving intervention has not run"


def _task():
    """An example in front of every second prompt; then R R S S R and the last word."""
    random = np.random.default_rng(0)
    spans, rows, answer, foil, options = [], [], [], [], []
    for turn in range(N):
        relation = turn % RELATIONS
        own = tuple(range(100 + 5 * relation, 105 + 5 * relation))
        example = [*random.integers(10, 60, size=3), STOP] if turn % 2 else []
        front = [0, *example, *random.integers(60, 80, size=1 + turn % 3)]
        spans.append((len(front), len(front) + 2))
        rows.append([*front, *random.integers(10, 60, size=2), *random.integers(60, 80, size=2), 9])
        answer.append(own[turn // RELATIONS % 5])
        foil.append(own[(turn // RELATIONS + 1) % 5])
        options.append(own)
    roles = {"S": [b - 1 for _, b in spans]}
    return asked("Facts, made", rows, roles, answer, foil, spans={"S": spans}, options=options)


TASK = _task()


def subject_of(row):
    return range(*TASK.prompts.spans["S"][row])


def relation_of(row):
    first, after = TASK.prompts.spans["S"][row]
    stop = max((i for i, one in enumerate(TASK.rows[row]) if one == STOP), default=0)
    return [*range(stop + 1, first), *range(after, len(TASK.rows[row]) - 1)]


def spread(keys, worth):
    keys = list(keys)
    looks = dict.fromkeys(keys, 0.8 / len(keys))
    return looks, {(key, 0): worth / len(keys) for key in keys}


def both(row, from_subject, from_relation):
    looks, brings = spread(subject_of(row), from_subject)
    more, others = spread(relation_of(row), from_relation)
    return {k: v / 2 for k, v in (looks | more).items()}, brings | others


def subject(row, _):
    return spread(subject_of(row), 1.0)


def relation(row, _):
    return spread(relation_of(row), 1.0)


def mixed(row, _):
    return both(row, 0.6, 0.4)


def leaning(row, _):
    """Most from the subject, and too much from the relation to be a subject head."""
    return both(row, 0.8, 0.2)


def everywhere(row, _):
    return spread(range(1, len(TASK.rows[row])), 1.0)


def next_to_nothing(row, _):
    return spread(subject_of(row), 0.02 * LEAD)


def little_of_both(row, _):
    return both(row, 0.01 * LEAD, 0.01 * LEAD)


def last_token(row, _):
    return spread([len(TASK.rows[row]) - 1], 1.0)


def the_example(row, _):
    return spread(range(1, 4), 1.0) if row % 2 else ({}, {})


def against(row, _):
    return spread(subject_of(row), -1.0)


def raises_all(row, _):
    """Whatever it looks at: the answer, and those of other relations as much."""
    key = subject_of(row)[0]
    return {key: 0.8}, {(key, token): 2.0 for token in range(9)}


def looks_only(row, _):
    return spread(subject_of(row), 0.0)


def sink(*_):
    return {}, {}


HEADS = [
    [subject, relation, mixed, leaning, everywhere, next_to_nothing, sink],
    [little_of_both, last_token, the_example, against, raises_all, looks_only, sink],
]
PLACE = places(HEADS)


def of(*rules):
    return {PLACE[rule] for rule in rules}


def _logits(lead=LEAD):
    out = np.zeros((N, 200))
    out[np.arange(N), list(TASK.answer)] = lead
    return out


def made(noise=0.0, heads=HEADS, logits=None, task=TASK):
    values = _logits() if logits is None else logits
    seen = drawn(task, heads, values, sources.rivals, noise=noise)
    signs = [[1] * len(heads[0])] * len(heads)
    engine = Weighted(torch.eye(200, 16), torch.eye(16, 200), copiers(signs, 16))
    engine.text.label = lambda token: "." if token == STOP else f" {token}"
    return measuring("lre", seen, sources.rivals, engine)


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
        groups = sources._groups(measure, TASK, row)
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
        table(made(logits=_logits(-1.0)), "mixed")


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
