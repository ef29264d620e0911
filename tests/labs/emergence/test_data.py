"""What the lab's models learn from: counted, held out, and refused where it cannot be."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch

from headwidgets.errors import InputError
from headwidgets.labs import emergence as lab
from headwidgets.labs.emergence.batch import Stream, generator


def draw(data, part="train", n=4000):
    return data.draw(n, generator(3), part)


def classes(data, tokens):
    return (tokens - data.n_labels) // data.features.shape[1]


@pytest.mark.parametrize("make", [lab.low16, lab.gauss])
def test_a_sequence_is_two_exemplars_with_labels_and_one_of_them_again(make):
    data = make(classes=7, new=3)
    batch = draw(data)
    tokens = batch.tokens
    assert tokens.shape == (4000, 5)
    shown, labels, query = tokens[:, [0, 2]], tokens[:, [1, 3]], tokens[:, 4]
    assert (labels < 5).all()
    assert (shown >= 5).all()
    first, second = classes(data, shown).T
    assert (first != second).all()
    assert {*first.tolist()} == set(range(7)), "training shows its own classes, and all of them"
    asked = (query[:, None] == shown).long()
    assert (asked.sum(1) == 1).all()
    right = labels.gather(1, asked.argmax(1, keepdim=True))
    assert torch.equal(right, batch.targets)
    assert torch.equal(tokens.gather(1, batch.shown), right)
    assert (tokens.gather(1, batch.other) != right).all()
    assert batch.rows == slice(4, 5)
    assert asked.float().mean(0).tolist() == pytest.approx([0.5, 0.5], abs=0.03)


def test_pairs_of_labels_are_held_out_and_both_orders_come():
    data = lab.low16()
    kept = {tuple(sorted(pair)) for pair in draw(data).tokens[:, [1, 3]].tolist()}
    held = {tuple(sorted(pair)) for pair in draw(data, "relabelled").tokens[:, [1, 3]].tolist()}
    assert len(kept) == 8
    assert len(held) == 2
    assert kept | held == set(combinations(range(5), 2))
    ordered = {tuple(pair) for pair in draw(data).tokens[:, [1, 3]].tolist()}
    assert len(ordered) == 16
    assert 50 * 49 * len(ordered) * 2 == 78_400, "the distinct sequences of the paper"


def test_new_classes_and_new_exemplars_are_not_those_of_training():
    data = lab.low16(classes=6, new=4, exemplars=3)
    seen = {*draw(data).tokens[:, [0, 2]].flatten().tolist()}
    new = draw(data, "new classes").tokens[:, [0, 2]]
    assert {*classes(data, new).flatten().tolist()} == {6, 7, 8, 9}
    other = draw(data, "new exemplars").tokens[:, [0, 2]]
    assert {*classes(data, other).flatten().tolist()} == set(range(6))
    assert not seen & {*other.flatten().tolist()}
    assert data.parts == ("train", "new classes", "new exemplars", "relabelled")
    assert lab.low16(new=0, exemplars=1, held=0).parts == ("train",)


def test_low16_has_sixteen_dimensions_and_gauss_all():
    low, full = (make().table().double() for make in (lab.low16, lab.gauss))
    assert low.shape == full.shape == (300, 512)
    assert torch.linalg.matrix_rank(low, rtol=1e-4) == 16
    assert torch.linalg.matrix_rank(full, rtol=1e-4) == 300
    assert low.norm(dim=1).numpy() == pytest.approx(512**0.5, rel=1e-4)
    assert float(full[::2].std()) == pytest.approx(1, abs=0.01)


def test_exemplars_of_a_class_are_near_it():
    found = lab.gauss(classes=40, new=0, exemplars=4, spread=0.3).features
    off = found[:, 1:] - found[:, :1]
    assert float(off.std()) == pytest.approx(0.3, abs=0.01)


def test_a_seed_is_one_data_set():
    one, same, other = lab.low16(seed=2), lab.low16(seed=2), lab.low16(seed=3)
    assert torch.equal(one.features, same.features)
    assert torch.equal(one.pairs, same.pairs)
    assert not torch.equal(one.features, other.features)


def test_a_stream_gives_a_step_the_same_batch_whenever_it_is_asked():
    data = lab.low16()
    one, two = Stream(data, 8, 4), Stream(data, 8, 4)
    later = [one.at(step).tokens for step in (0, 1, 63, 64, 200)]
    for step, tokens in [*zip((0, 1, 63, 64, 200), later, strict=True)][::-1]:
        assert torch.equal(two.at(step).tokens, tokens)
    assert not torch.equal(later[0], later[1])
    assert not torch.equal(Stream(data, 8, 5).at(0).tokens, later[0])


def test_any_features_can_be_given():
    table = np.random.default_rng(0).normal(size=(30, 12))
    names = np.repeat([f"letter {i:02d}" for i in range(10)], 3)
    data = lab.exemplars(table, names, trained=6, shown=2)
    assert data.features.shape == (10, 3, 12)
    assert data.parts == ("train", "new classes", "new exemplars", "relabelled")
    rows = {tuple(np.round(row, 5)) for row in data.table().double().numpy()}
    assert rows == {tuple(np.round(row.astype(np.float32).astype(float), 5)) for row in table}
    for each in data.features.numpy():  # the exemplars of one class stay together
        places = [int(np.abs(table - row).sum(1).argmin()) // 3 for row in each]
        assert len({*places}) == 1


def test_features_of_a_model_s_own_graph_can_be_given():
    data = lab.exemplars(torch.eye(4, requires_grad=True), [0, 0, 1, 1], trained=2)
    assert not data.features.requires_grad


def test_classes_of_unlike_size_are_cut_to_the_smallest():
    data = lab.exemplars(np.eye(7), [0, 0, 0, 1, 1, 2, 2], trained=2)
    assert data.features.shape == (3, 2, 7)


def test_repeated_tokens_ask_for_what_followed():
    data = lab.repeats(20, 6)
    batch = data.draw(300, generator(0))
    assert batch.tokens.shape == (300, 13)
    assert (batch.tokens[:, 0] == 0).all()
    assert (batch.tokens[:, 1:] > 0).all()
    assert batch.rows == slice(10, 13)
    assert torch.equal(batch.tokens.gather(1, batch.shown), batch.targets)
    assert torch.equal(batch.tokens.gather(1, batch.shown - 1), batch.tokens[:, 10:])
    for row in batch.tokens.tolist():
        assert len({*row[:10]}) == 10
        assert len({*row[10:]}) == 3
    assert {*(batch.shown - 1).flatten().tolist()} == set(range(1, 9))


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: lab.low16(classes=0), "expected classes as a whole number from 2, got 0"),
        (lambda: lab.gauss(classes=1), "classes"),
        (lambda: lab.low16(held=10), "expected fewer than 10 pairs held out"),
        (lambda: lab.low16(n_labels=1), "n_labels"),
        (lambda: lab.low16(exemplars=0), "exemplars"),
        (lambda: lab.low16(n_features=8), "n_features as a whole number from 16"),
        (lambda: lab.low16(spread=-1), "spread"),
        (lambda: lab.low16(seed="x"), "seed"),
        (lambda: lab.exemplars(np.zeros((3, 2)), [0, 1]), "as many classes"),
        (lambda: lab.exemplars(np.zeros((0, 2)), []), "as many classes"),
        (lambda: lab.exemplars([["a"]], [0]), "numbers"),
        (lambda: lab.exemplars([[np.nan], [1.0]], [0, 1], trained=2), "finite"),
        (lambda: lab.exemplars(np.full((4, 2), 1e300), [0, 0, 1, 1], trained=2), "in float32"),
        (lambda: lab.exemplars([[1, 2], [3]], [0, 1]), "features and classes as arrays"),
        (lambda: lab.exemplars(np.eye(2), np.array([0, None])), "as names, got both"),
        (lambda: lab.exemplars(np.eye(4), [0, 0, 1, 1], trained=3), "trained .* from 2 to 2"),
        (lambda: lab.exemplars(np.eye(4), [0, 0, 1, 1], trained=2, shown=3), "shown"),
        (lambda: lab.repeats(10, 5), "expected more than 10 tokens for a half of 5, got 10"),
        (lambda: lab.repeats(2, 1), "n_labels"),
        (lambda: lab.low16().draw(3, generator(0), "test"), "expected one of train"),
        (lambda: lab.repeats().draw(3, generator(0), "test"), "expected 'train'"),
    ],
)
def test_data_that_cannot_be_is_refused(make, match):
    with pytest.raises(InputError, match=match):
        make()
