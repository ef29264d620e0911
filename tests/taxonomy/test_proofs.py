"""Proofs of their own: a planted head passes, clean and dirty; decoys and random models do not."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import pytest
import torch
from planted import fitting, owners, shown_tasks, steered, tongues
from planted.small import asked

from headwidgets.errors import NotMeasurable
from headwidgets.heads import Head
from headwidgets.methods.held_out import permuted
from headwidgets.methods.interval import student_tail
from headwidgets.model.engine import Engine
from headwidgets.tasks.shown import SORTINGS
from headwidgets.taxonomy import (
    confirmed,
    find,
    languages,
    relations,
    resampling,
    rightness,
    skilled,
    truth,
)
from headwidgets.taxonomy.confirm import can_confirm, confirm
from headwidgets.taxonomy.probing import Labelled
from headwidgets.taxonomy.proofs import probed, without_examples
from headwidgets.taxonomy.proofs.along import cosine_p, labels_p, moved, shift
from headwidgets.taxonomy.proofs.at_places import asking, changed
from headwidgets.taxonomy.proofs.one_pair import directions, embeddings
from headwidgets.taxonomy.proofs.probed import _choosing
from headwidgets.taxonomy.registry import all_kinds
from headwidgets.zoo.planted import planted_decoys


def few(prompts, n):
    """Return a task's first prompts."""

    def drawn(seed):
        whole = prompts(seed)
        roles, spans = (
            {name: places[:n] for name, places in some.items()}
            for some in (whole.prompts.roles, whole.prompts.spans)
        )
        kept = SimpleNamespace(**{**vars(whole.prompts), "roles": roles, "spans": spans})
        names = ("rows", "answer", "foil", "options")
        return replace(whole, prompts=kept, **{one: getattr(whole, one)[:n] for one in names})

    return drawn


NOISE = {"clean": 0.0, "dirty": 0.05}
PLANTED = {
    "truthfulness": (fitting.engine_of, few(fitting.statements, 100), "0.0"),
    "accuracy": (steered.reading, few(fitting.passages, 160), "0.0"),
    "faithfulness": (steered.reasoning, few(fitting.chains, 240), "0.0"),
    "coherence": (tongues.engine_of, tongues.prompts, "0.0"),
    "function vector": (shown_tasks.engine_of, shown_tasks.prompts, "1.0"),
    "semantic induction": (owners.engine_of, owners.prompts, "0.0"),
}


def proving(prompts):
    """Return a context in which every proof asks these prompts."""
    stack = ExitStack()
    stack.enter_context(asked(prompts))
    for module in (resampling, relations):
        told = patch.object(module, "ask", lambda _e, _name, *, seed, **_more: prompts(seed))
        stack.enter_context(told)
    return stack


def outcome(kind, engine, head):
    """Return a proof, None where it is not measurable."""
    with proving(PLANTED[kind][1]):
        try:
            return confirm(engine, kind, head, n=60)
        except NotMeasurable:
            return None


def heads_of(engine):
    facts = engine.facts
    return [f"{a}.{b}" for a in range(facts.n_layers) for b in range(facts.n_heads)]


def test_every_kind_has_a_proof():
    assert all(map(can_confirm, all_kinds()))


@pytest.mark.parametrize("form", ["clean", pytest.param("dirty", marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", PLANTED)
def test_the_planted_head_passes_and_no_decoy_does(kind, form):
    engine_of, _, own = PLANTED[kind]
    engine = engine_of(NOISE[form])
    left = engine.hooks_left()
    heads = heads_of(engine)
    for head in heads if NOISE[form] else dict.fromkeys((own, *heads[:3])):
        found = outcome(kind, engine, head)
        passed = found is not None and found.passed
        assert passed == (head == own), (head, found)
    assert engine.hooks_left() == left


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("kind", PLANTED)
def test_no_head_of_a_random_model_passes(kind, seed, monkeypatch):
    """Not even where it is not asked whether the model does the task."""
    engine = PLANTED[kind][0]()
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in engine._source.original_model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=random) * 0.2)
    engine = Engine(engine._source, name="random")
    monkeypatch.setattr(skilled, "require_skill", lambda *_: None)
    monkeypatch.setattr(languages, "KEEPS", 0.0)
    for head in heads_of(engine)[::3]:
        found = outcome(kind, engine, head)
        assert found is None or not found.passed, found


# ------------------------------------------------------------------ associative memories


@pytest.fixture(scope="module")
def copying_engine(planted_decoys_bridge):
    return Engine(planted_decoys_bridge, name="decoys")


def test_without_one_token_the_copier_loses_it_and_keeps_the_others(copying_engine):
    found = confirm(copying_engine, "associative memories", "1.0", n=40)
    assert found.passed
    assert "less without that of another" in found.reason
    for decoy in ("0.0", "1.3", "1.4"):
        assert not confirm(copying_engine, "associative memories", decoy, n=20).passed, decoy


@pytest.mark.slow
def test_random_weights_hold_no_pair():
    bridge = planted_decoys()
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in bridge.original_model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=random) * 0.2)
    engine = Engine(bridge, name="random")
    for head in ("0.0", "1.0", "1.3"):
        assert not confirm(engine, "associative memories", head, n=40).passed


def test_directions_are_what_W_V_reads_of_tokens(copying_engine):
    units = directions(copying_engine, Head(1, 0), embeddings(copying_engine, [3, 4]))
    assert units.norm(dim=1).tolist() == pytest.approx([1, 1])
    assert abs(float(units[0] @ units[1])) < 0.2, "near-orthogonal, as a memory's keys are"


# ------------------------------------------------------------------ what prompts share


@pytest.mark.parametrize("seed", range(3))
def test_no_fact_is_on_both_sides_of_the_proof_of_truth(seed):
    seen = {}

    def spy(*some):
        seen["given"], seen["acting"] = some[4:6]
        return moved(*some)

    with proving(PLANTED["truthfulness"][1]), patch.object(probed, "moved", spy):
        found = confirm(fitting.engine_of(0.05), "truthfulness", "0.0", n=60, seed=seed)
    fitted, acted = set(seen["given"].groups), set(seen["acting"].facts)
    assert not fitted & acted
    assert len(fitted) >= 10
    assert len(acted) >= 10
    assert found.passed
    assert found.n == len(seen["acting"].rows) > len(acted)
    assert f"over {len(acted)} facts that the shift was not found on" in found.reason


def test_too_few_facts_to_deal_out():
    whole = few(fitting.statements, 240)(0)
    one = truth.STATEMENTS[0]
    to_fit, to_act = truth.apart(one, whole, whole, 0)
    assert not set(to_fit) & set(to_act)
    known = sorted({one.fact(whole, i) for i in range(240)})[:19]
    some = [i for i in range(240) if one.fact(whole, i) in known]
    fewer = replace(whole, rows=tuple(whole.rows[i] for i in some))
    fewer = replace(
        fewer,
        prompts=SimpleNamespace(
            **{
                **vars(whole.prompts),
                "spans": {k: [v[i] for i in some] for k, v in whole.prompts.spans.items()},
            }
        ),
    )
    with pytest.raises(NotMeasurable, match="facts on one side of the split, 10 are needed"):
        truth.apart(one, fewer, fewer, 0)


def _shared(seed, groups, each):
    """What prompts of so many groups show whose means are nothing but chance, with the groups."""
    random = np.random.default_rng(seed)
    of = np.repeat(np.arange(groups), each)
    own = random.standard_normal(groups)[of] + 0.3 * random.standard_normal(len(of))
    return own, of.tolist()


@pytest.mark.parametrize("groups", [6, 24], ids=["tasks", "facts"])
def test_prompts_that_share_a_mean_are_no_evidence_apart(groups):
    """No group has an effect of its own: p ≤ .05 in a twentieth of the cases, by group."""
    about, said = find("function vector"), confirmed.Said("made", "moved", "none")

    def p(own):
        cost = confirmed.Cost(own, np.zeros((0, len(own))), np.ones(len(own)), least_p=0.0)
        with patch.object(confirmed, "DRAWS", 1999):
            return confirmed.judged(about, Head(0, 0), cost, said, matched=(), seed=0).p

    by_prompt, by_group = [], []
    for seed in range(60):
        own, of = _shared(seed, groups, each=8)
        by_prompt.append(p(own))
        by_group.append(p(confirmed.by_group(own, of)))
    assert (np.array(by_prompt) <= 0.05).mean() > 0.2
    assert (np.array(by_group) <= 0.05).mean() <= 0.12
    assert (np.array(by_group) <= 0.5).mean() > 0.3


def test_the_mean_of_each_group():
    values = np.array([[1.0, 2.0, 4.0, 8.0], [0.0, 1.0, 0.0, 1.0]])
    found = confirmed.by_group(values, ["a", "b", "a", "b"])
    assert found.tolist() == [[2.5, 5.0], [0.0, 1.0]]
    assert confirmed.by_group(values, range(4)).tolist() == values.tolist()
    assert confirmed.by_group(values[0], ["x"] * 4).tolist() == [3.75]


def test_tasks_are_counted_where_there_are_five():
    names = [*"aabbccddee"]
    assert without_examples.counting(names, 5) == (names, ", over 5 tasks")
    assert without_examples.counting(names, 7)[1] == ", over 5 tasks (7 with labels exchanged)"
    groups, said = without_examples.counting([*"aabbcc"], 6)
    assert list(groups) == [0, 1, 2, 3, 4, 5]
    assert said == (
        ", over prompts, not tasks: it holds for these 3 tasks (6 with labels exchanged), "
        "and says nothing of others"
    )


def test_two_tasks_that_exchange_their_labels_count_as_one():
    two = list(SORTINGS)[:2]
    made = {shown_tasks.NAMES[i]: name for i, name in enumerate([*two, *shown_tasks.NAMES[2:4]])}

    def prompts(seed, name):
        own = {new: old for old, new in made.items()}.get(name.split(": ")[-1])
        return shown_tasks.prompts(seed, own or "none")

    with proving(prompts):
        pairs = without_examples._pairs(shown_tasks.engine_of(), 40, 0)
    assert [one.task for one, _ in pairs] == [two[0], two[0], *shown_tasks.NAMES[2:4]]


def test_a_function_vector_is_proved_over_tasks_or_says_of_which():
    engine = shown_tasks.engine_of(0.05)
    with proving(shown_tasks.prompts):
        found = confirm(engine, "function vector", "1.0", n=60)
    assert found.passed
    assert found.n == 60
    assert found.reason.count(", over 5 tasks") == 2

    def three(seed, name):
        own = name.split(": ")[-1]
        return shown_tasks.prompts(seed, own if own in shown_tasks.NAMES[:3] else "none")

    with proving(three):
        found = confirm(engine, "function vector", "1.0", n=60)
    assert found.passed
    assert "it holds for these 3 tasks, and says nothing of others" in found.reason


def test_as_many_prompts_as_are_asked_for():
    """Beyond the forty of a task that are drawn otherwise; where there are no more, it says so."""
    engine = shown_tasks.engine_of()

    def draw(_engine, name, *, seed, n, **_options):
        return shown_tasks.prompts(seed, name, n)

    with patch.object(skilled, "ask", draw):
        found = confirm(engine, "function vector", "1.0", n=200)
    assert found.n == 200
    assert "asked for" not in found.reason
    with proving(shown_tasks.prompts):
        found = confirm(engine, "function vector", "1.0", n=200)
    assert found.n == 100
    assert "n = 100 of the 200 asked for" in found.reason


# ------------------------------------------------------------------ their parts, by hand


def test_a_head_is_changed_at_its_places_alone():
    engine = fitting.engine_of(0.05)
    rows = fitting.statements(0).rows[:12]
    places = [len(row) - 1 - i % 3 for i, row in enumerate(rows)]
    numbers = []

    def change(z, some):
        numbers.extend(some)
        return 0 * z + 2.0

    found = changed(engine, rows, Head(0, 2), change, places)
    assert sorted(numbers) == list(range(12))
    for row, place, logits in zip(rows, places, found, strict=True):

        def put(z, _, place=place):
            out = z.clone()
            out[:, place, 2] = 2.0
            return out

        own = engine.run(torch.tensor([list(row)]), [("blocks.0.attn.hook_z", put)])[0]
        assert logits == pytest.approx(own.numpy(), abs=1e-4)


def test_a_shift_is_three_deviations_between_the_means():
    z = torch.tensor([[0.0, 1.0], [0.0, -1.0], [4.0, 1.0], [4.0, -1.0]])
    step = shift(z, torch.tensor([False, False, True, True]))
    assert step.tolist() == pytest.approx([3 * float(z[:, 0].std()), 0])
    assert shift(torch.zeros(4, 2), torch.tensor([False, False, True, True])).tolist() == [0, 0]


def test_p_of_a_direction_is_that_of_directions_drawn_at_random():
    random = np.random.default_rng(0)
    drawn = random.standard_normal((200_000, 8))
    cosines = drawn[:, 0] / np.linalg.norm(drawn, axis=1)
    for cosine in (0.2, 0.5, 0.8):
        gains = [cosine, np.sqrt(1 - cosine**2), *[0.0] * 6]
        assert cosine_p(cosine, gains) == pytest.approx((cosines >= cosine).mean(), rel=0.15)
    assert cosine_p(0.5, [0.5, np.sqrt(0.75)]) == pytest.approx(1 / 3), "60 degrees of 180"
    assert cosine_p(1.0, [1.0] + [0.0] * 30) < 1e-9
    assert cosine_p(0.0, [1.0, 1.0]) == cosine_p(-1.0, [1.0, 1.0]) == cosine_p(1.0, [1.0]) == 1
    assert cosine_p(float("nan"), [1.0, 1.0]) == 1


@pytest.mark.slow
def test_p_of_labels_is_that_of_labels_permuted_within_blocks():
    random = np.random.default_rng(0)
    labels, blocks = np.arange(120) % 2 == 0, tuple(i // 4 for i in range(120))
    given = Labelled(((1,),) * 120, labels, blocks, blocks, ("with", "without"), "made")
    ps = [labels_p(random.standard_normal(120), given, 0) for _ in range(80)]
    assert np.mean(np.array(ps) <= 0.2) == pytest.approx(0.2, abs=0.1)
    assert labels_p(labels + random.standard_normal(120), given, 0) < 1e-4
    assert labels_p(random.standard_normal(120) - labels, given, 0) == 1
    assert labels_p(100.0 + np.array(blocks), given, 0) == 1, "a block tells nothing"
    stated = np.repeat(np.arange(40), 3)  # a true one and a false one of each of 20 facts
    labels, facts = stated % 2 == 0, tuple((stated // 2).tolist())
    again = Labelled(((1,),) * 120, labels, facts, facts, ("with", "without"), "made")
    own = replace(again, units=tuple(zip(facts, labels.tolist(), strict=True)))
    drawn = [random.standard_normal(40)[stated] for _ in range(40)]
    assert (np.array([labels_p(one, again, 0) for one in drawn]) <= 0.05).mean() > 0.13
    assert (np.array([labels_p(one, own, 0) for one in drawn]) <= 0.05).mean() <= 0.13
    assert labels_p(np.full(120, 3.0), given, 0) == 1


@pytest.mark.slow
def test_a_shift_between_rows_labelled_by_chance_proves_nothing():
    engine, about = steered.reading(), find("accuracy")
    with proving(PLANTED["accuracy"][1]):
        fitted = asking(engine, 2)
        given = rightness.answers_given(fitted, *rightness.READING[0])[0]
        acting = _choosing(skilled.doing(asking(engine, 1), "triviaqa", n=60).asked)
    drawn = permuted(given.labels, given.blocks, 6, np.random.default_rng(0))
    shares = []
    for labels in drawn.T:
        found = moved(engine, about, Head(0, 0), 1, replace(given, labels=labels), acting)
        assert not found.passed
        shares.append(found.share)
    assert max(shares) > 0.1, "though it acts: its z varies along what acts alone"
    assert moved(engine, about, Head(0, 0), 1, given, acting).passed


def test_the_weakest_of_two_proofs_counts():
    clean = np.linspace(9, 11, 20)
    said = confirmed.Said("made", "resampled", "none")
    kind = find("induction")

    def judged(cost):
        costs = confirmed.Cost(np.full(20, cost) * clean, np.zeros((0, 20)), clean)
        return confirmed.judged(kind, Head(0, 0), costs, said, matched=(), seed=0)

    strong, weak = judged(0.5), judged(0.05)
    both = confirmed.weakest(strong, weak)
    assert not both.passed
    assert both.share == pytest.approx(0.05)
    assert both.p == max(strong.p, weak.p)
    assert confirmed.weakest(strong, judged(0.4)).passed
    assert "; " in both.reason


def test_p_is_at_least_that_of_the_other_test():
    clean = np.linspace(9, 11, 20)
    said = confirmed.Said("made", "moved", "none")
    cost = confirmed.Cost(clean / 2, np.zeros((0, 20)), clean, least_p=0.02)
    found = confirmed.judged(find("accuracy"), Head(0, 0), cost, said, matched=(), seed=0)
    assert found.p == 0.02
    assert not found.passed
    assert student_tail(3.0, 5) < 0.02


def test_those_left_out_are_not_matched():
    norms = np.ones((2, 4))
    norms[1, 3] = 9
    out = (Head(0, 1), Head(0, 2))
    five = confirmed.alike(norms, Head(0, 0), out[:1])
    assert five == (Head(0, 2), Head(0, 3), Head(1, 0), Head(1, 1), Head(1, 2))
    four = confirmed.alike(norms, Head(0, 0), out)
    assert four == (Head(0, 3), Head(1, 0), Head(1, 1), Head(1, 2), Head(1, 3)), "else all"
