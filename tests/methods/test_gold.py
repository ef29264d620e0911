"""What patching must give on any model: the seven checks that need no known circuit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from shaped import QUICK

import headwidgets as hw
from headwidgets.zoo.toys import either, one_layer

CLEAN = tuple(range(20, 30))
DIFFERS = 4
CORRUPTED = (*CLEAN[:DIFFERS], 99, *CLEAN[DIFFERS + 1 :])
METRIC = hw.LogitDiff(7, 8)


@pytest.fixture(params=QUICK)
def session(request, shaped_bridges):
    """A session over a random model of each architecture, one pair."""
    opened = hw.Session(shaped_bridges(request.param))
    opened.use(hw.Prompts(clean=[CLEAN], corrupted=[CORRUPTED]), far_apart(opened))
    return opened


def far_apart(session):
    """The logit difference that the two prompts change most: far above the guard of a ratio."""
    with torch.no_grad():
        clean, corrupted = (
            session.engine.view(torch.tensor([ids]))[0, -1] for ids in (CLEAN, CORRUPTED)
        )
    moved = clean - corrupted
    return hw.LogitDiff(int(moved.argmax()), int(moved.argmin()))


def restored(session, *edits):
    """The normalised effect of edits into the corrupted run."""
    session.edits = list(edits)
    found = session.effect()["value"]["normalised"]
    session.edits = []
    return found


def test_patching_nothing_restores_nothing(session):
    assert restored(session, hw.scale("0.0", 1.0)) == 1.0  # of the clean run: as clean
    before_it = restored(session, hw.patch("resid 0", DIFFERS - 1, into="corrupted"))
    assert before_it == 0.0


def test_the_first_stream_at_the_one_place_that_differs_is_all(session):
    at = [restored(session, hw.patch("resid 0", p, into="corrupted")) for p in range(len(CLEAN))]
    assert at[DIFFERS] == pytest.approx(1, abs=1e-5)
    assert np.delete(at, DIFFERS) == pytest.approx(0, abs=0)


def test_the_last_stream_at_the_end_is_all(session):
    last = f"resid {session.facts.n_layers}"
    assert restored(session, hw.patch(last, "end", into="corrupted")) == pytest.approx(1, abs=1e-5)
    assert restored(session, hw.patch(last, DIFFERS, into="corrupted")) == 0.0


def test_all_heads_of_a_layer_are_its_attention(session):
    """z of every head, against the layer's attention output put in by a plain hook."""
    for layer in range(session.facts.n_layers):
        heads = [hw.patch((layer, head), into="corrupted") for head in range(session.facts.n_heads)]
        session.edits = heads
        ours = session.effect()["value"]["edited"]
        session.edits = []
        assert ours == pytest.approx(with_attention_of_clean(session, layer), abs=1e-5)


def with_attention_of_clean(session, layer):
    """The metric of the corrupted run with a layer's attention output from the clean run."""
    bridge, kept = session.engine.view, {}
    name = f"blocks.{layer}.attn.hook_out"

    def keep(value, hook):
        kept["clean"] = value.clone()

    def put(value, hook):
        return kept["clean"]

    with torch.no_grad():
        bridge.run_with_hooks(torch.tensor([CLEAN]), fwd_hooks=[(name, keep)])
        logits = bridge.run_with_hooks(torch.tensor([CORRUPTED]), fwd_hooks=[(name, put)])
    right, wrong = session.metric.answer, session.metric.foil
    return float(logits[0, -1, right] - logits[0, -1, wrong])


def test_the_same_prompt_twice_has_no_effect_and_no_normalised_one(session):
    session.use(hw.Prompts(clean=[CLEAN], corrupted=[CLEAN]), METRIC)
    frame = session.sweep("patch", over="heads x positions")
    assert (frame["effect"] == 0).all()
    assert frame["normalised"].isna().all()


def test_without_norm_one_layer_has_direct_effects_alone():
    session = hw.Session(one_layer())
    session.use(hw.Prompts(clean=[CLEAN], corrupted=[CORRUPTED]), METRIC)
    frame = session.head_effects(kind="patch")
    assert frame["direct"].to_numpy() == pytest.approx(frame["total"].to_numpy(), abs=1e-5)
    assert frame["indirect"].to_numpy() == pytest.approx(0, abs=1e-5)
    assert frame["total"].abs().max() > 1e-2


def both_ways(bridge, clean, corrupted, metric):
    """Restoring, and one minus noising, of every head."""
    session = hw.Session(bridge)
    session.use(hw.Prompts(clean=[clean], corrupted=[corrupted]), metric)
    denoise = session.sweep("patch")["normalised"].to_numpy()
    noise = session.sweep("patch", direction="noise")["normalised"].to_numpy()
    session.use(hw.Prompts(clean=[corrupted], corrupted=[clean]), metric)
    exchanged = session.sweep("patch", direction="noise")["normalised"].to_numpy()
    return denoise, 1 - noise, exchanged


def test_exchanging_the_prompts_turns_restoring_into_noising(session):
    """The same run is named twice: exactly, on every model."""
    denoise, _, exchanged = both_ways(session.engine.view, CLEAN, CORRUPTED, session.metric)
    assert denoise == pytest.approx(1 - exchanged, abs=1e-4)


def test_restoring_is_one_minus_noising_where_all_is_linear():
    denoise, other, _ = both_ways(one_layer(), CLEAN, CORRUPTED, METRIC)
    assert denoise == pytest.approx(other, abs=1e-5)
    assert np.abs(denoise).max() > 1e-2


def test_and_is_not_where_either_of_two_is_enough():
    """Two heads that copy the same word, of which one is enough: see `toys.either`."""
    clean, corrupted = (0, 40, 300, 41, 42), (0, 40, 43, 41, 42)
    denoise, other, _ = both_ways(either(40.0), clean, corrupted, hw.LogitDiff(300, 310))
    assert denoise[:2] == pytest.approx(1, abs=1e-4)
    assert other[:2] == pytest.approx(0, abs=1e-4)
