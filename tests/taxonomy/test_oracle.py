"""The oracle: every kind finds the head planted for it, and no other."""

from __future__ import annotations

from dataclasses import replace

import oracle
import pytest
from planted_kinds import PLANTS

from headwidgets.taxonomy import all_kinds


def test_every_kind_is_planted():
    assert set(PLANTS) == {kind.name for kind in all_kinds()}


@pytest.mark.parametrize("kind", PLANTS)
def test_the_planted_head_is_first_and_nobody_else_is_claimed(kind):
    for row in oracle.rows(kind, seeds=1, draws=300):
        assert row.kept, row


@pytest.mark.slow
@pytest.mark.parametrize("kind", PLANTS)
def test_so_it_is_on_every_seed(kind):
    for row in oracle.rows(kind):
        assert row.seeds == 5
        assert row.kept, row


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("iteration", {"own": "1.2"}),  # half of it
        ("name mover", {"own": "0.1"}),
        ("single letter", {"also": ()}),  # a second head that is one counts as a false claim
    ],
)
def test_a_missed_head_or_a_false_claim_shows(monkeypatch, kind, change):
    monkeypatch.setitem(PLANTS, kind, replace(PLANTS[kind], **change))
    clean, dirty = oracle.rows(kind, seeds=1, draws=300)
    assert not clean.kept
    assert not dirty.kept
    if "also" in change:
        assert clean.claimed == ("0.6 (always a)",)
    else:
        assert clean.place > 1
