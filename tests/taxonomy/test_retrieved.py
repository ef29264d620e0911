"""What is looked at right before it is said: keys and values, needles, planted heads, decoys."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from fake_engine import FakeEngine, uniform
from made_tasks import measuring, table
from planted.values import (
    IS,
    answer_place,
    asked_key,
    by_induction,
    key,
    key_values,
    needles,
    no_needles,
    seen_by,
)
from tasks.tokenizers import every_word_tokenizer

from headwidgets.errors import NotMeasurable
from headwidgets.model.engine import Engine
from headwidgets.model.text import Text
from headwidgets.taxonomy import retrieved
from headwidgets.taxonomy.asked import END, ask
from headwidgets.taxonomy.measure import Measure
from headwidgets.taxonomy.on_task import OnTask
from headwidgets.taxonomy.random_tokens import random_rows, text_rows
from headwidgets.taxonomy.verdict import CANDIDATE, CONSISTENT, NO


def measure_of(monkeypatch, hay=None, hay_seen=(), *, pairs=None, **options):
    """Return a measure that has run keys and values, and finds `hay` where needles are asked."""
    asked = key_values()
    seen = seen_by(asked) if pairs is None else pairs

    monkeypatch.setattr(retrieved, "ask", no_needles if hay is None else lambda *_, **__: hay)
    monkeypatch.setattr(retrieved, "see", lambda *_, **__: list(hay_seen))
    return measuring("key value", OnTask(asked, seen, (END,), 0.9), draws=300, **options)


def claimed(found, verdict=CONSISTENT):
    return list(found.index[found["verdict"] == verdict])


@pytest.mark.parametrize(("seed", "noise"), [(0, 0.0), *((seed, 0.05) for seed in range(5))])
def test_keys_and_values_find_the_head_and_no_decoy(monkeypatch, seed, noise):
    seen = seen_by(key_values(), noise=noise, seed=seed)
    found = table(measure_of(monkeypatch, pairs=seen, seed=seed), "retrieval")
    assert claimed(found) == ["0.0"]
    assert found["score"].drop("1.2").idxmax() == "0.0"
    assert found["score"]["0.0"] >= 1 - 2 * noise
    assert found["task_accuracy"]["0.0"] == 0.9
    assert "100 episodes of 100 prompts" in found.attrs["measured_on"]
    assert "numbers are no single tokens here" in found.attrs["measured_on"]
    assert found.attrs["n_counts"] == "an episode"
    # the last value is right as often as any: so it is when values are drawn
    assert found["score"]["0.1"] == pytest.approx(found["null_mean"]["0.1"], abs=0.05)
    assert found["verdict"]["0.1"] == CANDIDATE
    # half of the values are found by what followed the earlier copy of the last token
    assert found["score"]["0.2"] > 0.5
    assert found["p"]["0.2"] <= 0.01
    assert found["verdict"]["0.2"] == CANDIDATE
    assert "where induction does not find the value" in found["reason"]["0.2"]
    assert found["verdict"]["1.2"] == NO  # right, with hardly any attention
    assert set(found["verdict"][["1.0", "1.1", "1.2"]]) == {NO}


def test_half_of_the_values_by_induction_is_a_candidate(monkeypatch):
    """Where induction fails the decoy is never right: it looks at the key."""
    heads = [
        [(lambda a, r: by_induction(a, r) if a.rows[r][-1] == IS else key(a, r), 0.8)] * 4,
        [(asked_key, 0.8)] * 4,
    ]
    seen = seen_by(key_values(), heads=heads)
    found = table(measure_of(monkeypatch, pairs=seen), "retrieval")
    assert claimed(found) == []
    assert found["score"]["0.0"] == pytest.approx(0.5)
    assert found["p"]["0.0"] <= 0.01
    assert found["verdict"]["0.0"] == CANDIDATE
    assert (
        "0.00 where induction does not find the value (n = 50, p = 1.000" in found["reason"]["0.0"]
    )


@pytest.mark.parametrize(("seed", "noise"), [(0, 0.0), (1, 0.05), (2, 0.05)])
def test_needles_come_first_where_the_model_finds_them(monkeypatch, seed, noise):
    hay = needles()
    seen = seen_by(hay, noise=noise, seed=seed, says=lambda row: row % 4)
    found = table(measure_of(monkeypatch, hay, seen, seed=seed), "retrieval")
    assert "Needle, made, 30 episodes of 40 prompts" in found.attrs["measured_on"]
    assert list(found["n"].unique()) == [30]
    assert found["score"]["0.0"] >= 1 - 4 * noise
    assert found["task_accuracy"]["0.0"] == 0.75
    assert "0.0" in claimed(found)
    assert set(claimed(found)) <= {"0.0", "0.2"}  # without IS at the end, 0.2 is a fixed place
    assert set(found["verdict"][["0.1", "0.3", "1.0", "1.1", "1.2", "1.3"]]) <= {NO, CANDIDATE}


def test_the_null_of_a_needle_is_where_other_needles_lie(monkeypatch):
    hay = needles()
    measure = measure_of(monkeypatch, hay, seen_by(hay))
    episodes = retrieved._needles(measure)
    back = {len(ids) - answer_place(hay, row) for row, ids in enumerate(hay.rows)}
    for row, places in enumerate(episodes.places):
        assert places[0] == answer_place(hay, row)
        assert places[0] not in places[1:]
        assert {len(hay.rows[row]) - place for place in places} <= back
        assert all(0 < place < len(hay.rows[row]) for place in places)


def test_too_few_answers_are_said_by_the_model_itself(monkeypatch):
    hay = needles()
    few = seen_by(hay, says=lambda row: row < 9)
    found = table(measure_of(monkeypatch, hay, few), "retrieval")
    assert "Key and value, made, 100 episodes" in found.attrs["measured_on"]
    assert "says 9 of 40 answers itself: expected at least 10" in found.attrs["measured_on"]
    none = seen_by(key_values(), says=lambda row: row < 5)
    measure = measure_of(monkeypatch, hay, few, pairs=none)
    with pytest.raises(NotMeasurable, match="says 5 of 100 answers itself"):
        retrieved.retrieval(measure)
    lost = measure_of(monkeypatch, hay, seen_by(hay, says=lambda _: False))
    assert "at chance on Needle, made" in retrieved.retrieval(lost).words


def test_given_rows_and_no_tokenizer_are_refused():
    engine = FakeEngine([[uniform]])
    with pytest.raises(NotMeasurable, match="own task, 'key value'"):
        retrieved.retrieval(Measure(engine, text_rows(engine, [[1, 2, 3]])))


def test_a_prompt_may_be_kept_shorter_than_the_context():
    text = Text.of(every_word_tokenizer())
    engine = SimpleNamespace(text=text, facts=SimpleNamespace(n_ctx=512))
    long = ask(engine, "needle in a haystack", seed=0, n=20)
    short = ask(engine, "needle in a haystack", seed=0, n=20, longest=200)
    assert max(map(len, short.rows)) <= 200 < max(map(len, long.rows)) <= 512


def test_a_random_model_is_not_asked(shaped_folders):
    engine = Engine.open(str(shaped_folders("gpt2", tokenizer=True)))
    random = Measure(engine, random_rows(engine, rows=2, length=4), draws=200)
    with pytest.raises(NotMeasurable, match="at chance on Key and value"):
        retrieved.retrieval(random)
