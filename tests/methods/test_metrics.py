"""Metrics: closed forms, words, JSON, and the same numbers wherever they are shown."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

import headwidgets as hw
from headwidgets.methods.measuring import metric_name, reading
from headwidgets.methods.metric import read_metric
from headwidgets.methods.runs import logits

P = torch.tensor([0.5, 0.25, 0.125, 0.125])
Q = torch.tensor([0.25, 0.25, 0.25, 0.25])
ROWS = torch.stack([P.log(), Q.log() + 7])  # a constant on all logits is no difference
START = "When Mary and John went to the store,"
SET = hw.Prompts(
    clean=[f"{START} Mary", f"{START} John", f"And {START} Mary"],
    corrupted=[f"{START} John", f"{START} Mary", f"And {START} John"],
    answer=[" and", " went", " and"],
    foil=[" went", " and", " went"],
)
METRICS = [
    hw.LogitDiff(" and", " went"),
    hw.LogitDiff(),
    hw.LogitDiff([" and", 7], [" went"]),
    hw.Prob(" and"),
    hw.Prob(),
    hw.LogProb([" and", " went"]),
    hw.LogProb(),
    hw.Rank(" the"),
    hw.Rank(),
    hw.KL(),
]


@pytest.mark.parametrize(
    ("metric", "ids", "values"),
    [
        (hw.LogitDiff(0, 2), ([0], [2]), [math.log(4), 0]),
        (hw.LogitDiff([0, 1], [2, 3]), ([0, 1], [2, 3]), [math.log(2) * 1.5, 0]),
        (hw.Prob(0), ([0], []), [0.5, 0.25]),
        (hw.Prob([0, 2]), ([0, 2], []), [0.625, 0.5]),
        (hw.Prob([0, 0]), ([0, 0], []), [0.5, 0.25]),
        (hw.LogProb(1), ([1], []), [math.log(0.25), math.log(0.25)]),
        (hw.LogProb([2, 3]), ([2, 3], []), [math.log(0.25), math.log(0.5)]),
        (hw.Rank(0), ([0], []), [0, 0]),
        (hw.Rank(1), ([1], []), [1, 0]),
        (hw.Rank([3, 1]), ([3, 1], []), [1, 0]),
        (hw.Rank(3), ([3], []), [2, 0]),  # equals do not stand before each other
        (hw.KL(), ([], []), [0, 0.25 * math.log(2)]),
    ],
)
def test_closed_forms(metric, ids, values):
    assert metric.ids([], lambda _prompt, word: word) == ids
    found = metric.measure(ROWS, ids, P.log())
    assert found.tolist() == pytest.approx(values, abs=1e-6)


def test_kl_goes_from_clean_to_the_run():
    p = torch.tensor([0.7, 0.1, 0.1, 0.1])
    one, other = (p * (p / Q).log()).sum(), (Q * (Q / p).log()).sum()
    assert float(hw.KL().measure(Q.log()[None], ([], []), p.log())) == pytest.approx(float(one))
    assert abs(float(one - other)) > 0.01


@pytest.mark.parametrize("metric", METRICS, ids=str)
def test_json_and_words(metric):
    value = json.loads(json.dumps(metric.to_json()))
    assert read_metric(value) == metric
    assert hash(read_metric(value)) == hash(metric)
    assert str(metric)
    assert metric.unit in ("logits", "probability", "nats", "places")


def test_a_saved_metric_without_a_kind_is_a_logit_difference():
    assert read_metric({"answer": " a", "foil": 3}) == hw.LogitDiff(" a", 3)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: hw.LogitDiff(" a"), "expected foil as well as answer"),
        (lambda: hw.LogitDiff(foil=" a"), "expected answer as well as foil"),
        (lambda: hw.LogitDiff([1, 2], [2, 3]), "got 2 on both sides"),
        (lambda: hw.LogitDiff(" a", " a"), "got ' a' on both sides"),
        (lambda: hw.LogitDiff([1, 1], [2]), r"got 1 twice in \[1, 1\]"),
        (lambda: hw.LogitDiff(3, [2, 4, 2]), "got 2 twice"),
        (lambda: hw.Prob(""), "the answer as a token"),
        (lambda: hw.Rank([]), "the answer as a token"),
        (lambda: read_metric({"kind": "entropy"}), "expected a metric such as hw.LogitDiff"),
        (lambda: read_metric({"kind": "KL", "answer": 3}), "expected KL with nothing"),
        (lambda: read_metric("KL"), "expected a metric such as hw.LogitDiff"),
    ],
)
def test_what_is_no_metric(make, match):
    with pytest.raises(hw.InputError, match=match):
        make()


def test_one_token_in_two_spellings_is_one_token(planted):
    token = planted.engine.text.answer_id(planted.token_ids, " and")
    with pytest.raises(hw.InputError, match=f"got {token} on both sides"):
        planted.metric = hw.LogitDiff(" and", token)


def test_an_answer_that_is_the_foil_is_refused_at_the_door(planted):
    before = planted.prompts
    with pytest.raises(hw.InputError, match="prompt 1: expected answers and foils that differ"):
        planted.use(hw.Prompts(clean=[START] * 2, answer=[" and"] * 2, foil=[" went", " and"]))
    assert planted.prompts == before


def test_own_answers_need_answers(planted):
    planted.prompt = START
    planted.metric = hw.Prob()
    with pytest.raises(hw.InputError, match=r"hw.Prob\(\) takes each prompt's own answer"):
        planted.effect()


def by_hand(session, metric, run):
    """The metric's mean over the set, prompt by prompt from log-probabilities."""
    snapshot = session.snapshot()
    out = []
    for i, pair in enumerate(snapshot.pairs):
        values = logits(session.engine, snapshot, run, [i]).values[0].double()
        clean = logits(session.engine, snapshot, "clean", [i]).values[0].double()
        own = snapshot.answers[i]
        full = metric if isinstance(metric, hw.KL) or metric.answer else replace_sides(metric, own)
        right, wrong = full.ids(pair.clean, session.engine.text.answer_id)
        p = values.softmax(-1)
        out.append(
            {
                hw.LogitDiff: lambda v=values, r=right, w=wrong: v[r].mean() - v[w].mean(),
                hw.Prob: lambda p=p, r=right: sum(p[t] for t in r),
                hw.LogProb: lambda p=p, r=right: sum(p[t] for t in r).log(),
                hw.Rank: lambda v=values, r=right: min(int((v > v[t]).sum()) for t in r),
                hw.KL: lambda p=p, c=clean: (c.softmax(-1) * (c.log_softmax(-1) - p.log())).sum(),
            }[type(metric)]()
        )
    return float(np.mean([float(x) for x in out]))


def replace_sides(metric, own):
    sides = {"answer": own.answer}
    return replace(metric, **sides, **({"foil": own.foil} if hasattr(metric, "foil") else {}))


@pytest.mark.parametrize("metric", METRICS, ids=str)
def test_effect_sweep_and_intervals_of_every_metric(planted, metric):
    planted.use(SET, metric)
    planted.edits = [hw.zero("1.0")]
    found = planted.effect()
    for run in ("clean", "corrupted", "edited"):
        assert found["value"][run] == pytest.approx(by_hand(planted, metric, run), abs=1e-4), run
    assert (found.attrs["metric"], found.attrs["unit"]) == (str(metric), metric.unit)
    shown = planted.intervals()
    assert shown["value"]["edited"] == found["value"]["edited"]
    sweep = planted.sweep("zero")
    row = sweep[(sweep["layer"] == 1) & (sweep["head"] == 0)].iloc[0]
    assert row["effect"] == pytest.approx(found["value"]["change"], abs=1e-5)
    assert sweep.attrs["unit"] == metric.unit


def test_normalised_of_a_divergence(planted):
    planted.use(SET, hw.KL())
    planted.edits = [hw.patch("1.0", into="corrupted"), hw.scale("1.0", 0.02)]
    value = planted.effect()["value"]
    assert value["clean"] == 0
    assert value["corrupted"] > 1
    assert 0 < value["edited"] < value["corrupted"]
    expected = (value["edited"] - value["corrupted"]) / (0 - value["corrupted"])
    assert value["normalised"] == pytest.approx(expected, abs=1e-6)


def test_reading_few_columns_gives_the_same(planted):
    planted.use(SET, hw.LogitDiff([" and", 9], " went"))
    snapshot = planted.snapshot()
    values = logits(planted.engine, snapshot, "clean", [0, 1]).values
    read = reading(planted.engine, snapshot, [0, 1], values)
    assert len(read.columns) == 3
    other = torch.randn(5, *values.shape)
    assert torch.equal(read.narrowed()(other[..., read.columns]), read(other))
    whole = reading(planted.engine, replace(snapshot, metric=hw.Rank()), [0, 1], values)
    assert whole.columns is None
    with pytest.raises(ValueError, match="looks at every logit"):
        whole.narrowed()


def test_names_of_no_metric(planted):
    assert metric_name(planted.snapshot()).startswith("logit of the clean run's first token")
    planted.prompts = SET
    assert metric_name(planted.snapshot()) == str(hw.LogitDiff())


@pytest.mark.parametrize("metric", METRICS, ids=str)
def test_a_session_keeps_it(planted, metric, tmp_path):
    planted.use(SET)
    planted.state.metric = metric.to_json()
    assert planted.metric == metric
    planted.save(tmp_path / "s")
    again = hw.load(tmp_path / "s")
    assert again.metric == metric
    again.close()
