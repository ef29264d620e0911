"""The common tasks: what is right in them by another reading, and that a model can be asked."""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice, pairwise, permutations

import numpy as np
import pytest
import torch
from tasks.drawing import text_of
from tasks.random_reader import N_CTX, reader
from tasks.tokenizers import Everything

import headwidgets as hw
from headwidgets.errors import InputError
from headwidgets.model.text import Text
from headwidgets.tasks import ag_news, mmlu, needle, sst2, task
from headwidgets.tasks.draw import SPLITS, items
from headwidgets.tasks.myths import MYTHS
from headwidgets.tasks.registry import all_tasks, find
from headwidgets.zoo.planted_tokenizer import planted_tokenizer
from headwidgets.zoo.recipe.collect import pieces, trained_tasks

COMMON = (
    "mmlu",
    "truthfulqa",
    "sst-2",
    "needle in a haystack",
    "triviaqa",
    "agenda",
    "agnews",
)


def drawn(name, split="train", n=200):
    return [item for _, item in islice(items(find(name), Everything(), 0, split), n)]


def at(item, mark):
    start, stop = item.clean.marks[mark]
    return item.clean.text[start:stop]


def test_they_are_the_surveys_fourth_table_and_no_model_of_ours_learns_them():
    group = [one for one in all_tasks() if one.group == "common"]
    assert tuple(one.name for one in group) == COMMON
    assert not any(one.trained for one in group)
    assert not set(COMMON) & {one.name for one in trained_tasks()}


@pytest.mark.parametrize("name", COMMON)
def test_the_foil_is_right_of_the_corrupted_prompt(name):
    """Both sides of a pair are among the prompts that the task can draw."""
    for item in drawn(name, n=60):
        assert item.answer != item.foil
        assert item.corrupted.text != item.clean.text
        right = SOLVERS[name]
        assert (right(item.clean.text), right(item.corrupted.text)) == (item.answer, item.foil)


# ---------------------------------------------------------------------- MMLU


def solve_mmlu(text):
    asked, *options = text.removeprefix("Question: ").removesuffix("\nAnswer:").split("\n")
    right = [one for one in options if knows(asked, one.partition(". ")[2])]
    assert len(right) == 1, text
    return f" {right[0][0]}"


def knows(asked, answer):
    """Whether an answer is right: sums are added up, the rest is looked up."""
    if found := re.search(r"(\d) plus (\d)", asked):
        return sum(map(int, found.groups())) == int(answer)
    area = next(a for a in mmlu.AREAS if f" {answer}" in dict.fromkeys(f for _, f in a.facts))
    facts = [subject for subject, found in area.facts if found == f" {answer}"]
    return any(re.search(rf"\b{subject.strip()}\b", asked) for subject in facts)


def test_facts_have_one_answer_and_some_are_known():
    for area in mmlu.AREAS:
        assert len({subject for subject, _ in area.facts}) == len(area.facts)
        assert len({answer for _, answer in area.facts}) >= 7
    known = {s.strip(): a.strip() for area in mmlu.AREAS for s, a in area.facts}
    for subject, answer in {"Canada": "Ottawa", "sheep": "lamb", "snow": "white"}.items():
        assert known[subject] == answer


@pytest.mark.parametrize("split", SPLITS)
def test_24_in_turn_have_every_order(split):
    """Right option and foil stand twice in each pair of places, the other two around them."""
    some = drawn("mmlu", split, 48)
    for start in (0, 24):
        seen = Counter(
            tuple("ABCD".index(one.strip()) for one in (item.answer, item.foil))
            for item in some[start : start + 24]
        )
        assert seen == dict.fromkeys(permutations(range(4), 2), 2)
    assert all({i.answer for i in some[k : k + 4]} == {" A", " B", " C", " D"} for k in (0, 4, 40))
    assert sorted(mmlu.ORDERS) == list(permutations(range(4)))


def test_labels_of_mmlu_are_those_of_options():
    for item in drawn("mmlu", n=48):
        right = item.answer.strip()
        assert at(item, "LABEL") == right
        assert at(item, "OPTION") == at(item, f"OPTION_{right}")
        assert item.key == (f" {at(item, 'SUBJECT')}", *sorted(f" {c}" for c in contents(item)))
        assert len(set(contents(item))) == 4


def contents(item):
    return [at(item, f"OPTION_{label}") for label in "ABCD"]


# ---------------------------------------------------------------------- TruthfulQA


def solve_truthful(text):
    myth = next(m for m in MYTHS if m.question in text)
    told = [answer for answer in (*myth.true, *myth.false) if answer in text]
    assert len(told) == 1
    return " true" if told[0] in myth.true else " false"


def test_myths_are_forty_and_each_answer_is_one_sentence_of_five_words():
    assert len(MYTHS) >= 40
    assert len({myth.question for myth in MYTHS}) == len(MYTHS)
    for myth in MYTHS:
        answers = (*myth.true, *myth.false)
        assert len(myth.true) >= 2
        assert len(myth.false) >= 3
        assert len(set(answers)) == len(answers)
        assert {len(pieces(f" {answer}")) for answer in answers} == {6}, "five words and a stop"


def test_every_prompt_has_the_whole_question_beside_it():
    for item in drawn("truthfulqa", n=100):
        myth = next(m for m in MYTHS if m.question == at(item, "QUESTION"))
        assert item.choices.prompt == f"Q: {myth.question}\nA:"
        spaced = [tuple(f" {answer}" for answer in some) for some in (myth.true, myth.false)]
        assert (item.choices.true, item.choices.false) == tuple(spaced)
        assert item.choices.one == (spaced[0][0], *spaced[1])


# ---------------------------------------------------------------------- SST-2


def solve_sst(text):
    found = [word for word in re.findall(r"\w+", text) if word in (*sst2._PRAISE, *sst2._BLAME)]
    good = {word in sst2._PRAISE for word in found}
    assert len(found) == 2
    assert len(good) == 1
    return " positive" if good.pop() else " negative"


def test_a_review_is_labelled_as_a_whole():
    for item in drawn("sst-2", n=40):
        inside = item.clean.text.removeprefix("Review: ").removesuffix("\nSentiment:")
        assert at(item, "TEXT") == inside
        assert not re.search(r"\ba [aeiou]", inside)


# ---------------------------------------------------------------------- needle


def solve_needle(text):
    city = re.search(r"What number goes with (\w+)\?", text).group(1)
    return re.search(rf"In {city} the magic number is( \w+)\.", text).group(1)


def test_question_and_needle_share_no_two_tokens_in_a_row():
    for item in drawn("needle in a haystack", n=40):
        hidden, asked = at(item, "NEEDLE"), item.clean.text.rpartition("\n")[2]
        in_both = [set(pairwise(pieces(one))) for one in (f" {hidden}", f"\n{asked}")]
        assert not in_both[0] & in_both[1]
        assert hidden == f"In {at(item, 'CITY')} the magic number is {at(item, 'NUMBER')}."
        assert at(item, "CITY") == at(item, "ASKED")


def test_the_hay_says_nothing_of_a_needle():
    said = " ".join(needle._HAYSTACK)
    words = set(re.findall(r"\w+", said))
    assert not words & {*needle._CITIES, *needle._NUMBERS, "magic", "number"}
    assert len(set(needle._HAYSTACK)) == len(needle._HAYSTACK) >= 20


@pytest.mark.parametrize("n_ctx", [160, 256, 700, 5000, None])
def test_needles_fit_the_context_at_every_length_and_depth(n_ctx):
    text = text_of("every word")
    whole = min(n_ctx or 256, 1024)
    for split in ("train", "templates"):
        prompts = task("needle in a haystack", 60, split=split).prompts(text, n_ctx)
        seen = set()
        for i, (prompt, cell) in enumerate(zip(prompts.clean, prompts.templates, strict=True)):
            over, under, depth = map(int, re.findall(r"\d+", cell))
            length, room = len(text.encode(prompt)), whole * over / under
            assert room - 16 <= length <= room, "less than a sentence is left"
            start, stop = prompts.spans["NEEDLE"][i]
            before, after = start, length - stop - LENGTH_OF_QUESTION
            assert abs(before / (before + after) - depth / 100) <= 16 / (before + after)
            seen.add(cell)
        assert len(seen) >= 4


LENGTH_OF_QUESTION = 10


def test_a_context_without_room_is_refused():
    with pytest.raises(InputError, match="a quarter of the context, 20 tokens, is too short"):
        task("needle in a haystack").prompts(text_of("every word"), 80)


def test_depths_are_even():
    cells = Counter(t for t, _ in islice(items(find(COMMON[3]), Everything(), 0, "train"), 1500))
    assert len(cells) == 15
    assert min(cells.values()) > 60


# ---------------------------------------------------------------------- TriviaQA, AGENDA, AG News


def solve_trivia(text):
    told, asked = text.split("\nQ: ")
    facts = re.findall(r"(\w+) [^.]*?(\w+)(?: at [^.]*)?\.", told.removeprefix("Context: "))
    assert len(facts) == 2
    found = [fact for who, fact in facts if re.search(rf"\b{who}\b", asked)]
    assert len(found) == 1, text
    return f" {found[0]}"


def test_labels_of_the_one_asked_about():
    for item in drawn("triviaqa", n=60):
        assert f" {at(item, 'FACT')}" == item.answer
        assert f" {at(item, 'FOIL')}" == item.foil
        assert at(item, "WHO") == at(item, "ASKED") != at(item, "OTHER")


def solve_agenda(text):
    _, entities, relations, abstract = text.split("\n")
    listed = entities.removeprefix("Entities: ").split("; ")
    graph = dict(re.findall(r"(\w+) [A-Z-]+ (\w+)", relations))
    assert len(set(listed)) == 4
    assert {*graph, *graph.values()} == set(listed)
    asked = [word for word in abstract.split() if word in listed]
    assert len(asked) == 1
    return f" {graph[asked[0]]}"


def solve_news(text):
    said = re.sub(r"\s+", " ", text)
    found = [
        topic
        for topic, lines in ag_news.HEADLINES.items()
        for line in lines
        if all(part.strip() in said for part in line.split("{COUNTRY}"))
    ]
    assert len(found) == 1, text
    return f" {found[0]}"


def test_headlines_are_ten_a_topic_and_of_eight_words():
    for lines in ag_news.HEADLINES.values():
        assert len(set(lines)) == 10
        for line in lines:
            assert len(line.replace("{COUNTRY}", " France").split()) == 8


def test_both_headlines_are_about_one_country():
    for item in drawn("agnews", n=80):
        assert at(item, "COUNTRY") in item.corrupted.text
        assert at(item, "COUNTRY") in at(item, "HEADLINE")


SOLVERS = {
    "mmlu": solve_mmlu,
    "truthfulqa": solve_truthful,
    "sst-2": solve_sst,
    "needle in a haystack": solve_needle,
    "triviaqa": solve_trivia,
    "agenda": solve_agenda,
    "agnews": solve_news,
}


# ---------------------------------------------------------------------- on a model


@pytest.mark.parametrize("name", COMMON)
def test_a_session_takes_them_and_measures_chance(name):
    session = reader()
    session.prompts = hw.task(name, 40)
    assert max(len(pair.clean) for pair in session.snapshot().pairs) <= N_CTX
    frame = session.accuracy()
    assert frame["n"][0] == 40
    assert frame["accuracy"][0] <= frame["chance"][0] + 4 * 0.5 / 40**0.5


def test_truthfulqa_has_mc1_and_mc2_besides():
    session = reader()
    prompts = hw.task("truthfulqa", 30, split="test").prompts(session.engine.text)
    frame = session.accuracy(prompts)
    again = session.accuracy("truthfulqa", 30)
    assert frame.equals(again)
    different = {one.prompt: one for one in prompts.choices}
    assert frame["questions"][0] == len(different) <= 30
    one, two = np.mean([by_hand(session, choice) for choice in different.values()], axis=0)
    assert (frame["mc1"][0], frame["mc2"][0]) == pytest.approx((one, two), abs=1e-5)
    assert frame["mc1_chance"][0] == 0.25
    assert "mc1" not in session.accuracy("sst-2", 20)


def by_hand(session, choice):
    """Add up log-probabilities of the whole text, token after token."""
    log = {}
    front = session.engine.text.encode(choice.prompt)
    for answer in {*choice.one, *choice.true, *choice.false}:
        ids = session.engine.text.encode(choice.prompt + answer)
        assert ids[: len(front)] == front
        logs = session.engine.run(torch.tensor([ids]), positions="all")[0].double().log_softmax(-1)
        log[answer] = sum(float(logs[i - 1, ids[i]]) for i in range(len(front), len(ids)))
    true, false = (sum(np.exp(log[a]) for a in some) for some in (choice.true, choice.false))
    return max(choice.one, key=log.get) == choice.one[0], true / (true + false)


def test_a_tokenizer_without_their_words_is_told_which():
    text = Text.of(planted_tokenizer())
    for name, word in (("sst-2", "' positive' (9)"), ("agnews", "' Sports' (")):
        with pytest.raises(InputError) as refused:
            task(name).prompts(text)
        assert word in str(refused.value)
