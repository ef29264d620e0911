"""Path patching against brute force by plain hooks, and the gold checks of B6."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
import transformer_lens.patching as lens
from copied import agree, copied
from shaped import ALL
from swept import session_of

import headwidgets as hw
from headwidgets.heads import Head
from headwidgets.methods import path_jobs
from headwidgets.methods.paths import edges, paths
from headwidgets.methods.receivers import Receiver, read_ends, read_receivers

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
    note = frame.attrs["notes"][-1]
    words = "8 senders lie in the receivers' layer or above (1.0, 1.1, 1.2 and 5 more): there is"
    assert note.startswith(words)
    one = paths(session.engine, session.snapshot(), "1.2.q", senders=["0.1", "1.3"])
    assert one.attrs["notes"][-1].startswith("1 sender lies in the receivers' layer or above (1.3)")
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


def test_edges_without_a_path_are_counted_and_named(shaped_bridges):
    session = session_of(shaped_bridges("gpt2"))
    ask = (session.engine, session.snapshot())
    frame = edges(*ask, "1.0", ["0.1.q", "1.2.k", "2.3.v", "logits"])
    assert (frame["effect"] == 0).tolist() == [True, True, False, False]
    assert frame.attrs["no_path"] == 2
    assert frame.attrs["to"] == "0.1.q, 1.2.k, 2.3.v, logits"
    (note,) = frame.attrs["notes"]
    assert note == (
        "2 edges have no path (1.0 → 0.1.q, 1.0 → 1.2.k): the sender lies in the receiver's "
        "layer or above, the effect is exactly 0"
    )
    one = edges(*ask, ["1.0"], "1.2.k")
    assert one.attrs["notes"][0].startswith("1 edge has no path (1.0 → 1.2.k): ")
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
        ({"to": ["logits", "2.1.q"]}, "expected 'logits' by itself, or queries"),
        ({"senders": 0}, "expected a head"),
    ],
)
def test_what_cannot_be_meant_is_refused(shaped_bridges, arguments, message):
    session = session_of(shaped_bridges("gpt2"))
    with pytest.raises(hw.InputError, match=message):
        paths(session.engine, session.snapshot(), **arguments)
    session.close()


@pytest.mark.parametrize(
    ("receivers", "message"),
    [
        ([], "at least one receiver"),
        (None, "expected where a path ends"),
        ([["2.1.q", "1.2.k"]], r"by itself, .* got the group \['2.1.q', '1.2.k'\]: .* s.paths"),
        (["logits", ("2.1.q", "1.2.k")], "got the group"),
        ("2.1", "such as '9.9.q', got '2.1'"),
        (["9.9.k"], "no head 9.9"),
    ],
)
def test_receivers_that_edges_cannot_have(shaped_bridges, receivers, message):
    session = session_of(shaped_bridges("gpt2"))
    with pytest.raises(hw.InputError, match=message):
        session.edges("0.0", receivers)
    assert "edges" not in session.frames
    session.close()


def ask_paths(session, **options):
    return session.paths(**options)


def ask_edges(session, **options):
    return session.edges(["0.0"], ["2.1.q"], **options)


@pytest.mark.parametrize("ask", [ask_paths, ask_edges])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "pach"}, "expected kind 'patch', 'zero', 'mean', 'resample' for {}, got 'pach'"),
        ({"direction": "up"}, "expected direction 'denoise', 'noise' for {}, got 'up'"),
        ({"metric": 0}, "expected metric= as a metric .* got 0"),
        ({"metric": ""}, "expected metric= as a metric .* got ''"),
        ({"seed": 1.5}, "expected seed= as a whole number from 0, got 1.5"),
        ({"seed": True}, "expected seed= as a whole number from 0, got True"),
        ({"sender": "0.0"}, "{} has no option 'sender': it has .*senders, .*metric, seed"),
        ({"at": 1.5}, "expected at="),
    ],
)
def test_options_that_both_refuse(shaped_bridges, ask, options, message):
    session = session_of(shaped_bridges("gpt2"))
    what = ask.__name__.removeprefix("ask_")
    with pytest.raises(hw.InputError, match=message.format(what)):
        ask(session, **options)
    session.close()


@pytest.mark.parametrize("ask", [ask_paths, ask_edges])
def test_prompts_that_do_not_align_say_where_they_part(shaped_bridges, ask):
    session = session_of(shaped_bridges("gpt2"))
    session.prompts = hw.Prompts(clean=[[0, 10, 11, 12]], corrupted=[[0, 10, 13, 11, 12]])
    shown = session.engine.text.shown([11, 13])
    what = ask.__name__.removeprefix("ask_")
    with pytest.raises(hw.InputError) as caught:
        ask(session)
    assert str(caught.value) == (
        f"{what} of a patch need a corrupted prompt of the same length for every clean one; "
        "prompt 0 has 4 and 5 tokens (they first differ at position 2: "
        f"{shown[0]!r} and {shown[1]!r}): set s.corrupted_prompt (or prompts with one), or take "
        "kind='zero' or 'mean'"
    )
    session.close()


def test_a_seed_draws_which_prompt_gives(shaped_bridges):
    session = session_of(shaped_bridges("gpt2"), n=5)
    draws = [session.paths("2.1.q", kind="resample", seed=seed) for seed in (0, 0, 3)]
    again, other = (np.allclose(draws[0]["effect"], one["effect"]) for one in draws[1:])
    assert again
    assert not other
    assert draws[2].attrs["seed"] == 3
    one = session.edges(["0.1"], "2.1.q", kind="resample", seed=3)
    assert np.allclose(one["effect"], draws[2]["effect"][1])
    session.close()


def test_copied_code_has_the_seed_and_the_error_of_what_is_normalised(shaped_bridges):
    bridge = shaped_bridges("gpt2")
    session = session_of(bridge, n=5)
    session.metric = hw.LogProb(7)  # on these prompts there is something to normalise
    frames = [
        session.paths("2.1.q", senders=["0.1", "1.3"], kind="resample", seed=3),
        session.edges(["0.1", "1.3"], ["2.1.q", "logits"], kind="resample", seed=1),
    ]
    for frame in frames:
        assert frame["normalised_se"].notna().all(), frame.attrs["normalised"]
        agree(session, frame, bridge)
        assert "normalised_se" in copied(session, frame, bridge)
    session.close()


def all_paths(session):
    return session.paths("2.1.q")


def all_edges(session):
    return session.edges(["0.0", "0.1", "1.2"], ["2.1.q", "2.3.k"])


@pytest.mark.parametrize("stop", ["cancel", KeyboardInterrupt])
@pytest.mark.parametrize("ask", [all_paths, all_edges])
def test_what_was_done_before_it_was_stopped_is_kept(shaped_bridges, monkeypatch, ask, stop):
    session = session_of(shaped_bridges("gpt2"))
    whole = ask(session)
    hooks = session.engine.hooks_left()
    monkeypatch.setattr(path_jobs, "TOKENS", 1)  # one path a step
    rows, begun = path_jobs._rows, []

    def stopping(run, jobs):
        begun.append(jobs)
        if len(begun) == 4:
            if stop != "cancel":
                raise stop
            session.cancel()
        return rows(run, jobs)

    monkeypatch.setattr(path_jobs, "_rows", stopping)
    with pytest.raises(hw.Cancelled if stop == "cancel" else stop) as caught:
        ask(session)
    part = caught.value.partial
    assert part.attrs["incomplete"] == f"stopped: 3 of {len(whole)} paths done"
    there = part["effect"].notna().to_numpy()
    assert there.sum() == 3
    assert (part["n"] == np.where(there, 2, 0)).all()
    assert np.allclose(part["effect"][there], whole["effect"][there], atol=1e-6)
    assert part.attrs["normalised"] == whole.attrs["normalised"]
    assert part.attrs["notes"] == whole.attrs["notes"]
    kept = session.frames[ask.__name__.removeprefix("all_")]
    pd.testing.assert_frame_equal(kept, part)
    assert kept.attrs["revision"] == session.revision
    with pytest.raises(hw.InputError, match="stopped: "):
        session.as_python(kept)
    assert session.engine.hooks_left() == hooks
    session.close()


def test_what_is_stopped_between_lengths_is_of_the_prompts_that_were_run(
    shaped_bridges, monkeypatch
):
    session = session_of(shaped_bridges("gpt2"))
    short, long = [0, 10, 11, 12], [0, 10, 11, 12, 13]
    session.prompts = hw.Prompts(clean=[short, long], corrupted=[[0, *short[::-1][:3]], long])
    rows, begun = path_jobs._rows, []

    def stopping(run, jobs):
        begun.append(jobs)
        if len(begun) == 2:
            raise KeyboardInterrupt
        return rows(run, jobs)

    monkeypatch.setattr(path_jobs, "_rows", stopping)
    with pytest.raises(KeyboardInterrupt) as caught:
        session.paths()
    part = caught.value.partial
    assert part.attrs["incomplete"] == "stopped: 0 of 12 paths done, 12 on some of the prompts"
    assert (part["n"] == 1).all()
    session.close()


def test_the_logits_alone_may_be_listed():
    assert read_ends(["logits"]) == read_ends("logits") == ()
    assert read_ends(Receiver(9, 8, "q")) == (Receiver(9, 8, "q"),)


@pytest.mark.parametrize("spelling", ["9.8.q", "L9H8 q", "9.8 Q", ("9.8", "q"), ((9, 8), "q")])
def test_a_receiver_has_many_spellings(spelling):
    assert Receiver.parse(spelling) == Receiver(9, 8, "q")
