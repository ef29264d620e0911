"""Text in, tokens out, and back: exactly, for any text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwidgets.errors import InputError
from headwidgets.model.text import Text

HOSTILE = [
    "</script>",
    'a "quoted" \\ line',
    "one\ntwo\r\n\tthree",
    "שלום עולם",
    "a\u200bb\u200d\ufeff",
    "NUL \x00 here",
    "👩‍👩‍👧 and 漢字",
    "\ufffd",
    "\ufffd\ufffdab\ufffd",
    "<bos>",
    "",
    " ",
]


@pytest.fixture(scope="module")
def text(planted_bridge):
    return Text(planted_bridge)


@pytest.fixture(scope="module")
def stories(stories_path):
    from headwidgets.model.boot import boot

    return Text(boot(stories_path)[0])


@pytest.mark.parametrize("given_text", HOSTILE)
def test_pieces_join_to_the_decoded_text(text, given_text):
    ids = text.encode(given_text)
    assert "".join(text.pieces(ids)) == text.decode(ids)
    assert len(text.pieces(ids)) == len(ids) == len(text.shown(ids))
    assert text.decode(ids[1:]) == given_text
    assert all(text.shown(ids))


@given(st.text())
@settings(deadline=None, max_examples=100)
def test_any_text_survives(text, given_text):
    ids = text.encode(given_text)
    assert ids[0] == text.bos_id
    assert "".join(text.pieces(ids)) == text.decode(ids)
    assert text.decode(ids[1:]) == given_text


@pytest.mark.parametrize("given_text", HOSTILE)
def test_pieces_join_on_a_sentencepiece_model(stories, given_text):
    ids = stories.encode(given_text)
    assert "".join(stories.pieces(ids)) == stories.decode(ids)


def test_pieces_keep_the_leading_spaces_that_a_token_alone_loses(stories):
    ids = stories.encode("Once upon a time, there was a 🙂")
    assert stories.pieces(ids)[:6] == ["<s>", " Once", " upon", " a", " time", ","]
    assert stories.pieces(ids)[-1] == "🙂"
    assert stories.shown(ids)[-4:-1] == ["\ufffd"] * 3


def test_tokens_equal_those_of_transformer_lens(stories_path, stories):
    from headwidgets.model.boot import boot

    bridge, _ = boot(stories_path)
    for given_text in ("Once upon a time", "Lily and Tim", "a 🙂 b"):
        assert stories.encode(given_text) == bridge.to_tokens(given_text)[0].tolist()


def test_a_long_text_is_split_in_little_time(stories):
    ids = stories.encode("Once upon a time there was a little girl. " * 200)
    assert "".join(stories.pieces(ids)) == stories.decode(ids)


def test_bos_is_put_once(planted_bridge, text):
    assert text.encode("When")[0] == text.bos_id
    bare = Text(planted_bridge, prepend_bos=False)
    assert bare.encode("When") == text.encode("When")[1:]


def test_answers_are_one_token_in_context(text, stories):
    prompt = text.encode("When Mary and John went to the store, John gave a drink to")
    assert text.label(text.answer_id(prompt, " Mary")) == " Mary"
    assert text.answer_id(prompt, 7) == 7
    once = stories.encode("Once upon a time")
    assert stories.label(stories.answer_id(once, " the")) == " the"


def test_a_bad_answer_is_told_about_the_leading_space(text):
    prompt = text.encode("When Mary and John went to the store, John gave a drink to")
    with pytest.raises(InputError, match=r"' Mary', with a leading space, is one token"):
        text.answer_id(prompt, "Mary")
    with pytest.raises(InputError, match="choose another word"):
        text.answer_id(prompt, " Rumpelstiltskin")
    with pytest.raises(InputError, match="from 0 to 511, got 512"):
        text.answer_id(prompt, 512)


def test_text_that_cannot_be_written_is_refused(text):
    with pytest.raises(InputError, match="UTF-8"):
        text.encode("\ud800")


def test_without_a_tokenizer_text_is_refused_and_ids_are_shown(shaped_bridges):
    none = Text(shaped_bridges("gpt2"))
    assert not none.has_tokenizer
    assert none.pieces([3, 4]) == ["[3]", "[4]"]
    with pytest.raises(InputError, match="without a tokenizer"):
        none.encode("hello")


def test_random_words_are_whole_words_with_a_leading_space(text):
    labels = text.labels(text.word_ids())
    assert len(labels) > 100
    assert all(label[0] == " " and label[1:].isalpha() for label in labels)


@pytest.fixture(params=["planted", "stories260k"])
def read(request):
    return request.getfixturevalue("text" if request.param == "planted" else "stories")


def test_many_texts_are_read_as_one_after_another(read):
    some = ["When Mary", "", " zebra \u05e9", "When Mary", "\n\n"]
    assert read.encode_all(some) == [read.encode(one) for one in some]
    assert read.encode_all([]) == []


def test_many_answers_are_read_as_one_after_another(read):
    prompts = ["When Mary and", "Then John and", "caf\u00e9 and", "a b c d", "\u05e9"]
    answers = [" Mary", "x", " zebra crossing", "", "\u05e9", " and"]
    asked = [(read.encode(prompt), answer) for prompt in prompts for answer in answers]
    for (ids, answer), found in zip(asked, read.continuations(asked), strict=True):
        whole = read.encode(read.decode(ids[int(read.prepend_bos) :]) + answer)
        assert found == (whole[len(ids) :] if whole[: len(ids)] == ids else None)
