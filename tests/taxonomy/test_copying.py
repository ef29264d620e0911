"""The eigenvalue score of copying: +1, -1, about 0."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from fake_engine import FakeEngine, copying_weights, uniform

from headwidgets.errors import NotMeasurable
from headwidgets.heads import Head
from headwidgets.taxonomy.copying import copying


def of(weights):
    return copying(FakeEngine([[uniform]], weights=weights), Head(0, 0))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_copier_scores_1_and_its_opposite_minus_1(sign):
    found = of(copying_weights(200, sign=sign))
    assert found.value == pytest.approx(sign, abs=1e-5)
    assert found.copies == (sign > 0)


def random_weights(seed, d=64, d_head=32, d_vocab=400):
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(*shape, generator=generator)

    W_V, W_O = draw(1, d, d_head), draw(1, d_head, d)
    return SimpleNamespace(
        W_E=draw(d_vocab, d), W_U=draw(d, d_vocab), W_V=lambda _: W_V, W_O=lambda _: W_O
    )


def test_random_weights_score_about_0_and_do_not_copy():
    found = [of(random_weights(seed)) for seed in range(20)]
    values = torch.tensor([one.value for one in found])
    assert abs(float(values.mean())) < 0.05
    assert 0.03 < float(values.std()) < 0.12  # .064 in the literature's notation, d_head 32
    assert sum(one.copies for one in found) <= 1  # p ≤ .01, twenty times
    assert sum(one.value > 0 for one in found) > 3  # "above 0" alone would have claimed these


def test_the_product_has_the_spectrum_of_the_whole_circuit():
    weights = random_weights(0, d=12, d_head=5, d_vocab=30)
    W_E = weights.W_E - weights.W_E.mean(0)
    W_U = weights.W_U - weights.W_U.mean(1, keepdim=True)
    whole = torch.linalg.eigvals((W_E @ weights.W_V(0)[0] @ weights.W_O(0)[0] @ W_U).double())
    expected = float(whole.real.sum() / whole.abs().sum())
    assert of(weights).value == pytest.approx(expected, abs=1e-4)


def test_a_head_that_writes_nothing_does_not_copy():
    weights = copying_weights(200)
    nothing = weights.W_O(0) * 0
    weights.W_O = lambda _: nothing
    found = of(weights)
    assert (found.value, found.p, found.copies) == (0.0, 1.0, False)


def test_a_constant_direction_in_all_embeddings_does_not_help():
    weights = random_weights(1)
    shift = 100 * torch.ones(64)
    shifted = SimpleNamespace(**{**vars(weights), "W_E": weights.W_E + shift})
    assert of(shifted).value == pytest.approx(of(weights).value, abs=1e-3)


def test_widths_that_do_not_meet_are_said():
    weights = copying_weights(200)
    weights.W_E = weights.W_E[:, :8]
    with pytest.raises(NotMeasurable, match="widths do not meet: 8 and 16"):
        of(weights)


def test_weights_that_are_nan_are_said():
    weights = copying_weights(200)
    weights.W_U = weights.W_U * float("nan")
    with pytest.raises(NotMeasurable, match="not finite"):
        of(weights)
