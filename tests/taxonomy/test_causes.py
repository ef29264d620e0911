"""Kinds whose score runs the model: beside runs with hooks written by hand, on small models."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from planted import few_shots, name_circuit, reviews, told_facts
from planted.small import asked, measuring

from headwidgets.errors import NotMeasurable
from headwidgets.heads import Head
from headwidgets.taxonomy.backups import backing_up
from headwidgets.taxonomy.in_context import teaching
from headwidgets.taxonomy.inhibition import inhibiting
from headwidgets.taxonomy.movers import name_movers
from headwidgets.taxonomy.moving import moving
from headwidgets.taxonomy.sentiment import halves, summarizing
from headwidgets.taxonomy.summaries import neutral, reading

FUNCTIONS = {
    "s-inhibition": (inhibiting, name_circuit),
    "backup name mover": (backing_up, name_circuit),
    "mover": (moving, told_facts),
    "in-context": (teaching, few_shots),
    "summary reader": (reading, reviews),
    "sentiment summarizer": (summarizing, reviews),
}


def made(kind, noise=0.05, **options):
    function, module = FUNCTIONS[kind]
    measure = measuring(module.engine_of(noise), kind, **options)
    with asked(module.prompts):
        return function(measure), measure.engine, module.prompts(0)


def last(engine, ids, hooks=()):
    return engine.run(torch.tensor([list(ids)]), hooks)[0]


def kept(engine, ids, name):
    out = []
    engine.run(torch.tensor([list(ids)]), [(name, lambda value, _: out.append(value.clone()))])
    return torch.cat(out, 1)


def putting(name, head, value):
    def hook(tensor, _):
        out = tensor.clone()
        out[:, :, head] = value[:, :, head]
        return out

    return name, hook


def ending(name, head, value):
    def hook(tensor, _):
        out = tensor.clone()
        out[:, -1, head] = value
        return out

    return name, hook


def test_a_path_to_the_movers_queries_is_what_two_runs_give():
    scores, engine, task = made("s-inhibition")
    z, q = "blocks.0.attn.hook_z", "blocks.1.attn.hook_q"
    falls, leads = [], []
    for row, other, right, wrong in zip(
        task.rows, task.corrupted, task.answer, task.foil, strict=True
    ):
        told = kept(engine, other, z)
        reads = []
        hooks = [putting(z, 0, told), (q, lambda value, _, r=reads: r.append(value.clone()))]
        last(engine, row, hooks)
        clean, patched = last(engine, row), last(engine, row, [putting(q, 0, reads[0])])
        leads.append(float(clean[right] - clean[wrong]))
        falls.append(leads[-1] - float(patched[right] - patched[wrong]))
    assert scores.mean[0, 0] == pytest.approx(np.mean(falls) / np.mean(leads), abs=1e-5)
    assert np.abs(scores.mean[1:]).max() == 0, "no path leads back"
    assert np.abs(scores.null).max() < 1e-4, "another name that is asked for changes nothing here"


def test_what_a_backup_adds_is_what_the_logits_lose_without_it():
    scores, engine, task = made("backup name mover")
    at, after = "blocks.1.attn.hook_z", "blocks.2.attn.hook_z"
    mean = torch.stack([kept(engine, row, at)[0, -1, 0] for row in task.rows]).mean(0)
    gains = []
    for row, right, wrong in zip(task.rows, task.answer, task.foil, strict=True):
        out = [ending(at, 0, mean)]
        adds = []
        for hooks in ([], out):
            both = last(engine, row, hooks), last(engine, row, [*hooks, ending(after, 0, 0)])
            adds.append(float((both[0] - both[1])[right] - (both[0] - both[1])[wrong]))
        gains.append(adds[1] - adds[0])
    assert scores.mean[2, 0] == pytest.approx(np.mean(gains), abs=1e-4)
    assert scores.mean[1, 0] == 0, "what is taken out adds nothing"
    assert np.abs(scores.mean[:2]).max() < 1e-3, "nothing below reacts"


def test_a_cut_edge_of_the_last_layer_is_a_head_set_to_zero():
    scores, engine, task = made("mover")
    falls = []
    for row, right in zip(task.rows, task.answer, strict=True):
        cut = last(engine, row, [ending("blocks.1.attn.hook_z", 0, 0)])
        falls.append(float(last(engine, row).log_softmax(-1)[right] - cut.log_softmax(-1)[right]))
    assert scores.mean[1, 0] == pytest.approx(np.mean(falls), abs=1e-4)
    assert scores.null[:, 1, 0].max() < 0, "another fact's output speaks for another answer"


def test_what_the_examples_teach_is_the_height_of_a_logit():
    scores, *_ = made("in-context", noise=0.0)
    assert scores.mean[1, 0] == pytest.approx(6.0, abs=0.01)
    assert np.abs(scores.mean[0]).max() == np.abs(scores.mean[1, 1:3]).max() == 0
    assert scores.mean[1, 3] == pytest.approx(3.0, abs=0.01), "it always says the same label"
    assert scores.null[:, 1, 3] == pytest.approx(3.0, abs=0.01), "and would if another were right"


def test_a_summary_is_read_where_its_values_move_the_verdict():
    scores, engine, task = made("summary reader")
    value = "blocks.1.attn.hook_v"
    falls, decides = [], []
    for i, (row, other) in enumerate(zip(task.rows, task.corrupted, strict=True)):
        places = neutral(task, i)
        assert places == [len(row) - 3, len(row) - 2], "the comma and the word behind it"
        given = kept(engine, other, value)

        def put(tensor, _, given=given, places=places):
            out = tensor.clone()
            out[:, places, 0] = given[:, places, 0]
            return out

        lead = lambda one, i=i: float(one[task.answer[i]] - one[task.foil[i]])  # noqa: E731
        clean = lead(last(engine, row))
        falls.append(clean - lead(last(engine, row, [(value, put)])))
        decides.append(clean - lead(last(engine, other)))
    assert scores.mean[1, 0] == pytest.approx(np.mean(falls) / np.mean(decides), abs=1e-4)
    assert np.abs(np.delete(scores.mean.ravel(), 3)).max() < 0.01
    assert np.abs(scores.null).max() < 0.05, "another review of the same verdict says the same"


def test_what_heads_bring_to_the_neutral_tokens_is_all_that_stands_there():
    scores, *_ = made("sentiment summarizer", noise=0.0)
    assert scores.mean.sum() == pytest.approx(1, abs=1e-4), "nothing but heads writes a mood there"
    assert scores.mean[0, 0] == pytest.approx(5 * scores.mean[1, 3], rel=1e-4), "gains of 1 and .2"


def test_no_adjective_stands_in_both_halves():
    task = reviews.prompts(0)
    words = [{task.rows[i][task.span("ADJ", i)[0]] for i in half} for half in halves(task)]
    assert len(words[0]) == len(words[1]) == 10
    assert not words[0] & words[1]


def test_half_of_the_adjectives_must_be_enough(monkeypatch):
    monkeypatch.setattr("headwidgets.taxonomy.sentiment.LEAST", 21)
    with pytest.raises(NotMeasurable, match="half of the adjectives leave 20 reviews"):
        made("sentiment summarizer")


def test_reviews_of_one_kind_only_decide_nothing(monkeypatch):
    monkeypatch.setattr("headwidgets.taxonomy.summaries.LEAST", 81)
    with pytest.raises(
        NotMeasurable, match="80 reviews have another of their sentiment and length, of 81"
    ):
        made("summary reader")


@pytest.mark.parametrize("kind", ["s-inhibition", "backup name mover"])
def test_an_edited_model_is_not_intervened_on(kind):
    with pytest.raises(NotMeasurable, match="without edits"):
        made(kind, hooks=[("blocks.0.attn.hook_z", lambda value, _: value)])


@pytest.mark.parametrize("kind", ["s-inhibition", "backup name mover"])
def test_without_name_movers_nobody_is_fed(kind):
    layers = [dict(some) for some in name_circuit.LAYERS]
    layers[1]["moves the name"] = name_circuit.SINK
    layers[2]["stands by"] = name_circuit.SINK
    layers[2]["adds a little, always"] = layers[1]["says every name"]
    function, module = FUNCTIONS[kind]
    measure = measuring(module.engine_of(0.0, layers=layers), kind)
    with asked(module.prompts), pytest.raises(NotMeasurable):
        function(measure)


def test_movers_are_found_on_other_prompts():
    engine = name_circuit.engine_of()
    drawn = []

    def prompts(seed):
        drawn.append(seed)
        return name_circuit.prompts(seed)

    with asked(prompts):
        found = name_movers(measuring(engine, "s-inhibition"))
    assert (found, drawn) == ((Head(1, 0),), [1])


def test_a_model_that_knows_too_few_facts_is_not_asked(monkeypatch):
    monkeypatch.setattr("headwidgets.taxonomy.moving.LEAST", 49)
    with pytest.raises(NotMeasurable, match="48 answers of 48 among the first 10, of 49"):
        made("mover")


def test_labels_that_are_rarely_right_do_not_count(monkeypatch):
    monkeypatch.setattr("headwidgets.taxonomy.in_context.LEAST", 65)
    with pytest.raises(NotMeasurable, match="no label is right in 65 of 64 prompts"):
        made("in-context")
