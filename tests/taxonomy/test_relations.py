"""Semantic induction: events and shares by another way, a planted head, decoys, refusals."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from fake_engine import FakeEngine, uniform

import headwidgets as hw
from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy import find, relations
from headwidgets.taxonomy.frame import frame
from headwidgets.taxonomy.measure import Measure
from headwidgets.taxonomy.on_task import Asked
from headwidgets.taxonomy.random_tokens import random_rows
from headwidgets.taxonomy.verdict import CANDIDATE, NO, NOT_MEASURABLE

IS = 11
LENGTH = 17


def facts_told(n=60):
    """Three statements [name, IS, thing], then words that state nothing."""
    random = np.random.default_rng(0)
    roles = {f"{end}{number}": [] for number in ("", "2", "3") for end in ("KEY", "VALUE")}
    rows = []
    for _ in range(n):
        names, things = random.permutation(range(20, 60))[:3], random.permutation(range(60, 99))[:3]
        row = [0]
        for at, (name, thing) in enumerate(zip(names, things, strict=True)):
            number = ("", "2", "3")[at]
            roles[f"KEY{number}"].append(len(row))
            roles[f"VALUE{number}"].append(len(row) + 2)
            row += [int(name), IS, int(thing)]
        rows.append((*row, *(int(one) for one in random.integers(100, 200, size=LENGTH - 10))))
    prompts = SimpleNamespace(name="Facts, made", roles=roles, spans={}, chance=0.0)
    return Asked(prompts, tuple(rows), (1,) * n, (2,) * n, ())


def looks_at(asked, row, number, *, strong=0.9):
    """Attention of `strong` on one of the prompt's names, the rest even over what is in sight."""
    out = np.tril(np.ones((LENGTH, LENGTH), np.float32))
    out /= out.sum(-1, keepdims=True)
    at = asked.prompts.roles[f"KEY{number}"][row]
    out[at:] *= 1 - strong
    out[at:, at] += strong
    return out


NAMES = ("", "2", "3")


def by_hand(monkeypatch, asked, *, noise=0.0, seed=0):
    """Heads: planted, one that raises a wrong thing, one that raises all, one that looks away."""
    random = np.random.default_rng(seed)

    def attention(_measure, _asked):
        for row in range(len(asked.rows)):
            one = looks_at(asked, row, NAMES[row % 3])
            away = looks_at(asked, row, NAMES[row % 3], strong=0.05)
            yield row, np.stack([one, one, one, away])[None]

    def raised(_engine, _layer, ids):
        row = asked.rows.index(tuple(int(one) for one in ids))
        out = np.zeros((4, LENGTH, LENGTH), np.float32)
        things = [asked.prompts.roles[f"VALUE{number}"][row] for number in NAMES]
        out[0, :, things[row % 3]] = 0.8
        out[1, :, things[(row + 1) % 3]] = 0.8
        out[2][:, things] = 1 / 3
        out[3, :, things[row % 3]] = 0.8
        return out + noise * random.random(out.shape, dtype=np.float32)

    monkeypatch.setattr(relations, "_asked", lambda _measure: asked)
    monkeypatch.setattr(relations, "_attention", attention)
    monkeypatch.setattr(relations, "raised", raised)
    measure = measuring(FakeEngine([[uniform] * 4]))
    scores = relations.semantic(measure)
    return scores, frame(measure, find("semantic induction"), scores)


@pytest.mark.parametrize("noise", [0.0, 0.05])
@pytest.mark.parametrize("seed", range(5))
def test_the_planted_head_is_first_and_no_more_than_a_candidate(monkeypatch, noise, seed):
    """It is exploratory: that is all that can be said."""
    scores, table = by_hand(monkeypatch, facts_told(), noise=noise, seed=seed)
    assert table["score"].idxmax() == 0
    assert scores.mean[0, 0] == pytest.approx(0.8, abs=noise + 1e-5)
    assert table["p"].tolist()[0] == table["p"].min() <= 0.01
    assert table["verdict"].tolist() == [CANDIDATE, NO, NO, NOT_MEASURABLE]
    assert "exploratory" in table["reason"][0]
    assert "0 queries look at one end" in table["reason"][3]


def test_the_error_is_that_of_the_mean_over_events(monkeypatch):
    """Every prompt has as many events here: then it is the plain standard error."""
    scores, table = by_hand(monkeypatch, facts_told(), noise=0.5)
    assert table["se"][0] == pytest.approx(
        scores.per_row[:, 0, 0].std(ddof=1) / np.sqrt(60), rel=1e-5
    )
    assert 0 < table["se"][0] < 0.05


@pytest.fixture(scope="module")
def engine(shaped_bridges):
    session = hw.Session(shaped_bridges("llama"))
    yield session.engine
    session.close()


@pytest.fixture(scope="module")
def bundled():
    session = hw.Session()
    yield session
    session.close()


def test_shares_are_those_of_the_formula(engine):
    ids = np.array([0, 5, 7, 5, 9, 3])
    found = relations.raised(engine, 1, ids)
    weights = engine.weights
    for head, query in [(0, 2), (1, 3), (2, 5)]:
        seen = list(dict.fromkeys(ids[: query + 1].tolist()))
        x = weights.W_E[ids[query]].double()
        logits = x @ weights.W_V(1)[head].double() @ weights.W_O(1)[head].double()
        p = torch.softmax((logits @ weights.W_U.double())[seen], -1)
        q = dict(zip(seen, (p - p.mean()).clamp(min=0).tolist(), strict=True))
        whole = sum(q[token] for token in ids[: query + 1].tolist())
        for key in range(len(ids)):
            share = q[ids[key]] / whole if key <= query else 0
            assert found[head, query, key] == pytest.approx(share, abs=1e-5)


def test_an_event_is_a_sure_look_at_a_head_already_told(engine, monkeypatch):
    """Counted again, query by query."""
    asked = facts_told(4)
    random = np.random.default_rng(3)
    shape = engine.facts.n_layers, engine.facts.n_heads, LENGTH, LENGTH
    attention = np.tril(random.random((4, *shape)).astype(np.float32) ** 8)
    attention /= attention.sum(-1, keepdims=True)
    monkeypatch.setattr(relations, "raised", lambda *_: np.zeros(shape[1:], np.float32))
    found = [[relations.Events() for _ in range(shape[1])] for _ in range(shape[0])]
    for row in range(4):
        relations._collect(engine, asked, row, attention[row], found)
    count = 0
    for row, ids in enumerate(asked.rows):
        told = {ids[3 * i + 1]: 3 * i + 3 for i in range(3)}
        for line in attention[row].reshape(-1, LENGTH, LENGTH):
            for query in range(LENGTH):
                weights = line[query]
                key = int(weights.argmax())
                others = np.delete(weights, key)
                sure = weights[key] > 2.2 * others.max()
                count += bool(sure and query >= told.get(ids[key], LENGTH))
    assert sum(len(events.right) for heads in found for events in heads) == count > 10


def test_it_runs_on_the_bundled_model(bundled):
    """Which spells no graph of AGENDA, but facts of people."""
    table = bundled.score("semantic induction")
    assert table.attrs["measured_on"].startswith("Key and value")
    assert set(table["verdict"]) <= {NO, CANDIDATE, NOT_MEASURABLE}
    known = table[table["verdict"] != NOT_MEASURABLE]
    assert len(known)
    assert known["score"].between(0, 1).all()


def test_rows_that_are_given_state_nothing(bundled):
    table = bundled.score("semantic induction", on=bundled.prompts.clean or [[0, 5, 6]])
    assert set(table["verdict"]) == {NOT_MEASURABLE}
    assert table["reason"].str.contains("not on given rows").all()


def test_a_tokenizer_that_spells_no_relation_is_told(engine):
    with pytest.raises(NotMeasurable, match="no tokenizer"):
        relations.semantic(measuring(engine))


def measuring(engine):
    return Measure(engine, random_rows(engine, rows=2, length=4), draws=200)
