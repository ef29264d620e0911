"""Subword pieces: the tokens are those of the text, and the begun word is one of the two."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest
from tasks.tokenizers import every_word_tokenizer
from transformers import PreTrainedTokenizerFast

from headwidgets.errors import InputError
from headwidgets.model.text import Text
from headwidgets.tasks import task
from headwidgets.tasks.make import rows
from headwidgets.tasks.registry import find
from headwidgets.tasks.subword import LONG
from headwidgets.zoo.planted_tokenizer import planted_tokenizer


@pytest.fixture(params=["every word", "planted", "stories260k"])
def text(request):
    if request.param == "stories260k":
        file = str(request.getfixturevalue("stories_path") / "tokenizer.json")
        return Text.of(PreTrainedTokenizerFast(tokenizer_file=file, bos_token="<s>"))  # noqa: S106 - no password
    return Text.of(
        {"every word": every_word_tokenizer, "planted": planted_tokenizer}[request.param]()
    )


def _rows(text, n=200):
    return list(islice(rows(find("subword pieces"), text, 0, "train", Counter()), n))


def test_the_whole_text_is_spelled_just_so(text):
    """The prompt and its answer, read as one text: the tokenizer gives these tokens."""
    for row in _rows(text):
        whole = (*row.ids, row.answer)
        assert tuple(text.encode(text.decode(whole[int(text.prepend_bos) :]))) == whole


def test_a_word_of_the_list_is_begun_that_stands_before(text):
    sides = Counter()
    for row in _rows(text):
        word = row.ids[slice(*row.places["WORD"])]
        pieces = row.ids[slice(*row.places["PIECES"])]
        assert text.decode(word).strip() in LONG
        assert (*pieces, row.answer) == word
        assert row.ids[row.places["LAST"][0]] == row.answer
        assert row.places["PIECES"] == (row.places["FIRST"][0], len(row.ids))
        rival = (*row.other[-len(pieces) :], row.foil)
        assert text.decode(rival).strip() in LONG
        assert row.ids[: -len(pieces)] == row.other[: -len(pieces)]
        at = [i for i in range(len(row.ids)) if row.ids[i : i + len(rival)] == rival]
        assert len(at) == 1, "the rival stands in the prompt, whole"
        sides[at[0] < row.places["WORD"][0]] += 1
    assert sides[True] == sides[False]


def test_a_tokenizer_that_cuts_none_is_told_so():
    text = Text.of(planted_tokenizer())
    spell = text.encode
    long = {f"a {word}": [0, *spell("a")[1:], 300 + i] for i, word in enumerate(LONG)}
    text.encode = lambda given: long.get(given) or spell(given)
    with pytest.raises(InputError) as refused:
        task("subword pieces").prompts(text)
    said = str(refused.value)
    assert said.startswith("expected at least 6 words of several tokens")
    assert "got 0; one token each: ' sunflower', ' sunlight'" in said


def test_the_list_is_sixty_different_words():
    assert len(LONG) == len(set(LONG)) == 60
