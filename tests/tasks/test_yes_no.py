"""Yes or no: yes where question and sentence name the same, offered in both orders."""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice

import pytest
from tasks.tokenizers import Everything

from headwidgets.tasks.draw import SPLITS, items
from headwidgets.tasks.registry import find

TASK = find("yes no")


def drawn(split, n=200):
    return [item for _, item in islice(items(TASK, Everything(), 0, split), n)]


def read(text):
    """Return what the sentence says, what the question names, and the answers as offered."""
    asked = re.search(r"(?:Is it|Has \w+) a (\w+)\?", text).group(1)
    said = re.search(r"(?:has|found) a (\w+)", text).group(1)
    return said, asked, re.search(r"(yes|no) or (yes|no)", text).groups()


@pytest.mark.parametrize("split", SPLITS)
def test_yes_is_for_the_same(split):
    for item in drawn(split):
        said, asked, _ = read(item.clean.text)
        assert item.answer == (" yes" if said == asked else " no")
        assert item.foil == (" no" if said == asked else " yes")


def test_another_thing_is_said_and_the_other_answer_right():
    for item in drawn("train"):
        (said, asked, order), (other, same, as_before) = (
            read(written.text) for written in (item.clean, item.corrupted)
        )
        assert (asked, order) == (same, as_before)
        assert said != other
        assert (other == asked) == (item.foil == " yes")


def test_answers_and_orders_are_crossed():
    seen = Counter((item.answer, read(item.clean.text)[2]) for item in drawn("train", 400))
    assert len(seen) == 4
    assert set(seen.values()) == {100}


def test_the_offered_answers_are_labelled():
    for item in drawn("train"):
        text, marks = item.clean
        at = {mark: text[start:stop] for mark, (start, stop) in marks.items()}
        assert (at["tYes"], at["tNo"]) == ("yes", "no")
        assert (at["SAID"], at["ASKED"]) == read(text)[:2]
        assert (marks["tYes"] < marks["tNo"]) == (read(text)[2] == ("yes", "no"))
        assert at.get("WHO2", at["WHO"]) == at["WHO"]


def test_the_answers_are_offered_before_the_question():
    """The negative attention score looks at positions behind them."""
    for template in (*TASK.templates, *TASK.held_out):
        assert template.index("{B}") < template.index("{ASKED}")
