"""The rare word, the pieces of a word, the subject: closed forms, planted heads, decoys."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from fake_engine import FakeEngine, back, current_token, induction, mix, previous_token, sink
from made_tasks import measuring, table
from tasks.tokenizers import every_word_tokenizer

from headwidgets.errors import NotMeasurable
from headwidgets.model.engine import Engine
from headwidgets.model.text import Text
from headwidgets.taxonomy import in_words, matched
from headwidgets.taxonomy.asked import END, Asked, ask
from headwidgets.taxonomy.measure import Measure
from headwidgets.taxonomy.on_task import OnTask
from headwidgets.taxonomy.pieces import comparable, cut, inside, near
from headwidgets.taxonomy.random_tokens import random_rows, text_rows
from headwidgets.taxonomy.seen import Seen
from headwidgets.taxonomy.verdict import CONSISTENT, NO


@cache
def spelling():
    return Text.of(every_word_tokenizer())


class Reader(FakeEngine):
    """Reads text, and answers the prompts in `answers` rightly."""

    def __init__(self, layers, answers=None, **options):
        super().__init__(layers, d_vocab=spelling().d_vocab, bos=None, **options)
        self.text = spelling()
        self.answers = answers or {}

    def patterns(self, ids, visit, **edits):
        logits = super().patterns(ids, visit, **edits)
        for row, one in enumerate(ids.tolist()):
            logits[row, self.answers.get(tuple(one), 0)] = 1.0
        return logits


def once(head):
    """Draw each row's attention the first time only."""
    kept = {}

    def drawn(ids, first):
        if (key := tuple(ids)) not in kept:
            kept[key] = head(ids, first)
        return kept[key]

    return drawn


def dirty(head, seed, share=0.05):
    generator = torch.Generator().manual_seed(seed)

    def noise(ids, _first):
        drawn = torch.rand(len(ids), len(ids), generator=generator).tril()
        return drawn / drawn.sum(-1, keepdim=True)

    return mix(1 - share, head, noise) if share else head


def claimed(found):
    return list(found.index[found["verdict"] == CONSISTENT])


def looks_at(keys_of):
    """Attention shared among ``keys_of(ids, i)``; outside the row where there are none."""

    def head(ids, _first):
        out = torch.zeros(len(ids), len(ids))
        for i in range(len(ids)):
            keys = [k for k in keys_of(ids, i) if k <= i]
            out[i, keys] = 1 / max(1, len(keys))
        return out

    return once(head)


# ---------------------------------------------------------------------- the rare word


@cache
def sentences():
    return ask(Reader([[sink]]), "rare words", seed=0)


@cache
def nouns():
    """Return of each prompt the places of its six nouns, the rare one first."""
    asked = sentences()
    rare = asked.prompts.roles["RARE"]
    found = {}
    for row, ids in enumerate(asked.rows):
        some = [i for i, one in enumerate(ids) if one in asked.options[row]]
        found[ids] = (rare[row], *(i for i in some if i != rare[row]))
    return found


def rare(ids, i):
    place = nouns()[tuple(ids)][0]
    return [place] if i > place else []


def rare_at_the_end(ids, i):
    return rare(ids, i) if i == len(ids) - 1 else []


def last_noun(ids, i):
    seen = [k for k in nouns()[tuple(ids)] if k <= i]
    return [max(seen)] if seen else []


def third_noun(ids, i):
    return [sorted(nouns()[tuple(ids)])[2]]


def common(ids, i):
    return [k for k in nouns()[tuple(ids)][1:] if k < i][-1:]


RARE_HEADS = [
    [looks_at(rare), looks_at(rare_at_the_end), looks_at(last_noun), looks_at(third_noun)],
    [looks_at(common), once(previous_token), once(induction), once(sink)],
]


def rare_table(heads, *, right=True, **options):
    asked = sentences()
    answers = dict(zip(asked.rows, asked.answer if right else asked.foil, strict=True))
    engine = Reader(heads, answers)
    return table(Measure(engine, random_rows(engine, rows=2, length=4), **options), "rare words")


def test_the_task_has_six_nouns_one_of_them_rare():
    assert {len(places) for places in nouns().values()} == {6}
    ranks = [sorted(places).index(places[0]) for places in nouns().values()]
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


@cache
def sizes_of(ids):
    return np.array(cut(spelling(), ids))


def merges(ids, i):
    sizes = sizes_of(tuple(ids))
    starts = np.cumsum(sizes) - sizes
    word = int(np.searchsorted(starts, i, side="right")) - 1
    return list(range(starts[word], i))


def crosses(ids, i):
    """The token before a word of several pieces, from its first piece."""
    sizes = sizes_of(tuple(ids))
    starts = np.cumsum(sizes) - sizes
    return [i - 1] if i in starts[sizes > 1] and i else []


PIECE_HEADS = [
    [looks_at(merges), once(previous_token), once(back(2)), looks_at(crosses)],
    [once(current_token), once(induction), once(sink), once(mix(0.2, looks_at(merges), sink))],
]


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
    engine = Reader([[looks_at(merges), previous_token]])
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

LENGTHS = (7, 7, 10, 8, 11, 8)
SUBJECTS = (3, 3, 3, 3, 4, 4)
BETWEEN = (6, 6, 6, 7, 7, 7)


def arcs(n=102):
    """Sentences as the task has them, BOS first: lengths, places of subject and noun between."""
    roles = {"SUBJECT": [], "DISTRACTOR": []}
    rows = []
    order = np.random.default_rng(1).integers(len(LENGTHS), size=n)
    for kind in order:
        roles["SUBJECT"].append(SUBJECTS[kind])
        roles["DISTRACTOR"].append(BETWEEN[kind])
        rows.append((0, *range(10, 9 + LENGTHS[kind])))
    prompts = SimpleNamespace(name="Arcs, made", roles=roles, spans={})
    return Asked(prompts, tuple(rows), (1,) * n, (2,) * n, ((1, 2),) * n)


def subject(row, _):
    return row["subject"]


def far(row, turn):
    return row["subject"] if turn % 4 else row["between"]


ARC_HEADS = [
    [
        subject,
        lambda row, _: row["between"],
        lambda row, _: row["end"] - 3,  # the most frequent distance
        lambda row, _: 3,  # the most frequent place
    ],
    [
        lambda row, turn: row["subject" if turn % 2 else "between"],
        lambda row, _: row["end"],
        lambda row, turn: 1 + turn % row["end"],
        None,
    ],
]


def arcs_seen(noise, seed):
    asked = arcs()
    random = np.random.default_rng(seed)
    seen = []
    for turn, ids in enumerate(asked.rows):
        places = {
            "subject": asked.prompts.roles["SUBJECT"][turn],
            "between": asked.prompts.roles["DISTRACTOR"][turn],
            "end": len(ids) - 1,
        }
        attention = np.zeros((2, 4, 1, len(ids)), np.float32)
        for layer, some in enumerate(ARC_HEADS):
            for head, rule in enumerate(some):
                place = 0 if rule is None else rule(places, turn)
                if random.random() < noise:
                    place = int(random.integers(1, len(ids)))
                attention[layer, head, 0, place] = 0.4
                attention[layer, head, 0, 0] += 0.6
        seen.append(Seen(attention, np.zeros((2, 4, 1, len(ids), 0)), np.zeros(200)))
    return OnTask(asked, tuple(seen), (END,), 0.98)


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
