"""Colored objects: the text read again, thing by thing."""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice

import pytest
from tasks.tokenizers import Everything, every_word_tokenizer

from headwidgets.tasks import task
from headwidgets.tasks.draw import SPLITS, items
from headwidgets.tasks.registry import find


def drawn(split, n):
    return [item for _, item in islice(items(find("colored object"), Everything(), 0, split), n)]


def told(text):
    """Return of each question the colors by thing, and the thing that is asked for."""
    scenes = [part for part in text.split("Q: ") if part]
    things = [{thing: color for color, thing in re.findall(r"\ba (\w+) (\w+)", s)} for s in scenes]
    asked = [re.search(r"(\w+)\?", s).group(1) for s in scenes]
    return things, asked


@pytest.mark.parametrize("split", SPLITS)
def test_the_answer_is_the_color_that_the_text_gives(split):
    for item in drawn(split, 200):
        (front, here), (solved, asked) = told(item.clean.text)
        assert len(front) == len(here) == len(set(here.values())) == len(set(front.values())) == 3
        assert not set(front) & set(here)
        assert item.answer.strip().lower() == here[asked]
        assert item.clean.text[slice(*item.clean.marks["xA"])].lower() == front[solved]
        assert {option.strip().lower() for option in item.options} == set(here.values())
        _, (same, instead) = told(item.corrupted.text)
        assert same == solved
        assert item.foil.strip().lower() == here[instead]
        assert instead != asked


def test_places_are_balanced():
    """The first, second and third thing are asked for equally often; so is each way to the foil."""
    where, step = Counter(), Counter()
    for item in drawn("train", 120):
        options = list(item.options)
        where[options.index(item.answer)] += 1
        step[(options.index(item.foil) - options.index(item.answer)) % 3] += 1
    assert set(where.values()) == {40}
    assert set(step.values()) == {60}


def test_only_the_last_question_differs():
    prompts = task("colored object", 20).prompts(every_word_tokenizer())
    for clean, corrupted in zip(prompts.clean, prompts.corrupted, strict=True):
        assert clean.rpartition("the ")[0] == corrupted.rpartition("the ")[0]
        assert clean.endswith("?\nA:")
