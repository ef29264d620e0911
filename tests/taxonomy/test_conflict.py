"""Memory and context heads: one signed number, facts that are known, and heads that suppress."""

from __future__ import annotations

import re

import numpy as np
import pytest
from planted.stories import (
    HEADS,
    KNOWN,
    PLACE,
    SIZE,
    TASK,
    N,
    context,
    from_afar,
    lowers_memory,
    made,
    memory,
    next_to_nothing,
    suppressor,
    suppressor_at_subject,
    where_unknown,
)
from planting import asked, claimed, everyone, table

from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy import conflict
from headwidgets.taxonomy.verdict import CANDIDATE, NO

HAS_NOT_RUN = "the proving intervention has not run"


def of(*rules):
    return {PLACE[rule] for rule in rules}


@pytest.fixture(params=[0.0, 0.05], ids=["clean", "dirty"], scope="module")
def measure(request):
    return made(request.param)


def test_context_and_memory_are_one_number_with_two_signs(measure):
    found, other = table(measure, "context"), table(measure, "memory")
    np.testing.assert_array_equal(found["score"], -other["score"])
    assert found["score"][PLACE[context]] == pytest.approx(1.5 / SIZE, abs=0.01)
    assert other["score"][PLACE[memory]] == pytest.approx(1.2 / SIZE, abs=0.01)
    assert found["score"].idxmax() == PLACE[context]
    assert other["score"].idxmax() == PLACE[memory]


@pytest.mark.parametrize(
    ("kind", "own", "bounded"),
    [
        ("context", context, {from_afar, lowers_memory}),
        ("memory", memory, {suppressor, suppressor_at_subject}),
    ],
)
def test_only_what_looks_there_and_raises_its_own_answer_is_one(measure, kind, own, bounded):
    found = table(measure, kind)
    assert claimed(found) == set()
    assert claimed(found, CANDIDATE) == of(own, *bounded)
    assert HAS_NOT_RUN in found["reason"][PLACE[own]]
    proved = table(measure, kind, everyone(HEADS))
    assert claimed(proved) == of(own)
    assert claimed(proved, CANDIDATE) == of(*bounded)
    assert set(proved["verdict"][sorted(of(*PLACE) - of(own, *bounded))]) == {NO}


def test_a_suppressor_is_told_by_what_it_looks_at_and_what_it_raises(measure):
    reason = table(measure, "memory")["reason"]
    assert "looks at the subject with 0.0" in reason[PLACE[suppressor]]
    assert "looks at the subject with 0." in reason[PLACE[suppressor_at_subject]]
    assert re.search(r"above a third by [+-]0\.0\d", reason[PLACE[suppressor_at_subject]])
    assert re.search(r"above a third by \+0\.[34]\d", reason[PLACE[memory]])


def test_only_facts_that_are_known_count(measure):
    found = table(measure, "context")
    assert set(found["n"]) == {int(KNOWN.sum())}
    assert abs(found["score"][PLACE[where_unknown]]) < 0.01
    assert found.attrs["measured_on"].endswith(f"facts that the model knows, n = {KNOWN.sum()}")
    assert found["score"][PLACE[next_to_nothing]] < 0.03


def test_another_answer_that_comes_first_is_no_memory():
    """Above the context's answer, but below a third one: the fact is not known."""
    measure = made(known=lambda subject: subject == 11)
    with pytest.raises(NotMeasurable, match=r"the model knows 12 of 100 facts .* at least 20"):
        table(measure, "memory")


def test_the_third_token_is_neither_answer():
    for row in range(N):
        said, known, other = conflict._tokens(TASK, row)
        assert (said, known) == (TASK.answer[row], TASK.foil[row])
        assert other not in (said, known)


def test_a_role_that_is_missing_bounds_what_can_be_said():
    roles = TASK.prompts.roles | {"ASKED": [None] * N}
    task = asked(TASK.prompts.name, TASK.rows, roles, TASK.answer, TASK.foil)
    found = table(made(task=task), "memory", everyone(HEADS))
    assert found["verdict"][PLACE[memory]] == CANDIDATE


@pytest.mark.parametrize("seed", range(3))
def test_heads_that_bring_anything_claim_nothing(seed):
    random = np.random.default_rng(seed)

    def anything(row, _):
        n = len(TASK.rows[row])
        looks = dict(enumerate(random.dirichlet(np.full(n, 0.3))))
        return looks, {(k, t): random.standard_normal() / 3 for k in range(n) for t in range(3)}

    heads = [[anything] * 6] * 2
    measure = made(heads=heads)
    for kind in ("memory", "context"):
        assert claimed(table(measure, kind, everyone(heads))) == set()
