"""A task's prompts in tokens: spelled once for a tokenizer, and answers of other prompts."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from tasks.tokenizers import every_word_tokenizer

from headwidgets.errors import NotMeasurable
from headwidgets.model.text import Text
from headwidgets.taxonomy import asked as module
from headwidgets.taxonomy.asked import FEW, KEPT, ask, other_answers


def engine(n_ctx=512):
    return SimpleNamespace(text=Text.of(every_word_tokenizer()), facts=SimpleNamespace(n_ctx=n_ctx))


def test_what_was_asked_is_spelled_once():
    one = engine()
    first = ask(one, "ioi", seed=0, n=20)
    assert ask(one, "ioi", seed=0, n=20) is first
    assert ask(SimpleNamespace(text=one.text, facts=one.facts), "ioi", seed=0, n=20) is first
    for other in ({"seed": 1}, {"n": 21}, {"split": "templates"}, {"longest": 100}):
        assert ask(one, "ioi", **{"seed": 0, "n": 20, **other}) is not first
    again = ask(engine(), "ioi", seed=0, n=20)
    assert again is not first
    assert again.rows == first.rows


def test_only_the_latest_are_kept():
    one = engine()
    first, second = (ask(one, "ioi", seed=seed, n=20) for seed in (0, 1))
    assert ask(one, "ioi", seed=0, n=20) is first  # now the later one
    for seed in range(2, KEPT + 1):
        ask(one, "ioi", seed=seed, n=20)
    assert len(module._KEPT[one.text]) == KEPT
    assert ask(one, "ioi", seed=0, n=20) is first
    assert ask(one, "ioi", seed=1, n=20) is not second


def test_what_cannot_be_spelled_is_refused_each_time():
    short = engine(n_ctx=5)
    for _ in range(2):
        with pytest.raises(NotMeasurable, match="context is 5"):
            ask(short, "ioi", seed=0, n=20)


def test_other_answers_are_no_options_of_the_prompt():
    task = ask(engine(), "lre", seed=0)
    for row in range(len(task.rows)):
        found = other_answers(task, row)
        assert 0 < len(found) <= FEW
        assert len(set(found)) == len(found)
        assert not {task.answer[row], *task.options[row]} & set(found)
        assert set(found) <= set(task.answer)
    bare = replace(task, options=())
    assert task.answer[0] not in other_answers(bare, 0)
    alike = replace(task, answer=task.answer[:1] * len(task.answer))
    with pytest.raises(NotMeasurable, match="all prompts have the same options"):
        other_answers(alike, 0)
