"""What a head does on text: classes by the paper's rules, effects by hand, planted roles found."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import headwidgets as hw
from headwidgets.errors import Cancelled, InputError
from headwidgets.heads import Head
from headwidgets.labs import on_text as lab
from headwidgets.labs.contexts import WINDOW
from headwidgets.labs.winning import measured
from headwidgets.model.work import Work, doing

TEXTS = [
    "In order: Monday Tuesday Wednesday Thursday",
    "We have 11. cup 12. bag 13. pen 14",
    "from 20 to 30",
    "Then Mary said that Mary and John said that John",
    "in short the Department of Defense is called OSD",
    "The World Health Organization is called WHO",
]


@pytest.fixture(scope="module")
def cases(numerals):
    return lab.on_text(numerals, "1.0", TEXTS)


@pytest.mark.parametrize(
    ("prompt", "next_token", "kind", "because"),
    [
        (0, " Wednesday", "successorship", "Tuesday"),
        (1, " 14", "successorship", "13"),
        (2, " 30", "greater-than", "20"),
        (3, " John", "copying", "John"),
        (4, " OSD", "acronym", "Defense"),
        (5, " WHO", "acronym", "Organization"),
    ],
)
def test_every_planted_role_is_found(cases, prompt, next_token, kind, because):
    mine = cases[(cases["prompt"] == prompt) & (cases["next"] == next_token)]
    row = mine.iloc[0]
    assert (row["class"], row["because"]) == (kind, because)
    assert row["attended"].startswith(f"{because} ")
    assert row["runner_up"] == "", "no other planted head moves a logit"
    assert row["context"] in TEXTS[prompt]


def test_other_planted_heads_win_nothing(numerals):
    for head in ("0.0", "1.1", "1.2"):
        frame = lab.on_text(numerals, head, TEXTS)
        assert len(frame) == 0
        assert frame.attrs["n"] == sum(len(numerals.engine.text.encode(t)) - 2 for t in TEXTS)
        assert lab.shares(frame)["share"].isna().all()


def test_effects_are_those_by_hand(bundled):
    """Replace one head's write by its mean's in the last stream, and keep the norm's scale."""
    engine = bundled.engine
    rows = [engine.text.encode(text) for text in TEXTS[:3]]
    found = list(measured(engine, rows, Head(3, 1)))
    bridge = engine.view
    kept = [bridge.run_with_cache(torch.tensor([row]))[1] for row in rows]
    for layer, head in ((3, 1), (0, 2), (4, 0)):
        z = [cache[f"blocks.{layer}.attn.hook_z"][0, :, head] for cache in kept]
        mean = torch.cat([one[1:] for one in z]).mean(0)
        for row, cache, own, seen in zip(rows, kept, z, found, strict=True):
            write = (own - mean) @ bridge.W_O[layer, head]
            last = cache[f"blocks.{engine.facts.n_layers - 1}.hook_resid_post"][0]
            scale = cache["ln_final.hook_scale"][0]
            weight = bridge.ln_final.weight
            without, whole = ((x / scale * weight) @ bridge.W_U for x in (last - write, last))
            lost = (whole - without)[range(len(row) - 1), row[1:]]
            assert seen.effects[layer, head] == pytest.approx(
                lost.detach().numpy(), rel=1e-4, abs=2e-4
            )


def test_a_winning_case_has_the_largest_effect(bundled):
    engine = bundled.engine
    frame = lab.on_text(bundled, "3.1", TEXTS)
    rows = [engine.text.encode(text) for text in TEXTS]
    wins = 0
    for seen in measured(engine, rows, Head(3, 1)):
        best = seen.effects.reshape(-1, seen.effects.shape[-1]).max(0)
        own = seen.effects[3, 1]
        mine = frame[frame["prompt"] == seen.row]
        won = np.flatnonzero((own == best) & (own > 0))
        assert set(mine["position"]) == set(won[won > 0]), "at <bos> nothing is asked"
        wins += len(mine)
    assert wins == len(frame) == frame.attrs["wins"]


@pytest.mark.parametrize(("model", "head"), [("numerals", "1.0"), ("bundled", "3.1")])
def test_numbered_lists_are_the_clean_case(model, head, request):
    session = request.getfixturevalue(model)
    frame = lab.numbered_lists(session, head, n=24)
    assert frame.attrs["n"] == 24
    assert frame.attrs["share"] >= 0.9
    assert (frame["class"] == "successorship").all()
    assert frame.attrs["low"] < frame.attrs["share"]


@pytest.mark.parametrize(
    ("before", "after", "attended", "wanted"),
    [
        ([" May"], " June", [0], ("successorship", "May")),
        ([" Sunday"], " Monday", [0], ("successorship", "Sunday")),
        ([" 200"], " 1", [0], ("none", "")),
        ([" 3", " 4"], " 4", [0, 1], ("successorship", "3")),
        ([" 4", " 4"], " 4", [1, 0], ("copying", "4")),
        ([" Defense", " is"], " OSD", [0, 1], ("acronym", "Defense")),
        ([" is", " Defense"], " OSD", [0, 1], ("none", "")),
        ([" Defense", " OS"], "D", [0], ("acronym", "Defense")),
        ([" Defense", " os"], "D", [0], ("none", "")),
        ([" Dog", " is"], " D", [0], ("none", "")),
        ([" 1999", " to"], " 2004", [0], ("none", "")),
        ([" 20", " to"], " 30", [1, 0], ("greater-than", "20")),
        ([" 30", " to"], " 20", [1, 0], ("none", "")),
        ([" first", " the"], " third", [0], ("greater-than", "first")),
    ],
)
def test_classes_are_asked_in_the_papers_order(before, after, attended, wanted):
    assert lab.classed([*before, after], len(before) - 1, attended) == wanted


def test_shares_have_wilsons_interval(cases):
    """Of 0 of n the upper end is z² / (n + z²)."""
    frame = lab.shares(cases).set_index("class")
    assert frame["n"].sum() == len(cases)
    assert frame["share"].sum() == pytest.approx(1)
    assert frame.loc["acronym", "paper"] == 0.238
    low, high = lab.wilson(np.array([0, 10]), 10)
    assert low[0] == pytest.approx(0, abs=1e-12)
    assert high[0] == pytest.approx(3.8415 / 13.8415, abs=1e-4)
    assert high[1] == pytest.approx(1)
    with pytest.raises(InputError, match="expected the frame of winning cases"):
        lab.shares(frame.drop(columns=frame.columns))


def test_a_long_text_is_cut_into_contexts(numerals):
    text = " Monday" * 300
    frame = lab.on_text(numerals, "1.0", text)
    assert frame.attrs["texts"] == 3
    assert frame["position"].max() < WINDOW


def test_the_sessions_own_prompts_are_the_default():
    session = hw.Session("numerals")
    session.prompt = TEXTS[2]
    assert lab.on_text(session, "1.0").iloc[0]["class"] == "greater-than"
    session.prompts = hw.task("succession", n=20)
    assert lab.on_text(session, "1.0").attrs["texts"] == 20
    session.close()


def test_what_is_done_when_it_is_stopped_is_kept(numerals):
    work = Work()
    work.progress = lambda done, *_: work.cancel() if done == len(TEXTS) + 2 else None
    with doing(work), pytest.raises(Cancelled) as stop:
        lab.on_text(numerals, "1.0", TEXTS)
    assert set(stop.value.partial["prompt"]) <= {0, 1, 2}
    assert stop.value.partial.attrs["texts"] in (2, 3)
    assert numerals.engine.hooks_left() == hw.Session("numerals").engine.hooks_left()


@pytest.mark.parametrize("texts", ["", [], 3, [3], ["a", None], [["a", "b"]], [[1.5, 2.5]]])
def test_no_text_is_told(numerals, texts):
    with pytest.raises(InputError, match="expected"):
        lab.on_text(numerals, "1.0", texts)


def test_no_head_is_told(numerals):
    with pytest.raises(InputError):
        lab.on_text(numerals, "9.9", TEXTS)
