"""Name movers, negative ones, letter movers: planted heads, and decoys that have one half."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from planting import (
    Weighted,
    asked,
    claimed,
    codes,
    copiers,
    drawn,
    everyone,
    measuring,
    places,
    table,
)

from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy import names
from headwidgets.taxonomy.on_task import answers
from headwidgets.taxonomy.verdict import CANDIDATE, CONSISTENT, NO

N, LEAD = 100, 4.0
HAS_NOT_RUN = "the proving intervention has not run"


def _ioi():
    """Both orders of two names of twenty, lengths mixed: name, filler, name, filler, S again."""
    random = np.random.default_rng(0)
    roles = {"IO": [], "S1": [], "S2": []}
    rows, answer, foil = [], [], []
    for turn in range(N):
        io, subject = random.choice(np.arange(1, 21), 2, replace=False)
        front = [0, *random.integers(30, 60, size=1 + turn // 2 % 3)]
        both = (subject, io) if turn % 2 else (io, subject)
        roles["IO"].append(len(front) + 2 * (turn % 2))
        roles["S1"].append(len(front) + 2 * (1 - turn % 2))
        roles["S2"].append(len(front) + 4)
        rows.append([*front, both[0], 30, both[1], 31, subject, 32, 33])
        answer.append(io)
        foil.append(subject)
    return asked("IOI, made", rows, roles, answer, foil)


IOI = _ioi()


def at(role, row):
    return IOI.prompts.roles[role][row]


def mover(row, _):
    io = at("IO", row)
    return {io: 0.6}, {(io, 0): 2.0}


def negative(row, _):
    io = at("IO", row)
    return {io: 0.6}, {(io, 0): -1.6}


def lowers_unwritten(row, _):
    """It takes from the name, and its weights do not."""
    io = at("IO", row)
    return {io: 0.6}, {(io, 0): -1.2}


def looks_only(row, _):
    return {at("IO", row): 0.6}, {}


def whatever(row, _):
    """Writes all names that it looks at: as much of the one as of the other."""
    io, s1, s2 = (at(role, row) for role in ("IO", "S1", "S2"))
    return {io: 0.4, s1: 0.2, s2: 0.2}, {(io, 0): 2.0, (s1, 1): 1.0, (s2, 1): 1.0}


def first_name(row, _):
    first = min(at("IO", row), at("S1", row))
    return {first: 0.8}, {(first, int(first != at("IO", row))): 2.0}


def suppresses(row, _):
    """Only makes the other name less likely, and never looks at the right one."""
    return {at("S2", row): 0.6}, {(at("S2", row), 1): -1.2}


def says_subject(row, _):
    return {at("S2", row): 0.6}, {(at("S2", row), 1): 1.2}


def unwritten(row, _):
    io = at("IO", row)
    return {io: 0.6}, {(io, 0): 1.2}


def next_to_nothing(row, _):
    io = at("IO", row)
    return {io: 0.9}, {(io, 0): 0.05}


def sink(*_):
    return {}, {}


HEADS = [
    [mover, negative, looks_only, whatever, first_name, sink],
    [suppresses, unwritten, next_to_nothing, lowers_unwritten, says_subject, sink],
]
SIGNS = [[1, -1, 1, 1, 1, 0], [-1, 0, 1, 0, 1, 1]]
PLACE = places(HEADS)


def _logits(task, share=1.0):
    out = np.zeros((N, 200))
    for row, (right, wrong) in enumerate(zip(task.answer, task.foil, strict=True)):
        good = row < share * N
        out[row, right if good else wrong] = LEAD
    return out


def ioi_measure(noise=0.0, task=IOI, heads=HEADS, signs=SIGNS, **more):
    seen = drawn(task, heads, _logits(task), answers, noise=noise, **more)
    both = codes(60)
    engine = Weighted(both, both.T, copiers(signs))
    return measuring("ioi", seen, answers, engine)


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
    seen = drawn(IOI, [[mover, sink]], _logits(IOI, share), answers)
    both = codes(60)
    measure = measuring("ioi", seen, answers, Weighted(both, both.T, copiers([[1, 0]])))
    with pytest.raises(NotMeasurable, match="it has no lead"):
        table(measure, "name mover")


# ------------------------------------------------------------------ letters

LETTERS, WORDS = range(1, 9), range(11, 91)
QUERIES = ("L1", "L2")


def letter_of(word):
    return (word - 11) % 8 + 1


def _acronyms():
    random = np.random.default_rng(0)
    roles = {name: [] for name in ("W1", "W2", "W3", "L1", "L2")}
    rows, answer, foil = [], [], []
    for turn in range(N):
        letters = random.permutation(8)[:4]
        words = 11 + 8 * random.integers(10, size=3) + letters[:3]
        front = [0, *random.integers(100, 120, size=1 + turn % 3)]
        rows.append([*front, *words, 100, *(letters[:2] + 1)])
        start = len(front)
        for name, place in zip(roles, (start, start + 1, start + 2, start + 4, start + 5)):  # noqa: B905 - as many
            roles[name].append(place)
        answer.append(letters[2] + 1)
        foil.append(letters[3] + 1)
    return asked("Acronyms, made", rows, roles, answer, foil)


ACRONYMS = _acronyms()


def word(n, row):
    return ACRONYMS.prompts.roles[f"W{n + 1}"][row]


def letter_mover(row, query):
    turn = word(query + 1, row)
    return {turn: 0.6}, {(turn, query + 1): 2.0}


def every_word(row, _):
    every = {word(n, row): n for n in range(3)}
    return dict.fromkeys(every, 0.3), dict.fromkeys(every.items(), 2.0)


def last_word(row, _):
    """Whosever turn it is."""
    return {word(2, row): 0.8}, {(word(2, row), 2): 2.0}


def first_word(row, _):
    return {word(0, row): 0.8}, {(word(0, row), 0): 2.0}


def looks_at_word(row, query):
    return {word(query + 1, row): 0.6}, {}


def says_letter(row, query):
    """By its weights it would write nothing of the kind."""
    turn = word(query + 1, row)
    return {turn: 0.6}, {(turn, query + 1): 1.2}


def writes_from_afar(row, query):
    return {}, {(word(query + 1, row), query + 1): 1.2}


def letter_before(row, query):
    turn = word(query + 1, row)
    return {turn: 0.6}, {(turn, query): 2.0}


SPELLING = [
    [letter_mover, every_word, last_word, first_word, sink],
    [looks_at_word, says_letter, writes_from_afar, letter_before, sink],
]
SPELLS = places(SPELLING)


@pytest.fixture(params=[0.0, 0.05], ids=["clean", "dirty"], scope="module")
def spelling(request):
    logits = np.zeros((N, 200))
    logits[np.arange(N), list(ACRONYMS.answer)] = LEAD
    task = drawn(ACRONYMS, SPELLING, logits, names._spelled, queries=QUERIES, noise=request.param)
    W_E = codes(200)
    W_U = W_E.clone()
    for one in WORDS:
        W_E[one] += W_U[letter_of(one)]
    engine = Weighted(W_E, W_U.T, copiers([[1, 1, 1, 1, 0], [1, 0, 1, 1, 0]]))
    return measuring("acronyms", task, names._spelled, engine)


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
