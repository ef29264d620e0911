"""What holds of every task, in three tokenizers: words whole, a small vocabulary, SentencePiece."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import zlib
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from pathlib import Path

import pytest
from tasks.tokenizers import Everything, every_word_tokenizer

from headwidgets.errors import InputError
from headwidgets.model.text import Text
from headwidgets.tasks import task
from headwidgets.tasks.draw import SPLITS, held_out, items
from headwidgets.tasks.item import Spelled, Written
from headwidgets.tasks.make import rows
from headwidgets.tasks.registry import all_tasks, find
from headwidgets.zoo.planted_tokenizer import planted_tokenizer

STORIES = Path(__file__).parents[3] / "shared" / "data" / "stories260k"
NAMES = [one.name for one in all_tasks()]
N = 100
FEW = 5  # options that count as labels
LONGEST = 120
CALLS = 400


@dataclass(frozen=True)
class Drawn:
    text: Text
    rows: list
    prompts: object
    dropped: Counter


def stories_tokenizer():
    from transformers import PreTrainedTokenizerFast

    if not STORIES.exists():
        pytest.skip(f"the tokenizer stories260k is not at {STORIES}: it is not part of the project")
    file = str(STORIES / "tokenizer.json")
    return PreTrainedTokenizerFast(tokenizer_file=file, bos_token="<s>")  # noqa: S106 - no password


TOKENIZERS = {
    "every word": every_word_tokenizer,
    "planted": planted_tokenizer,
    "stories260k": stories_tokenizer,
}


@pytest.fixture(scope="module", autouse=True)
def _small_batches():
    """Spell as many as are asked for, not 256."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("headwidgets.tasks.make._AT_ONCE", 50)
        yield


@cache
def everything():
    return Everything()


@cache
def text_of(tokenizer):
    return Text.of(TOKENIZERS[tokenizer]())


@cache
def drawn(name, tokenizer, split):
    """Draw prompts of a task, both as the inner rows and as the set that a session gets."""
    text, dropped = text_of(tokenizer), Counter()
    prompts = task(name, N, split=split).prompts(text)
    kept = {}
    for row in rows(find(name), text, 0, split, dropped):
        kept.setdefault(row.ids, row)
        if len(kept) == len(prompts):
            break
    return Drawn(text, list(kept.values()), prompts, dropped)


def refusal(name, tokenizer):
    """Return why a tokenizer cannot spell a task, None if it can."""
    try:
        task(name, 20).prompts(text_of(tokenizer))
    except InputError as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tokenizer", TOKENIZERS)
def test_prompts(name, tokenizer):
    why = refusal(name, tokenizer)
    if why is not None:
        assert tokenizer != "every word", why
        assert re.search(r"' ?[^']+' \(\d+\)|one token|spells only \d+", why), why
        return
    for split in SPLITS:
        found = drawn(name, tokenizer, split)
        assert len(found.rows) == len(found.prompts) >= 20
        for i in range(0, len(found.rows), 3):
            labels_name_their_tokens(found, i)
            clean_and_corrupted_align(found, i)
            answers_are_single_tokens(found, i)
        for row in found.rows:
            options_hold_the_answer(row)
        labels_are_balanced(found)
        chance_is_a_guess(found)


def labels_name_their_tokens(found, i):
    row, prompts = found.rows[i], found.prompts
    clean = row.item.clean
    assert set(row.places) == set(clean.marks) >= set(row.item.learned)
    shift = int(found.text.prepend_bos)
    pieces = found.text.pieces(row.ids)
    for mark, (start, stop) in row.places.items():
        if isinstance(clean, Spelled):
            begin, end = clean.marks[mark]
            assert (start, stop) == (begin + shift, end + shift)
        else:
            begin, end = clean.marks[mark]
            assert "".join(pieces[start:stop]).strip() == clean.text[begin:end] != ""
        assert prompts.roles[mark][i] == stop - 1 < len(row.ids)
        if mark in prompts.spans:
            assert prompts.spans[mark][i] == (start, stop)
        else:
            assert stop - start == 1
    assert all(prompts.roles[mark][i] is None for mark in set(prompts.roles) - set(row.places))


def clean_and_corrupted_align(found, i):
    row, prompts = found.rows[i], found.prompts
    sides = [(row.item.clean, row.ids, prompts.clean[i])]
    if row.item.corrupted is not None:
        assert len(row.other) == len(row.ids)
        assert row.other != row.ids
        sides.append((row.item.corrupted, row.other, prompts.corrupted[i]))
    for prompt, ids, shown in sides:
        if isinstance(prompt, Written):
            assert found.text.encode(shown) == list(ids)
        else:
            assert shown == ids
            assert ids[len(ids) - len(prompt.ids) :] == prompt.ids


def answers_are_single_tokens(found, i):
    row, item = found.rows[i], found.rows[i].item
    for said, token in zip(
        (item.answer, item.foil, *item.options), (row.answer, row.foil, *row.options), strict=True
    ):
        if isinstance(said, str):
            assert found.text.encode(
                found.text.decode(row.ids[found.text.prepend_bos :]) + said
            ) == [
                *row.ids,
                token,
            ]
        else:
            assert token == said < found.text.d_vocab
    assert (found.prompts.answer[i], found.prompts.foil[i]) == (item.answer, item.foil)


def options_hold_the_answer(row):
    assert row.answer != row.foil
    if row.options:
        assert {row.answer, row.foil} <= set(row.options)
        assert len(set(row.options)) == len(row.options)


def labels_are_balanced(found):
    """Where the options are a few labels, each is right equally often; none is right too often."""
    sets = Counter(tuple(sorted(row.options)) for row in found.rows)
    for options, n in sets.items():
        if 2 <= len(options) <= FEW and n >= 40:
            of_set = [row for row in found.rows if tuple(sorted(row.options)) == options]
            right = Counter(row.answer for row in of_set)
            for label in options:
                assert abs(right[label] / n - 1 / len(options)) <= bound(1 / len(options), n), right
    n, (answer, most) = len(found.rows), Counter(r.answer for r in found.rows).most_common(1)[0]
    chance = found.prompts.chance
    assert most / n <= chance + bound(max(chance, 1 / 20), n), (answer, most)


def bound(p, n):
    """Four standard deviations of a share."""
    return 4 * (p * (1 - p) / n) ** 0.5


def chance_is_a_guess(found):
    guesses = [
        1 / max(1, len(row.options)) if row.item.chance is None else row.item.chance
        for row in found.rows
    ]
    assert 0 < found.prompts.chance < 1
    assert found.prompts.chance == pytest.approx(sum(guesses) / len(guesses))


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
    assert set(split["train"].prompts.templates) == set(one.templates)
    assert set(split["test"].prompts.templates) == set(one.templates)
    assert set(split["templates"].prompts.templates) == set(one.held_out)
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
    known = {
        t for name in trained for row in drawn(name, "every word", "train").rows for t in row.ids
    }
    new = {}
    for name in trained:
        for row in drawn(name, "every word", "templates").rows:
            if isinstance(row.item.clean, Written):
                labelled = {i for start, stop in row.places.values() for i in range(start, stop)}
                fixed = {t for i, t in enumerate(row.ids) if i not in labelled}
                new.setdefault(name, set()).update(fixed - known)
    text = text_of("every word")
    assert {name: text.labels(sorted(tokens)) for name, tokens in new.items() if tokens} == {}


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
    code += "from tasks.test_every_task import digests; print(digests())"
    other = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONHASHSEED": "1", "PYTHONPATH": str(here.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert other.returncode == 0, other.stderr[-800:]
    assert ast.literal_eval(other.stdout.splitlines()[-1]) == digests()


def test_what_the_small_tokenizers_can_spell():
    """So that a list of words that shrinks is noticed."""

    planted = {name for name in NAMES if refusal(name, "planted") is None}
    assert {"ioi", "rare words", "subword pieces", "few-shot labels"} <= planted
    assert refusal("subword pieces", "stories260k") is None
