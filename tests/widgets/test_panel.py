"""PatchPanel: what is on the wire, what is refused and how, and the picture without a kernel."""

from __future__ import annotations

import json
from io import BytesIO

import pytest
from pairs import CLEAN, CORRUPTED
from PIL import Image

import headwidgets as hw
from headwidgets.errors import InputError
from headwidgets.widgets.panel_serve import SERVED, replaced
from headwidgets.widgets.panel_table import read_table
from headwidgets.widgets.products import PRODUCTS


def browser_sets(state, **traits):
    content = {"data": {"method": "update", "state": traits, "buffer_paths": []}}
    state._handle_msg({"content": content, "buffers": []})


def ask(session, name, **body):
    return SERVED[name](session, body).body


def test_the_first_numbers_are_there_at_once_and_plain_json(planted, panel):
    held = planted.state.panel
    json.dumps(held, allow_nan=False)
    assert held["revision"] == planted.revision
    assert next(row["token"] for row in held["top"]["clean"]) == " apple"
    assert next(row["token"] for row in held["top"]["corrupted"]) == " book"
    assert {len(rows) for rows in held["top"].values()} == {10}
    assert held["first"] == 5
    assert held["tokens"]["clean"] == {"n": 11, "pieces": planted.tokens, "unseen": []}
    assert held["why"] == "no edits yet"
    assert planted.state.effect["rows"]["clean"]["value"] == pytest.approx(40, abs=1e-4)
    assert held["python"] == planted.as_python()


def test_tokens_that_training_never_saw_are_named(planted, panel, monkeypatch):
    """In both prompts, by where they stand."""
    apple, book = (planted.engine.text.encode(f" {word}")[-1] for word in ("apple", "book"))
    monkeypatch.setattr(planted.engine.text, "unseen", frozenset({apple, book}))
    planted.prompts = hw.Prompts(clean=["The apple and a book"], corrupted=["The girl and a book"])
    held = planted.state.panel["tokens"]
    assert held["clean"]["unseen"] == [2, 5]
    assert held["corrupted"]["unseen"] == [5]


def test_a_toggle_in_the_browser_moves_the_logits(planted, panel, wire):
    wire.clear()
    browser_sets(planted.state, edits=[hw.zero("1.0").to_json()])
    assert [str(edit) for edit in planted.edits] == ["zero 1.0"]
    held = planted.state.panel
    assert held["revision"] == planted.revision
    assert held["why"] == ""
    found = planted.compare(10)
    for row in held["top"]["edited"]:
        assert row["logit"] == pytest.approx(found.loc[row["id"], "edited"])
        assert row["change"][0] == pytest.approx(found.loc[row["id"], "change"])
    assert planted.state.effect["rows"]["normalised"]["value"] == pytest.approx(0.5)
    sent = [data["state"] for kind, data, _ in wire if data.get("method") == "update"]
    assert sum("panel" in state for state in sent) == 1
    first = [name for state in sent for name in state if name in ("panel", "effect")]
    assert first == ["panel", "effect"]  # the logits do not wait for the metric
    assert len(json.dumps(held)) < 20_000


def test_it_is_painted_before_the_pictures():
    assert next(iter(PRODUCTS)) == "panel"


def test_a_browser_cannot_set_the_numbers(planted, panel):
    before = planted.state.panel
    browser_sets(planted.state, panel={"revision": 99})
    assert planted.state.panel == before
    assert "read-only" in planted.state.message


def test_an_edit_that_waits_says_so_and_the_rest_stands(planted, panel):
    planted.corrupted_prompt = CORRUPTED + " red"
    planted.edits = [hw.patch("1.0")]
    held = planted.state.panel
    assert "waiting: 11 and 12 tokens" in held["why"]
    assert held["waiting"]
    assert held["top"]["edited"] == []
    assert planted.state.effect["rows"]["edited"]["value"] is None
    assert held["python"] == ""
    assert len(held["top"]["clean"]) == 10


def test_the_metric_of_a_set_is_that_of_its_prompts(planted, panel):
    table = f"clean\tcorrupted\tanswer\tfoil\n{CLEAN}\t{CORRUPTED}\t apple\t book\n"
    table += "Tom saw a blue door and Anna saw a blue\t\t door\t key\n"
    assert ask(planted, "use_table", text=table)["n"] == 2
    assert planted.prompts.answer == (" apple", " door")
    assert planted.prompts.corrupted == (CORRUPTED, None)
    state = planted.state
    assert state.effect["revision"] == planted.revision
    assert state.effect["rows"]["clean"]["n"] == 2
    browser_sets(state, index=1)
    assert "corrupted" not in state.panel["tokens"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected a header"),
        (None, "expected a header"),
        (
            "clean\tcorupted\na\tb",
            "line 1, column 2: expected one of clean, corrupted.*'corrupted'",
        ),
        ("clean,clean\na,b", "line 1, column 2"),
        ("prompt\tother\na\tb", "line 1: expected a header"),
        ("clean\tcorrupted\n", "line 2: expected at least one prompt"),
        ("clean\tanswer\tfoil\na\tb", "line 2: expected 3 columns .*, got 2"),
        (
            "clean\tanswer\tfoil\nred\t red\t Mary\n\nred\t\t Mary",
            "line 4, column 2: expected answer",
        ),
        ("clean\tanswer\tfoil\nred\t red\t Mary\nred\t xqzw\t Mary", "line 3: answer of prompt 1"),
        ("clean\tanswer\tfoil\nred\t red\t red", "line 2: .* differ"),
        (
            "clean\tcorrupted\nred\t\n\nred\t" + " red" * 400,
            "line 4: corrupted of prompt 1: .* 401 t",
        ),
        ("red\n\n" + "red " * 400, "line 3: clean of prompt 1: the prompt has 40. tokens"),
        ("clean\tanswer\nred\t red", "expected foil"),
        ("clean\n" + "x\n" * 3000, "at most 2000"),
        ('clean,answer\n"' + "x" * 200_000, "line 2: the table cannot be read"),
        ("clean\n" + "x" * 200_000, "line 2: the table cannot be read"),
        ('clean,answer,foil\n"red" she said, red, Mary', "line 2: the table cannot be read"),
    ],
)
def test_a_table_that_cannot_be_meant_says_where(planted, panel, text, words):
    before = planted.prompts
    with pytest.raises(InputError, match=words):
        ask(planted, "use_table", text=text)
    assert planted.prompts is before


def test_tables_are_taken_as_they_are():
    prompts, lines = read_table('\ufeffClean,Answer,Foil\r\n"a, ""b""\nc", x, y\r\n')
    assert (prompts.clean, prompts.answer, lines) == (('a, "b"\nc',), (" x",), [3])
    rows = ['"Red," she said, "the red"\t red\t Mary', '"the red\t red\t Mary', '"\t"\t Mary']
    prompts, lines = read_table("\n".join(["clean\tanswer\tfoil", *rows]))
    assert prompts.clean == tuple(row.split("\t")[0] for row in rows)
    assert (prompts.answer, lines) == ((" red", " red", '"'), [2, 3, 4])
    prompts, lines = read_table("one, prompt\n\ntwo, the clean one\n")
    assert (prompts.clean, lines) == (("one, prompt", "two, the clean one"), [1, 3])


def test_a_token_is_replaced_through_the_text(planted, panel):
    assert ask(planted, "replace_token", at=5, text="door") == {"tokens": 11, "clean": 11}
    assert planted.corrupted_prompt == CLEAN.replace("apple", "door")
    assert ask(planted, "replace_token", at=5, text=" red door")["tokens"] == 12
    assert planted.state.panel["tokens"]["corrupted"]["n"] == 12
    planted.prompt = tuple(planted.token_ids)
    ids = replaced(planted, 5, " book")
    assert ids == list(planted.engine.text.encode(CORRUPTED))
    assert replaced(planted, 0, "Mary")[1:] == planted.token_ids[1:]


@pytest.mark.parametrize(
    ("at", "text", "found"),
    [
        (1, "Tim", "Tim had a cat."),
        (5, "ow", "Lily had a cow."),
        (6, "!", "Lily had a cat!"),
        (5, " dog", "Lily had a c dog."),
    ],
)
def test_a_token_is_replaced_where_the_tokenizer_puts_a_space_in_front(
    stories_path, at, text, found
):
    stories = hw.Session(stories_path)
    stories.prompt = "Lily had a cat."
    assert replaced(stories, at, text) == found
    stories.prompt = tuple(stories.token_ids)
    ids = replaced(stories, at, text)
    assert stories.engine.text.decode(ids[1:]).strip() == found
    assert ids[:at] == stories.token_ids[:at]
    stories.close()


@pytest.mark.parametrize("body", [{"at": 99, "text": "x"}, {"at": True, "text": "x"}, {"at": 1}])
def test_a_replacement_that_cannot_be_meant(planted, panel, body):
    with pytest.raises(InputError, match="expected"):
        ask(planted, "replace_token", **body)
    assert planted.corrupted_prompt == CORRUPTED


def test_prompts_are_set_and_refused(planted, panel):
    ask(planted, "set_prompt", which="clean", prompt="the red</script>")
    assert planted.prompt == "the red</script>"
    ask(planted, "set_prompt", which="corrupted", prompt="")
    assert planted.corrupted_prompt is None
    ask(planted, "set_prompt", which="clean", prompt=[0, 5, 9])
    assert planted.token_ids == [0, 5, 9]
    for body in ({"prompt": "x"}, {"which": "clean"}, {"which": "clean", "prompt": "red " * 400}):
        with pytest.raises(InputError):
            ask(planted, "set_prompt", **body)
    assert planted.token_ids == [0, 5, 9]


def test_without_a_tokenizer_words_are_ids(shaped_folders, wire):
    session = hw.Session(str(shaped_folders("llama")))
    panel = hw.PatchPanel(session)
    ask(session, "set_prompt", which="clean", prompt="1 5, 9")
    assert session.token_ids == [1, 5, 9]
    ask(session, "replace_token", at=1, text="7")
    assert list(session.corrupted_prompt) == [1, 7, 9]
    with pytest.raises(InputError, match="token ids such as 1 5 9"):
        ask(session, "set_prompt", which="clean", prompt="hello")
    panel.close()
    session.close()


def test_what_is_off_is_the_widget_s_own(planted, panel):
    off = [{"at": 0, "edit": hw.zero("1.0").to_json()}]
    browser_sets(panel, off=off)
    assert panel.off == off
    assert planted.edits == ()
    assert panel.get_state()["off"] == off


@pytest.mark.parametrize("prompt", [CLEAN, "</script>\u202e\x00\n\"'"])
def test_the_static_face(planted, panel, tmp_path, prompt):
    planted.prompt = prompt
    planted.edits = [hw.zero("1.0"), hw.scale("0.0", 0.5)]
    path = panel.save(tmp_path / "panel.png")
    picture = Image.open(path)
    assert picture.width > 480
    assert len(picture.getcolors(256)) > 3
    data, _ = panel._repr_mimebundle_()
    assert "2 edits" in data["text/plain"]
    assert Image.open(BytesIO(panel._png())).size == picture.size
    with pytest.raises(InputError, match=r"\.png"):
        panel.save(tmp_path / "panel.gif")
    planted.edits = [hw.zero("1.0")]
    assert " · 1 edit" in (said := repr(panel))
    assert "1 edits" not in said


def test_the_frame_is_the_token_table(planted, panel):
    assert panel.to_frame().equals(planted.compare())


def test_what_is_no_session_is_refused():
    with pytest.raises(InputError, match="expected a session"):
        hw.PatchPanel([[1.0]])
    with pytest.raises(InputError, match="PatchPanel has no 'sesion'"):
        hw.PatchPanel(sesion=1)
