"""Negative heads: no against yes in both orders, whatever is right and wherever they stand."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from direct import engine_of
from made_tasks import measuring, table

from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy import yes_no
from headwidgets.taxonomy.asked import END, Asked
from headwidgets.taxonomy.on_task import OnTask
from headwidgets.taxonomy.seen import Seen, see
from headwidgets.taxonomy.verdict import CONSISTENT, NO

YES, NEG, TRUE, FALSE = 1, 2, 3, 4


def asked(n=60):
    """Rows of yes and no (tokens 1 and 2) in both orders; token 3 or 4 says what is right."""
    random = np.random.default_rng(0)
    rows, roles = [], {"tYes": [], "tNo": [], "ASKED": []}
    for turn in range(n):
        order = (YES, NEG) if turn // 2 % 2 == 0 else (NEG, YES)
        row = [0, *random.integers(5, 199, size=1 + turn % 3), order[0], 199, order[1]]
        row += [TRUE if turn % 2 == 0 else FALSE, *random.integers(5, 199, size=4)]
        roles["ASKED"].append(len(row) - 1)
        roles["tYes"].append(row.index(YES))
        roles["tNo"].append(row.index(NEG))
        rows.append(tuple(int(one) for one in row))
    answer = tuple(YES if turn % 2 == 0 else NEG for turn in range(n))
    foil = tuple(YES + NEG - one for one in answer)
    prompts = SimpleNamespace(name="Yes or no, made", roles=roles, spans={})
    return Asked(prompts, tuple(rows), answer, foil, ((YES, NEG),) * n)


def negative(yes, no, _right):
    return {no: 0.4, yes: 0.1}


def weak(yes, no, _right):
    return {no: 0.1, yes: 0.05}


def positive(yes, no, _right):
    return {yes: 0.4, no: 0.1}


def equal(yes, no, _right):
    return {yes: 0.4, no: 0.4}


def nearer(yes, no, _right):
    return {max(yes, no): 0.7, min(yes, no): 0.01}


def nearer_and_no(yes, no, _right):
    return {yes: 0.5, no: 0.05} if yes > no else {no: 0.8, yes: 0.05}


def follows_truth(yes, no, right):
    return {right: 0.5, yes + no - right: 0.1}


def only_where_no(yes, no, right):
    return {no: 0.6, yes: 0.1} if right == no else {}


def larger(yes, no, _right):
    """Of any two tokens it prefers that of the larger id: here no."""
    return {no: 0.6, yes: 0.1}


def sink(*_):
    return {}


HEADS = [
    [negative, weak, positive, equal, sink],
    [nearer, nearer_and_no, follows_truth, only_where_no, larger],
]


def seeing(heads, noise, seed=0):
    random = np.random.default_rng(seed)

    def fake(_engine, looks, *, hooks):
        out = []
        for look in looks:
            n = len(look.ids)
            assert look.queries == tuple(range(n))
            between = look.ids.index(199)
            other = YES not in look.ids
            yes, no = sorted((between - 1, between + 1), key=look.ids.__getitem__)
            right = yes if TRUE in look.ids else no
            attention = np.zeros((len(heads), len(heads[0]), n, n), np.float32)
            for layer, some in enumerate(heads):
                for head, rule in enumerate(some):
                    shares = {} if other and rule is not larger else rule(yes, no, right)
                    attention[layer, head, :, 0] = 1 - sum(shares.values())
                    for key, share in shares.items():
                        attention[layer, head, max(yes, no) + 1 :, key] = share
            spread = random.dirichlet(np.ones(n), size=attention.shape[:3])
            mixed = ((1 - noise) * attention + noise * spread).astype(np.float32)
            out.append(Seen(mixed, np.zeros((*mixed.shape, 0), np.float32), np.zeros(200)))
        return out

    return fake


def scored(monkeypatch, heads, *, noise=0.0, seed=0, prompts=None):
    monkeypatch.setattr(yes_no, "see", seeing(heads, noise, seed))
    prompts = prompts or asked()
    nothing = np.zeros((len(heads), len(heads[0]), 1, 1), np.float32)
    one = Seen(nothing, nothing[..., None], np.zeros(200))
    task = OnTask(prompts, (one,) * len(prompts.rows), (END,), 0.95)
    return table(measuring("yes no", task, draws=300), "negative")


@pytest.mark.parametrize("noise", [0.0, 0.05])
@pytest.mark.parametrize("seed", range(3))
def test_planted(monkeypatch, noise, seed):
    found = scored(monkeypatch, HEADS, noise=noise, seed=seed)
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


def test_closed_forms(monkeypatch):
    found = scored(monkeypatch, HEADS)["score"]
    assert found["0.0"] == pytest.approx(0.5 * math.log(4), rel=1e-5)
    assert found["0.1"] == pytest.approx(0.15 * math.log(2), rel=1e-5)  # the card's 0.104
    assert found["0.2"] == pytest.approx(-found["0.0"])  # the two exchanged turn the sign
    assert found[["0.3", "1.0", "1.2"]].to_numpy() == pytest.approx([0, 0, 0], abs=1e-5)


def test_a_place_that_outweighs_the_word_is_no_negative_head(monkeypatch):
    found = scored(monkeypatch, HEADS).loc["1.1"]
    assert found["score"] > 0.1
    assert found["verdict"] == NO


def test_what_was_measured_is_said(monkeypatch):
    found = scored(monkeypatch, HEADS)
    assert found.attrs["measured_on"] == "Yes or no, made, n = 40, each in both orders"
    assert set(found["n"]) == {yes_no.PAIRS} == {40}
    assert set(found["task_accuracy"]) == {0.95}
    few = scored(monkeypatch, HEADS, prompts=asked(24))
    assert set(few["n"]) == {24}


def test_nothing_planted_and_permuted_answers_claim_nothing(monkeypatch):
    assert set(scored(monkeypatch, [[sink, sink]], noise=0.3)["verdict"]) == {NO}
    made = asked()
    mixed = tuple(np.random.default_rng(0).permutation(made.answer).tolist())
    made = Asked(made.prompts, made.rows, mixed, made.foil, made.options)
    found = scored(monkeypatch, [[follows_truth, sink]], prompts=made)
    assert set(found["verdict"]) == {NO}


def test_words_of_several_tokens_are_refused(monkeypatch):
    made = asked()
    made.prompts.spans["tNo"] = [(3, 5)] * len(made.rows)
    with pytest.raises(NotMeasurable, match="one token each"):
        scored(monkeypatch, [[negative]], prompts=made)


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_on_a_real_run_it_is_equation_5_in_both_orders(shaped_bridges, name):
    engine = engine_of(shaped_bridges(name))
    made = asked(24)
    measure = SimpleNamespace(engine=engine, hooks=())
    found = yes_no._both_orders(measure, SimpleNamespace(asked=made), yes_no.PAIRS)
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
