"""What heads write when they look at a token, against the weights as Hugging Face holds them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from direct import engine_of
from planting import Weighted, codes, copiers
from shaped import D_MODEL, N_HEADS, N_LAYERS

from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy import ov

NAMES = ("gpt2", "neox", "llama", "gemma2")
IDS = [7, 3, 300, 41, 7]
WIDTH = D_MODEL // N_HEADS


class Plain:
    """The same numbers off the Hugging Face modules alone: one class, four layouts."""

    def __init__(self, name, model):
        self.name, self.model = name, model
        core = getattr(model, {"gpt2": "transformer", "neox": "gpt_neox"}.get(name, "model"))
        self.blocks = core.h if name == "gpt2" else core.layers
        self.embed = {"gpt2": "wte", "neox": "embed_in"}.get(name, "embed_tokens")
        self.embed = getattr(core, self.embed)
        self.final = getattr(core, {"gpt2": "ln_f", "neox": "final_layer_norm"}.get(name, "norm"))

    def first(self):
        """Return the embeddings, and what the first MLP makes of them by themselves."""
        block, E = self.blocks[0], self.embed(torch.tensor(IDS)).float()
        if self.name == "gpt2":
            return E, block.mlp(block.ln_2(E))
        if self.name == "gemma2":
            scaled = abs(float(E.std()) - 1) < 0.2  # by the embedding itself, or by the model
            E = E if scaled else E * D_MODEL**0.5
            wrote = block.mlp(block.pre_feedforward_layernorm(E))
            return E, block.post_feedforward_layernorm(wrote)
        return E, block.mlp(block.post_attention_layernorm(E))

    def norm(self, layer):
        return (
            self.blocks[layer].ln_1 if self.name == "gpt2" else self.blocks[layer].input_layernorm
        )

    def values(self, layer, head):
        """W_V of one head, [d_model, d_head]."""
        if self.name == "gpt2":
            whole = self.blocks[layer].attn.c_attn.weight[:, 2 * D_MODEL :]
            return whole[:, head * WIDTH : (head + 1) * WIDTH]
        if self.name == "neox":
            fused = self.blocks[layer].attention.query_key_value.weight
            return fused.reshape(N_HEADS, 3, WIDTH, D_MODEL)[head, 2].T
        group = head // 2
        return self.blocks[layer].self_attn.v_proj.weight[group * WIDTH : (group + 1) * WIDTH].T

    def outputs(self, layer, head):
        """W_O of one head, [d_head, d_model]."""
        mine = slice(head * WIDTH, (head + 1) * WIDTH)
        if self.name == "gpt2":
            return self.blocks[layer].attn.c_proj.weight[mine]
        if self.name == "neox":
            return self.blocks[layer].attention.dense.weight[:, mine].T
        return self.blocks[layer].self_attn.o_proj.weight[:, mine].T

    def unembedding(self, ids):
        """Return W_U with the gain of the final norm, its mean taken out under LayerNorm."""
        W_U = self.model.get_output_embeddings().weight[ids].T
        gain = self.final.weight + (1.0 if self.name == "gemma2" else 0.0)
        read = W_U * gain[:, None]
        return read - read.mean(0) if self.name in ("gpt2", "neox") else read

    def written(self, layer, head, embedded, read):
        out = self.outputs(layer, head)
        if self.name == "gemma2":
            out = out * (1 + self.blocks[layer].post_attention_layernorm.weight)
        return self.norm(layer)(embedded) @ self.values(layer, head) @ out @ read


@pytest.fixture(params=NAMES)
def both(request, shaped_bridges):
    bridge = shaped_bridges(request.param)
    return engine_of(bridge), Plain(request.param, bridge.original_model)


@torch.no_grad()
def test_the_effective_embedding_is_the_bare_token_and_what_the_first_mlp_makes_of_it(both):
    engine, plain = both
    E, wrote = plain.first()
    torch.testing.assert_close(ov.effective(engine, IDS), E + wrote, atol=2e-4, rtol=1e-4)
    alone = ov.effective(engine, IDS, mlp_only=True)
    torch.testing.assert_close(alone, wrote, atol=2e-4, rtol=1e-4)


@torch.no_grad()
def test_what_heads_write_is_the_product_of_plain_weights(both):
    engine, plain = both
    targets = [1, 2, 7, 300]
    read = ov.unembedding(engine, targets)
    torch.testing.assert_close(read, plain.unembedding(targets), atol=1e-5, rtol=1e-4)
    embedded = ov.effective(engine, IDS)
    layers = dict(ov.written(engine, embedded, read))
    assert list(layers) == list(range(N_LAYERS))
    for layer, found in layers.items():
        assert found.shape == (N_HEADS, len(IDS), len(targets))
        for head in range(N_HEADS):
            expected = plain.written(layer, head, embedded, plain.unembedding(targets))
            torch.testing.assert_close(found[head], expected, atol=2e-4, rtol=1e-3)


@torch.no_grad()
def test_shares_count_tokens_among_the_first_and_the_last(both):
    engine, plain = both
    E, wrote = plain.first()
    read = plain.unembedding(range(512))
    for lowered in (False, True):
        found = ov.copied(engine, IDS, k=60, lowered=lowered)
        expected = np.zeros((N_LAYERS, N_HEADS))
        for layer, head in np.ndindex(expected.shape):
            logits = plain.written(layer, head, E + wrote, read)
            ranks = (-logits if not lowered else logits).argsort(-1).argsort(-1)
            expected[layer, head] = (ranks[range(len(IDS)), IDS] < 60).float().mean()
        np.testing.assert_allclose(found, expected, atol=1e-6)
    assert expected.max() > 0


def test_shares_are_the_same_however_little_is_held_at_once(both, monkeypatch):
    engine, _ = both
    whole = [ov.copied(engine, IDS, k=60, lowered=lowered) for lowered in (False, True)]
    monkeypatch.setattr(ov, "_BYTES", 4 * engine.facts.d_vocab * 3 + 1)
    parts = [ov.copied(engine, IDS, k=60, lowered=lowered) for lowered in (False, True)]
    np.testing.assert_array_equal(whole, parts)


def test_no_hook_is_left_and_the_model_runs_as_before(both):
    engine, _ = both
    row = torch.tensor([IDS])
    before, left = engine.run(row), engine.hooks_left()
    ov.copied(engine, IDS)
    ov.effective(engine, IDS, mlp_only=True)
    assert engine.hooks_left() == left
    torch.testing.assert_close(engine.run(row), before, atol=0, rtol=0)


def test_tokens_do_not_hear_one_another(both):
    """One after another, or together: the same embeddings, wherever a token stands."""
    engine, _ = both
    together = ov.effective(engine, IDS)
    alone = torch.cat([ov.effective(engine, [one]) for one in IDS])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(together[0], together[-1], atol=1e-6, rtol=1e-6)


# ------------------------------------------------------------------ closed forms


def test_identity_copies_its_negative_lowers_and_nothing_ties():
    W = codes(50)
    engine = Weighted(W, W.T, copiers([[1, -1, 0]]))
    ids = list(range(1, 21))
    assert ov.copied(engine, ids).tolist() == [[1, 0, 0]]
    assert ov.copied(engine, ids, lowered=True).tolist() == [[0, 1, 0]]
    assert ov.first_of(engine, ids, ids, list(range(20))).tolist() == [[1, 0, 0]]


def test_first_of_asks_among_the_rivals_only():
    """A head that writes token 9 above all else, and of the rivals the right one."""
    W = torch.eye(128)[:50]
    shout = torch.eye(128) + 50 * torch.outer(W[1:5].sum(0), W[9])
    engine = Weighted(W, W.T, [[shout]])
    assert ov.first_of(engine, [1, 2, 3, 4], [1, 2, 3, 4], [0, 1, 2, 3]).tolist() == [[1]]
    assert ov.first_of(engine, [1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, 0]).tolist() == [[0]]
    assert ov.first_of(engine, [1, 2, 3, 4], [1, 2, 3, 4, 9], [0, 1, 2, 3]).tolist() == [[0]]


def test_a_tie_is_a_miss_even_where_it_is_the_highest():
    found = torch.tensor([[[2.0, 2.0, 1.0], [2.0, 1.0, 1.0], [0.0, 1.0, 0.5]]])
    own = torch.tensor([0, 0, 2])
    assert ov._first(found, own, 1).tolist() == [[False, True, False]]
    assert ov._first(found, own, 2).tolist() == [[True, True, True]]


def test_a_model_without_a_first_mlp_or_with_nan_is_not_measurable(planted_bridge):
    with pytest.raises(NotMeasurable, match="the first block has no MLP"):
        ov.effective(engine_of(planted_bridge), [1, 2], mlp_only=True)
    W = codes(50)
    engine = Weighted(W, W.T, copiers([[1], [float("nan")]]))
    with pytest.raises(NotMeasurable, match="layer 1: weights are not finite"):
        ov.copied(engine, [1, 2])


def test_widths_that_do_not_meet_are_named():
    engine = Weighted(codes(50, 128), codes(50, 64).T, copiers([[1]]))
    with pytest.raises(NotMeasurable, match="layer 0: widths do not meet"):
        ov.copied(engine, [1, 2])
