"""Kinds that a probe, a search or a steered run shows: by hand, at their edges, on decoys."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import patch

import numpy as np
import planting
import pytest
import torch
from planted import fitting, misled, shown_tasks, tongues
from planted.small import asked, measuring

from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy import probing as taxonomy_probing
from headwidgets.taxonomy import resampling
from headwidgets.taxonomy.chains import faithful, ranks_agree
from headwidgets.taxonomy.confirm import confirm
from headwidgets.taxonomy.function_vectors import _share_right, transporting
from headwidgets.taxonomy.languages import STRENGTH, coherent
from headwidgets.taxonomy.misleading import misled as misleading
from headwidgets.taxonomy.probing import Labelled, ends, matched, probing, words_alone
from headwidgets.taxonomy.rightness import rightness
from headwidgets.taxonomy.truth import STATEMENTS, _others, truth

NOISE = 0.05


def last(engine, row, hooks=()):
    return engine.run(torch.tensor([list(map(int, row))]), hooks)[0]


def ending(layer, head, value):
    def hook(tensor, _):
        out = tensor.clone()
        out[:, -1, head] = value
        return out

    return f"blocks.{layer}.attn.hook_z", hook


def z_of(engine, row, layer, head):
    out = []
    keep = f"blocks.{layer}.attn.hook_z", lambda value, _: out.append(value.clone())
    last(engine, row, [keep])
    return torch.cat(out, 1)[0, -1, head]


# ---------------------------------------------------------------------- probes


def labelled(n=60, **changes):
    rows = tuple((0, 1 + i % 7, 9) for i in range(n))
    labels = np.arange(n) % 2 == 0
    own = tuple(range(n))
    return replace(Labelled(rows, labels, own, own, ("ones", "others"), "made"), **changes)


@pytest.mark.parametrize("few", [0, 1])
def test_nineteen_of_a_sort_are_too_few(few):
    labels = np.ones(60, bool)
    labels[:19] = False
    given = labelled(labels=labels if few else ~labels)
    name = "others" if few else "ones"
    with pytest.raises(NotMeasurable, match=f"made: 19 {name}, a probe needs 20"):
        probing(measuring(fitting.engine_of(), "truthfulness"), given)


def test_matched_blocks_tell_nothing():
    labels = np.arange(60) < 40
    blocks = tuple("long" if i < 30 else "short" for i in range(60))
    kept = matched(labelled(labels=labels, blocks=blocks), np.random.default_rng(0))
    assert len(kept.rows) == 20, "ten of either label, all of them short"
    assert set(kept.blocks) == {"short"}
    assert kept.labels.sum() == 10


def test_words_that_tell_everything_tell_it_alone():
    labels = np.arange(60) % 2 == 0
    rows = tuple((0, 3 if one else 4, 9) for one in labels)
    part = np.arange(60) // 2 % 2
    assert words_alone(labelled(rows=rows, labels=labels), part) == pytest.approx(1.0)
    at_its_place = tuple((0, 3, 4) if one else (0, 4, 3) for one in labels)
    assert words_alone(labelled(rows=at_its_place, labels=labels), part) == pytest.approx(1.0)


def test_the_score_is_the_balanced_accuracy_of_rows_not_fitted_on():
    with asked(fitting.statements):
        scores = truth(measuring(fitting.engine_of(NOISE), "truthfulness"))
    assert "118 true statements and 120 false ones" in scores.words
    assert len(scores.per_row) == fitting.THINGS, "a fact counts once"
    assert scores.counted == "a fact"
    assert scores.mean[0, 0] == pytest.approx(1.0)
    spread = np.sqrt(fitting.THINGS) / fitting.THINGS / 2  # of as many coins as there are facts
    assert scores.null[:, 0, 0].std() == pytest.approx(spread, rel=0.5)


def test_all_that_is_said_of_a_fact_changes_its_label_or_nothing():
    some = tuple(i // 4 for i in range(48))
    labels = np.arange(48) % 2 == 0
    own = tuple(zip(some, labels.tolist(), strict=True))
    given = labelled(48, labels=labels, groups=some, blocks=some, units=own)
    drawn = given.relabelled(50, np.random.default_rng(0))
    same = (drawn == labels[:, None]).reshape(12, 4, 50)
    assert (same.all(1) | ~same.any(1)).all()
    assert 0.4 < same.mean() < 0.6
    kept = given.take(range(4, 48))
    assert kept.units == own[4:]
    alone = labelled(48, labels=labels, blocks=some).relabelled(50, np.random.default_rng(0))
    same = (alone == labels[:, None]).reshape(12, 4, 50)
    assert not (same.all(1) | ~same.any(1)).all(), "rows of their own change by themselves"


def test_a_question_is_one_however_its_end_is_spelled():
    """Some tokenizers join its question mark with the line's end that follows it."""
    rows, spans = [(0, 7, 8, 9, 5), (0, 3, 7, 8, 4, 5), (0, 7, 6, 9, 5)], [(1, 4), (2, 5), (1, 4)]
    made = planting.asked("made", rows, {}, [5] * 3, [6] * 3, spans={"QUESTION": spans})
    question = STATEMENTS[0].fact
    assert [question(made, i) for i in range(3)] == [(7, 8), (7, 8), (7, 6)]
    short = planting.asked("made", rows, {}, [5] * 3, [6] * 3, spans={"QUESTION": [(1, 2)] * 3})
    assert question(short, 0) == (7,), "of one token, that one"


def test_facts_that_are_stated_again_prove_no_more():
    """What z says of each statement is drawn; it is stated four times over."""
    stated = np.repeat(np.arange(48), 4)  # a true one and a false one of each of 24 facts
    facts, labels = tuple((stated // 2).tolist()), stated % 2 == 0
    rows = tuple((0, 1 + int(one), 60 + i % 4) for i, one in enumerate(stated))
    own = tuple(zip(facts, labels.tolist(), strict=True))
    given = Labelled(rows, labels, facts, facts, ("true", "false"), "made", own)
    measure = measuring(fitting.engine_of(), "truthfulness", draws=200)

    def ps(some):
        out = []
        for seed in range(30):
            random = np.random.default_rng(seed)
            said = torch.from_numpy(random.standard_normal((48, 1, 1, 8)))[stated].float()
            with patch.object(taxonomy_probing, "ends", lambda *_, said=said: said):
                scores = probing(replace(measure, seed=seed), some)
            out.append((1 + (scores.null[:, 0, 0] >= scores.mean[0, 0]).sum()) / 201)
        return np.array(out)

    assert (ps(given) <= 0.05).mean() <= 0.15
    assert (ps(replace(given, units=())) <= 0.05).mean() > 0.2, "as rows by themselves would"


def test_z_is_what_a_run_has_at_its_end():
    engine = fitting.engine_of(NOISE)
    rows = fitting.statements(0).rows[:5]
    for row, z in zip(rows, ends(engine, rows), strict=True):
        assert torch.allclose(z[1, 2], z_of(engine, row, 1, 2), atol=1e-5)


# ---------------------------------------------------------------------- the three kinds of it


@pytest.mark.parametrize("function", [truth, rightness, faithful])
def test_rows_that_are_given_are_not_its_task(function):
    measure = measuring(fitting.engine_of(), "truthfulness")
    given = replace(measure, rows=replace(measure.rows, period=None))
    with pytest.raises(NotMeasurable, match="measured on its own task"):
        function(given)


def test_a_model_that_is_never_wrong_has_no_accuracy_heads():
    layers = [dict(some) for some in fitting.LAYERS]
    layers[1]["says what is marked, loudly"] = fitting.SINK
    with asked(fitting.passages), pytest.raises(NotMeasurable, match="0 wrong ones, a probe needs"):
        rightness(measuring(fitting.engine_of(layers=layers), "accuracy"))


def test_chains_that_all_decide_are_of_one_sort():
    one = fitting.chains(0)
    unfit = [i for i, row in enumerate(one.rows) if row[-3] - fitting.ANSWER != row[-1] - 1]

    def pick(values):
        return tuple(values[i] for i in unfit)

    roles = {name: pick(values) for name, values in one.prompts.roles.items()}
    prompts = type(one.prompts)(**{**vars(one.prompts), "roles": roles})
    some = replace(
        one,
        prompts=prompts,
        **{name: pick(getattr(one, name)) for name in ("rows", "answer", "foil", "options")},
    )
    with asked(lambda _: some), pytest.raises(NotMeasurable, match="0 others, a probe needs 20"):
        faithful(measuring(fitting.engine_of(), "faithfulness"))


def test_heads_of_two_tasks_are_set_beside_each_other():
    assert ranks_agree([1, 2, 3, 4], [10, 20, 30, 40]) == pytest.approx(1)
    assert ranks_agree([1, 2, 3, 4], [4, 3, 2, 1]) == pytest.approx(-1)
    assert ranks_agree([1, 2, 2, 3], [1, 2, 3, 4]) == pytest.approx(0.9486833)
    assert np.isnan(ranks_agree([1, 1], [1, 2]))
    with asked(fitting.chains):
        scores = faithful(measuring(fitting.engine_of(NOISE), "faithfulness"))
    assert "rank correlation of the heads with Chains, made" in scores.words
    assert any("rank correlation" in one.words for one in scores.remarks[(0, 0)])


def test_false_statements_have_the_words_of_the_true_ones():
    random = np.random.default_rng(0)
    answers = [1, 1, 2, 3, 3, 3, 4]
    found = _others(answers, random)
    assert all(answers[i] != answers[j] for i, j in enumerate(found) if j is not None)
    given = [j for j in found if j is not None]
    assert len(given) == len(set(given))
    assert _others([5, 5], random) == [None, None]


# ---------------------------------------------------------------------- function vectors


def test_a_mean_output_gives_what_a_hook_written_by_hand_gives():
    engine = shown_tasks.engine_of(NOISE)
    with asked(shown_tasks.prompts):
        scores = transporting(measuring(engine, "function vector"))
    gains = []
    for which, name in enumerate(shown_tasks.NAMES):
        task = shown_tasks.prompts(0, name)
        other = shown_tasks.prompts(0, shown_tasks.NAMES[(which + 1) % len(shown_tasks.NAMES)])
        own, theirs = (
            torch.stack([z_of(engine, row, 1, 0) for row in one.rows]).mean(0)
            for one in (task, other)
        )
        for row, answer in list(zip(task.corrupted, task.answer, strict=True))[:25]:
            base, mine, another = (
                float(last(engine, row, hooks).softmax(-1)[answer])
                for hooks in ([], [ending(1, 0, own)], [ending(1, 0, theirs)])
            )
            gains.append((mine - base, mine - another))
    assert scores.mean[1, 0] == pytest.approx(np.mean(gains, axis=0).min(), abs=1e-4)


def test_shuffled_answers_that_are_right_are_dropped():
    task = shown_tasks.prompts(0, shown_tasks.NAMES[0])
    assert _share_right(task, 0) == 0
    lucky = replace(task, corrupted=task.rows)
    assert _share_right(lucky, 0) == 1
    prompts = lambda _seed, _name: lucky  # noqa: E731 - a task, whichever is asked for
    measure = measuring(shown_tasks.engine_of(), "function vector")
    with asked(prompts), pytest.raises(NotMeasurable, match="0 prompts are left whose shuffled"):
        transporting(measure)


# ---------------------------------------------------------------------- words that mislead


def test_what_misleading_words_cost_is_shared_out():
    with asked(misled.prompts):
        scores = misleading(measuring(misled.engine_of(NOISE), "vulnerable"))
    assert scores.mean.sum() == pytest.approx(1, abs=0.02), "no norm: all that is lost is direct"
    assert "misleading words cost" in scores.words


def test_a_vulnerable_head_is_proved_by_what_it_brings_back():
    def confirmed(head, noise=NOISE):
        with told(misled.prompts):
            return confirm(misled.engine_of(noise), "vulnerable", head, n=40)

    found = confirmed("0.1")
    assert found.passed
    assert "0.1 brings back" in found.reason
    assert found.share > 0.8
    for number in (0, 2):
        assert not confirmed(f"0.{number}").passed


def told(prompts):
    """Return a context in which a proof asks these prompts."""
    return patch.object(
        resampling, "ask", lambda _engine, _name, *, seed, **_options: prompts(seed)
    )


def test_a_model_without_a_misreading_head_is_misled_by_nothing():
    layers = [dict(some) for some in misled.LAYERS]
    layers[0]["misreads some words"] = misled.SINK
    with asked(misled.prompts), pytest.raises(NotMeasurable, match="none mislead the model"):
        misleading(measuring(misled.engine_of(layers=layers), "vulnerable"))


# ---------------------------------------------------------------------- languages


def test_steering_is_a_step_along_the_direction_of_the_language():
    engine = tongues.engine_of(0.0)
    with asked(tongues.prompts):
        scores = coherent(measuring(engine, "coherence"))
    assert scores.mean[0, 0] > 0.9
    assert np.abs(scores.mean[0, 1]) < 0.01, "it tells the language as well, and says nothing"
    assert f"{STRENGTH:g} sd" in scores.words


def test_a_model_of_one_language_cannot_be_asked():
    layers = [dict(some) for some in tongues.LAYERS]
    layers[0]["keeps to the language"] = tongues.SINK
    match = "the model keeps to the language asked for"
    with asked(tongues.prompts), pytest.raises(NotMeasurable, match=match):
        coherent(measuring(tongues.engine_of(layers=layers), "coherence"))


@pytest.mark.parametrize(
    ("function", "module"),
    [(coherent, tongues), (misleading, misled), (transporting, shown_tasks)],
)
def test_an_edited_model_is_not_intervened_on(function, module):
    measure = measuring(module.engine_of(), "coherence", hooks=[("blocks.0.attn.hook_z", print)])
    with asked(module.prompts), pytest.raises(NotMeasurable, match="without edits"):
        function(measure)
