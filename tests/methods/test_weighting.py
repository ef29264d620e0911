"""Weighted attention and means over the set, held to computations by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import headwidgets as hw
from headwidgets import Session
from headwidgets.methods import maps
from headwidgets.model import engine as engines

CLEAN = "When Mary and John went to the store, John gave a drink to"
SWAPPED = "When John and Mary went to the store, Mary gave a drink to"


@pytest.fixture
def shaped_session(shaped_bridges):
    made = []

    def make(name):
        made.append(Session(shaped_bridges(name)))
        made[-1].prompt = [0, 5, 17, 200, 31, 5, 17, 40]
        return made[-1]

    yield make
    for session in made:
        session.close()


@pytest.fixture
def pairs(planted):
    planted.prompts = hw.Prompts(clean=[CLEAN, SWAPPED], corrupted=[SWAPPED, CLEAN])
    return planted


def gpt2_lengths(model, ids, layer, head):
    """‖v_k W_O‖ from Hugging Face's own weights: v from the fused projection, bias included."""
    block = model.transformer.h[layer]
    x = block.ln_1(model(ids, output_hidden_states=True).hidden_states[layer])[0]
    width, size = x.shape[-1], 16
    v = (x @ block.attn.c_attn.weight + block.attn.c_attn.bias)[:, 2 * width :]
    part = slice(size * head, size * (head + 1))
    return (v[:, part] @ block.attn.c_proj.weight[part]).norm(dim=-1)


def llama_lengths(model, ids, layer, head):
    """The same with grouped queries: four query heads share two v, each has its own W_O."""
    block = model.model.layers[layer]
    x = block.input_layernorm(model(ids, output_hidden_states=True).hidden_states[layer])[0]
    shared, own = head // 2, slice(16 * head, 16 * (head + 1))
    v = block.self_attn.v_proj(x)[:, 16 * shared : 16 * (shared + 1)]
    return (v @ block.self_attn.o_proj.weight[:, own].T).norm(dim=-1)


@pytest.mark.parametrize(("name", "lengths"), [("gpt2", gpt2_lengths), ("llama", llama_lengths)])
@pytest.mark.parametrize("head", [(0, 1), (1, 2), (2, 3)])
def test_value_weighted_attention_is_the_formula(
    shaped_session, shaped_bridges, name, lengths, head
):
    session = shaped_session(name)
    ids = torch.tensor([session.token_ids])
    with torch.no_grad():
        by_hand = lengths(shaped_bridges(name).original_model, ids, *head).numpy()
    expected = session.attention(head) * by_hand
    assert by_hand.max() / by_hand.min() > 1.01
    np.testing.assert_allclose(session.attention(head, weighting="value"), expected, rtol=2e-5)


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_weighted_rows_add_up_to_no_less_than_what_the_head_writes(shaped_session, name):
    session = shaped_session(name)
    engine, seen = session.engine, {}
    hook = [("blocks.1.attn.hook_z", lambda z, _start: seen.update(z=z.detach().float()))]
    engine.run(torch.tensor([session.token_ids]), hook)
    written = (seen["z"][0, :, 3] @ engine.weights.W_O(1)[3]).norm(dim=-1).numpy()
    bound = session.attention("1.3", weighting="value").sum(-1)
    assert (written <= bound * (1 + 1e-5)).all()
    assert written[0] == pytest.approx(bound[0], rel=1e-5)  # one key alone: equal


def test_without_the_first_column_the_rest_is_as_it_was(planted):
    raw, rest = planted.attention("1.0"), planted.attention("1.0", weighting="no bos")
    assert (rest[:, 0] == 0).all()
    assert np.array_equal(rest[:, 1:], raw[:, 1:])
    window = planted.attention("1.0", weighting="no bos", keys=(1, 4), queries=(2, 9))
    assert np.array_equal(window, raw[2:9, 1:4])
    small = planted.thumbnails(bos=False)
    assert (small[..., 0] == 0).all()
    assert np.array_equal(small[..., 1:], planted.thumbnails()[..., 1:])


def test_the_edited_run_is_weighted_by_its_own_values(planted):
    planted.edits = [hw.scale("0.0", 3.0)]
    norms = planted.attention("1.0", "edited", weighting="value")
    assert not np.allclose(norms, planted.attention("1.0", weighting="value"))


@pytest.mark.parametrize("weighting", ["raw", "no bos", "value"])
@pytest.mark.parametrize("run", ["clean", "corrupted", "edited"])
def test_the_mean_over_the_set_is_the_mean_of_its_pairs(pairs, weighting, run):
    pairs.edits = [hw.scale("0.0", 0.5)]
    mean = pairs.attention("1.0", run, weighting=weighting, over="set")
    each = []
    for pairs.index in range(2):
        each.append(pairs.attention("1.0", run, weighting=weighting))
    np.testing.assert_allclose(mean, np.mean(each, axis=0), rtol=1e-6, atol=1e-7)
    window = pairs.attention("1.0", run, weighting=weighting, over="set", queries=(3, 5))
    assert np.array_equal(window, mean[3:5])


def test_the_mean_thumbnail_is_the_mean_of_thumbnails(pairs):
    mean = pairs.thumbnails(over="set").astype(float)
    each = []
    for pairs.index in range(2):
        each.append(pairs.thumbnails().astype(float))
    assert np.abs(mean - np.mean(each, axis=0)).max() <= 1


def test_lengths_that_differ_are_named(planted):
    planted.prompts = [CLEAN, "Mary and John went to the store"]
    with pytest.raises(hw.InputError, match=r"differ in length: 8, 15 tokens"):
        planted.attention("1.0", over="set")
    with pytest.raises(hw.InputError, match="differ in length"):
        planted.thumbnails(over="set")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"weighting": "heavy"}, "expected a weighting"),
        ({"over": "all"}, "over='pair' or over='set'"),
        ({"queries": (3, 3)}, "within 0 to 15"),
        ({"keys": (0, 16)}, "within 0 to 15"),
    ],
)
def test_what_there_is_not_is_refused(planted, options, reason):
    with pytest.raises(hw.InputError, match=reason):
        planted.attention("1.0", **options)


@pytest.fixture
def chunked(shaped_session, monkeypatch):
    """Two sessions of one long prompt: one of them feeds it 64 queries at a time."""
    whole, chunks = shaped_session("llama"), shaped_session("llama")
    ids = [
        int(i) for i in torch.randint(1, 500, (128,), generator=torch.Generator().manual_seed(0))
    ]
    whole.prompt = ids
    expected = {how: whole.attention("1.2", weighting=how) for how in ("raw", "value")}
    small = whole.thumbnails()
    monkeypatch.setattr(engines, "LAYER_BYTES", 64 * 4 * 4 * 128)
    monkeypatch.setattr(maps, "KEEP_ALL", 0)  # one head alone, block by block
    chunks.prompt = ids
    return chunks, expected, small


@pytest.mark.parametrize("how", ["raw", "value"])
def test_a_window_of_a_long_prompt_is_read_from_blocks(chunked, how):
    session, expected, small = chunked
    for queries, keys in [((0, 128), (0, 128)), ((50, 90), (3, 70)), ((127, 128), (127, 128))]:
        window = session.attention("1.2", weighting=how, queries=queries, keys=keys)
        wanted = expected[how][slice(*queries), slice(*keys)]
        np.testing.assert_allclose(window, wanted, rtol=1e-4, atol=1e-6)
    assert np.abs(session.thumbnails().astype(int) - small).max() <= 1


def test_blocks_are_run_once_and_again_only_where_one_was_let_go(chunked, monkeypatch):
    session, _, _ = chunked
    engine, runs = session.engine, []
    patterns = engine.patterns
    monkeypatch.setattr(engine, "patterns", lambda *a, **k: runs.append(1) or patterns(*a, **k))
    session.attention("1.2", queries=(0, 10))
    session.attention("1.2", queries=(100, 128))
    assert len(runs) == 1
    held = [value for value, _ in engine.cache._items.values() if isinstance(value, np.ndarray)]
    assert max(block.shape[2] for block in held) <= 64
    engine.cache.clear()
    session.attention("1.2", queries=(100, 128))
    assert len(runs) == 2
