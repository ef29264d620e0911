"""Pairs of tokens of one head's circuits, against whole products of what the model computes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from direct import engine_of
from shaped import D_VOCAB

from headwidgets.errors import NotMeasurable
from headwidgets.heads import Head
from headwidgets.taxonomy import ov, token_pairs
from headwidgets.taxonomy.token_pairs import AMONG, common_tokens, ov_pairs, qk_pairs

HEADS = [Head(0, 1), Head(1, 3), Head(2, 2)]


def silent(tensor, hook):
    return torch.zeros_like(tensor)


def activations(bridge, layer, name):
    """What a hook point of a layer has for every token by itself, [token, head, d_head].

    Attention writes nothing, positions nothing, and of the MLPs only the first one speaks.
    """
    seen = []
    hooks = [("hook_pos_embed", silent)]
    for below in range(layer):
        hooks.append((f"blocks.{below}.hook_attn_out", silent))
        if below:
            hooks.append((f"blocks.{below}.hook_mlp_out", silent))
    hooks.append((f"blocks.{layer}.attn.{name}", lambda tensor, hook: seen.append(tensor.clone())))
    with torch.no_grad():
        bridge.run_with_hooks(torch.arange(D_VOCAB)[:, None], fwd_hooks=hooks)
    return seen[0][:, 0].float()


def whole(scores, ids, others, k):
    """The k rows with the largest entry, each with its highest columns, off the whole product."""
    rows = np.argsort(-scores.max(1), kind="stable")[:k]
    return {ids[row]: [others[at] for at in np.argsort(-scores[row])[:AMONG]] for row in rows}


def listed(frame, sign=1):
    """What a frame lists, as `whole` does."""
    some = frame[np.sign(frame["score"]) == sign]
    first, second = some.columns[0], some.columns[2]
    return {key: list(rows[second]) for key, rows in some.groupby(first, sort=False)}


@pytest.fixture(params=["gpt2", "gpt-neo", "opt"])
def learned(request, shaped_bridges):
    """Models with learned positions: QK is defined there."""
    return shaped_bridges(request.param)


@pytest.mark.parametrize("head", HEADS, ids=str)
def test_qk_pairs_are_those_of_the_whole_product_of_queries_and_keys(learned, head):
    engine = engine_of(learned)
    ids = common_tokens(engine, None)
    queries, keys = (
        activations(learned, head.layer, name)[ids, head.head].double()
        for name in ("hook_q", "hook_k")
    )
    scores = queries @ keys.T
    scores = (scores - scores.mean(1, keepdim=True)).numpy()
    frame = qk_pairs(engine, head, ids, 7)
    assert listed(frame) == whole(scores, ids, ids, 7)
    place = {token: i for i, token in enumerate(ids)}
    expected = [
        scores[place[q], place[k]] for q, k in zip(frame["query_id"], frame["key_id"], strict=True)
    ]
    np.testing.assert_allclose(frame["score"], expected, rtol=1e-3, atol=1e-3)
    own = np.diag(scores)
    assert frame.attrs["same"] == pytest.approx(
        np.mean((scores >= own[:, None]).sum(1) <= AMONG), abs=1.5 / len(ids)
    )
    assert frame.attrs["chance"] == AMONG / len(ids)


@pytest.mark.parametrize("name", ["gpt2", "neox", "llama", "gemma2"])
@pytest.mark.parametrize("head", HEADS, ids=str)
def test_ov_pairs_are_those_of_the_whole_product(shaped_bridges, name, head):
    bridge = shaped_bridges(name)
    engine = engine_of(bridge)
    ids = common_tokens(engine, None)
    values = activations(bridge, head.layer, "hook_v")
    shared = 4 // values.shape[1]
    attention = bridge.blocks[head.layer].attn
    bias = getattr(attention, "b_V", None) if name != "gemma2" else None
    if bias is not None:
        values = values - bias.reshape(values.shape[1:]).float()
    with torch.no_grad():
        write = values[ids, head.head // shared] @ engine.weights.W_O(head.layer)[head.head]
        read = ov.gained(engine, head.layer, ov.unembedding(engine, ids))
        scores = (write @ read).double().numpy()
    scores -= scores.mean(1, keepdims=True)
    frame = ov_pairs(engine, head, ids, 6)
    rows = np.argsort(-np.abs(scores).max(1), kind="stable")[:6]
    assert list(dict.fromkeys(frame["input_id"])) == [ids[row] for row in rows]
    for sign in (1, -1):
        found = listed(frame, sign)
        for row in rows:
            order = np.argsort(-sign * scores[row])[:AMONG]
            assert found[ids[row]] == [ids[at] for at in order]
    own = np.diag(scores)[:, None]
    for sign, share in ((1, "copied"), (-1, "lowered")):
        expected = np.mean((sign * scores >= sign * own).sum(1) <= AMONG)
        assert frame.attrs[share] == pytest.approx(expected, abs=1.5 / len(ids))


def test_blocks_change_nothing(shaped_bridges, monkeypatch):
    engine = engine_of(shaped_bridges("gpt2"))
    ids = common_tokens(engine, None)
    whole_pass = [find(engine, Head(1, 0), ids, 5) for find in (ov_pairs, qk_pairs)]
    sizes = []
    real = torch.topk

    def topk(block, *args, **more):
        sizes.append(block.numel())
        return real(block, *args, **more)

    monkeypatch.setattr(torch, "topk", topk)
    monkeypatch.setattr(token_pairs, "BLOCK_BYTES", 4 * 512 * 10)
    monkeypatch.setattr(token_pairs, "_AT_ONCE", 37)
    for before, find in zip(whole_pass, (ov_pairs, qk_pairs), strict=True):
        after = find(engine, Head(1, 0), ids, 5)
        assert listed(before) == listed(after)
        np.testing.assert_allclose(before["score"], after["score"], rtol=1e-4, atol=1e-5)
        assert before.attrs == after.attrs
    assert 0 < max(sizes) <= 10 * 512, "a block is larger than it may be"


def test_the_planted_copier_writes_what_it_sees(planted_bridge):
    """Head 1.0 puts the code of what it looks at where the unembedding reads it, β high."""
    engine = engine_of(planted_bridge)
    ids = common_tokens(engine, None)
    frame = ov_pairs(engine, Head(1, 0), ids, 8)
    first = frame.drop_duplicates("input_id")
    assert list(first["input_id"]) == list(first["output_id"])
    assert list(first["input"]) == list(first["output"])
    codes = planted_bridge.unembed.weight.detach()  # [token, d_model], β / 64 times a code
    overlap = codes[ids] @ codes[ids].T
    scores = overlap / (overlap[0, 0] / 40)  # 40 for a token with itself
    scores = (scores - scores.mean(1, keepdim=True)).numpy()
    rows = [ids.index(token) for token in first["input_id"]]
    np.testing.assert_allclose(first["score"], np.diag(scores)[rows], rtol=1e-4)
    assert first["score"].iloc[0] == pytest.approx(np.diag(scores).max(), rel=1e-4)
    assert (frame.attrs["copied"], frame.attrs["lowered"]) == (1.0, 0.0)
    assert frame.attrs["through"] == "the embedding"


def test_the_planted_duplicate_head_looks_for_its_own_token(planted_bridge):
    engine = engine_of(planted_bridge)
    frame = qk_pairs(engine, Head(0, 1), common_tokens(engine, None), 8)
    first = frame.drop_duplicates("query_id")
    assert list(first["query_id"]) == list(first["key_id"])
    assert first["query"].str.startswith(" ").all(), "of equal ones, words come first"
    assert frame.attrs["same"] == 1.0


@pytest.mark.parametrize(
    ("find", "head", "match"),
    [
        (ov_pairs, "0.0", "the unembedding reads nothing that it writes"),
        (ov_pairs, "1.1", "the unembedding reads nothing that it writes"),
        (qk_pairs, "0.0", "every pair of bare tokens has the same score"),
        (qk_pairs, "1.2", "every pair of bare tokens has the same score"),
    ],
)
def test_a_circuit_that_says_nothing_of_tokens_says_so(planted_bridge, find, head, match):
    engine = engine_of(planted_bridge)
    with pytest.raises(NotMeasurable, match=match):
        find(engine, Head.parse(head), common_tokens(engine, None), 5)


@pytest.mark.parametrize("name", ["neox", "llama", "gemma2", pytest.param("gemma3")])
def test_qk_is_not_defined_with_rotary_positions(shaped_bridges, name):
    with pytest.raises(NotMeasurable, match="not defined here: rotary positions"):
        qk_pairs(engine_of(shaped_bridges(name)), Head(0, 0), [1, 2, 3], 3)


def test_qk_is_not_defined_where_queries_are_normalised(shaped_bridges):
    from dataclasses import replace

    engine = engine_of(shaped_bridges("gemma3"))
    facts = engine.facts
    engine.facts = replace(facts, rotary=False)
    try:
        with pytest.raises(NotMeasurable, match="QK-norm"):
            qk_pairs(engine, Head(0, 0), [1, 2, 3], 3)
    finally:
        engine.facts = facts


def test_weights_that_are_not_numbers_are_named(shaped_bridges):
    engine = engine_of(shaped_bridges("gpt2"))
    weight = engine.weights.W_O

    class Broken:
        def __getattr__(self, name):
            return getattr(engine_weights, name)

        def W_O(self, layer):
            return weight(layer) * float("nan")

    engine_weights = engine.weights
    engine.weights = Broken()
    try:
        with pytest.raises(NotMeasurable, match="layer 1: weights are not finite"):
            ov_pairs(engine, Head(1, 0), [1, 2, 3], 3)
    finally:
        engine.weights = engine_weights


def test_common_tokens_are_words_first_and_never_special(planted_bridge):
    text = engine_of(planted_bridge).text
    words = text.word_ids()
    some = common_tokens(engine_of(planted_bridge), 400)
    assert some[: len(words)] == words
    assert len(some) == len(set(some)) == 400
    every = common_tokens(engine_of(planted_bridge), None)
    assert sorted(every) == [i for i in range(512) if i != text.bos_id]
