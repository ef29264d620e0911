"""Forwards: the same numbers whole or in chunks, no hook left, bounded memory."""

from __future__ import annotations

import threading

import pytest
import torch

from headwidgets.errors import Cancelled, InputError
from headwidgets.methods.edits import zero
from headwidgets.methods.runs import logits
from headwidgets.model import engine as running
from headwidgets.model.cache import ByteCache
from headwidgets.model.engine import Engine
from headwidgets.model.view import count_hooks
from headwidgets.model.work import Work, checkpoint, doing

ALL = ("gpt2", "neox", "llama", "mistral", "gemma2", "gemma3", "opt", "gpt-neo")
IDS = torch.tensor([list(range(30, 70)), list(range(80, 120))])


@pytest.mark.parametrize("name", ALL)
def test_chunks_of_queries_give_the_same_numbers(shaped_bridges, name, monkeypatch):
    bridge = shaped_bridges(name)
    engine = Engine(bridge, name=name)

    def patterns():
        out = torch.zeros(3, 2, 4, 40, 40)

        def visit(layer, pattern, start):
            out[layer, :, :, start : start + pattern.shape[2], : pattern.shape[3]] = pattern

        engine.patterns(IDS, visit)
        return out

    whole, full, maps = engine.run(IDS), engine.run(IDS, positions="all"), patterns()
    with torch.no_grad():
        plain = bridge(IDS).float()
    assert torch.allclose(full, plain, atol=1e-5)
    assert torch.allclose(whole, plain[:, -1], atol=1e-5)
    assert torch.allclose(engine.run(IDS, positions=9), plain[:, -9:], atol=1e-5)
    monkeypatch.setattr(Engine, "_chunk_length", lambda *_: 7)
    assert torch.allclose(engine.run(IDS), whole, atol=5e-5)
    assert torch.allclose(engine.run(IDS, positions="all"), full, atol=5e-5)
    assert torch.allclose(engine.run(IDS, positions=9), full[:, -9:], atol=5e-5)
    assert torch.allclose(patterns(), maps, atol=1e-5)


def test_edits_in_chunks_act_on_the_right_positions(shaped_bridges, monkeypatch):
    import headwidgets as hw

    session = hw.Session(shaped_bridges("llama"))
    session.use(
        prompts=hw.Prompts(clean=[list(range(30, 70))], corrupted=[list(range(50, 90))]),
        reference=[list(range(90, 130))],
    )
    cases = [zero("1.1", at=[3, 20, "end"]), hw.mean("0.2"), hw.patch("2.3"), hw.zero("mlp 1", 33)]
    whole = []
    for edit in cases:
        session.edits = [edit]
        whole.append(logits(session.engine, session.snapshot(), "edited", [0]).values)
    session.engine.cache.clear()
    monkeypatch.setattr(Engine, "_chunk_length", lambda *_: 7)
    for edit, expected in zip(cases, whole, strict=True):
        session.edits = [edit]
        found = logits(session.engine, session.snapshot(), "edited", [0]).values
        assert torch.allclose(found, expected, atol=5e-5)


def test_long_prompts_go_in_chunks_and_short_ones_whole(shaped_bridges, monkeypatch):
    engine = Engine(shaped_bridges("llama"), name="llama")
    assert engine._chunk_length(IDS) == 40
    monkeypatch.setattr(running, "LAYER_BYTES", 2 * 4 * 40 * 4 * 10)
    assert engine._chunk_length(IDS) == 64  # never less
    monkeypatch.setattr(running, "LAYER_BYTES", 2 * 4 * 100 * 4 * 80)
    assert engine._chunk_length(torch.zeros(2, 100)) == 80


@pytest.mark.parametrize(
    ("ids", "match"),
    [
        (torch.zeros(3, dtype=torch.long), r"\[batch, position\], got shape \(3,\)"),
        (torch.zeros(1, 0, dtype=torch.long), r"got shape \(1, 0\)"),
        (torch.tensor([[512]]), "from 0 to 511, got 512"),
        (torch.tensor([[-1]]), "from 0 to 511, got -1"),
        (torch.zeros(1, 129, dtype=torch.long), "has 129 tokens; this model's context is 128"),
    ],
)
def test_ids_that_some_models_would_run_without_a_word(shaped_bridges, ids, match):
    with pytest.raises(InputError, match=match):
        Engine(shaped_bridges("llama"), name="llama").run(ids)


@pytest.mark.parametrize("name", ALL)
def test_a_view_shares_weights_and_no_hooks(shaped_bridges, name):
    bridge = shaped_bridges(name)
    before = count_hooks(bridge)
    fired = []
    bridge.add_hook("blocks.1.attn.hook_z", lambda z, hook: fired.append(1))
    engine = Engine(bridge, name=name)
    theirs = {p.data_ptr() for p in bridge.parameters()}
    assert {p.data_ptr() for p in engine.view.parameters()} == theirs
    engine.run(IDS)
    assert not fired
    bridge.reset_hooks()
    seen = []
    engine.run(IDS, [("blocks.1.attn.hook_z", lambda z, _start: seen.append(z))])
    assert len(seen) == 1
    with torch.no_grad():
        bridge(IDS)
    assert len(seen) == 1
    assert count_hooks(bridge) in (before, before + engine.hooks_left())


def test_a_thread_inside_a_patched_run_spoils_no_clean_run_of_the_users(shaped_bridges):
    bridge = shaped_bridges("gpt2")
    engine = Engine(bridge, name="gpt2")
    with torch.no_grad():
        expected = bridge(IDS)
    stop = threading.Event()
    inside = threading.Event()

    def spoil(z, _start):
        inside.set()
        return torch.zeros_like(z)

    def edit():
        while not stop.is_set():
            engine.run(IDS, [("blocks.0.attn.hook_z", spoil)])

    worker = threading.Thread(target=edit)
    worker.start()
    try:
        assert inside.wait(30)
        with torch.no_grad():
            equal = [torch.equal(bridge(IDS), expected) for _ in range(50)]
    finally:
        stop.set()
        worker.join()
    assert all(equal)


def test_cancelled_work_stops_at_the_next_checkpoint(shaped_bridges):
    engine = Engine(shaped_bridges("gpt2"), name="gpt2")
    before = engine.hooks_left()
    work = Work()
    layers = []

    def visit(layer, _pattern, _start):
        layers.append(layer)
        work.cancel()

    with doing(work), pytest.raises(Cancelled):
        engine.patterns(IDS, visit)
    assert layers == [0]
    assert engine.hooks_left() == before
    checkpoint()  # outside of any work: nothing


def test_the_cache_is_bounded_and_forgets_the_oldest():
    cache = ByteCache(100)
    for name in "abc":
        cache.put(name, name, 40)
    assert [cache.get(n) for n in "abc"] == [None, "b", "c"]
    cache.get("b")
    cache.put("d", "d", 40)
    assert [cache.get(n) for n in "bcd"] == ["b", None, "d"]
    cache.put("huge", 1, 51)
    assert cache.get("huge") is None
    assert cache.held == 80
    cache.put("d", "e", 10)
    assert (cache.get("d"), cache.held) == ("e", 50)
    cache.clear()
    assert cache.held == 0
