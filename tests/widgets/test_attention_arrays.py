"""Attention from arrays: what is accepted, what is refused, what is sent."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import headwidgets as hw
from headwidgets.widgets import luts
from headwidgets.widgets.arrays import read_pattern
from headwidgets.widgets.pictures import (
    MAP_EDGE,
    ZERO,
    difference,
    pack_map,
    pack_thumbs,
    pooled,
    thumbnails,
    unpack,
)
from headwidgets.widgets.wire import RELATIVE_BOUND

ROOT = Path(__file__).parents[2]


def pattern(*shape, causal=True):
    """Random attention of a shape that ends in [query, key]."""
    draw = np.random.Generator(np.random.PCG64(0)).random(shape, np.float32) + 1e-3
    draw = np.tril(draw) if causal else draw
    return draw / draw.sum(-1, keepdims=True)


def words(n):
    return [f" w{i}" for i in range(n)]


def browser_sets(model, **traits):
    content = {"data": {"method": "update", "state": traits, "buffer_paths": []}}
    model._handle_msg({"content": content, "buffers": []})


@pytest.mark.parametrize("shape", [(5, 5), (3, 5, 5), (2, 3, 5, 5)])
def test_each_rank_shows_its_heads(shape):
    view = hw.AttentionView(pattern(*shape), words(5))
    layers, heads = ((1,) * (4 - len(shape)) + shape)[:2]
    state = view.session
    assert unpack(state.thumbs, state.thumbs_data).shape == (layers, heads, 5, 5)
    assert view.session.tokens == words(5)


def test_the_names_of_circuitsvis_are_taken():
    given = pattern(2, 4, 4)
    view = hw.AttentionView(tokens=words(4), attention=given, attention_head_names=["a", "b"])
    assert view.session.names == ["a", "b"]
    assert np.abs(unpack(view.session.map, view.session.map_data) - given[0]).max() <= 1e-3


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64, torch.int32])
def test_tensors_of_any_real_dtype_are_taken(dtype):
    tensor = torch.eye(4, dtype=dtype)[None].requires_grad_(dtype.is_floating_point)
    assert np.array_equal(read_pattern(tensor)[0, 0], np.eye(4))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((pattern(2, 5, 5), words(4)), "expected 5 tokens"),
        ((pattern(1, 2, 1, 5, 5), words(5)), "got rank 5"),
        ((np.ones(5), words(5)), "got rank 1"),
        ((np.array([["a"]]), ["x"]), "real numbers"),
        ((np.ones((2, 2), complex), words(2)), "real numbers"),
        (([[1.0], [1.0, 2.0]], words(2)), "expected numbers"),
        ((np.ones((2, 3, 4)), words(3)), "as many queries as keys"),
        ((np.ones((0, 3, 3)), words(3)), "at least one head"),
        ((pattern(2, 5, 5), None), "tokens as a list of 5"),
        ((pattern(2, 3, 3), "abc"), "tokens as a list"),
        ((pattern(2, 3, 3), words(3), ["one"]), "expected 2 names"),
        ((None,), "a session, or a pattern"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments, reason):
    with pytest.raises(hw.InputError, match=reason):
        hw.AttentionView(*arguments)


def test_an_unknown_keyword_gets_a_suggestion():
    with pytest.raises(hw.InputError, match="is it 'tokens'"):
        hw.AttentionView(pattern(3, 3), token=words(3))


@pytest.mark.parametrize(("causal", "n"), [(True, 64), (True, 512), (False, 512), (True, 1024)])
def test_the_first_paint_is_below_a_megabyte(wire, causal, n):
    many = np.broadcast_to(pattern(n, n, causal=causal), (12, 12, n, n))
    view = hw.AttentionView(many, words(n))
    png = view._repr_mimebundle_()[0]["image/png"]
    texts = sum(len(repr({**data, "buffers": 0})) for _, data, _ in wire)
    sent = sum(len(b) for _, _, buffers in wire for b in buffers) + len(png) + texts
    print(f"N = {n}, causal {causal}: {sent:,} bytes")
    assert sent <= 1_000_000


@pytest.mark.parametrize(("layers", "heads"), [(32, 32), (80, 64)])
def test_the_thumbnails_of_many_heads_fit(layers, heads):
    many = np.broadcast_to(pattern(64, 64), (layers, heads, 64, 64))
    small = thumbnails(many)
    assert small.nbytes <= 600_000
    assert small.shape[:2] == (layers, heads)


def test_a_thumbnail_keeps_a_sharp_line_and_is_exact_where_it_can_be():
    line = np.eye(200, dtype=np.float32)
    small = thumbnails(np.broadcast_to(line, (1, 1, 200, 200)))[0, 0]
    assert small.shape == (64, 64)
    assert (np.diag(small) == 255).all()
    assert thumbnails(line[None, None, :8, :8])[0, 0].tolist() == (line[:8, :8] * 255).tolist()


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("n", [1, 7, 512])
def test_a_map_of_up_to_512_tokens_has_every_value(causal, n):
    values = pattern(n, n, causal=causal)
    picture = pack_map(values)
    assert picture.header["stride"] == 1
    assert len(picture.data) == (n * (n + 1) if causal or n == 1 else 2 * n * n)
    error = np.abs(unpack(*picture) - values).max()
    assert error <= max(RELATIVE_BOUND * picture.header["array"]["scale"], 1e-7)


@pytest.mark.parametrize("n", [513, 1025, 1500])
def test_a_longer_map_is_the_largest_of_its_tokens_and_says_so(n):
    values = np.zeros((n, n), np.float32)
    values[n - 1, 3] = 1.0
    picture = pack_map(values)
    stride = picture.header["stride"]
    small = unpack(*picture)
    assert small.shape[0] <= MAP_EDGE
    assert stride == -(-n // MAP_EDGE)
    assert small[(n - 1) // stride, 3 // stride] == 1.0
    assert small.sum() == 1.0


def test_a_signed_overview_keeps_what_is_farthest_from_zero():
    values = np.array([[0.2, -0.9], [0.1, 0.3]], np.float32)
    assert pooled(values, 2, signed=True).item() == pytest.approx(-0.9)
    assert difference(
        np.array([255, 9, 0], np.uint8), np.array([0, 9, 255], np.uint8)
    ).tolist() == [
        255,
        128,
        1,
    ]


def test_what_is_not_finite_travels_as_it_is():
    values = pattern(4, 4)
    values[2, 1], values[3, 0], values[3, 1] = np.nan, np.inf, -np.inf
    view = hw.AttentionView(values, words(4))
    got = unpack(view.session.map, view.session.map_data)
    assert np.array_equal(np.isnan(got), np.isnan(values))
    assert (got[3, 0], got[3, 1]) == (np.inf, -np.inf)
    assert Image.open(io.BytesIO(view._png())).size


def test_a_browser_selects_a_head_and_gets_its_map_in_one_message(wire):
    given = pattern(2, 3, 6, 6)
    view = hw.AttentionView(given, words(6))
    wire.clear()
    browser_sets(view.session, selection="1.2")
    updates = [data["state"] for _, data, _ in wire if data.get("method") == "update"]
    assert [sorted(state) for state in updates] == [["map"]]
    assert [len(buffers) for _, _, buffers in wire if buffers] == [1]
    assert np.abs(unpack(view.session.map, view.session.map_data) - given[1, 2]).max() <= 1e-3
    frame = view.to_frame()
    assert np.array_equal(frame["weight"].to_numpy().reshape(6, 6), given[1, 2])
    assert frame.attrs["head"] == "1.2"
    assert frame.iloc[7][["query", "key", "query_token", "key_token"]].tolist() == [
        1,
        1,
        " w1",
        " w1",
    ]


@pytest.mark.parametrize(
    ("name", "value"), [("selection", "7.7"), ("run", "edited"), ("tokens", []), ("map", {})]
)
def test_what_a_stale_page_sets_is_put_back(wire, name, value):
    view = hw.AttentionView(pattern(2, 3, 6, 6), words(6))
    before = getattr(view.session, name)
    wire.clear()
    browser_sets(view.session, **{name: value})
    assert getattr(view.session, name) == before
    assert view.session.message
    assert any(name in data.get("state", {}) for _, data, _ in wire)


def test_no_torch_is_loaded_for_arrays():
    code = (
        "import sys, headwidgets as hw\n"
        "view = hw.AttentionView([[1, 0], [.5, .5]], ['a', 'b'])\n"
        "view.to_frame(), view._repr_mimebundle_()\n"
        "print('torch' in sys.modules, 'transformer_lens' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_the_static_face_is_a_picture_and_never_html(tmp_path):
    view = hw.AttentionView(pattern(3, 9, 9), ["<script>", "\u202e", "\n", *words(6)])
    data, _ = view._repr_mimebundle_()
    assert "text/html" not in data
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).convert("RGB")
    colours = {colour for _, colour in picture.getcolors(1 << 20)}
    assert tuple(luts.viridis()[0]) in colours
    assert view.save(tmp_path / "x.png").read_bytes() == view._picture()
    assert "head 0.0" in data["text/plain"]


def test_both_halves_have_the_same_colours():
    source = (ROOT / "js" / "src" / "lib" / "lut.ts").read_text(encoding="utf-8")
    sent = "".join(re.findall(r'"([\w+/]{16,})"', source))
    assert base64.b64decode(sent).hex() == luts.VIRIDIS
    for name, value in (("BLUE", luts.BLUE), ("RED", luts.RED)):
        assert f"{name}: Colour = [{', '.join(map(str, value))}]" in source
    assert luts.diverging()[128].tolist() == [255, 255, 255]
    assert luts.diverging()[[0, 255]].tolist() == [list(luts.BLUE), list(luts.RED)]


@pytest.mark.parametrize("signed", [False, True])
def test_causal_thumbnails_travel_without_their_empty_half(signed):
    values = np.tril(np.full((1, 2, 4, 4), 60, np.int16)) + (ZERO if signed else 0)
    values = values.astype(np.uint8)
    picture = pack_thumbs(values, signed=signed)
    assert len(picture.data) == 2 * 10
    assert np.array_equal(unpack(*picture), values)
    values[0, 1, 0, 3] = 7
    whole = pack_thumbs(values, signed=signed)
    assert len(whole.data) == values.size
    assert np.array_equal(unpack(*whole), values)
