"""Memory and context heads: one signed number, facts that are known, and heads that suppress."""

from __future__ import annotations

import re

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
from headwidgets.taxonomy import conflict
from headwidgets.taxonomy.verdict import CANDIDATE, NO

N, STOP, SO = 100, 90, 91
UNKNOWN = (18, 19)
"""Subjects whose answers the model does not know."""
HAS_NOT_RUN = "the proving intervention has not run"


def memory_of(subject):
    return subject - 10


def _task():
    """Subjects 11 to 19, answers 1 to 9; what the story says, then the question alone."""
    random = np.random.default_rng(0)
    roles = {"SUBJECT": [], "CONTEXT": [], "ASKED": []}
    rows, answer, foil = [], [], []
    for turn in range(N):
        subject = 11 + turn % 9
        memory = memory_of(subject)
        context = int(random.choice([one for one in range(1, 10) if one != memory]))
        front = [0, *random.integers(100, 120, size=2 + turn % 3)]
        between = [STOP] if turn % 2 else [STOP, SO]
        start = len(front)
        roles["SUBJECT"].append(start)
        roles["CONTEXT"].append(start + 2)
        roles["ASKED"].append(start + 3 + len(between) + 1)
        rows.append([*front, subject, 80, context, *between, 81, subject, 82])
        answer.append(context)
        foil.append(memory)
    return asked("Memory against context, made", rows, roles, answer, foil)


TASK = _task()
KNOWN = np.array([11 + turn % 9 not in UNKNOWN for turn in range(N)])


class Knowing(Weighted):
    """Asked without the context it gives what it remembers, but of two subjects."""

    def __init__(self, heads, known=lambda subject: subject not in UNKNOWN):
        n = len(heads[0])
        super().__init__(
            torch.eye(200, 16), torch.eye(16, 200), copiers([[1] * n] * len(heads), 16)
        )
        self.known = known
        self.text.label = lambda token: {STOP: ".", SO: " so"}.get(token, " word")

    def answer(self, ids):
        out = torch.zeros(len(ids), 200)
        for logits, (bos, the, subject, verb) in zip(out, ids.tolist(), strict=True):
            assert (bos, the, verb) == (0, 81, 82)  # the question alone
            known = self.known(subject)
            logits[memory_of(subject) if known else memory_of(subject) % 9 + 1] = 1.0
        return out


def at(role, row):
    return TASK.prompts.roles[role][row]


def context(row, _):
    said = at("CONTEXT", row)
    return {said: 0.6}, {(said, 0): 1.5}


def memory(row, _):
    subject = at("SUBJECT", row)
    looks = {subject: 0.3, at("ASKED", row): 0.3}
    return looks, {(subject, 1): 1.2}


def suppressor(row, _):
    """As 10.7 of GPT-2 small: it looks at the context's answer and lowers it."""
    said = at("CONTEXT", row)
    return {said: 0.6}, {(said, 0): -0.9}


def suppressor_at_subject(row, _):
    asked = at("ASKED", row)
    return {asked: 0.6}, {(asked, 0): -0.9}


def looks_only(row, _):
    return {at("CONTEXT", row): 0.8}, {}


def whatever(row, _):
    """Both answers alike."""
    said, asked = at("CONTEXT", row), at("ASKED", row)
    return {said: 0.4, asked: 0.4}, {(said, 0): 1.5, (asked, 1): 1.5}


def from_afar(_, __):
    return {}, {(0, 0): 0.9}


def lowers_memory(row, _):
    """It looks at the context's answer, and only the other one falls."""
    said = at("CONTEXT", row)
    return {said: 0.6}, {(said, 1): -0.9}


def where_unknown(row, _):
    said = at("CONTEXT", row)
    return {said: 0.8}, {} if KNOWN[row] else {(said, 0): 9.0}


def next_to_nothing(row, _):
    said = at("CONTEXT", row)
    return {said: 0.9}, {(said, 0): 0.05}


def sink(*_):
    return {}, {}


HEADS = [
    [context, memory, suppressor, looks_only, whatever, sink],
    [suppressor_at_subject, from_afar, lowers_memory, where_unknown, next_to_nothing, sink],
]
PLACE = places(HEADS)
SIZE = 3.0


def of(*rules):
    return {PLACE[rule] for rule in rules}


def _logits():
    """Where the context wins and where memory does, the two are as far apart."""
    out = np.zeros((N, 200))
    for row, (said, known) in enumerate(zip(TASK.answer, TASK.foil, strict=True)):
        out[row, known if row % 5 == 0 else said] = SIZE
    return out


def made(noise=0.0, task=TASK, heads=HEADS, **more):
    seen = drawn(task, heads, _logits(), conflict._tokens, noise=noise)
    return measuring("memory context", seen, conflict._tokens, Knowing(heads, **more))


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
