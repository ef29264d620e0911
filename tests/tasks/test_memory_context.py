"""Memory against context: facts of "lre", contradicted."""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice

import pytest
from tasks.tokenizers import Everything

from headwidgets.tasks.draw import SPLITS, items
from headwidgets.tasks.lre import RELATIONS
from headwidgets.tasks.registry import find
from headwidgets.tasks.words import CutWordsError

TASK = find("memory context")
FACTS = {relation.name: dict(relation.facts) for relation in RELATIONS}
FACT = re.compile(r"[tT]he (capital|language|color) of(?: the)? (\w+) is(?: (\w+))?")


def drawn(split, n=600):
    return [item for _, item in islice(items(TASK, Everything(), 0, split), n)]


def read(text):
    """Return relation, subject and what is said of it; the question is of the same."""
    (relation, subject, said), (again, asked, nothing) = FACT.findall(text)
    assert (relation, subject, "") == (again, asked, nothing)
    return relation, subject, said


@pytest.mark.parametrize("split", SPLITS)
def test_the_foil_is_the_fact_and_the_answer_is_not(split):
    for item in drawn(split, 300):
        relation, subject, said = read(item.clean.text)
        known = FACTS[relation][subject]
        assert item.answer == f" {said}" != f" {known}" == item.foil
        assert said in FACTS[relation].values()
        assert item.options == (item.answer, item.foil)


def test_the_corrupted_prompt_says_what_is_known():
    for item in drawn("train", 300):
        relation, subject, said = read(item.corrupted.text)
        assert FACTS[relation][subject] == said
        assert item.corrupted.text.replace(f"is {said}", f"is{item.answer}", 1) == item.clean.text


def test_no_subject_is_held_out():
    """What is new is what the prompt says of it; the fact itself must be learned."""
    trained = Counter(read(item.clean.text)[:2] for item in drawn("train", 3000))
    for relation in ("capital", "language", "color"):
        assert {subject for name, subject in trained if name == relation} == set(FACTS[relation])


def test_sentences_begin_with_capitals():
    for split in SPLITS:
        for item in drawn(split, 100):
            assert not re.search(r"\. t|, so T|FACT", item.clean.text), item.clean.text


def test_a_tokenizer_that_lacks_the_countries_still_has_the_colors():
    class Small(Everything):
        def count(self, word):
            return 2 if word.strip()[0].isupper() else 1

    found = [item for _, item in islice(items(TASK, Small(), 0, "train"), 60)]
    assert {read(item.clean.text)[0] for item in found} == {"color"}


def test_a_tokenizer_that_lacks_all_is_refused():
    class Nothing(Everything):
        def count(self, word):
            self.split[word] = 3
            return 3

    with pytest.raises(CutWordsError, match=r"got 0; cut into several: ' France' \(3\)"):
        next(items(TASK, Nothing(), 0, "train"))
