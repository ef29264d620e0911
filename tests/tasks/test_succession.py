"""The eight sets as published, and what comes next by another way: calendars, adding one."""

from __future__ import annotations

import calendar
import re
from collections import Counter
from itertools import islice, pairwise
from string import ascii_uppercase

import pytest
from tasks.tokenizers import Everything

from headwidgets.errors import InputError
from headwidgets.tasks import task
from headwidgets.tasks.draw import SPLITS, held_out, items
from headwidgets.tasks.registry import find
from headwidgets.tasks.series import stretches
from headwidgets.tasks.succession import SETS
from headwidgets.zoo.planted_tokenizer import planted_tokenizer

NAMES = ("succession", "succession in sentences", "numbered lists")


def drawn(name, split, n, words=None):
    return list(islice(items(find(name), words or Everything(), 0, split), n))


def members(prompt):
    """Return the members that a prompt shows."""
    marks = sorted(mark for mark in prompt.marks if re.fullmatch(r"M\d", mark))
    return [prompt.text[slice(*prompt.marks[mark])] for mark in marks]


def following(shown):
    """Return what comes behind the members of one set, None where they are in no order."""
    for bare, cyclic in SETS.values():
        n = len(bare)
        if set(shown) <= set(bare):
            at = [bare.index(member) for member in shown]
            steps = {(b - a) % n if cyclic else b - a for a, b in pairwise(at)}
            if steps == {1}:
                return bare[(at[-1] + 1) % n] if cyclic or at[-1] + 1 < n else None
    return None


def test_the_sets_are_those_of_the_paper():
    sizes = {name: (len(bare), cyclic) for name, (bare, cyclic) in SETS.items()}
    assert sizes == {
        "numbers": (200, False),
        "number words": (20, False),
        "ordinals": (10, False),
        "days": (7, True),
        "months": (12, True),
        "day prefixes": (7, True),
        "month prefixes": (12, True),
        "letters": (26, False),
    }
    slots = [member for bare, _ in SETS.values() for member in bare]
    assert len(slots) == 294
    assert len(set(slots)) == 293
    assert [member for member, n in Counter(slots).items() if n > 1] == ["May"]
    pairs = [stretches(bare, 2, cyclic=cyclic) for bare, cyclic in SETS.values()]
    assert sum(map(len, pairs)) == 290


def test_the_sets_are_in_order():
    assert SETS["numbers"][0] == tuple(map(str, range(1, 201)))
    assert SETS["letters"][0] == tuple(ascii_uppercase)
    assert SETS["days"][0] == tuple(calendar.day_name)
    assert SETS["months"][0] == tuple(calendar.month_name)[1:]
    assert SETS["day prefixes"][0] == tuple(calendar.day_abbr)
    assert SETS["month prefixes"][0] == tuple(calendar.month_abbr)[1:]
    assert SETS["number words"][0][::7] == ("one", "eight", "fifteen")
    assert SETS["ordinals"][0][::3] == ("first", "fourth", "seventh", "tenth")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("split", SPLITS)
def test_the_answer_comes_next_and_the_corrupted_prompt_leads_nowhere(name, split):
    for _, item in drawn(name, split, 300):
        shown, stray = members(item.clean), members(item.corrupted)
        assert item.answer == f" {following(shown)}"
        assert item.foil == f" {shown[-1]}"
        assert following(stray) is None
        assert item.answer.strip() not in stray
        assert stray[-1] != shown[-1]
        assert len(stray) == len(set(stray)) == len(shown)
        assert item.learned == tuple(f"M{i}" for i in range(2, len(shown) + 1))


def test_only_cyclic_sets_wrap():
    wrapped = set()
    for _, item in drawn("succession", "train", 3000):
        for name, (bare, _) in SETS.items():
            shown = [*members(item.clean), item.answer.strip()]
            if set(shown) <= set(bare) and bare.index(shown[-1]) < bare.index(shown[0]):
                wrapped.add(name)
    assert wrapped == {name for name, (_, cyclic) in SETS.items() if cyclic}


@pytest.mark.parametrize("split", SPLITS)
def test_every_set_comes_in_every_split(split):
    names = Counter(item.key[0] for _, item in drawn("succession", split, 2000))
    assert set(names) == set(SETS)
    assert names["numbers"] == max(names.values())


def test_the_key_is_where_a_stretch_begins():
    for _, item in drawn("succession", "test", 100):
        name, word, place = item.key
        assert word == "begins"
        assert SETS[name][0][place] == members(item.clean)[0]


def test_every_next_member_is_trained_on():
    for name, (bare, cyclic) in SETS.items():
        place = {member: i for i, member in enumerate(bare)}
        trained = {
            pair
            for shown in (2, 3)
            for run in stretches(bare, shown + 1, cyclic=cyclic)
            if not held_out("succession", (name, "begins", place[run[0]]))
            for pair in pairwise(run)
        }
        assert trained == set(stretches(bare, 2, cyclic=cyclic))


def test_a_stretch_that_is_held_out_begins_no_trained_prompt():
    def texts(split):
        return {tuple(item.clean.text.split()) for _, item in drawn("succession", split, 1500)}

    train = texts("train")
    begun = {text[:n] for text in train for n in range(1, len(text) + 1)}
    assert not begun & texts("test")


def test_sentences_name_four_people():
    for template, item in drawn("succession in sentences", "train", 100):
        people = {item.clean.text[slice(*item.clean.marks[f"N{i}"])] for i in range(1, 5)}
        assert len(people) == 4
        says = template.partition("{N1}")[2].partition("{M1}")[0]
        assert item.clean.text.count(says) == 4
        assert item.clean.text.endswith(says)


def test_lists_number_their_things():
    for _, item in drawn("numbered lists", "train", 200):
        found = re.findall(r"(\d+)[.:] (\w+)", item.clean.text)
        numbers = [int(n) for n, _ in found]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert item.answer == f" {numbers[-1] + 1}"
        assert len({thing for _, thing in found}) == len(found)


class Digits(Everything):
    """As a tokenizer that spells numbers digit by digit sees the words."""

    def count(self, word):
        return len(word.strip()) if word.strip().isdigit() else super().count(word)


def test_numbers_that_are_cut_are_left_out():
    numbers = [
        [*members(item.clean), *members(item.corrupted), item.answer.strip()]
        for _, item in drawn("succession", "train", 600, Digits())
        if item.key[0] == "numbers"
    ]
    assert {int(n) for some in numbers for n in some} == set(range(1, 10))


def test_sets_that_are_cut_are_not_drawn():
    words = Everything()
    words.count = lambda word: 2 if word.strip().isdigit() else 1
    assert "numbers" not in {item.key[0] for _, item in drawn("succession", "train", 300, words)}


def test_what_is_cut_is_named():
    with pytest.raises(InputError, match=r"spells only 0 .*not one token: ' \d+' \(\d\)"):
        task("numbered lists").prompts(planted_tokenizer())
    notes = task("succession in sentences", 60).prompts(planted_tokenizer()).notes
    assert any("' fourth' (7)" in note for note in notes)
