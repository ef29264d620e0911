"""The forward of K models against one written by hand with torch's own modules."""

from __future__ import annotations

import math

import pytest
import torch

from headwidgets.errors import InputError
from headwidgets.labs import emergence as lab
from headwidgets.labs.emergence.batch import generator
from headwidgets.labs.emergence.embed import Embedding, trained_on
from headwidgets.labs.emergence.model import drawn, flat, forward, losses, one_of, sizes, views


def by_hand(shape, w, x):
    """Return logits of every position, [sequence, position, label], a head at a time."""
    length, heads, width = x.shape[1], shape.n_heads, shape.d_head
    for layer in range(shape.n_layers):
        normed = torch.nn.functional.layer_norm(
            x, x.shape[-1:], w[f"{layer}.ln.weight"], w[f"{layer}.ln.bias"]
        )
        q, k, v = (normed @ W for W in w[f"{layer}.W_QKV"].chunk(3, 1))
        out = torch.zeros_like(x)
        for head in range(heads):
            mine = slice(head * width, (head + 1) * width)
            scores = torch.empty(len(x), length, length)
            for i in range(length):
                for j in range(length):
                    turned = turn(q[:, i, mine], i, shape.base), turn(k[:, j, mine], j, shape.base)
                    scores[:, i, j] = (turned[0] * turned[1]).sum(-1) / math.sqrt(width)
            scores += torch.full((length, length), -1e20).triu(1)
            out += scores.softmax(-1) @ v[..., mine] @ w[f"{layer}.W_O"][mine]
        x = x + out
    final = torch.nn.functional.layer_norm(
        x, x.shape[-1:], w["ln_final.weight"], w["ln_final.bias"]
    )
    return final @ w["unembed.weight"] + w["unembed.bias"]


def turn(x, position, base):
    """Turn pairs that stand side by side by the angles of a position."""
    out = x.clone()
    for pair in range(x.shape[-1] // 2):
        angle = position * base ** (-2 * pair / x.shape[-1])
        a, b = x[..., 2 * pair], x[..., 2 * pair + 1]
        out[..., 2 * pair] = a * math.cos(angle) - b * math.sin(angle)
        out[..., 2 * pair + 1] = a * math.sin(angle) + b * math.cos(angle)
    return out


def rough(shape, seed):
    """Return weights far from their start, biases and gains too."""
    random = generator(seed)
    return {
        name: torch.randn(size, generator=random) / (4 if len(size) > 1 else 2)
        for name, size in sizes(shape).items()
    }


@pytest.mark.parametrize("options", [{}, {"n_layers": 1}, {"n_layers": 3}, {"d_head": 6}])
def test_k_models_at_once_are_each_the_model_by_hand(options):
    shape = lab.Shape(**{"n_heads": 4, "d_model": 32, "n_features": 20, **options})
    data = lab.low16(classes=5, new=3, n_features=20)
    models = [rough(shape, seed) for seed in (1, 2, 3)]
    weights = views(shape, flat(models))
    batch = data.draw(9, generator(0))
    stream = Embedding(data)(weights, batch.tokens)
    every = forward(shape, weights, stream, slice(0, 5))
    asked = forward(shape, weights, stream, batch.rows)
    for k, own in enumerate(models):
        shown = data.table() @ own["project.weight"] + own["project.bias"]
        x = torch.cat([own["embed"], shown])[batch.tokens]
        assert stream[k].numpy() == pytest.approx(x.numpy(), abs=1e-5)
        hand = by_hand(shape, own, x)
        assert every[k].numpy() == pytest.approx(hand.numpy(), abs=2e-5)
        assert asked[k].numpy() == pytest.approx(hand[:, 4:5].numpy(), abs=2e-5)
        picked = torch.nn.functional.cross_entropy(hand[:, 4], batch.targets[:, 0])
        assert float(losses(asked, batch.targets)[k]) == pytest.approx(float(picked), abs=1e-5)
        assert all(torch.equal(one_of(weights, k)[name], own[name]) for name in own)


def test_long_sequences_take_the_same_softmax():
    shape = lab.Shape(n_heads=2, d_model=16, n_labels=30, n_features=0)
    data, own = lab.repeats(30, 9), rough(shape, 0)
    batch = data.draw(4, generator(0))
    weights = views(shape, flat([own]))
    found = forward(shape, weights, Embedding(data)(weights, batch.tokens), batch.rows)[0]
    hand = by_hand(shape, own, own["embed"][batch.tokens])[:, batch.rows]
    assert found.numpy() == pytest.approx(hand.numpy(), abs=2e-5)


def test_few_exemplars_at_once_embed_as_those_of_a_batch():
    data, shape = lab.low16(), lab.Shape()
    weights = views(shape, flat([drawn(shape, 0)]))
    tokens = data.draw(40, generator(0)).tokens
    few, any_ = Embedding(data, trained_on(data)), Embedding(data)
    assert few(weights, tokens).numpy() == pytest.approx(any_(weights, tokens).numpy(), abs=1e-6)


def test_the_paper_s_model_has_its_number_of_weights():
    assert sum(math.prod(size) for size in sizes(lab.Shape()).values()) == 66_629


def test_the_start_is_cut_normal_of_the_right_size():
    shape = lab.Shape(n_features=512)
    made = drawn(shape, 0)
    assert float(made["project.weight"].std()) == pytest.approx(512**-0.5, rel=0.02)
    assert float(made["0.W_QKV"].std()) == pytest.approx(64**-0.5, rel=0.03)
    assert float(made["0.W_QKV"].abs().max()) <= 2 / 64**0.5 / 0.8796
    assert (made["0.ln.weight"] == 1).all()
    assert (made["unembed.bias"] == 0).all()
    assert torch.equal(drawn(shape, 0)["1.W_O"], made["1.W_O"])
    assert not torch.equal(drawn(shape, 1)["1.W_O"], made["1.W_O"])


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"d_model": 60}, "expected a d_model that 8 heads divide, or a d_head, got d_model=60"),
        ({"d_head": 7}, "even d_head"),
        ({"d_model": 24}, "even d_head"),
        ({"n_layers": 0}, "n_layers as a whole number from 1"),
        ({"n_heads": 1.5}, "n_heads"),
        ({"base": -1}, "base as a finite number above 0"),
    ],
)
def test_sizes_that_do_not_divide_are_refused(options, match):
    with pytest.raises(InputError, match=match):
        lab.Shape(**options)
