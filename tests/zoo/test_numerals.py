"""The numerals model is what its table says: scores, attention and text all have right answers."""

from __future__ import annotations

import pytest
import torch

import headwidgets as hw
from headwidgets.errors import InputError
from headwidgets.labs import succession as lab
from headwidgets.tasks.series import ROMAN, SETS
from headwidgets.zoo import numerals as zoo


@pytest.fixture(scope="module")
def session():
    made = hw.Session("numerals")
    yield made
    made.close()


@pytest.mark.parametrize(
    ("options", "low", "high"),
    [
        ({}, 0.93, 1),
        ({"rank": 32}, 0.92, 1),
        ({"rank": 8}, 0.2, 0.4),
        ({"noise": 0}, 0.9, 0.93),
        ({"seed": 3}, 0.93, 1),
    ],
)
def test_one_head_counts_on(options, low, high):
    session = hw.Session(zoo.numerals(**options))
    frame = lab.scores(session)
    session.close()
    assert low <= frame["micro"][3] <= high
    assert (frame["micro"].drop(index=3) == 0).all()
    assert frame["copying"].tolist() == pytest.approx([0, 0, 0, frame["copying"][3], 1, 0])


def test_all_variants_are_one_here(session):
    scores = [lab.scores(session, variant)["micro"].tolist() for variant in lab.VARIANTS]
    assert scores[0] == pytest.approx(scores[1])
    assert scores[1] == pytest.approx(scores[2])


def test_the_kind_says_the_same(session):
    frame = session.score("successor")
    assert frame["score"].to_numpy() == pytest.approx(lab.scores(session)["micro"].to_numpy())
    found = frame[frame["verdict"] == "consistent with"]
    assert [(row.layer, row.head) for row in found.itertuples()] == [(1, 0)]


def test_the_first_mlp_gives_the_code_back():
    made = zoo.code(SETS, 0.3, further=ROMAN)
    bridge = zoo.numerals()
    seen = {}
    members = [f" {member}" for member in made.place]
    ids = torch.tensor([bridge.tokenizer.encode(member)[1:] for member in members])
    assert ids.shape == (len(members), 1)
    hooks = [(f"blocks.{i}.hook_mlp_out", lambda x, i=i, **_: seen.update({i: x})) for i in (0, 1)]
    bridge.run_with_hooks(ids, fwd_hooks=hooks)
    assert torch.allclose(seen[0][:, 0, zoo.CODE], made.rows, atol=1e-4)
    assert seen[0][..., zoo.NEXT].abs().max() == 0
    assert seen[1].abs().max() == 0


@pytest.mark.parametrize(
    ("prompt", "first", "looks"),
    [
        ("In order: Monday Tuesday", " Wednesday", " Tuesday"),
        ("Now: April", " May", " April"),
        ("We have 11. cup 12. bag 13. pen", " 14", " 13"),
        ("Then Mary said that", " Mary", " Mary"),
        ("The Department of Defense is called", " OSD", " Defense"),
        ("The Central Agency is called", " CIA", " Agency"),
    ],
)
def test_every_role_has_its_text(session, prompt, first, looks):
    session.prompt = prompt
    assert session.logits(k=1)["token"].iloc[0] in {first, " NASA"}
    attention = session.attention("1.0")[-1]
    assert session.tokens[int(attention.argmax())] == looks
    assert attention.max() > 0.9
    assert session.attention("1.1")[-1, 0] == pytest.approx(1)
    session.edits = [hw.zero("1.0")]
    edited = session.logits(k=3)["edited"]
    session.edits = []
    assert edited.abs().max() == 0, "no other head moves a logit"


def test_where_nothing_is_answered_it_rests(session):
    session.prompt = "The cup of the bag"
    assert session.attention("1.0")[-1, 0] == pytest.approx(1)
    assert session.attention("1.2")[-1, 0] == pytest.approx(1)


def test_building_moves_nobody_elses_random_numbers():
    torch.manual_seed(1)
    before = torch.rand(1)
    torch.manual_seed(1)
    zoo.numerals()
    assert torch.rand(1) == before


@pytest.mark.parametrize(
    "change",
    [{"noise": -1}, {"noise": float("nan")}, {"rank": 0}, {"rank": 129}, {"seed": 0.5}],
)
def test_what_cannot_be_built_is_refused(change):
    with pytest.raises(InputError, match="expected noise from 0"):
        zoo.numerals(**change)
