"""Facts by relation: what a prompt says is true, and no fact is kept from training."""

from __future__ import annotations

from itertools import islice

import pytest
from tasks.tokenizers import Everything, every_word_tokenizer

from headwidgets.tasks import task
from headwidgets.tasks.draw import SPLITS, items
from headwidgets.tasks.lre import RELATIONS
from headwidgets.tasks.registry import find
from headwidgets.tasks.series import SETS
from headwidgets.zoo.planted_tokenizer import planted_tokenizer

FACTS = {one.name: dict(one.facts) for one in RELATIONS}


def drawn(split, n, words=None):
    """Return the relation, the template and the item of `n` draws."""
    relation = {t: one.name for one in RELATIONS for t in (*one.templates, one.held_out)}
    some = islice(items(find("lre"), words or Everything(), 0, split), n)
    return [(relation[template], template, item) for template, item in some]


def marked(prompt, mark):
    return prompt.text[slice(*prompt.marks[mark])]


def test_there_are_ten_relations_of_sixteen_to_twenty_facts():
    assert len(RELATIONS) == len(FACTS) == 10
    for one in RELATIONS:
        assert 16 <= len(one.facts) <= 20
        assert len(dict(one.facts)) == len(one.facts), f"{one.name}: a subject comes twice"


def test_facts_that_follow_from_others_are_right():
    assert all(word[0].upper() == letter for word, letter in FACTS["letter"].items())
    numbers = SETS["number words"][0]
    assert {word: int(n) for word, n in FACTS["number"].items()} == {
        word: n for n, word in enumerate(numbers, 1)
    }
    assert {city: country for country, city in FACTS["capital"].items()} == FACTS["country"]
    assert set(FACTS["language"]) == set(FACTS["capital"])
    assert all(FACTS["opposite"][other] == one for one, other in FACTS["opposite"].items())
    for verb, past in FACTS["past"].items():
        assert past[0] == verb[0] or verb == "go"


@pytest.mark.parametrize("split", SPLITS)
def test_every_fact_in_a_prompt_is_true(split):
    for name, template, item in drawn(split, 300):
        assert item.clean.text.endswith(template.partition("{S}")[2])
        told = FACTS[name]
        for i in range(1, len(item.learned) + 1):
            assert told[marked(item.clean, f"X{i}")] == marked(item.clean, f"Y{i}")
            assert marked(item.clean, f"X{i}") != marked(item.clean, "S")
        assert told[marked(item.clean, "S")] == item.answer.strip()
        assert told[marked(item.corrupted, "S")] == item.foil.strip() != item.answer.strip()
        assert {option.strip() for option in item.options} == set(told.values())


def test_no_fact_is_kept_from_training():
    asked = {(name, marked(item.clean, "S")) for name, _, item in drawn("train", 4000)}
    assert asked == {(name, subject) for name, facts in FACTS.items() for subject in facts}


def test_one_and_two_examples_come_equally_often():
    shots = [len(item.learned) for _, _, item in drawn("train", 100)]
    assert (shots.count(1), shots.count(2)) == (50, 50)


def test_subjects_may_be_several_tokens_where_answers_are_one():
    prompts = task("lre", 60).prompts(planted_tokenizer())
    spans = [span for span in prompts.spans["S"] if span]
    assert any(stop - start > 1 for start, stop in spans)
    assert {answer.strip() for answer in prompts.answer} <= {
        answer for facts in FACTS.values() for answer in facts.values()
    }
    assert any("not one token: ' furniture' (10)" in note for note in prompts.notes)


def test_a_cut_answer_is_left_out_of_the_options():
    class NoRome(Everything):
        def count(self, word):
            return 2 if word in (" Rome", " Wednesday") else super().count(word)

    for name, _, item in drawn("train", 400, NoRome()):
        if name in ("capital", "country"):
            assert " Rome" not in item.options
            assert "Rome" not in {marked(item.clean, "S"), marked(item.corrupted, "S")}


def test_a_fact_alone_is_trained_on_too():
    """The first example has nothing in front of it, and its answer is learned."""
    prompts = task("lre", 50).prompts(every_word_tokenizer())
    first = prompts.roles["Y1"]
    assert all(place is not None and place <= 10 for place in first)
