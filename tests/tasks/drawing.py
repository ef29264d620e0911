"""Prompts of every task in three tokenizers, each drawn once a run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tasks.tokenizers import Everything, every_word_tokenizer

from headwidgets.errors import InputError
from headwidgets.model.text import Text
from headwidgets.tasks import task
from headwidgets.tasks.make import rows
from headwidgets.tasks.registry import all_tasks, find
from headwidgets.zoo.planted_tokenizer import planted_tokenizer

if TYPE_CHECKING:
    from headwidgets.prompts import Prompts
    from headwidgets.tasks.spelling import Row

STORIES = Path(__file__).parents[3] / "shared" / "data" / "stories260k"
NAMES = [one.name for one in all_tasks()]
N = 100


@dataclass(frozen=True)
class Drawn:
    text: Text
    rows: list[Row]
    prompts: Prompts


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


@cache
def everything():
    return Everything()


@cache
def text_of(tokenizer):
    return Text.of(TOKENIZERS[tokenizer]())


@cache
def drawn(name, tokenizer, split):
    """Draw prompts of a task, both as the inner rows and as the set that a session gets."""
    text = text_of(tokenizer)
    prompts = task(name, N, split=split).prompts(text)
    kept = {}
    for row in rows(find(name), text, 0, split, Counter()):
        kept.setdefault(row.ids, row)
        if len(kept) == len(prompts):
            break
    return Drawn(text, list(kept.values()), prompts)


def refusal(name, tokenizer):
    """Return why a tokenizer cannot spell a task, None if it can."""
    try:
        task(name, 20).prompts(text_of(tokenizer))
    except InputError as error:
        return str(error)
    return None
