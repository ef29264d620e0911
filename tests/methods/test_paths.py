"""Path patching against brute force by plain hooks, and the gold checks of B6."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformer_lens.patching as lens
from shaped import ALL
from swept import session_of

import headwidgets as hw
from headwidgets.heads import Head
from headwidgets.methods.paths import edges, paths
from headwidgets.methods.receivers import Receiver, read_receivers

RUNS = ("clean", "corrupted")
ENDS = {"logits": "logits", "one query": ["2.1.q"], "keys and values": ["1.2.k", "2.0.v", "2.3.q"]}


def by_hand(session, bridge, sender, ends, *, frozen_mlps=False):
    """The three passes of the paper, by hooks on the bridge; the metric's change."""
    facts, snapshot = session.facts, session.snapshot()
    clean, other = (
        torch.tensor([pair.ids(run) for pair in snapshot.pairs]) for run in ("clean", "corrupted")
    )
    groups = facts.n_heads // facts.n_kv_heads
    with torch.no_grad():
        _, base = bridge.run_with_cache(clean)
        _, giving = bridge.run_with_cache(other)

        def metric(hooks):
            logits = bridge.run_with_hooks(clean, fwd_hooks=hooks)[:, -1]
            return (logits[:, 7] - logits[:, 8]).mean().item()

        def held(name, head=None):
            def put(value, hook):
                new = base[name].clone()
                if head is not None:
                    new[:, :, head] = giving[name][:, :, head]
                return new

            return name, put

        frozen = [
            held(f"blocks.{i}.attn.hook_z", sender.head if i == sender.layer else None)
            for i in range(facts.n_layers)
        ]
        if frozen_mlps:
            frozen += [held(f"blocks.{i}.hook_mlp_out") for i in range(facts.n_layers)]
        if not ends:
            return metric(frozen) - metric([])
        read = {}

        def see(value, hook, name):
            read[name] = value.clone()

        names = {f"blocks.{one.layer}.attn.hook_{one.part}" for one in ends}
        watching = [(n, lambda v, hook, n=n: see(v, hook, n)) for n in names]
        bridge.run_with_hooks(clean, fwd_hooks=[*frozen, *watching])

        def put(one):
            name = f"blocks.{one.layer}.attn.hook_{one.part}"
            place = one.head if one.part == "q" else one.head // groups

            def give(value, hook):
                value = value.clone()
                value[:, :, place] = read[name][:, :, place]
                return value

            return name, give

        return metric([put(one) for one in ends]) - metric([])


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("architecture", ALL)
def test_paths_equal_brute_force(shaped_bridges, architecture, end):
    bridge = shaped_bridges(architecture)
    session = session_of(bridge)
    hooks = session.engine.hooks_left()
    frame = paths(session.engine, session.snapshot(), ENDS[end])
    ends = read_receivers(ENDS[end], session.facts)
    heads = [Head(i, h) for i in range(3) for h in range(4)]
    expected = np.array([by_hand(session, bridge, head, ends) for head in heads])
    assert np.abs(expected).max() > 1e-4
    assert np.abs(frame["effect"].to_numpy() - expected).max() < 2e-5
    assert session.engine.hooks_left() == hooks
    session.close()


@pytest.mark.parametrize("architecture", ["gpt2", "neox", "gemma2"])
def test_mlps_can_be_frozen_too(shaped_bridges, architecture):
    bridge = shaped_bridges(architecture)
    session = session_of(bridge)
    ends = read_receivers("2.1.k", session.facts)
    frame = paths(session.engine, session.snapshot(), "2.1.k", mlps="frozen")
    through = paths(session.engine, session.snapshot(), "2.1.k")
    heads = [Head(i, h) for i in range(3) for h in range(4)]
    expected = [by_hand(session, bridge, head, ends, frozen_mlps=True) for head in heads]
    assert np.abs(frame["effect"] - expected).max() < 2e-5
    assert np.abs(frame["effect"] - through["effect"]).max() > 1e-4
    session.close()


@pytest.mark.parametrize(
    ("architecture", "part"),
    [("gpt2", "q"), ("gpt2", "k"), ("gpt2", "v"), ("llama", "q"), ("mistral", "q")],
)
def test_with_mlps_frozen_they_are_transformer_lens_s_direct_paths(
    shaped_bridges, architecture, part
):
    bridge = shaped_bridges(architecture)
    session = session_of(bridge, n=1)
    pair = session.snapshot().pairs[0]
    with torch.no_grad():
        caches = [bridge.run_with_cache(torch.tensor([pair.ids(run)]))[1] for run in RUNS]
        theirs = lens.get_act_patch_direct_path(
            bridge,
            torch.tensor([pair.corrupted]),
            *caches,
            lambda logits: logits[0, -1, 7] - logits[0, -1, 8],
            src_layer=0,
            src_head=1,
            component=part,
            verbose=False,
        )
    ends = [f"{layer}.{head}.{part}" for layer in (1, 2) for head in range(4)]
    frame = session.edges(["0.1"], ends, direction="denoise", mlps="frozen")
    raw = frame["effect"].to_numpy() + frame.attrs["corrupted"]
    assert frame["effect"].abs().max() > 1e-4
    assert np.abs(raw - theirs[1:].numpy().reshape(-1)).max() < 1e-5
    session.close()


def test_there_is_no_path_from_a_later_layer(shaped_bridges):
    session = session_of(shaped_bridges("gpt2"))
    frame = paths(session.engine, session.snapshot(), "1.2.q")
    assert (frame[frame["layer"] >= 1]["effect"] == 0).all()
    assert (frame[frame["layer"] < 1]["effect"] != 0).any()
    assert frame.attrs["no_path"] == 8
    assert "8 senders lie in the receivers' layer or above" in frame.attrs["notes"][-1]
    session.close()


def test_a_shared_key_says_who_reads_it(shaped_bridges):
    session = session_of(shaped_bridges("llama"))  # two keys for four heads
    first = paths(session.engine, session.snapshot(), "2.0.k")
    same = paths(session.engine, session.snapshot(), "2.1.k")
    assert np.array_equal(first["effect"], same["effect"])
    assert first.attrs["notes"][0] == "2.0.k is read by 2.1 too: one key and value for the group"
    other = paths(session.engine, session.snapshot(), "2.2.k")
    assert not np.allclose(first["effect"], other["effect"])
    session.close()


def test_edges_are_paths_one_by_one(shaped_bridges):
    session = session_of(shaped_bridges("mistral"))
    ask = (session.engine, session.snapshot())
    frame = edges(*ask, ["0.1", "1.2"], ["2.1.q", "1.0.v", "logits"])
    assert frame[["sender", "receiver"]].to_numpy().tolist() == [
        [sender, end] for sender in ("0.1", "1.2") for end in ("2.1.q", "1.0.v", "logits")
    ]
    for end in ("2.1.q", "1.0.v", "logits"):
        alone = paths(*ask, end, senders=["0.1", "1.2"])["effect"]
        assert np.allclose(frame[frame["receiver"] == end]["effect"], alone, atol=1e-6)
    session.close()


def test_denoising_and_zero(shaped_bridges):
    """Into the corrupted run; and the sender's write taken away: in a run of its own."""
    session = session_of(shaped_bridges("gpt2"))
    ask = (session.engine, session.snapshot(), "2.1.q")
    noise, denoise = (paths(*ask, direction=name) for name in ("noise", "denoise"))
    assert not np.allclose(noise["effect"], -denoise["effect"], atol=1e-4)
    assert denoise.attrs["edit"] == "patch into corrupted"
    zero = paths(*ask, kind="zero")
    assert zero["effect"].abs().max() > 1e-4
    session.close()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"to": "9.9.q"}, "no head 9.9"),
        ({"to": "2.1"}, "such as '9.9.q', got '2.1'"),
        ({"to": "2.1.z"}, "such as '9.9.q'"),
        ({"to": []}, "at least one end"),
        ({"senders": []}, "at least one sender"),
        ({"mlps": "gone"}, "expected mlps 'recomputed' or 'frozen'"),
        ({"kind": "pach"}, "expected kind"),
    ],
)
def test_what_cannot_be_meant_is_refused(shaped_bridges, arguments, message):
    session = session_of(shaped_bridges("gpt2"))
    with pytest.raises(hw.InputError, match=message):
        paths(session.engine, session.snapshot(), **arguments)
    session.close()


@pytest.mark.parametrize("spelling", ["9.8.q", "L9H8 q", "9.8 Q", ("9.8", "q"), ((9, 8), "q")])
def test_a_receiver_has_many_spellings(spelling):
    assert Receiver.parse(spelling) == Receiver(9, 8, "q")
