"""Letter heads: closed forms, planted heads clean and dirty, decoys that share one half."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from direct import engine_of
from made_tasks import LETTERS, drawn, measuring, table
from planted.letters import (
    HEADS,
    OPTIONS,
    PLACE,
    always_a,
    brings_only,
    constant,
    correct_letter,
    even,
    everywhere,
    gatherer,
    highest,
    leaning,
    looks_only,
    only_b,
    single,
    sink,
    slot,
    slot_and_letter,
    three_letters,
    without_letters,
    written,
)

from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy import letter_lead, letters, shares
from headwidgets.taxonomy.other_words import other_words as words_of
from headwidgets.taxonomy.seen import Look, see
from headwidgets.taxonomy.verdict import CANDIDATE, CONSISTENT, NO


@pytest.fixture(autouse=True)
def other_words(monkeypatch):
    monkeypatch.setattr(letters, "see", without_letters)


@pytest.fixture(params=[0.0, 0.05], ids=["clean", "dirty"], scope="module")
def measure(request):
    return measuring("options", drawn(OPTIONS, HEADS, noise=request.param), draws=300)


def named(*rules):
    return [PLACE[rule] for rule in rules]


def claimed(found, verdict=CONSISTENT):
    return set(found.index[found["verdict"] == verdict])


def test_shares_are_even_where_there_is_no_attention_and_entropy_runs_from_0_to_1():
    looks = np.array([[0, 0, 0, 0], [0.1, 0.1, 0.1, 0.1], [0.5, 0, 0, 0]], np.float32)
    assert shares.entropy(shares.shares(looks)) == pytest.approx([1, 1, 0], abs=1e-6)


def test_dependence_is_1_on_one_hot_rows_that_follow_and_0_on_fixed_ones():
    right = np.arange(40) % 4
    follows, fixed = np.eye(4)[right], np.eye(4)[np.zeros(40, int)]
    looks = np.stack([follows, fixed], 1)[:, None].astype(np.float32)
    assert shares.dependence(looks, right)[0] == pytest.approx([1, 0], abs=1e-6)


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        (lambda p, *_: (dict.fromkeys(p, 0.25), {}), (1, 0, 0)),
        (lambda p, *_: ({p[0]: 1.0}, {}), (0, 1, 0)),
        (lambda p, _, right, __: ({p[right]: 1.0}, {}), (0, 0, 1)),
        (lambda p, _, right, __: ({p[right - 1]: 1.0}, {}), (0, 0, -1 / 3)),
    ],
)
def test_closed_forms(looks, expected):
    measure = measuring("options", drawn(OPTIONS, [[looks, sink]]), draws=200)
    found = [table(measure, kind)["score"].iloc[0] for kind in KINDS[:3]]
    assert found == pytest.approx(expected, abs=1e-5)


KINDS = ("constant", "single letter", "correct letter", "content gatherer", "correct")


def test_constant(measure):
    found = table(measure, "constant")
    assert claimed(found) == set(named(constant))
    assert found["score"].idxmax() in named(constant, everywhere, leaning)
    reason = found["reason"]
    assert "what the options say gets as even a look" in reason[named(everywhere)[0]]
    assert "the right letter gets 0.2" in reason[named(leaning)[0]]
    assert found["score"][named(slot_and_letter)[0]] > 0.3
    assert "of the entropy of even ones" in reason[named(slot_and_letter)[0]]
    assert claimed(found, CANDIDATE) == set()


def test_uniform_attention_is_no_constant_head():
    """Even, with a mass of four tokens; in a short prompt that is no small mass."""
    measure = measuring("options", drawn(OPTIONS, [[even, sink]]), draws=200)
    found = table(measure, "constant").loc["0.0"]
    length = np.mean([4 / len(row) for row in OPTIONS.rows])
    assert found["score"] == pytest.approx(length, abs=1e-5)
    assert found["p"] == 1
    assert found["verdict"] == NO


def test_single_letter(measure):
    found = table(measure, "single letter")
    assert claimed(found) == set(named(single, always_a))
    assert "its letter is B" in found["reason"][named(single)[0]]
    (place,) = named(slot)
    assert found["verdict"][place] == NO
    assert found["score"][place] < 0.1
    assert "it follows the place, not the letter: the option in place 4" in found["reason"][place]
    (picky,) = named(highest)
    assert found["score"][picky] > 0.7
    assert found["verdict"][picky] == NO
    assert "as uneven a look in 100% of 99 sets (p = 1.00" in found["reason"][picky]
    assert "as uneven a look in 0% of 99 sets (p = 0.01" in found["reason"][named(single)[0]]
    (half,) = named(slot_and_letter)
    assert found["score"][half] > 0.3
    assert found["verdict"][half] == NO


def test_correct_letter(measure):
    found = table(measure, "correct letter")
    assert claimed(found) == set(named(correct_letter))
    assert found["score"][named(correct_letter)].item() == pytest.approx(0.8, abs=0.05)
    assert claimed(found, CANDIDATE) == set(named(looks_only, leaning))
    assert "0.00" in found["reason"][named(looks_only)[0]]
    assert re.search(r"brings \+0\.(49|50)", found["reason"][named(correct_letter)[0]])
    (three,) = named(three_letters)
    assert found["score"][three] > 0.5
    assert found["verdict"][three] == NO
    assert "where D is right, D gets no more than the others" in found["reason"][three]
    assert set(found["verdict"][named(only_b, single, slot, brings_only, sink)]) == {NO}
    assert set(found["task_accuracy"]) == {0.97}
    assert found.attrs["measured_on"] == "Options, made, n = 100"


@pytest.mark.parametrize("writes", [0.3, 0.001])
def test_content_gatherer(measure, writes):
    with written(writes):
        found = table(measure, "content gatherer")
    verdict = CONSISTENT if writes > 0.02 else CANDIDATE
    assert claimed(found, verdict) == set(named(gatherer))
    assert f"what it writes is {writes:.0%} as long as the stream" in found["reason"]["0.4"]
    assert set(found["verdict"]) == {verdict, NO}
    assert found["score"].idxmax() == named(gatherer)[0]


def test_correct(measure):
    found = table(measure, "correct")
    own = named(correct_letter, brings_only)
    assert claimed(found, CANDIDATE) == set(own)
    assert claimed(found) == set()
    assert found["score"][own].to_numpy() == pytest.approx([0.5, 0.5], abs=0.02)
    assert found["p"][own].max() <= 0.01
    assert "the proving intervention has not run" in found["reason"][own[0]]
    assert "A +0.5" in found["reason"][own[0]]
    assert set(found["n"]) == {25}
    assert found["score"][named(always_a)[0]] < -0.1  # where another letter is right
    assert set(found["verdict"][named(always_a, three_letters, only_b)]) == {NO}


def test_the_letter_with_the_least_counts_whatever_its_rows():
    """Unequal numbers: the mean of the rows is the mean of the letter with the least."""
    right = np.array([0] * 5 + [1] * 3 + [2] * 4)
    values = np.arange(24, dtype=np.float32).reshape(12, 1, 2)
    rows = letter_lead.least(values, right)
    assert rows.shape == (3, 1, 2)
    assert rows.mean(0)[0] == pytest.approx(values[:5].mean(0)[0])
    assert letter_lead.least(-values, right).mean(0)[0] == pytest.approx(-values[8:].mean(0)[0])


@pytest.mark.parametrize("kind", KINDS)
def test_permuted_answers_leave_nothing_that_follows_the_answer(kind):
    """The same heads, and right letters that are not the right ones."""
    right = np.random.default_rng(1).permutation(OPTIONS.answer)
    asked = type(OPTIONS)(
        OPTIONS.prompts, OPTIONS.rows, tuple(map(int, right)), OPTIONS.foil, OPTIONS.options
    )
    task = drawn(OPTIONS, HEADS)
    mixed = type(task)(asked, task.seen, task.queries, task.accuracy)
    measure = measuring("options", mixed, draws=300)
    if kind == "correct":
        for one in mixed.seen:
            one.logits[1:5] = 0
        with pytest.raises(NotMeasurable, match="it has no lead"):
            table(measure, kind)
        return
    if kind == "correct letter":
        for row, one in enumerate(mixed.seen):
            one.logits[asked.answer[row]] += 8
    found = table(measure, kind)
    follows = named(correct_letter, looks_only, gatherer, three_letters)
    assert not claimed(found) & set(follows)


@pytest.mark.parametrize("kind", ["constant", "single letter", "correct letter"])
@pytest.mark.parametrize("seed", range(3))
def test_heads_that_look_anywhere_claim_nothing(kind, seed):
    random = np.random.default_rng(seed)

    def anywhere(_places, _contents, _right, length):
        looks = random.dirichlet(np.full(length, 0.3))
        brings = {(k, n): random.standard_normal() for k in range(length) for n in range(4)}
        return dict(enumerate(looks)), brings

    measure = measuring("options", drawn(OPTIONS, [[anywhere] * 4] * 2), draws=300)
    assert claimed(table(measure, kind)) == set()


def test_other_words_stand_where_the_letters_stood(shaped_bridges, monkeypatch):
    monkeypatch.setattr(letters, "see", see)
    engine = engine_of(shaped_bridges("gpt2"))
    task = drawn(OPTIONS, [[sink]])
    measure = SimpleNamespace(engine=engine, hooks=(), seed=0)
    others = words_of(measure, OPTIONS, LETTERS, prompts=letters.ORDERS)
    found = letters._favorites(measure, task, others)
    assert found.shape == (99, 3, 4)
    expected = np.zeros((letters.ORDERS, 3, 4, 4))
    chosen, orders = set(), set()
    for number in range(8, 12):  # the third set
        ids, row = others.rows[number], others.of[number]
        old, at = OPTIONS.rows[row], [OPTIONS.prompts.roles[name][row] for name in LETTERS]
        assert [i for i in range(len(ids)) if ids[i] != old[i]] == sorted(at)
        chosen.add(tuple(ids[i] for i in at))
        orders.add(tuple(np.argsort(at)))
        assert not {ids[i] for i in at} & set(old), "a word twice would share its attention"
        (one,) = see(engine, [Look(ids, (len(ids) - 1,))])
        expected[number - 8] = one.attention[:, :, 0, at]
    (words,) = chosen  # the same four in all of them
    assert len(orders) == letters.ORDERS == 4  # in other places
    assert len(set(words)) == 4
    mean = expected.mean(0)
    above = mean - (mean.sum(-1, keepdims=True) - mean) / 3
    np.testing.assert_allclose(found[2], above.max(-1), atol=1e-6)


def test_with_too_few_other_words_or_prompts_without_them_nothing_is_exchanged():
    measure = measuring("options", drawn(OPTIONS, HEADS), draws=200)
    assert words_of(measure, OPTIONS, LETTERS, prompts=1)
    full = replace(OPTIONS, rows=tuple((*ids, *range(200)) for ids in OPTIONS.rows))
    assert words_of(measure, full, LETTERS, prompts=1) is None
    measure.engine.text.unseen = frozenset(range(150))
    assert words_of(measure, OPTIONS, LETTERS, prompts=1) is None
    found = table(measure, "single letter")
    assert found["verdict"][PLACE[single]] == CANDIDATE
    assert "there are too few other words to compare with" in found["reason"][PLACE[single]]


def test_nan_is_not_measurable():
    task = drawn(OPTIONS, [[single, sink]])
    task.seen[3].attention[0, 1] = np.nan
    measure = measuring("options", task, draws=200)
    for kind in KINDS[:3]:
        found = table(measure, kind)
        assert found["verdict"]["0.1"] == "not measurable here"
    assert claimed(table(measure, "single letter")) == {"0.0"}
