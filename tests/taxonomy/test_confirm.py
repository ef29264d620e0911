"""Proofs: removing the head breaks the task, removing a decoy does not; the arithmetic by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from direct import cached, difference, engine_of
from direct import run as run_plain

from headwidgets.errors import InputError, NotMeasurable
from headwidgets.heads import Head
from headwidgets.methods.interval import student_tail
from headwidgets.methods.metrics import LogitDiff
from headwidgets.methods.snapshot import Pair, Snapshot
from headwidgets.methods.sweep import changes, sweep
from headwidgets.model.engine import Engine
from headwidgets.taxonomy import all_kinds, find
from headwidgets.taxonomy import confirmed as rule
from headwidgets.taxonomy import resampling as module
from headwidgets.taxonomy.confirm import confirm
from headwidgets.taxonomy.confirmed import alike, holm
from headwidgets.taxonomy.output_norms import output_norms
from headwidgets.taxonomy.proofs import proof_of
from headwidgets.zoo.bundled import bundled

COPY = "repeated random tokens"
ROWS = tuple(tuple(range(10 * i, 10 * i + 9)) for i in range(1, 6))
UNEVEN = (*ROWS, *(tuple(range(i, i + 6)) for i in (7, 70, 200)))


@pytest.fixture(scope="module")
def planted_engine(planted_bridge):
    return Engine(planted_bridge, name="planted")


@pytest.fixture(scope="module")
def bundled_engine():
    return Engine(bundled(), name="bundled")


# ------------------------------------------------------------------ a planted model


@pytest.mark.parametrize("head", ["1.0", "0.0"])
def test_without_the_induction_head_or_the_one_before_it_the_task_is_lost(planted_engine, head):
    found = confirm(planted_engine, "induction", head, n=40)
    assert found.passed
    assert found.kind == "induction"
    assert found.head == Head.parse(head)
    assert found.share == pytest.approx(1, abs=0.1)
    assert found.effect == pytest.approx(-found.share * found.clean)
    assert found.p == pytest.approx(1 / (1 + rule.DRAWS))
    assert 20 <= found.n <= 40  # those that another has the length of
    assert found.task.endswith(f"n = {found.n}")
    assert len(found.matched) == 5  # all others: they are fewer than five alike
    assert f"{head} costs" in found.reason


@pytest.mark.parametrize(
    ("at", "needed"),
    [
        ("end", {"1.0"}),  # the induction head reads the answer here
        ("CUE2", {"1.0"}),  # the same token, as a role
        ("ANSWER1", {"0.0"}),  # here the one before it has written which token came before
        ("CUE1", set()),
    ],
)
def test_a_head_is_resampled_where_the_card_says(planted_engine, at, needed):
    kind = replace(find("induction"), proof_at=at)
    for head in ("0.0", "0.1", "1.0", "1.2"):
        found = confirm(planted_engine, kind, head, n=40)
        assert found.passed == (head in needed)
        assert found.share == pytest.approx(float(head in needed), abs=0.1)
        words = "at the last token" if at == "end" else f"at {at}"
        assert found.reason.startswith(f"resampled {words} on Repeated random tokens, templates")


@pytest.mark.parametrize("head", ["0.1", "0.2", "1.1", "1.2"])
def test_heads_that_the_task_does_not_need_do_not_pass(planted_engine, head):
    found = confirm(planted_engine, "induction", head, n=40)
    assert not found.passed
    assert abs(found.share) < rule.SHARE


def test_a_decoy_that_attends_and_copies_nothing_does_not_pass(planted_decoys_bridge):
    engine = Engine(planted_decoys_bridge, name="decoys")
    assert confirm(engine, "induction", "1.0", n=30).passed
    for decoy in ("1.3", "1.4"):
        assert not confirm(engine, "induction", decoy, n=30).passed


def test_prompts_are_of_held_out_templates_and_another_seed(planted_engine, monkeypatch):
    asked = []
    real = module.ask
    monkeypatch.setattr(module, "ask", lambda *a, **more: asked.append(more) or real(*a, **more))
    confirm(planted_engine, "induction", "1.0", n=20)
    assert asked == [{"seed": 1, "split": "templates", "n": 20}]


def test_the_same_question_has_the_same_answer_and_leaves_no_hook(planted_engine):
    left = planted_engine.hooks_left()
    one, two = (confirm(planted_engine, "induction", "1.0", n=20) for _ in range(2))
    assert one == two
    assert planted_engine.hooks_left() == left


# ------------------------------------------------------------------ arithmetic by hand


@pytest.fixture
def by_hand(planted_engine, monkeypatch):
    """Confirm with changes that are given: [head, prompt], first the head, then those alike."""

    def ask(change, clean, sign=1, matched=2):
        change, clean = np.array(change, float), np.array(clean, float)
        others = tuple(Head(0, i) for i in range(matched))
        monkeypatch.setattr(module, "alike", lambda *_: others)
        monkeypatch.setattr(module, "changes", lambda *_, **__: (change, clean))
        kind = replace(find("induction"), proof_sign=sign)
        return confirm(planted_engine, kind, "1.0", n=20)

    return ask


def test_effect_share_and_error_are_those_of_the_definition(by_hand):
    change = [[-1.0, -2.0, -3.0, -2.0], [0.1, 0, 0, 0], [0, 0, 0.1, 0]]
    found = by_hand(change, [4.0, 4.0, 5.0, 3.0])
    assert found.effect == -2
    assert found.clean == 4
    assert found.share == 0.5
    assert found.se == pytest.approx(np.std(change[0], ddof=1) / 2)
    # Student's t of -2.025, -2, -1.975 ... with 3 degrees of freedom, above the bootstrap's 1e-5
    beyond = -np.array(change[0]) + np.array(change[1:]).mean(axis=0)
    t = beyond.mean() / (beyond.std(ddof=1) / 2)
    assert found.p == pytest.approx(student_tail(t, 3))
    assert found.n == 4
    assert found.passed


def test_a_kind_that_lowers_the_metric_is_proved_by_a_gain(by_hand):
    change = [[1.0, 2.0, 3.0, 2.0], [0] * 4, [0] * 4]
    clean = [4.0, 4.0, 5.0, 3.0]
    freed = by_hand([row * 5 for row in change], clean * 5, sign=-1)
    assert freed.passed
    assert freed.share == 0.5
    assert freed.effect == 2
    assert "1.0 frees 50%" in freed.reason
    nothing = by_hand([row * 5 for row in change], [0.1, -0.1] * 10, sign=-1)
    assert not nothing.passed, "a share of next to nothing is none"
    wrong = by_hand(change, clean)
    assert not wrong.passed
    assert wrong.share == -0.5
    assert wrong.p == 1


def test_matched_heads_that_cost_as_much_leave_no_proof(by_hand):
    same = [-1.0, -2.0, -3.0, -2.0]
    found = by_hand([same, same, same], [4.0] * 4)
    assert found.share == 0.5
    assert found.p == 1
    assert not found.passed


def test_next_to_nothing_is_no_proof_however_sure(by_hand):
    found = by_hand([[-0.3] * 20, [0] * 20, [0] * 20], [4.0] * 20)
    assert found.share == pytest.approx(0.075)
    assert found.p <= 0.01
    assert not found.passed


def test_one_prompt_in_four_is_not_sure_enough(by_hand):
    found = by_hand([[-8.0, 0, 0, 0], [0] * 4, [0] * 4], [4.0] * 4)
    assert found.share == 0.5
    assert found.p == pytest.approx(0.75**4, abs=0.01)  # samples that miss that prompt
    assert not found.passed


@pytest.mark.parametrize("clean", [[-4.0] * 4, [0.0] * 4])
def test_a_model_that_does_not_do_the_task_proves_nothing(by_hand, clean):
    assert not by_hand([[-2.0] * 4, [0] * 4, [0] * 4], clean).passed


def test_nan_is_never_a_proof(by_hand):
    found = by_hand([[-2.0] * 4, [np.nan] * 4, [0] * 4], [4.0] * 4)
    assert found.p == 1
    assert not found.passed
    assert not by_hand([[np.nan] * 4, [0] * 4, [0] * 4], [4.0] * 4).passed


def test_the_only_head_of_a_model_is_compared_with_none(by_hand):
    assert by_hand([[-2.0] * 20], [4.0] * 20, matched=0).passed
    assert by_hand([[2.0] * 20], [4.0] * 20, matched=0).p == 1


def test_few_prompts_are_not_surer_than_they_can_be():
    """A bootstrap alone would call one in forty samples of ten such that one in a hundred is."""
    random = np.random.default_rng(0)
    p = [rule._p(random.standard_normal(10), 0) for _ in range(300)]
    assert np.mean(np.array(p) <= 0.01) <= 0.025
    assert rule._p(np.ones(10), 0) == pytest.approx(2**-10)


# ------------------------------------------------------------------ matched heads


def test_alike_is_within_a_layer_and_a_factor_of_two():
    norms = np.array([[1, 2, 2.1, 0.5], [1, 0.49, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1.0]])
    assert alike(norms, Head(0, 0)) == (
        *(Head(0, 1), Head(0, 3)),
        *(Head(1, 0), Head(1, 2), Head(1, 3)),
    )
    assert Head(3, 0) not in alike(norms, Head(1, 0))


def test_fewer_than_five_alike_are_all_others():
    norms = np.array([[1.0, 5.0, 5.0], [5.0, 5.0, 5.0], [1.0, 1.0, 1.0]])
    found = alike(norms, Head(0, 0))
    assert found == tuple(Head(a, b) for a in range(3) for b in range(3) if (a, b) != (0, 0))
    assert alike(np.zeros((1, 1)), Head(0, 0)) == ()


@pytest.mark.parametrize("places", [None, [2, 5, 7, 8, 3, 1, 0, 4]], ids=["last", "given"])
@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "neox"])
def test_output_norms_are_lengths_of_what_heads_write_there(shaped_bridges, name, places):
    bridge = shaped_bridges(name)
    engine = engine_of(bridge)
    expected = np.zeros((3, 4))
    for i, row in enumerate(UNEVEN):
        cache = cached(bridge, list(row))
        at = -1 if places is None else places[i]
        for layer, head in np.ndindex(expected.shape):
            z = cache[f"blocks.{layer}.attn.hook_z"][0, at].reshape(4, -1)[head]
            wrote = z @ bridge.blocks[layer].attn.W_O.detach()[head]
            expected[layer, head] += float(wrote.norm()) / len(UNEVEN)
    np.testing.assert_allclose(output_norms(engine, UNEVEN, places), expected, rtol=1e-4)


@pytest.mark.parametrize("at", ["", "end", "ANSWER1"])
def test_matched_heads_write_as_much_where_the_head_is_resampled(planted_engine, monkeypatch, at):
    seen = []
    real = module.output_norms
    monkeypatch.setattr(module, "output_norms", lambda *a: seen.append(a[1:]) or real(*a))
    confirm(planted_engine, replace(find("induction"), proof_at=at), "1.0", n=20)
    ((rows, places),) = seen
    for ids, place in zip(rows, places, strict=True):
        if at == "ANSWER1":  # behind the first copy of the last token
            assert place == 1 + ids[:-1].index(ids[-1])
        else:
            assert place == len(ids) - 1


# ------------------------------------------------------------------ what one head changes


@pytest.mark.parametrize("name", ["gpt2", "neox"])
def test_changes_are_those_of_plain_hooks_prompt_by_prompt(shaped_bridges, name):
    bridge = shaped_bridges(name)
    engine = engine_of(bridge)
    answers = tuple(LogitDiff(30 + i, 60 + i) for i in range(len(ROWS)))
    snapshot = Snapshot(pairs=tuple(map(Pair, ROWS)), answers=answers)
    heads = [Head(2, 1), Head(0, 3)]  # in the order that is asked for
    change, clean = changes(engine, snapshot, "zero", heads)
    assert change.shape == (2, len(ROWS))
    for i, row in enumerate(ROWS):
        before = difference(run_plain(bridge, list(row)), answers[i])
        assert clean[i] == pytest.approx(before, abs=1e-3)
        for number, (layer, head) in enumerate(heads):

            def off(z, head=head):
                z.reshape(*z.shape[:2], 4, -1)[:, :, head] = 0
                return z

            logits = run_plain(bridge, list(row), [(f"blocks.{layer}.attn.hook_z", off)])
            assert change[number, i] == pytest.approx(
                difference(logits, answers[i]) - before, abs=1e-3
            )


@pytest.mark.parametrize("at", [None, "end", "here"])
def test_changes_are_the_rows_of_a_sweep(shaped_bridges, at):
    engine = engine_of(shaped_bridges("gpt2"))
    answers = tuple(LogitDiff(30 + i, 60 + i) for i in range(len(ROWS)))
    pairs = tuple(Pair(row, roles={"here": 3 + i % 2}) for i, row in enumerate(ROWS))
    snapshot = Snapshot(pairs=pairs, answers=answers)
    heads = [Head(1, 2), Head(0, 1), Head(2, 0)]
    change, clean = changes(engine, snapshot, "resample", heads, at=at, seed=4)
    frame = sweep(engine, snapshot, "resample", heads=heads, at=at, seed=4)
    rows = frame.set_index(["layer", "head"])
    for values, head in zip(change, heads, strict=True):
        assert values.mean() == pytest.approx(rows.loc[tuple(head), "effect"], abs=1e-5)
    assert np.abs(change).max() > 0
    assert clean.shape == (len(ROWS),)


# ------------------------------------------------------------------ cards

PROVED = [kind for kind in all_kinds() if kind.proof_task]
PLACES = {
    "": "resample its output everywhere, ",
    "end": "resample its output at the last token",
    "S2": "resample its output where the subject comes again (S2), ",
}


@pytest.mark.parametrize("kind", PROVED, ids=lambda kind: kind.name)
def test_a_card_says_what_confirming_does(kind):
    if proof_of(kind.name) is None:
        assert kind.proof.startswith(PLACES[kind.proof_at])
    assert "everything after recomputed: " in kind.proof
    assert ("answers of other relations" in kind.proof) == (kind.proof_against == "other answers")
    assert ("gains" in kind.proof) == (kind.proof_sign < 0)


@pytest.mark.parametrize("kind", PROVED, ids=lambda kind: kind.name)
def test_every_prompt_has_the_place_and_what_the_answer_is_held_against(bundled_engine, kind):
    snapshot, _ = module.question(bundled_engine, kind, 24, 1)
    for pair, words in zip(snapshot.pairs, snapshot.answers, strict=True):
        roles = {kind.proof_at} if kind.proof_at == "S2" else set()
        assert set(pair.roles) == roles
        for place in pair.roles.values():
            assert pair.clean[place] in pair.clean[:place], "the subject comes again"
        several = kind.proof_against == "other answers"
        assert isinstance(words.foil, tuple) == several
        assert words.answer not in np.atleast_1d(words.foil)


def test_a_place_that_a_prompt_lacks_is_named(planted_engine):
    kind = replace(find("induction"), proof_at="COPY2")
    with pytest.raises(NotMeasurable, match="'repeated random tokens' has no place called 'COPY2'"):
        confirm(planted_engine, kind, "1.0", n=20)


# ------------------------------------------------------------------ Holm, and bad input


def test_holm_by_hand():
    """Sorted .01 .02 .03 .04 times 4 3 2 1, none below the one before, none above 1."""
    found = holm(np.array([0.03, 0.01, np.nan, 0.04, 0.02]))
    np.testing.assert_allclose(found, [0.06, 0.04, np.nan, 0.06, 0.06])
    np.testing.assert_allclose(holm(np.array([0.6, 0.5])), [1, 1])
    np.testing.assert_allclose(holm(np.array([0.01])), [0.01])
    assert holm(np.array([])).shape == (0,)
    random = np.sort(np.random.default_rng(0).random(50))
    assert all(a <= b for a, b in pairwise(holm(random)))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            (replace(find("induction"), name="made", proof_task=""), "1.0"),
            "no task proves the kind",
        ),
        (("inductoin", "1.0"), "did you mean 'induction'"),
        (("induction", "7.0"), "no head 7.0"),
        (("induction", 1.5), "write it as a string"),
    ],
)
def test_what_cannot_be_proved_is_refused(planted_engine, asked, message):
    with pytest.raises(InputError, match=message):
        confirm(planted_engine, *asked)


@pytest.mark.parametrize("options", [{"n": 0}, {"n": "many"}, {"seed": -1}, {"n": 2.5}])
def test_bad_numbers_are_input_errors(planted_engine, options):
    with pytest.raises(InputError, match="as a whole number from"):
        confirm(planted_engine, "induction", "1.0", **options)


def test_few_prompts_prove_nothing(planted_engine, monkeypatch):
    with pytest.raises(InputError, match="expected at least 10 prompts for a proof, got n=9"):
        confirm(planted_engine, "induction", "1.0", n=9)
    snapshot, words = module.question(planted_engine, find("induction"), 20, 1)
    few = replace(snapshot, pairs=snapshot.pairs[:6], answers=snapshot.answers[:6])
    monkeypatch.setattr(module, "question", lambda *_: (few, words))
    with pytest.raises(NotMeasurable, match="6 of 20 prompts have another of their length, 10 are"):
        confirm(planted_engine, "induction", "1.0", n=20)


def test_a_lead_that_may_be_none_proves_nothing(planted_engine):
    found = confirm(planted_engine, "name mover", "0.0")
    assert abs(found.clean) < 1
    assert not found.passed
    assert "the model does not do the task" in found.reason


@pytest.mark.parametrize(("matched", "words"), [(5, "all 5 other heads"), (2, "2 matched heads")])
def test_the_reason_says_when_no_head_was_matched(by_hand, matched, words):
    found = by_hand([[-2.0] * 4, *[[0.0] * 4] * matched], [4.0] * 4, matched=matched)
    assert f"against {words}" in found.reason


def test_prompts_alone_of_their_length_are_left_out(planted_engine, monkeypatch):
    task = module.ask(planted_engine, COPY, seed=0, n=20)
    kept = {len(row): row for row in task.rows}
    odd = max(kept) + 1
    rows = (*task.rows[:-1], (*task.rows[-1], *[5] * (odd - len(task.rows[-1]))))
    monkeypatch.setattr(module, "ask", lambda *_, **__: replace(task, rows=rows))
    snapshot, words = module.question(planted_engine, find("induction"), 20, 0)
    lengths = [len(pair.clean) for pair in snapshot.pairs]
    assert odd not in lengths
    assert min(map(lengths.count, lengths)) > 1
    assert len(snapshot.answers) == len(lengths)
    assert words.endswith(f"n = {len(lengths)}")


def test_without_a_tokenizer_it_is_not_measurable(shaped_bridges):
    with pytest.raises(NotMeasurable, match="no tokenizer"):
        confirm(engine_of(shaped_bridges("gpt2")), "name mover", "0.0")
