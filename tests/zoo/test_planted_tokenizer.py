"""Any text has a spelling, and comes back to the letter."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from headwidgets.zoo.planted_tokenizer import D_VOCAB, planted_tokenizer, words

TOKENIZER = planted_tokenizer()


def byte(value):
    return 1 + value


@settings(deadline=None)  # a shared machine may pause
@given(st.text())
@example("")
@example("\x00\n\r\t ")
@example("  two  spaces \n\n")
@example("</script><bos><bos>")
@example("\u05e9\u05dc\u05d5\u05dd \u202e\u200b\u200d\ufeff")
@example("Mary's \U0001f469\u200d\U0001f4bb e\u0301 \ufffd")
def test_every_text_comes_back(text):
    ids = TOKENIZER.encode(text)
    assert ids[0] == 0
    assert 0 not in ids[1:]  # "<bos>" in a text is text
    assert all(0 <= i < D_VOCAB for i in ids)
    assert TOKENIZER.decode(ids, skip_special_tokens=True) == text
    bare = TOKENIZER.encode(text, add_special_tokens=False)
    assert bare == ids[1:]
    assert TOKENIZER.decode(bare) == text


@settings(deadline=None)
@given(st.lists(st.integers(0, 255), max_size=12))
def test_every_string_of_bytes_decodes_as_utf_8_does(values):
    expected = bytes(values).decode("utf-8", errors="replace")
    assert TOKENIZER.decode([byte(v) for v in values]) == expected


def test_half_a_character_is_the_replacement_character():
    assert TOKENIZER.decode([byte(0xF0), byte(0x9F)]) == "\ufffd"
    assert TOKENIZER.decode([byte(0xFF)]) == "\ufffd"


def test_the_sentence_of_the_tour_is_whole_words():
    sentence = "When Mary and John went to the store, John gave a drink to"
    ids = TOKENIZER.encode(sentence)
    assert [TOKENIZER.decode([i]) for i in ids[1:]] == [
        "When", " Mary", " and", " John", " went", " to", " the", " store",
        ",", " John", " gave", " a", " drink", " to",
    ]  # fmt: skip


def test_the_vocabulary():
    assert len(TOKENIZER) == D_VOCAB
    assert len(set(words())) == len(words()) == 255
    for i, word in enumerate(words()):
        assert TOKENIZER.encode(word, add_special_tokens=False) == [257 + i]
    assert sum(word.startswith(" ") for word in words()) >= 200


def test_a_saved_tokenizer_is_the_same(tmp_path):
    TOKENIZER.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    text = "When <bos> Mary\x00 \U0001f600"
    assert loaded.encode(text) == TOKENIZER.encode(text)
    assert loaded.decode(loaded.encode(text), skip_special_tokens=True) == text


def test_transformer_lens_reads_it(planted_bridge):
    ids = planted_bridge.to_tokens("When <bos>")
    assert ids[0].tolist() == TOKENIZER.encode("When <bos>")
    assert planted_bridge.to_tokens("When", prepend_bos=False).tolist() == [[257]]
    assert planted_bridge.to_single_token(" Mary") == TOKENIZER.encode(" Mary")[1]
    assert len(planted_bridge.tokenizer) == D_VOCAB  # no token was added
