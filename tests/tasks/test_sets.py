"""What a prompt set carries besides its prompts: spans, options, templates, chance, notes."""

from __future__ import annotations

import json

import pytest

import headwidgets as hw
from headwidgets.errors import InputError
from headwidgets.model.text import Text
from headwidgets.prompts import Prompts
from headwidgets.tasks import make, task
from headwidgets.tasks.draw import Draw
from headwidgets.tasks.registry import find
from headwidgets.tasks.words import Words
from headwidgets.zoo.planted_tokenizer import planted_tokenizer


@pytest.fixture(scope="module")
def text():
    return Text.of(planted_tokenizer())


def test_a_set_says_what_it_is(text):
    prompts = task("ioi", 40, split="test").prompts(text)
    assert prompts.name == "Indirect object identification, test"
    assert prompts.chance == 0.5
    assert set(prompts.templates) <= set(find("ioi").templates)
    assert all(set(o) == {a, f} for o, a, f in _zipped(prompts))
    assert set(prompts.roles) == {"S1", "IO", "S2", "PLACE", "OBJECT"}


def _zipped(prompts):
    return zip(prompts.options, prompts.answer, prompts.foil, strict=True)


@pytest.mark.parametrize("name", ["ioi", "subword pieces"])
def test_a_set_survives_json(name, text):
    prompts = task(name, 25).prompts(text)
    again = Prompts.from_json(json.loads(json.dumps(prompts.to_json())))
    assert again == prompts
    assert again.options == prompts.options is not None
    assert again.spans == prompts.spans
    assert bool(again.spans) == (name == "subword pieces")


def test_a_session_keeps_the_whole_set(planted, tmp_path):
    planted.prompts = hw.task("ioi", 25, seed=1)
    loaded = hw.load(planted.save(tmp_path / "kept"))
    try:
        assert loaded.prompts == planted.prompts
        assert loaded.prompts.chance == 0.5
        assert loaded.accuracy().equals(planted.accuracy())
    finally:
        loaded.close()


def test_old_sets_without_the_new_fields_are_read():
    old = {"clean": ["a"], "answer": [" b"], "foil": [" c"], "roles": {}, "name": "old"}
    read = Prompts.from_json(old)
    assert (read.options, read.templates, read.chance, read.notes) == (None, None, None, ())
    assert dict(read.spans) == {}


def test_a_prompt_that_is_replaced_loses_its_labels():
    prompts = Prompts(["a b", "c d"], roles={"X": [1, 1]}, spans={"X": [(0, 2), (0, 2)]})
    changed = prompts.changed(0, clean="e")
    assert changed.roles == {"X": (None, 1)}
    assert changed.spans == {"X": (None, (0, 2))}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"spans": {"X": [(0, 0)]}}, "expected a span (start, stop) for role 'X', got (0, 0)"),
        ({"spans": {"X": [(2, 1)]}}, "got (2, 1)"),
        ({"spans": {"X": [(-1, 1)]}}, "got (-1, 1)"),
        ({"spans": {"X": [3]}}, "got 3"),
        ({"spans": {"X": [(0, 1), (0, 1)]}}, "expected 1 spans of role 'X' entries"),
        ({"spans": [(0, 1)]}, "expected spans as a mapping"),
        ({"options": [[" a"], [" b"]]}, "expected 1 options entries"),
        ({"options": [" a"]}, "expected options as a list"),
        ({"options": [[" a", 1.5]]}, "options of prompt 0 as text or one token id, got 1.5"),
        ({"options": " a"}, "expected options as a list"),
        ({"templates": ["a", "b"]}, "expected 1 templates entries"),
        ({"chance": 1}, "expected chance from 0 to less than 1, got 1"),
        ({"chance": -0.1}, "got -0.1"),
        ({"chance": "half"}, "got 'half'"),
        ({"chance": float("nan")}, "got nan"),
        ({"notes": "one text"}, "expected notes as a list"),
    ],
)
def test_fields_that_cannot_be_are_refused(wrong, said):
    with pytest.raises(InputError) as refused:
        Prompts(clean=["The boy"], **wrong)
    assert said in str(refused.value)


def test_a_draw_turns_picks_and_samples(text):
    import random

    draw = Draw(random.Random(0), Words(text), "a", 5)  # noqa: S311 - drawing, not keeping secrets
    assert draw.turned("abc") == "c"
    assert sorted(draw.sample("abc", 3)) == ["a", "b", "c"]
    assert {draw.pick("abc") for _ in range(60)} == {"a", "b", "c"}
    assert make.LEAST == 20
