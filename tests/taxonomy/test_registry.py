"""The list of kinds: cards, names, and what one new function brings."""

from __future__ import annotations

import pytest
from fake_engine import FakeEngine, current_token, uniform

from headwidgets.errors import InputError
from headwidgets.taxonomy import STAGES, find, kinds, registry, scores, targets
from headwidgets.taxonomy.registry import IDENTIFICATION, RECALLING, kind

ORDER = {
    RECALLING: "associative memories, memory, constant, single letter, negative",
    IDENTIFICATION: "previous token, positional, rare words, duplicate token, retrieval, "
    "global retrieval, subword merge, syntactic, mover, name mover, backup name mover, "
    "letter mover, negative name mover, context, content gatherer, sentiment summarizer, "
    "semantic induction, subject, relation",
}

CARD = {
    "name": "test kind",
    "title": "Test kind head",
    "stage": IDENTIFICATION,
    "category": "overall structure",
    "definition": "a",
    "formula": "b",
    "words": "w",
    "data": "c",
    "null": "d",
    "threshold": 0.2,
    "threshold_origin": "proposed",
    "threshold_note": "e",
    "unit": "attention",
    "evidence": "attention",
    "source": "f",
    "traps": (),
    "proof": "g",
    "claim": "claimable",
}


@pytest.fixture
def spare_registry(monkeypatch):
    registry.all_kinds()
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))


def test_every_card_is_complete():
    table = kinds()
    assert {"previous token", "duplicate token", "induction"} <= set(table["name"])
    assert set(table["stage"]) <= set(STAGES)
    for card in table.to_dict("records"):
        assert 0 < card["threshold"] <= 1
        assert card["traps"]
        for field in ("title", "definition", "formula", "data", "null", "source", "proof"):
            assert card[field].strip(), (card["name"], field)


@pytest.mark.parametrize("stage", ORDER)
def test_kinds_stand_in_the_order_of_the_survey(stage):
    table = kinds()
    present = list(table["name"][table["stage"] == stage])
    assert present
    assert present == [name for name in ORDER[stage].split(", ") if name in present]


@pytest.mark.parametrize(
    "name", ["induction", "Induction head", "INDUCTION_HEADS", "prefix matching", " induction "]
)
def test_many_spellings(name):
    assert find(name).name == "induction"


def test_find_takes_a_kind():
    assert find(find("previous")) is find("previous token")


@pytest.mark.parametrize(
    ("name", "near"), [("inducton", "'induction'"), ("duplicate tokens", "'duplicate token'")]
)
def test_unknown_names_get_near_ones(name, near):
    with pytest.raises(InputError, match=rf"did you mean .*{near}"):
        find(name)


@pytest.mark.parametrize("name", ["zzz", ""])
def test_hopeless_names_get_the_list(name):
    with pytest.raises(InputError, match=r"there are .*'induction'"):
        find(name)


def test_what_is_no_name_is_refused():
    with pytest.raises(InputError, match="got 3"):
        find(3)


@pytest.mark.usefixtures("spare_registry")
def test_one_function_is_a_kind_everywhere():
    @kind(**CARD)
    def test_kind(measure):
        return measure.attention(targets.previous)

    assert "test kind" in set(kinds()["name"])
    assert find("test kind").function is test_kind
    table = scores(FakeEngine([[uniform, current_token]]), length=8, rows=2)
    assert (table["kind"] == "test kind").sum() == 2


@pytest.mark.usefixtures("spare_registry")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"stage": "third"}, "expected stage"),
        ({"evidence": "hearsay"}, "expected evidence"),
        ({"threshold_origin": "me"}, "expected threshold_origin"),
        ({"aliases": ("induction",)}, "already names the kind 'induction'"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_card_is_refused(change, said):
    with pytest.raises(InputError, match=said):
        kind(**CARD | change)(lambda _: None)
    assert "test kind" not in registry._REGISTRY


@pytest.mark.usefixtures("spare_registry")
def test_a_missing_field_is_named():
    with pytest.raises(InputError, match="proof"):
        kind(**{name: value for name, value in CARD.items() if name != "proof"})(lambda _: None)
