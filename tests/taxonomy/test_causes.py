"""Kinds whose score runs the model: beside runs with hooks written by hand, on small models."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
import torch
from planted import few_shots, name_circuit, reviews, told_facts
from planted.small import asked, measuring, scored
from planting import asked as made_task
from shaped import reading as reading_model

import headwidgets as hw
from headwidgets.errors import NotMeasurable
from headwidgets.heads import Head as Place
from headwidgets.methods.donors import donors
from headwidgets.methods.snapshot import Pair, Snapshot
from headwidgets.model.engine import Engine
from headwidgets.taxonomy import resampling
from headwidgets.taxonomy.backups import backing_up, ends_of
from headwidgets.taxonomy.confirm import confirm
from headwidgets.taxonomy.in_context import teaching
from headwidgets.taxonomy.inhibition import inhibiting
from headwidgets.taxonomy.movers import name_movers
from headwidgets.taxonomy.moving import moving
from headwidgets.taxonomy.readout import Readout
from headwidgets.taxonomy.score import score
from headwidgets.taxonomy.sentiment import halves, summarizing
from headwidgets.taxonomy.summaries import neutral, reading
from headwidgets.taxonomy.verdict import CONSISTENT
from headwidgets.zoo.bundled import bundled
from headwidgets.zoo.shipped import FOLDER
from headwidgets.zoo.toys.build import Head

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


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2"])
def test_heads_beside_those_that_are_out_do_not_react(name):
    """Gemma's norm behind the attention would rescale them."""
    engine = Engine(reading_model(name), name=name)
    n = engine.facts.d_vocab
    rows = [[1, *np.random.default_rng(i).integers(2, n, 6)] for i in range(6)]
    task = made_task("made", rows, {}, [2] * 6, [3] * 6)
    clean = ends_of(engine, task)
    after = ends_of(engine, task, {Place(0, 0): torch.zeros_like(clean.z[0, 0])}, clean)
    assert after.adds[:, 0, 1:] == pytest.approx(clean.adds[:, 0, 1:], abs=1e-5)
    assert np.abs(after.adds[:, 0, 0]).max() < 1e-6
    assert np.abs(after.adds[:, 1] - clean.adds[:, 1]).max() > 1e-4, "later heads do"


@pytest.mark.parametrize("name", ["gpt2", "neox", "llama", "gemma2"])
def test_the_end_is_read_as_the_model_reads_it(name):
    engine = Engine(reading_model(name), name=name)
    row = [1, *range(2, 9)]
    stream = kept(engine, row, f"blocks.{engine.facts.n_layers - 1}.hook_resid_post")[:, -1]
    own = last(engine, row)
    assert Readout(engine, row).logits(stream)[0].numpy() == pytest.approx(own.numpy(), abs=1e-4)


def test_a_model_that_scales_what_it_says_is_refused():
    engine = Engine(reading_model("gpt2"), name="scaled")
    real = Readout.logits
    twice = patch.object(Readout, "logits", lambda self, stream: 2 * real(self, stream))
    with twice, pytest.raises(NotMeasurable, match="other logits than the model"):
        Readout(engine, [1, 2, 3, 4])


def test_a_cut_edge_of_the_last_layer_is_a_head_set_to_zero():
    """On the clean model the outputs on other facts speak for other answers, by a known height."""
    scores, engine, task = made("mover", noise=0.0)
    z, specific = "blocks.1.attn.hook_z", []
    writes = [kept(engine, row, z)[0, -1, 0] for row in task.rows]
    for i, (row, right) in enumerate(zip(task.rows, task.answer, strict=True)):
        clean = last(engine, row).log_softmax(-1)[right]
        own = last(engine, row, [ending(z, 0, 0)]).log_softmax(-1)[right]
        alike = [
            last(engine, row, [ending(z, 0, writes[i] - writes[j])]).log_softmax(-1)[right]
            for j, other in enumerate(task.answer)
            if other != right and other in task.options[i]
        ]
        specific.append(float((clean - own) - (clean - torch.stack(alike).mean())))
    assert scores.mean[1, 0] == pytest.approx(np.mean(specific), rel=1e-3)
    assert scores.mean[1, 1] == pytest.approx(0, abs=1e-4), "all answers of the relation are none"


def test_what_the_examples_teach_is_the_height_of_a_logit():
    scores, *_ = made("in-context", noise=0.0)
    assert scores.mean[1, 0] == pytest.approx(6.0, abs=0.01)
    assert np.abs(np.delete(scores.mean.ravel(), 4)).max() < 0.01, "all labels, or one, are none"


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
    assert np.abs(np.delete(scores.mean.ravel(), 4)).max() < 0.01
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


def louder(module, **gains):
    """Return the module's layers with what some heads, by their words, move multiplied."""
    out = [dict(some) for some in module.LAYERS]
    for words, gain in gains.items():
        for layer in out:
            head = layer.get(words.replace("_", " "))
            if head is not None:
                moves = tuple((gain * one, *slots) for one, *slots in head.moves)
                layer[words.replace("_", " ")] = head._replace(moves=moves)
    return out


def claims(kind, layers):
    """Return the heads that would be consistent with the kind, were every proof passed."""
    module = FUNCTIONS[kind][1]
    engine_of = lambda noise, seed: module.engine_of(noise, seed, layers=layers)  # noqa: E731
    table = scored(kind, engine_of, module.prompts)(0, 0.05, proved=True, draws=300)
    return set(table.index[table["verdict"] == CONSISTENT])


def test_a_loud_head_that_says_one_label_hides_nobody():
    layers = louder(few_shots, always_says_the_same=4)
    assert claims("in-context", layers) == {"1.0"}


def test_a_loud_head_that_says_the_relation_hides_no_mover():
    layers = louder(told_facts, moves_what_the_subject_has=0.3, says_all_answers_of_the_relation=3)
    assert claims("mover", layers) == {"1.0"}


@pytest.mark.parametrize("kind", ["in-context", "mover"])
def test_a_head_that_makes_louder_what_others_said_is_none(kind):
    module = FUNCTIONS[kind][1]
    slots = module.SLOTS
    amplifier = Head((slots.back(0),), ((0.5, slots.out, slots.out),))
    rest = [module.SINK] * (len(module.LAYERS[0]) - 1)
    last_layer = {"makes louder": amplifier, **{f"rests {i}": one for i, one in enumerate(rest)}}
    found = claims(kind, [*module.LAYERS, last_layer])
    assert found == {"1.0"}


@pytest.mark.parametrize("kind", FUNCTIONS)
@pytest.mark.parametrize("dtype", ["float16", pytest.param("bfloat16", marks=pytest.mark.slow)])
def test_half_precision_is_read_in_whole(kind, dtype):
    """Of the bundled model: the same heads lead, or the same reason stands."""
    found = [score(Engine(bundled(), name="m"), kind, draws=200)]
    half = hw.Session(str(FOLDER), dtype=dtype)
    found.append(score(half.engine, kind, draws=200))
    half.close()
    whole, halved = found
    assert whole["score"].isna().equals(halved["score"].isna())
    if whole["score"].notna().any():
        spread = max(0.02, float(whole["score"].abs().max()))
        assert np.abs(whole["score"] - halved["score"]).max() < 0.15 * spread


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
    assert (found, drawn) == ((Place(1, 0),), [1])


def test_a_model_that_knows_too_few_facts_is_not_asked(monkeypatch):
    monkeypatch.setattr("headwidgets.taxonomy.moving.LEAST", 49)
    with pytest.raises(NotMeasurable, match="48 with another one of their relation, of 49"):
        made("mover")


def test_labels_that_are_rarely_right_do_not_count(monkeypatch):
    monkeypatch.setattr("headwidgets.taxonomy.in_context.LEAST", 65)
    with pytest.raises(NotMeasurable, match="no label is right in 65 of 64 prompts"):
        made("in-context")


# ------------------------------------------------------------------ proofs of their own


def proving(module):
    """Return a context in which a proof asks these prompts."""
    return patch.object(
        resampling, "ask", lambda _engine, _name, *, seed, **_options: module.prompts(seed)
    )


def proved(kind, head, noise=0.05, **options):
    module = FUNCTIONS[kind][1]
    with asked(module.prompts), proving(module):
        return confirm(module.engine_of(noise), kind, head, n=40, **options)


def test_a_backup_is_proved_by_what_both_cost_beyond_each():
    found = proved("backup name mover", "2.0")
    assert found.passed
    assert found.reason.startswith("resampled at the last token with and without 1.0 on IOI, made")
    assert found.p == pytest.approx(1e-5)
    for decoy in ("2.1", "2.2", "2.3", "1.2"):
        assert not proved("backup name mover", decoy).passed, decoy


def test_what_both_cost_is_what_runs_with_hooks_give():
    found = proved("backup name mover", "2.0", noise=0)
    engine, task = name_circuit.engine_of(0), name_circuit.prompts(1)
    rows = [tuple(int(one) for one in row) for row in task.rows]
    givers = donors(Snapshot(tuple(map(Pair, rows))), 1)
    costs = []
    for i, row in enumerate(rows):
        given = {
            (layer, head): kept(engine, givers[row], f"blocks.{layer}.attn.hook_z")[0, -1, head]
            for layer, head in ((1, 0), (2, 0))
        }
        leads = {}
        for out in ((), ((1, 0),), ((2, 0),), ((1, 0), (2, 0))):
            hooks = [ending(f"blocks.{a}.attn.hook_z", b, given[a, b]) for a, b in out]
            logits = last(engine, row, hooks)
            leads[out] = float(logits[task.answer[i]] - logits[task.foil[i]])
        both = leads[(1, 0),] - leads[(1, 0), (2, 0)]
        costs.append(min(both, both - (leads[()] - leads[(2, 0),])))
    assert -found.effect == pytest.approx(np.mean(costs), abs=1e-3)


def test_a_name_mover_backs_up_none():
    with pytest.raises(NotMeasurable, match=r"1\.0 is one of the name movers"):
        proved("backup name mover", "1.0")
