"""Where words stand: in a text, in its tokens, and in prompts that are tokens from the start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tasks.unlisted import made

from headwidgets.errors import InputError
from headwidgets.model.text import Text
from headwidgets.tasks.item import Item, Spelled, join, write
from headwidgets.tasks.make import TaskSet
from headwidgets.zoo.planted_tokenizer import planted_tokenizer

if TYPE_CHECKING:
    from headwidgets.tasks.draw import Draw


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
