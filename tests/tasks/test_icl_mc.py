"""Markov chains in context: the answer by brute force, the closed forms against known numbers."""

from __future__ import annotations

import math
from collections import Counter
from itertools import islice, pairwise

import numpy as np
import pytest
from tasks.tokenizers import Everything

from headwidgets.errors import InputError
from headwidgets.model.text import Text
from headwidgets.tasks import task
from headwidgets.tasks.draw import SPLITS, items
from headwidgets.tasks.icl_mc import baselines, chains, stationary
from headwidgets.tasks.registry import find
from headwidgets.zoo.planted_tokenizer import planted_tokenizer


def drawn(split, n):
    return list(islice(items(find("icl-mc"), Everything(), 0, split), n))


def posterior(ids, symbols):
    """Return the chance of each symbol behind the last one, likeliest first."""
    behind = Counter(other for one, other in pairwise(ids) if one == ids[-1])
    total = sum(behind.values()) + len(symbols)
    return sorted(((behind[s] + 1) / total, s) for s in symbols)[::-1]


@pytest.mark.parametrize("split", SPLITS)
def test_the_answer_is_the_likeliest_by_a_margin(split):
    for template, item in drawn(split, 200):
        k, length = (int(word) for word in template.split() if word.isdigit())
        ids, other = item.clean.ids, item.corrupted.ids
        assert len(ids) == len(other) == length
        assert set(ids) <= set(item.options)
        assert len(set(item.options)) == k
        for prompt, right in ((ids, item.answer), (other, item.foil)):
            (best, symbol), (second, _) = posterior(prompt, item.options)[:2]
            assert symbol == right
            assert best - second >= 0.15 - 1e-9
        assert ids[:-1] == other[:-1]


def test_the_commonest_symbol_is_right_in_every_second_one():
    right = []
    for _, item in drawn("train", 100):
        seen = Counter(item.clean.ids[:-1])
        right.append(seen[item.answer] == max(seen.values()))
    assert right[::2] == [True] * 50
    assert sum(right[1::2]) <= 5  # two symbols may be equally common


def test_marks_show_where_the_answer_came_last():
    for _, item in drawn("train", 50):
        ids, marks = item.clean.ids, item.clean.marks
        same, after = marks["SAME"][0], marks["NEXT"][0]
        assert after == same + 1
        assert (ids[same], ids[after]) == (ids[-1], item.answer)
        later = list(pairwise(ids))[after:-1]
        assert (ids[-1], item.answer) not in later
        assert marks["LATER"][1] == len(ids) - 1, "the last symbol follows from nothing"


def test_any_tokenizer_will_do():
    text = Text.of(planted_tokenizer())
    prompts = task("icl-mc", 30).prompts(text)
    assert set(prompts.answer) <= set(text.word_ids())
    assert prompts.chance == pytest.approx(sum(1 / len(o) for o in prompts.options) / 30)


def test_too_few_tokens_are_refused():
    words = Everything()
    words._ids = (5,)
    with pytest.raises(InputError, match=r"expected at least [23] tokens to draw .* got 1"):
        next(items(find("icl-mc"), words, 0, "train"))


GOLD = {  # mean over positions and the last one; 4000 chains of 101 symbols
    2: {"uniform": (0.693, 0.693), "unigram": (0.579, 0.566), "bigram": (0.514, 0.493)},
    3: {"uniform": (1.099, 1.099), "unigram": (1.003, 0.984), "bigram": (0.886, 0.841)},
    8: {"uniform": (2.079, 2.079), "unigram": (2.087, 2.054), "bigram": (1.943, 1.873)},
}
ENTROPY = {2: 0.485, 3: 0.818, 8: 1.716}


@pytest.mark.parametrize("k", GOLD)
def test_closed_forms_have_the_known_losses(k):
    states, chances = chains(1500, 101, k, seed=1)
    found = baselines(states, chances)
    for name, (mean, last) in GOLD[k].items():
        assert found[name].shape == (100,)
        assert found[name].mean() == pytest.approx(mean, abs=0.015)
        assert found[name][-5:].mean() == pytest.approx(last, abs=0.025)
    assert found["chain"].mean() == pytest.approx(ENTROPY[k], abs=0.015)
    assert found["uniform"] == pytest.approx(math.log(k))
    # Behind the first symbol, the pairs say nothing yet.
    assert found["bigram"][0] == pytest.approx(math.log(k))


def test_closed_forms_count_as_a_loop_does():
    states, chances = chains(3, 12, 3, seed=2)
    found = baselines(states, chances)
    loss = {name: np.zeros(11) for name in ("unigram", "bigram", "chain")}
    for row, table in zip(states.tolist(), chances, strict=True):
        for t in range(11):
            past, now, new = row[: t + 1], row[t], row[t + 1]
            after = [b for a, b in pairwise(past) if a == now]
            loss["unigram"][t] -= math.log((past.count(new) + 1) / (len(past) + 3)) / 3
            loss["bigram"][t] -= math.log((after.count(new) + 1) / (len(after) + 3)) / 3
            loss["chain"][t] -= math.log(table[now, new]) / 3
    for name, expected in loss.items():
        assert found[name] == pytest.approx(expected)


def test_chains_start_where_they_stay():
    states, chances = chains(4000, 2, 3, seed=3)
    still = stationary(chances)
    assert np.einsum("nk,nkj->nj", still, chances) == pytest.approx(still)
    assert still.sum(-1) == pytest.approx(1)
    first = np.eye(3)[states[:, 0]] - still
    assert np.abs(first.mean(0)).max() < 4 * 0.5 / math.sqrt(4000)
