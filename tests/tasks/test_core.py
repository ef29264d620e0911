"""The core of tasks: what is refused and how, where words stand, what a prompt set carries."""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice

import numpy as np
import pytest

import headwidgets as hw
from headwidgets.errors import InputError
from headwidgets.model.text import Text
from headwidgets.prompts import Prompts
from headwidgets.tasks import make, registry, task
from headwidgets.tasks.draw import Draw
from headwidgets.tasks.item import Item, Spelled, join, write
from headwidgets.tasks.make import TaskSet, rows
from headwidgets.tasks.registry import Task, all_tasks, find
from headwidgets.tasks.words import CutWordsError, Words
from headwidgets.zoo.planted_tokenizer import planted_tokenizer


@pytest.fixture(scope="module")
def text():
    return Text.of(planted_tokenizer())


class Slow:
    """A tokenizer that says nothing about where its tokens stand, as those in Python do."""

    is_fast = False

    def __init__(self, fast):
        self._fast = fast
        self.bos_token_id = fast.bos_token_id

    def __len__(self):
        return len(self._fast)

    def __call__(self, text, add_special_tokens):
        return {"input_ids": self._fast(text, add_special_tokens=add_special_tokens)["input_ids"]}

    def decode(self, *args, **kwargs):
        return self._fast.decode(*args, **kwargs)


def made(function, *, templates=("a", "b", "c", "d"), held_out=("e", "f")):
    """Return a task that is in no list."""
    card = dict.fromkeys(("name", "title", "asks", "example", "source", "shown"), "test")
    return Task(**card, group="heads", templates=templates, held_out=held_out, make=function)


# ------------------------------------------------------------------------ what is asked for


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


# ------------------------------------------------------------------------ what cannot be spelled


def test_words_that_are_cut_are_named():
    """No word of IOI is in a vocabulary of bytes."""
    tokenizer = planted_tokenizer()
    bytes_only = Text.of(tokenizer)
    bytes_only.count_after = lambda word: len(word.encode())
    with pytest.raises(CutWordsError) as refused:
        task("ioi").prompts(bytes_only)
    said = str(refused.value)
    assert said.startswith("expected at least 4 of these words to be one token each, got 0")
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
    assert make._reasons(dropped) == [
        "30 drawn prompts dropped, of other lengths: 'x'",
        "21 drawn prompts dropped, not one token: 'f', 'e', 'd', 'c' and 2 more",
    ]


# ------------------------------------------------------------------------ texts and places


def test_write_wants_each_field_once():
    with pytest.raises(ValueError, match="each of the fields"):
        write("The{A} and the{A}", A=" boy")
    with pytest.raises(ValueError, match="each of the fields"):
        write("The{A} and the{B}", A=" boy")
    with pytest.raises(ValueError, match="a field for each of"):
        write("The{A}", A=" boy", B=" girl")
    written = write("{A}:{B}", A="\nboy ", B=" girl")
    assert written.text == "\nboy : girl"
    assert [written.text[a:b] for a, b in written.marks.values()] == ["boy", "girl"]


def test_join_moves_labels_and_wants_them_to_differ():
    joined = join("So", write(" the{A}", A=" boy"), " and", write(" the{B}", B=" girl"))
    assert joined.text == "So the boy and the girl"
    assert {m: joined.text[a:b] for m, (a, b) in joined.marks.items()} == {"A": "boy", "B": "girl"}
    with pytest.raises(ValueError, match=r"a label comes twice: \['A'\]"):
        join(write("{A}", A="x"), write("{A}", A="y"))


TEXTS = ("Mary saw the café 😀 again", "élan vital", " Mary", "a  b", "The boy\nand the girl")


@pytest.mark.parametrize("which", ["planted", "stories"])
def test_places_are_the_same_whether_a_tokenizer_tells_them_or_not(which, request):
    fast = planted_tokenizer()
    if which == "stories":
        fast = Text.of(_stories(request.getfixturevalue("stories_path")))._tokenizer
    told, found = (Text.of(one).with_offsets(TEXTS) for one in (fast, Slow(fast)))
    assert told == found
    for given, (ids, places) in zip(TEXTS, told, strict=True):
        assert ids == Text.of(fast).encode(given)
        assert places[0] == (0, 0)
        covered = {at for start, stop in places for at in range(start, stop)}
        assert covered == set(range(len(given)))


def test_places_without_a_tokenizer_or_a_text(text, shaped_bridges):
    assert text.with_offsets([]) == []
    with pytest.raises(InputError, match="came without a tokenizer"):
        Text(shaped_bridges("llama")).with_offsets(["The boy"])


def _stories(folder):
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"),
        bos_token="<s>",  # noqa: S106 - no password
    )


def test_tokens_from_the_start_get_bos_where_texts_do(text):
    """Labels of ids move with it."""

    def spelled(draw: Draw) -> Item:
        ids = tuple(draw.sample(draw.words.ids, 4))
        marks = {"FIRST": (0, 1), "ALL": (0, 4)}
        return Item(Spelled(ids, marks), Spelled(ids[::-1], {}), ids[0], ids[1], (ids,))

    with_bos = TaskSet(made(spelled), 25).prompts(text)
    assert {prompt[0] for prompt in with_bos.clean} == {text.bos_id}
    assert {prompt[0] for prompt in with_bos.corrupted} == {text.bos_id}
    assert set(with_bos.roles["FIRST"]) == {1}
    assert set(with_bos.roles["ALL"]) == {4}
    assert set(with_bos.spans["ALL"]) == {(1, 5)}
    assert "FIRST" not in with_bos.spans
    without = TaskSet(made(spelled), 25).prompts(Text.of(planted_tokenizer(), prepend_bos=False))
    assert [prompt[1:] for prompt in with_bos.clean] == list(without.clean)
    assert set(without.roles["FIRST"]) == {0}


# ------------------------------------------------------------------------ what a set carries


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
