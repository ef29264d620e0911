"""What holds of every generator: its splits, its seeds, its cost, its card."""

from __future__ import annotations

import ast
import subprocess
import sys
import zlib
from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from tasks.drawing import NAMES, drawn, everything, text_of

from headwidgets.tasks import task
from headwidgets.tasks.draw import SPLITS, held_out, items
from headwidgets.tasks.item import Written
from headwidgets.tasks.make import rows
from headwidgets.tasks.registry import all_tasks, find

LONGEST = 120  # tokens of a prompt
CALLS = 400  # functions called to draw one


@pytest.mark.parametrize("name", NAMES)
def test_splits_have_nothing_in_common(name):
    split = {split: drawn(name, "every word", split) for split in SPLITS}
    prompts = {name: {row.ids for row in one.rows} for name, one in split.items()}
    keys = {name: {row.item.key for row in one.rows} for name, one in split.items()}
    for other in ("test", "templates"):
        assert not prompts["train"] & prompts[other]
        assert not keys["train"] & keys[other]
        assert all(held_out(name, key) for key in keys[other])
    one = find(name)
    for each in SPLITS:
        known = one.held_out if each == "templates" else one.templates
        found = {t for t, _ in islice(items(one, everything(), 0, each), 12 * len(known))}
        assert found == set(known) >= set(split[each].prompts.templates)
    assert len(keys["test"]) >= 3, "what is held out is more than one thing"


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_is_a_set(name):
    text = text_of("every word")
    once, again = (task(name, 30, seed=3).prompts(text) for _ in range(2))
    assert once.to_json() == again.to_json()
    assert set(once.clean) != set(task(name, 30, seed=4).prompts(text).clean)


@pytest.mark.parametrize("name", NAMES)
def test_a_generator_is_quick(name):
    """Few draws a prompt, few of them dropped, and few calls a draw: counts, not times."""
    one, text, made = find(name), text_of("every word"), 0

    def counting(draw):
        nonlocal made
        made += 1
        return one.make(draw)

    dropped = Counter()
    counted = replace(one, make=counting)
    assert len(list(islice(rows(counted, text, 1, "train", dropped), 500))) == 500
    assert made <= 2 * 500, f"{made} draws for 500 prompts"
    assert sum(dropped.values()) <= 25, dropped
    assert calls(one) <= CALLS


def calls(one):
    """Return how many functions are called for an item, Python's own and C's."""
    count = 0

    def note(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    drawing = items(one, everything(), 0, "train")
    list(islice(drawing, 50))  # what is worked out once
    before = sys.getprofile()
    sys.setprofile(note)
    try:
        list(islice(drawing, 100))
    finally:
        sys.setprofile(before)
    return count / 100


@pytest.mark.parametrize("name", NAMES)
def test_a_card_is_whole(name):
    one = find(name)
    assert len(one.templates) >= 4
    assert len(one.held_out) >= 2
    assert "→" in one.example
    if one.trained:
        for split in SPLITS:
            longest = max(len(row.ids) for row in drawn(name, "every word", split).rows)
            assert longest <= LONGEST


def test_held_out_templates_recombine_what_trained_ones_have():
    """A model that never saw a word cannot be asked to go by it."""
    trained = [one.name for one in all_tasks() if one.trained]
    known = {t for name in trained for row in _written(name, "train") for t in row.ids}
    new = {}
    for name in trained:
        for row in _written(name, "templates"):
            labelled = {i for start, stop in row.places.values() for i in range(start, stop)}
            fixed = {t for i, t in enumerate(row.ids) if i not in labelled}
            new.setdefault(name, set()).update(fixed - known)
    text = text_of("every word")
    assert {name: text.labels(sorted(tokens)) for name, tokens in new.items() if tokens} == {}


def _written(name, split):
    """Return the prompts of a task that are texts: random tokens may be any word."""
    found = drawn(name, "every word", split).rows
    return [row for row in found if isinstance(row.item.clean, Written)]


def digests():
    """Return a number for each task: what it draws, over all splits."""
    out = {}
    for one in all_tasks():
        some = [list(islice(items(one, everything(), 0, split), 20)) for split in SPLITS]
        out[one.name] = zlib.crc32(repr(some).encode())
    return out


def test_another_process_draws_the_same():
    here = Path(__file__).parents[1]
    code = f"import sys; sys.path.insert(0, {str(here)!r})\n"
    code += "from tasks.test_generators import digests; print(digests())"
    other = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONHASHSEED": "1", "PYTHONPATH": str(here.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert other.returncode == 0, other.stderr[-800:]
    assert ast.literal_eval(other.stdout.splitlines()[-1]) == digests()
