"""The rare word, the pieces of a word, the subject: closed forms, planted heads, decoys."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from fake_engine import FakeEngine, back, induction, previous_token, sink
from made_tasks import measuring, table
from planted.arcs import arcs, arcs_seen
from planted.words import (
    MERGES,
    PIECE_HEADS,
    RARE_HEADS,
    Reader,
    dirty,
    nouns,
    rare_table,
    sentences,
    spelling,
)

from headwidgets.errors import NotMeasurable
from headwidgets.model.engine import Engine
from headwidgets.taxonomy import in_words, matched
from headwidgets.taxonomy.asked import END, Asked, ask
from headwidgets.taxonomy.measure import Measure
from headwidgets.taxonomy.on_task import OnTask
from headwidgets.taxonomy.pieces import comparable, cut, inside, near
from headwidgets.taxonomy.random_tokens import random_rows, text_rows
from headwidgets.taxonomy.seen import Seen
from headwidgets.taxonomy.verdict import CONSISTENT, NO


def claimed(found):
    return list(found.index[found["verdict"] == CONSISTENT])


# ---------------------------------------------------------------------- the rare word


def test_the_task_has_six_nouns_one_of_them_rare():
    these = [nouns()[ids] for ids in sentences().rows]
    assert {len(places) for places in these} == {6}
    ranks = [sorted(places).index(places[0]) for places in these]
    assert min(np.bincount(ranks)) >= 100 // 6


@pytest.mark.parametrize(("seed", "noise"), [(0, 0.0), *((seed, 0.05) for seed in range(5))])
def test_the_head_of_rare_words_is_found_and_no_decoy(seed, noise):
    heads = [[dirty(head, seed, noise) for head in some] for some in RARE_HEADS]
    found = rare_table(heads, draws=300)
    assert claimed(found) == ["0.0"]
    assert found["score"]["0.0"] == pytest.approx(1, abs=1e-6 if not noise else 0.02)
    assert found["p"]["0.0"] <= 0.01
    assert found["task_accuracy"]["0.0"] == 1
    assert "n = 100" in found.attrs["measured_on"]
    assert found["verdict"].drop("0.0").isin([NO, "candidate"]).all()
    # what looks at nouns by their place scores as much whichever is called rare
    assert found["null_mean"]["0.2"] == pytest.approx(found["score"]["0.2"], abs=0.05)
    assert found["null_mean"]["0.3"] == pytest.approx(found["score"]["0.3"], abs=0.05)


def test_a_model_that_cannot_tell_the_rare_word_is_not_asked():
    with pytest.raises(NotMeasurable, match="at chance on Rare words"):
        rare_table(RARE_HEADS, right=False, draws=200)
    engine = Reader([[sink]])
    with pytest.raises(NotMeasurable, match="own task, 'rare words'"):
        in_words.rare_words(Measure(engine, text_rows(engine, [[1, 2, 3]])))


# ---------------------------------------------------------------------- pieces


def test_words_are_cut_where_a_letter_meets_a_letter():
    text = spelling()
    ids = text.encode("We saw the butterfly, and the sunflower.")
    sizes = cut(text, ids)
    assert sum(sizes) == len(ids)
    starts = np.cumsum(sizes) - sizes
    words = [text.decode(ids[a : a + n]) for a, n in zip(starts, sizes, strict=True)]
    assert words == ["We", " saw", " the", " butterfly", ",", " and", " the", " sunflower", "."]
    assert [n > 1 for n in sizes] == [word in (" butterfly", " sunflower") for word in words]


def test_every_cut_word_of_the_task_is_seen():
    asked = ask(Reader([[sink]]), "subword pieces", seed=0)
    for row, ids in enumerate(asked.rows):
        sizes = np.array(cut(spelling(), ids))
        starts = np.cumsum(sizes) - sizes
        start, stop = asked.prompts.spans["WORD"][row]
        assert (start, stop - start) in set(zip(starts.tolist(), sizes.tolist(), strict=True))


def planted_rows(rule, sizes):
    """Attention of one head on the two tokens before, [1, 1, query, back]."""
    n = sum(sizes)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    out = np.zeros((1, 1, n, 2), np.float32)
    for i in range(n):
        for step in (1, 2):
            if i - step >= 0:
                out[0, 0, i, step - 1] = rule(step, owner[i] == owner[i - step])
    return out


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (lambda step, _: step == 1, 0.0),  # the previous token, whatever the word
        (lambda step, same: step == 1 and same, 1.0),
        (lambda step, same: step == 1 and not same, -1.0),
        (lambda step, _: step == 2, 0.0),
        (lambda *_: 0.0, 0.0),
    ],
)
def test_words_of_three_pieces_have_the_closed_form(rule, expected):
    sizes = np.array([3] * 5)
    value = inside(planted_rows(rule, sizes), sizes[None]).item()
    assert value == pytest.approx(expected, abs=1e-6)


def test_first_pieces_without_enough_before_them_are_left_out():
    assert not comparable(np.array([3, 1]))
    assert not comparable(np.array([1, 3, 1]))
    assert comparable(np.array([1, 1, 3]))
    assert not comparable(np.array([1, 1, 1, 1]))
    alone = inside(np.ones((1, 1, 4, 2), np.float32), np.array([[3, 1]]))
    assert alone.item() == 0


def test_what_is_near_is_the_pattern(shaped_bridges):
    """The band behind each query, in one run or chunk by chunk, BOS left out."""
    engine = Engine(shaped_bridges("gpt2"), name="test")
    rows = [(0, 7, 8, 9, 7, 8, 9, 20), (5, 6, 7)]
    found = near(engine, rows, [1, 0], 3)
    for row, start, values, logits in zip(rows, (1, 0), found.values, found.logits, strict=True):
        whole = {}
        engine.patterns(torch.tensor([row]), lambda layer, p, _, w=whole: w.update({layer: p[0]}))
        for layer, pattern in whole.items():
            for query in range(start, len(row)):
                for step in (1, 2, 3):
                    key = query - step
                    expected = pattern[:, query, key].numpy() if key >= start else 0
                    np.testing.assert_allclose(
                        values[layer, :, query - start, step - 1], expected, atol=1e-6
                    )
        np.testing.assert_allclose(logits, engine.run(torch.tensor([row]))[0].numpy(), atol=1e-5)
    one = FakeEngine([[back(2), induction]])
    other = FakeEngine([[back(2), induction]], chunk=3)
    for a, b in zip(near(one, rows, [1, 0], 5).values, near(other, rows, [1, 0], 5).values):  # noqa: B905 - both of two rows
        np.testing.assert_array_equal(a, b)
        assert a.any()


@pytest.mark.parametrize(("seed", "noise"), [(0, 0.0), *((seed, 0.05) for seed in range(5))])
def test_the_head_that_merges_pieces_is_found_and_no_decoy(seed, noise):
    heads = [[dirty(head, seed, noise) for head in some] for some in PIECE_HEADS]
    engine = Reader(heads)
    measure = Measure(engine, random_rows(engine, rows=2, length=4), draws=300)
    found = table(measure, "subword merge")
    assert claimed(found) == ["0.0"]
    assert found["score"]["0.0"] == pytest.approx(1 - noise, abs=0.02)
    assert found["score"]["0.1"] == pytest.approx(0, abs=0.02)  # the previous token
    assert found["score"]["0.3"] == pytest.approx(noise - 1, abs=0.02)
    assert "n = 100" in found.attrs["measured_on"]
    assert set(found["verdict"].drop(["0.0", "1.3"])) == {NO}


def test_given_text_is_measured_as_it_is():
    engine = Reader([[MERGES, previous_token]])
    text = [engine.text.encode("We saw the butterfly and the sunflower and the lighthouse.")] * 4
    found = table(Measure(engine, text_rows(engine, text), draws=300), "subword merge")
    assert found.attrs["measured_on"].startswith("your text")
    assert found["score"].to_numpy() == pytest.approx([1, 0])
    assert np.isnan(found["task_accuracy"]["0.0"])
    whole = [engine.text.encode("The cat saw the dog.")]
    with pytest.raises(NotMeasurable, match="no word behind other tokens is cut"):
        in_words.subword_merge(Measure(engine, text_rows(engine, whole)))
    bare = FakeEngine([[sink]])
    bare.text.has_tokenizer = False
    measure = Measure(bare, random_rows(bare, rows=1))
    with pytest.raises(NotMeasurable, match="without a tokenizer"):
        in_words.subword_merge(measure)


# ---------------------------------------------------------------------- subject and verb


@pytest.mark.parametrize(("seed", "noise"), [(0, 0.0), *((seed, 0.05) for seed in range(5))])
def test_the_head_that_looks_at_subjects_is_found_and_no_decoy(seed, noise):
    measure = measuring("syntactic arcs", arcs_seen(noise, seed), draws=300, seed=seed)
    found = table(measure, "syntactic")
    assert claimed(found) == ["0.0"]
    assert found["score"].idxmax() == "0.0"
    assert "at the subject in" in found["reason"]["0.0"]
    assert found["task_accuracy"]["0.0"] == 0.98
    assert set(found["verdict"].drop("0.0")) == {NO}
    if not noise:  # what is always in one place is no better than that place
        assert found["score"]["0.3"] == pytest.approx(0, abs=1e-6)
        share = np.mean([place == 3 for place in arcs().prompts.roles["SUBJECT"]])
        assert found["score"]["0.0"] == pytest.approx(1 - share, abs=1e-6)


def test_the_noun_between_may_not_win():
    """Half of the subjects found, no place to guess them by, and the other noun more often."""
    n = 80
    random = np.random.default_rng(0)
    ends = np.full(n, 30)
    places = np.array([random.permutation(np.arange(1, 29))[:2] for _ in range(n)])
    seen = []
    for turn in range(n):
        attention = np.zeros((1, 2, 1, 30), np.float32)
        attention[0, 0, 0, places[turn, int(turn % 5 > 1)]] = 1
        attention[0, 1, 0, places[turn, int(turn % 5 < 2)]] = 1
        seen.append(Seen(attention, np.zeros((1, 2, 1, 30, 0)), np.zeros(200)))
    roles = {"SUBJECT": places[:, 0].tolist(), "DISTRACTOR": places[:, 1].tolist()}
    prompts = SimpleNamespace(name="Arcs, made", roles=roles, spans={})
    rows = tuple((0, *range(10, 9 + end)) for end in ends)
    asked = Asked(prompts, rows, (1,) * n, (2,) * n, ((1, 2),) * n)
    found = table(
        measuring("syntactic arcs", OnTask(asked, tuple(seen), (END,), 1.0), draws=300), "syntactic"
    )
    assert found["score"]["0.0"] > 0.3
    assert found["p"]["0.0"] <= 0.01
    assert found["verdict"]["0.0"] == NO
    assert "at the noun between in 0.60" in found["reason"]["0.0"]
    assert claimed(found) == ["0.1"]


def test_labels_drawn_from_prompts_that_differ_in_their_number():
    tables = [np.eye(k, dtype=np.float32)[0].reshape(1, 1, k) for k in (2, 4) * 50]
    null = matched.relabelled(tables, 400, np.random.default_rng(0))
    assert null.shape == (400, 1, 1)
    assert null.mean() == pytest.approx((1 / 2 + 1 / 4) / 2, abs=0.01)
