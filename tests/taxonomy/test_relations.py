"""Semantic induction: events and shares by another way, a planted head, decoys, refusals."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from planted import relations as planted

import headwidgets as hw
from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy import relations
from headwidgets.taxonomy.measure import Measure
from headwidgets.taxonomy.random_tokens import random_rows
from headwidgets.taxonomy.verdict import CANDIDATE, NO, NOT_MEASURABLE


@pytest.mark.parametrize("noise", [0.0, 0.05])
@pytest.mark.parametrize("seed", range(5))
def test_the_planted_head_is_first_and_no_more_than_a_candidate(noise, seed):
    """It is exploratory: that is all that can be said."""
    table = planted.scored(seed, noise)
    assert table["score"].idxmax() == "0.0"
    assert table["score"]["0.0"] == pytest.approx(0.8, abs=noise + 1e-5)
    assert table["p"]["0.0"] == table["p"].min() <= 0.01
    assert table["verdict"].tolist() == [CANDIDATE, NO, NO, NOT_MEASURABLE]
    assert "exploratory" in table["reason"]["0.0"]
    assert "0 queries look at one end" in table["reason"]["0.3"]


def test_the_error_is_that_of_the_mean_over_events():
    """Every prompt has as many events here: then it is the plain standard error."""
    _, scores = planted.planted(0, 0.5)
    found = planted.scored(0, 0.5)["se"]["0.0"]
    assert found == pytest.approx(scores.per_row[:, 0, 0].std(ddof=1) / np.sqrt(60), rel=1e-5)
    assert 0 < found < 0.05


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
    asked = planted.facts_told(4)
    random = np.random.default_rng(3)
    shape = engine.facts.n_layers, engine.facts.n_heads, planted.LENGTH, planted.LENGTH
    attention = np.tril(random.random((4, *shape)).astype(np.float32) ** 8)
    attention /= attention.sum(-1, keepdims=True)
    monkeypatch.setattr(relations, "raised", lambda *_: np.zeros(shape[1:], np.float32))
    found = [[relations.Events() for _ in range(shape[1])] for _ in range(shape[0])]
    for row in range(4):
        relations._collect(engine, asked, row, attention[row], found)
    count = 0
    for row, ids in enumerate(asked.rows):
        told = {ids[3 * i + 1]: 3 * i + 3 for i in range(3)}
        for line in attention[row].reshape(-1, planted.LENGTH, planted.LENGTH):
            for query in range(planted.LENGTH):
                weights = line[query]
                key = int(weights.argmax())
                others = np.delete(weights, key)
                sure = weights[key] > 2.2 * others.max()
                count += bool(sure and query >= told.get(ids[key], planted.LENGTH))
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
