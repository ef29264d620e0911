"""What scores will take: what is counted beside what runs."""

from __future__ import annotations

import pytest

import headwidgets as hw
from headwidgets.errors import InputError, NotMeasurable
from headwidgets.model.replay import Recording
from headwidgets.taxonomy import cost as module
from headwidgets.taxonomy.cost import cost, intervening, require
from headwidgets.taxonomy.score import score


@pytest.fixture(scope="module")
def session():
    held = hw.Session()
    yield held
    held.close()


LONG = {"function vector", "vulnerable", "coherence", "faithfulness", "summary reader"}
EACH = [
    pytest.param(kind, marks=[pytest.mark.slow] if kind.name in LONG else [], id=kind.name)
    for kind in intervening()
]


@pytest.mark.parametrize("kind", EACH)
def test_as_many_forwards_are_counted_as_run(session, kind, monkeypatch):
    engine = session.engine
    ran = {"forwards": 0.0, "replays": 0.0}
    forward, block = engine._forward, Recording.block

    def note(ids, bound, options):
        layers = options.get("stop_at_layer", engine.facts.n_layers)
        ran["forwards"] += len(ids) * layers / engine.facts.n_layers
        return forward(ids, bound, options)

    def note_block(self, layer, rows, start):
        ran["replays"] += len(rows) / engine.facts.n_layers
        return block(self, layer, rows, start)

    monkeypatch.setattr(engine, "_forward", note)
    monkeypatch.setattr(Recording, "block", note_block)
    score(engine, kind, seed=1)
    work = kind.work(engine.facts)
    counted = work.prompts * (work.forwards + work.replays)
    # more where the model does not do all of the tasks: then it stops sooner
    assert 0.6 <= counted / sum(ran.values()) <= 2.5, ran
    if work.replays:
        assert ran["replays"] > ran["forwards"]


def test_each_kind_has_its_seconds(session):
    frame = session.scores_cost()
    assert list(frame["kind"]) == [kind.name for kind in intervening()]
    assert (frame["seconds"] > 0).all()
    assert frame.attrs["forwards"] == pytest.approx(frame["forwards"].sum())
    assert "scores cost" in session.frames


def test_seconds_are_counts_times_rates(session, monkeypatch):
    monkeypatch.setattr(module, "_timed", lambda *_: module.Rates(1.0, 0.5, 0.25))
    frame = cost(session.engine).set_index("kind")
    for kind in intervening():
        work = kind.work(session.facts)
        each = work.forwards + 0.5 * work.replays + 0.25 * work.reads
        assert frame.loc[kind.name, "seconds"] == pytest.approx(work.prompts * each)


def test_more_heads_cost_more(session):
    from dataclasses import replace

    facts = session.facts
    wide = replace(facts, n_heads=2 * facts.n_heads)
    for kind in intervening():
        small, large = kind.work(facts), kind.work(wide)
        work = [one.forwards + one.replays + one.reads for one in (small, large)]
        assert work[1] >= work[0]


def test_too_much_is_refused_with_the_estimate(session):
    with pytest.raises(InputError, match=r"take about [\d,]+ forwards .* most=1,000 allows fewer"):
        session.scores(causal=True, most=1000)
    require(session.engine, None)
    for wrong in (0, -1, "many", True):
        with pytest.raises(InputError, match="expected most="):
            require(session.engine, wrong)


def test_what_cannot_be_spelled_takes_nothing(session, monkeypatch):
    def refuse(*_args, **_options):
        message = "no tokenizer"
        raise NotMeasurable(message)

    monkeypatch.setattr(module, "ask", refuse)
    frame = cost(session.engine)
    assert frame["seconds"].sum() == 0
    assert set(frame["note"]) == {"no tokenizer"}
