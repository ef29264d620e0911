"""Scores of weights alone: associative memories and successors, closed forms and chance."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from planted.weights import (
    IDS,
    MEMBERS,
    VOCABULARY,
    N,
    Spelling,
    measured,
    pairs,
    planted,
)
from planting import Weighted, claimed, codes, copiers, table

from headwidgets.errors import NotMeasurable
from headwidgets.tasks.series import SETS
from headwidgets.taxonomy import from_weights, orders, ov
from headwidgets.taxonomy.verdict import CANDIDATE, CONSISTENT, NO

PAIRS = 290


# ------------------------------------------------------------------ associative memories


def recalling(ov_matrices, n=N):
    W = codes(n + 1)
    return measured(Weighted(W, W.T, ov_matrices))


def test_identity_recalls_all_zero_recalls_nothing_for_a_tie_is_a_miss():
    found = table(recalling(copiers([[1, 0, -1]])), "associative memories")
    assert found["score"]["0.0"] == 1
    assert found["score"]["0.1"] == 0
    assert found["score"]["0.2"] == 0
    assert set(found["n"]) == {N}
    assert found.attrs["measured_on"] == f"weights, {N} tokens"


def test_a_memory_of_other_pairs_is_none_of_these():
    """The sum of outer products that stores pairs: here of each token and the next."""
    W = codes(N + 1, d=256)
    stored = torch.linalg.pinv(W) @ W.roll(-1, 0)
    engine = Weighted(W, W.T, [[stored, torch.eye(256)]])
    found = table(measured(engine), "associative memories")
    assert found["score"]["0.0"] < 0.05
    assert found["score"]["0.1"] == 1


def test_a_weight_property_is_never_more_than_a_candidate():
    measure = recalling(copiers([[1, 0, 1]]))
    found = table(measure, "associative memories", {(0, 0): True, (0, 2): True})
    assert claimed(found, CANDIDATE) == {"0.0", "0.2"}
    assert claimed(found, CONSISTENT) == set()
    assert "exploratory: no calibrated null is known" in found["reason"]["0.0"]
    assert found["p"]["0.0"] <= 0.01


def test_random_matrices_recall_one_in_so_many():
    generator = torch.Generator().manual_seed(1)
    heads = [[torch.randn(128, 128, generator=generator) for _ in range(20)] for _ in range(10)]
    found = table(recalling(heads), "associative memories")
    assert found["score"].mean() == pytest.approx(1 / N, abs=0.003)
    assert found["null_mean"].mean() == pytest.approx(1 / N, abs=0.001)
    assert claimed(found, CONSISTENT) == set()
    assert (found["verdict"] == NO).mean() > 0.98


def test_the_means_of_both_embeddings_are_taken_out():
    """All tokens share a direction, and the head writes one token for it: recall is as before."""
    W = codes(N + 1)
    shared = 20 * codes(1, seed=9)
    engine = Weighted(W + shared, (W + shared).T, copiers([[1]]))
    assert table(measured(engine), "associative memories")["score"].item() == 1


def test_one_answer_to_all_is_chance():
    """It writes one token whatever it looks at: 1 in N, and as much in every draw."""
    W = codes(N + 1)
    one = torch.outer(torch.ones(128), W[7]) / 128
    found = table(measured(Weighted(W + 1, W.T, [[one]])), "associative memories")
    assert found["score"].item() <= 1 / N + 1e-6
    assert found["verdict"].item() == NO


def test_few_words_are_not_measurable():
    with pytest.raises(NotMeasurable, match="10 whole words are tokens: recall needs at least 20"):
        table(recalling(copiers([[1]]), n=10), "associative memories")


# ------------------------------------------------------------------ successors


def test_there_are_290_pairs_of_294_members():
    assert len(pairs()) == PAIRS
    assert sum(map(len, MEMBERS.values())) == 294
    assert len(VOCABULARY) == 293  # May is a month and a prefix of one


@pytest.mark.parametrize("noise", [0.0, 0.05], ids=["clean", "dirty"])
def test_a_successor_planted_by_least_squares_is_found(noise):
    W = codes(len(VOCABULARY) + 1, d=320)
    copier = torch.eye(320)
    back = torch.linalg.pinv(planted(W))
    W_V_O = [[copier, planted(W, noise), torch.zeros(320, 320), back]]
    found = table(measured(Spelling(W, W.T, W_V_O)), "successor")
    assert found["score"]["0.1"] == pytest.approx(1, abs=0.02 if noise else 0)
    assert claimed(found) == {"0.1"}
    assert found["score"].idxmax() == "0.1"
    assert found["score"]["0.0"] == 0  # it says the member itself
    assert found["score"]["0.2"] == 0  # ties
    assert set(found["verdict"].drop("0.1")) == {NO}
    assert set(found["n"]) == {PAIRS}
    for name in SETS:
        assert name in found["reason"]["0.1"]


def test_random_matrices_score_027_give_or_take_009():
    """d_model 128, d_head 64: the value of the notes, and its spread over 200 heads."""
    generator = torch.Generator().manual_seed(0)

    def head():
        into, out = (torch.randn(*shape, generator=generator) for shape in ((128, 64), (64, 128)))
        return into @ out

    heads = [[head() for _ in range(20)] for _ in range(10)]
    W = torch.randn(len(VOCABULARY) + 1, 128, generator=generator)
    W_U = torch.randn(128, len(VOCABULARY) + 1, generator=generator)
    found = table(measured(Spelling(W, W_U, heads)), "successor")
    assert found["score"].mean() == pytest.approx(0.027, abs=0.003)
    assert found["score"].std() == pytest.approx(0.009, abs=0.003)
    assert found["score"].max() < 0.1  # a quarter of the threshold
    assert found["null_mean"].mean() == pytest.approx(0.0269, abs=0.003)
    assert (found["verdict"] == CONSISTENT).sum() == 0


def test_a_code_that_only_adds_cannot_carry():
    """Ones, tens and set added up: no linear map gets the 21 decades and the 4 wraps right."""
    generator = torch.Generator().manual_seed(0)
    ones, tens, sets = (
        2.0 * torch.randint(2, (n, 320), generator=generator) - 1 for n in (10, 21, 8)
    )  # whole numbers: a rounding error would be something to tell each token by
    code = torch.zeros(len(VOCABULARY) + 1, 320)
    for where, (name, some) in enumerate(MEMBERS.items()):
        for i, word in enumerate(some):
            number = i + 1 if name == "numbers" else i
            code[IDS[word]] = ones[number % 10] + tens[number // 10] + sets[where]
    found = table(measured(Spelling(code, code.T, [[planted(code)]])), "successor")
    assert found["score"].item() == pytest.approx(0.915, abs=0.01)


def test_members_that_are_cut_leave_their_pairs_out():
    W = codes(len(VOCABULARY) + 1, d=320)
    cut = {*map(str, range(10, 201)), "Tuesday", *SETS["ordinals"][0][4:]}
    engine = Spelling(W, W.T, [[planted(W)]], cut=cut)
    by_name = {one.name: one for one in orders.spelled(engine)}
    assert "ordinals" not in by_name  # four are left, of at least five
    days = by_name["days"]
    assert [VOCABULARY[i - 1] for i in days.ids] == [
        " Monday", " Wednesday", " Thursday", " Friday", " Saturday", " Sunday"
    ]  # fmt: skip
    assert days.following == [-1, 2, 3, 4, 5, 0]
    assert by_name["numbers"].following == [1, 2, 3, 4, 5, 6, 7, 8, -1]
    found = table(measured(engine), "successor")
    left = sum(one.following.count(-1) for one in by_name.values())
    assert found["n"].item() == sum(len(one.ids) for one in by_name.values()) - left
    assert found["score"].item() == 1


def test_the_first_mlp_is_read_alone(monkeypatch):
    asked = []
    real = ov.effective
    W = codes(len(VOCABULARY) + 1, d=320)

    def effective(engine, ids, *, mlp_only=False):
        asked.append(mlp_only)
        return real(engine, ids, mlp_only=mlp_only)

    monkeypatch.setattr(ov, "effective", effective)
    table(measured(Spelling(W, W.T, [[planted(W)]])), "successor")
    assert asked == [True] * len(SETS)


def test_without_a_tokenizer_or_with_few_pairs_it_is_not_measurable():
    W = codes(len(VOCABULARY) + 1, d=320)
    engine = Spelling(W, W.T, [[torch.eye(320)]])
    engine.text.has_tokenizer = False
    with pytest.raises(NotMeasurable, match="no tokenizer"):
        table(measured(engine), "successor")
    every = {word.strip() for word in VOCABULARY} - set(SETS["days"][0])
    engine = Spelling(W, W.T, [[torch.eye(320)]], cut=every)
    with pytest.raises(NotMeasurable, match="7 pairs of a member and the next"):
        table(measured(engine), "successor")


def test_permuted_answers_keep_what_a_head_says():
    """One head that says one member to all, one that is right: draws by hand."""
    said = np.array([[[2, 0]], [[2, 1]], [[2, 2]]])  # [item, layer, head]
    wrong = [np.array([1, 2, 0]), np.array([2, 2, 2])]
    found = from_weights._reached([(said, np.arange(3), wrong)])
    assert found.shape == (2, 1, 2)
    np.testing.assert_allclose(found[:, 0, 0], [1 / 3, 1])
    np.testing.assert_allclose(found[:, 0, 1], [0, 1 / 3])
