"""Where a head looks, against loops over whole patterns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from direct import engine_of
from shaped import N_CTX, WINDOW

from headwidgets.errors import NotMeasurable
from headwidgets.heads import Head
from headwidgets.methods import looks
from headwidgets.methods.look_tables import BOS, GAP, contexts_table, offsets_table
from headwidgets.methods.looks import look
from headwidgets.methods.tiles import Tile, tiles
from headwidgets.model import engine as running

NAMES = ("gpt2", "neox", "llama", "mistral", "gemma2")
HEAD = Head(2, 1)
LONG = tuple((7 * i * i + 3 * i + 1) % 500 + 5 for i in range(40))


def seen(bridge, head, ids):
    """One head's pattern and ‖v W_O‖ of every key, by a plain run."""
    kept = {}

    def keep(name):
        return lambda tensor, hook: kept.update({name: tensor.clone()})

    hooks = [(f"blocks.{head.layer}.attn.hook_{one}", keep(one)) for one in ("pattern", "v")]
    with torch.no_grad():
        bridge.run_with_hooks(torch.tensor([ids]), fwd_hooks=hooks)
        pattern, values = kept["pattern"], kept["v"][0].reshape(len(ids), -1, 16).float()
        mine = values[:, head.head // (4 // values.shape[1])]
        norms = (mine @ engine_of(bridge).weights.W_O(head.layer)[head.head]).norm(dim=-1)
    return pattern[0, head.head].double().numpy(), norms.double().numpy()


def by_hand(rows, patterns, window=None):
    """Mean attention by offset, that of an even head, and queries: three dicts."""
    sums, even, n = {}, {}, {}
    for row, pattern in zip(rows, patterns, strict=True):
        for q in range(row.first, len(row.ids)):
            sight = [k for k in range(q + 1) if window is None or q - k < window]
            for k in sight:
                to = BOS if row.bos and k == 0 else q - k
                sums[to] = sums.get(to, 0.0) + pattern[q, k]
                even[to] = even.get(to, 0.0) + 1 / len(sight)
                n[to] = n.get(to, 0) + 1
    return sums, even, n


@pytest.mark.parametrize("name", NAMES)
def test_offsets_are_means_over_the_queries_that_see_so_far(shaped_bridges, name):
    bridge = shaped_bridges(name)
    engine = engine_of(bridge)
    texts = [(0, *LONG[:11]), LONG[11:20], (0, *LONG[20:31]), LONG[31:33]]
    rows = [tiles(ids, N_CTX, 0, i)[0] for i, ids in enumerate(texts)]
    assert [row.bos for row in rows] == [True, False, True, False]
    frame = offsets_table(look(engine, HEAD, rows, 3))
    window = WINDOW if name in ("mistral", "gemma2") else None
    assert engine.facts.windows[HEAD.layer] == window
    sums, even, n = by_hand(rows, [seen(bridge, HEAD, ids)[0] for ids in texts], window)
    assert len(frame) == len(n)
    assert frame["to"].iloc[0] == BOS
    for row in frame.to_dict("records"):
        to = BOS if row["to"] == BOS else row["offset"]
        assert row["n"] == n[to]
        assert row["attention"] == pytest.approx(sums[to] / n[to], abs=1e-5)
        assert row["uniform"] == pytest.approx(even[to] / n[to], abs=1e-9)
    assert list(frame["to"][1:4]) == ["itself", "1 back", "2 back"]


@pytest.mark.parametrize("name", NAMES)
def test_looks_are_the_largest_sizes_each_query_once(shaped_bridges, name):
    bridge = shaped_bridges(name)
    texts = [(0, *LONG[:15]), LONG[15:37]]
    rows = [tiles(ids, N_CTX, 0, i)[0] for i, ids in enumerate(texts)]
    found = look(engine_of(bridge), HEAD, rows, 9).looks
    every = []
    for text, ids in enumerate(texts):
        pattern, norms = seen(bridge, HEAD, ids)
        sizes = pattern * norms
        for q in range(1, len(ids)):
            k = int(sizes[q].argmax())
            every.append((sizes[q, k], text, q, k, pattern[q, k]))
    every.sort(reverse=True)
    assert len(found) == 9
    for one, (size, text, q, k, attention) in zip(found, every, strict=False):
        assert (one.tile.text, one.query, one.key) == (text, q, k)
        assert (one.size, one.attention) == pytest.approx((size, attention), rel=1e-3)


def test_a_prompt_that_comes_again_is_one_look(shaped_bridges):
    engine = engine_of(shaped_bridges("gpt2"))
    row = Tile(LONG[:12])
    once = look(engine, HEAD, [row], 8).looks
    again = look(engine, HEAD, [row._replace(text=i) for i in range(5)], 8).looks
    assert [(one.query, one.key) for one in again] == [(one.query, one.key) for one in once]


def test_chunks_of_queries_change_nothing(shaped_bridges, monkeypatch):
    """A long row comes in several calls a layer."""
    engine = engine_of(shaped_bridges("llama"))
    ids = tuple((11 * i + 5) % 500 + 5 for i in range(120))
    before = look(engine, HEAD, [Tile(ids)], 6)
    monkeypatch.setattr(running, "LAYER_BYTES", 4 * 120 * 4 * 64)
    after = look(engine, HEAD, [Tile(ids)], 6)
    np.testing.assert_allclose(before.attention, after.attention, atol=1e-5)
    np.testing.assert_array_equal(before.n, after.n)
    assert [one[1:3] for one in before.looks] == [one[1:3] for one in after.looks]


@pytest.mark.parametrize("bos", [True, False])
@pytest.mark.parametrize("length", [2, 8, 9, 12, 13, 50])
@pytest.mark.parametrize("room", [8, 9])
def test_tiles_count_each_token_once_with_half_a_context_before_it(length, room, bos):
    ids = ((0,) if bos else (77,)) + tuple(range(1, length))
    rows = tiles(ids, room, 0)
    counted = []
    for row in rows:
        assert len(row.ids) <= room
        assert row.bos is bos
        assert row.ids[0] == 0 or not bos
        for at in range(row.first, len(row.ids)):
            assert row.ids[at] == ids[at + row.shift]
            assert at >= min(at + row.shift, (room - 1) // 2)
            counted.append(at + row.shift)
    assert counted == list(range(1, length))


def test_a_long_text_is_read_in_tiles(shaped_bridges):
    bridge = shaped_bridges("gpt2")
    engine = engine_of(bridge)
    ids = (0, *((13 * i * i + 5 * i) % 500 + 5 for i in range(299)))
    rows = tiles(ids, N_CTX, 0)
    assert len(rows) > 2
    found = look(engine, HEAD, rows, 5)
    assert found.n[1] == 299  # each but BOS as a query, once
    sums, _, n = by_hand(rows, [seen(bridge, HEAD, row.ids)[0] for row in rows])
    assert found.attention[1:60] == pytest.approx([sums[d] / n[d] for d in range(59)], abs=1e-5)
    table = contexts_table(engine.text, found.looks)
    for row in table.to_dict("records"):
        assert row["query"] == f"[{ids[row['query_position']]}]"
        assert row["key"] == f"[{ids[row['key_position']]}]"


def test_contexts_read_on(planted_bridge):
    """Head 1.0 looks at what followed the earlier copy."""
    engine = engine_of(planted_bridge)
    text = "Mary went to the store and John went to the park. Mary took the red ball"
    ids = tuple(engine.text.encode(text))
    frame = contexts_table(engine.text, look(engine, Head(1, 0), [tiles(ids, 256, 0)[0]], 30).looks)
    shown = engine.text.shown(ids)
    assert frame["size"].is_monotonic_decreasing
    copied = frame[frame["attention"] > 0.9]
    assert {" went", " to", " the"} <= set(copied["query"])
    whole = "<bos>" + text
    for row in frame.to_dict("records"):
        q, k = row["query_position"], row["key_position"]
        assert (row["query"], row["key"], row["offset"]) == (shown[q], shown[k], q - k)
        middle = row["key"] + row["between"] + row["query"] if q > k else row["query"]
        said = row["before"] + middle + row["after"]
        pieces = said.removeprefix(GAP.lstrip()).split(GAP)
        assert all(piece in whole for piece in pieces), said
        assert "".join(shown[:k]).endswith(row["before"].removeprefix(GAP.lstrip()))
    single = copied[copied["query"] == " went"].iloc[0]
    assert shown[single["key_position"] - 1] == " went"


def test_one_token_is_refused(shaped_bridges):
    with pytest.raises(NotMeasurable, match="one token looks at itself alone"):
        look(engine_of(shaped_bridges("gpt2")), HEAD, [Tile((5,))], 3)


def test_attention_that_is_no_number_is_said(shaped_bridges, monkeypatch):
    engine = engine_of(shaped_bridges("gpt2"))
    left = engine.hooks_left()
    nan = torch.full((1, 4, 9), float("nan"))
    monkeypatch.setattr(looks, "norms_hook", lambda _e, _l, keep: lambda _v, at: keep(nan, at))
    with pytest.raises(NotMeasurable, match="not finite"):
        look(engine, HEAD, [Tile(LONG[:9])], 3)
    assert engine.hooks_left() == left
