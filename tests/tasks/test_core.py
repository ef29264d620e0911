"""What the core of tasks refuses, and how it says so."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tasks.unlisted import made

from headwidgets.errors import InputError
from headwidgets.model.text import Text
from headwidgets.tasks import registry, spelling, task
from headwidgets.tasks.item import Item, write
from headwidgets.tasks.make import TaskSet, rows
from headwidgets.tasks.registry import all_tasks, find
from headwidgets.tasks.words import CutWordsError, Words
from headwidgets.zoo.planted_tokenizer import planted_tokenizer

if TYPE_CHECKING:
    from headwidgets.tasks.draw import Draw


@pytest.fixture(scope="module")
def text():
    return Text.of(planted_tokenizer())


# ---------------------------------------------------------------------- what is asked for


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"n": 0}, "n as a whole number from 1 to 100,000, got 0"),
        ({"n": -3}, "got -3"),
        ({"n": 100_001}, "got 100001"),
        ({"n": 2.5}, "got 2.5"),
        ({"n": "ten"}, "got 'ten'"),
        ({"n": True}, "got True"),
        ({"n": None}, "got None"),
        ({"seed": -1}, "seed as a whole number from 0 to 4,294,967,295, got -1"),
        ({"seed": 2**32}, "got 4294967296"),
        ({"seed": "a"}, "got 'a'"),
        ({"split": "dev"}, "'train', 'test' or 'templates', got 'dev'"),
        ({"split": None}, "got None"),
        ({"split": ["train"]}, "got ['train']"),
    ],
)
def test_what_is_out_of_range_is_named(asked, said):
    with pytest.raises(InputError) as refused:
        task("ioi", **asked)
    assert said in str(refused.value)


def test_numbers_of_other_kinds_are_whole():
    assert task("ioi", np.int64(30), seed=np.uint8(2)) == task("ioi", 30, seed=2)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ioy", "did you mean 'ioi'?"),
        ("rare word", "'rare words'"),
        ("nothing of the kind", "see hw.tasks()"),
        ("", "see hw.tasks()"),
        (None, "got None"),
        (3, "got 3"),
    ],
)
def test_an_unknown_task_meets_those_that_come_near(name, meant):
    with pytest.raises(InputError) as refused:
        task(name)
    assert meant in str(refused.value)
    assert repr(name) in str(refused.value)


@pytest.mark.parametrize("name", ["IOI", "indirect  object_identification", "few shot labels"])
def test_a_task_has_several_spellings(name):
    assert task(name).task in (find("ioi"), find("few-shot labels"))


def test_tasks_come_in_the_order_of_their_modules(monkeypatch):
    """Whatever was imported first."""
    monkeypatch.setattr(registry, "_TASKS", dict(reversed(list(registry._TASKS.items()))))
    modules = [one.make.__module__.rpartition(".")[2] for one in all_tasks()]
    assert list(dict.fromkeys(modules)) == list(registry.MODULES)


def test_a_card_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="lacks a group of"):
        made(find("ioi").make, held_out=())
    with pytest.raises(ValueError, match="both trained and held out"):
        made(find("ioi").make, held_out=("e", "a"))
    with pytest.raises(ValueError, match="two tasks are called 'ioi'"):
        registry.task(**{k: v for k, v in vars(find("ioi")).items() if k != "make"})(len)


# ---------------------------------------------------------------------- what cannot be spelled


def test_words_that_are_cut_are_named():
    """No word of IOI is in a vocabulary of bytes."""
    tokenizer = planted_tokenizer()
    bytes_only = Text.of(tokenizer)
    bytes_only.count_after = lambda word: len(word.encode())
    with pytest.raises(CutWordsError) as refused:
        task("ioi").prompts(bytes_only)
    said = str(refused.value)
    begins = "expected at least 4 of these words to be one token each in this tokenizer, got 0"
    assert said.startswith(begins)
    assert "' Mary' (5), ' John' (5)" in said
    assert "and 52 more" in said


def test_pairs_and_lengths_of_words(text):
    words = Words(text)
    two = (("boy", "boys"), ("boy", "girl"), ("cat", "dog"))
    assert words.pairs(two, least=2) == ((" boy", " girl"), (" cat", " dog"))
    assert words.split == {" boys": 5}
    with pytest.raises(
        CutWordsError, match=r"at least 3 .* got 2; cut into several: ' boys' \(5\)"
    ):
        words.pairs(two, least=3)
    assert words.single(("cat", "\n", "boys"), least=1) == (" cat", "\n")
    assert words.same_length(("cat", "dog", "boys"), least=2) == (" cat", " dog")
    with pytest.raises(CutWordsError):
        words.same_length(("cat", "dog", "boys"), least=3)


def test_what_is_worked_out_once_is(text):
    words, calls = Words(text), []

    def work(given):
        calls.append(given)
        return len(calls)

    assert [words.once(work), words.once(work)] == [1, 1]
    assert calls == [words]


def _fixed(answer=" one", foil=" two", corrupted="The boy has"):
    def draw_one(draw: Draw) -> Item:
        key = (draw.turn, draw.rng.random())
        other = write(corrupted)
        return Item(write(f"The{{WHO}} {key[1]:.6f} has", WHO=" girl"), other, answer, foil, key)

    return draw_one


def test_a_task_that_is_always_dropped_ends_with_the_reason(text):
    """An answer of several tokens behind every prompt: not a search without end."""
    with pytest.raises(InputError) as refused:
        TaskSet(made(lambda d: _fixed(" xylophone")(d)._replace(corrupted=None)), 30).prompts(text)
    said = str(refused.value)
    assert "spells only 0 different prompts of task 'test' in split 'train', of at least 20" in said
    assert said.endswith("an answer or option is not one token: ' xylophone' (10)")


def test_clean_and_corrupted_of_other_lengths_are_dropped_and_counted(text):
    with pytest.raises(InputError, match="clean and corrupted differ in length"):
        TaskSet(made(_fixed()), 30).prompts(text)


def test_what_is_dropped_is_counted_in_the_notes(text):
    def every_third(draw: Draw) -> Item:
        answer = " xylophone" if draw.turn % 3 == 2 else " one"
        return _fixed(answer)(draw)._replace(corrupted=None)

    prompts = TaskSet(made(every_third), 60).prompts(text)
    assert len(prompts) == 60
    (note,) = prompts.notes
    assert int(note.split()[0]) >= 30
    assert note.endswith("dropped, an answer or option is not one token: ' xylophone' (10)")


def test_a_task_that_is_used_up_gives_what_there_is(text):
    def few(draw: Draw) -> Item:
        n = draw.pick(range(60))
        return Item(write(f"The{{N}}{' a' * n}", N=" boy"), None, " one", " two", (n,))

    prompts = TaskSet(made(few), 100).prompts(text)
    assert 20 <= len(prompts) < 60
    assert prompts.notes[0] == f"{len(prompts)} of 100: there are no more different prompts"
    assert len(TaskSet(made(few), 3, split="test").prompts(text)) == 3

    def one(draw: Draw) -> Item:
        return Item(write("The boy"), None, " one", " two", ())

    said = []
    for split in ("train", "test"):
        with pytest.raises(InputError, match=r"spells only [01] different") as refused:
            TaskSet(made(one), 100, split=split).prompts(text)
        said.append(str(refused.value))
    assert any(one.endswith("there are no more") for one in said)


def test_a_prompt_beyond_the_context_is_refused_with_its_length(text, planted):
    prompts = task("ioi", 30).prompts(text, n_ctx=64)
    longest = max(len(text.encode(prompt)) for prompt in prompts.clean)
    with pytest.raises(InputError) as refused:
        task("ioi", 30).prompts(text, n_ctx=longest - 1)
    assert f"a prompt has {longest} tokens, BOS included" in str(refused.value)
    assert f"context is {longest - 1}" in str(refused.value)
    before = planted.prompts
    with pytest.raises(InputError, match="got 'every'"):
        planted.prompts = task("ioi", split="every")
    assert planted.prompts is before


def test_an_answer_that_merges_is_dropped_where_it_merges(text):
    """What an answer is depends on the token in front of it, and is remembered by it."""
    dropped = Counter()

    def glued(draw: Draw) -> Item:
        front = "The boy" if draw.turn % 2 else "The"
        answer = " one" if draw.turn % 2 else "n"
        return Item(write(front), None, answer, " two", (draw.rng.random(),))

    found = list(islice(rows(made(glued), text, 0, "train", dropped), 20))
    assert {row.item.answer for row in found} == {" one"}
    assert list(dropped) == [
        "an answer or option is not one token: 'n' (it merges with the prompt)"
    ]


def test_what_is_dropped_is_said_in_few_words():
    dropped = Counter({f"not one token: {word!r}": n for n, word in enumerate("abcdef", 1)})
    dropped["of other lengths: 'x'"] = 30
    assert spelling.reasons(dropped) == [
        "30 drawn prompts dropped, of other lengths: 'x'",
        "21 drawn prompts dropped, not one token: 'f', 'e', 'd', 'c' and 2 more",
    ]
