"""The static faces write any script by one writer, and show what cannot be seen."""

from __future__ import annotations

from io import BytesIO
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw

import headwidgets as hw
from headwidgets.widgets import face, face_ink, face_text, grid_face, grid_marks, panel_face

TOKENS = {
    "猫": "‹732b›",
    " قط": "·‹642›‹637›",
    "a\u202eb": "a‹202e›b",
    "</script>\0": "</script>‹0›",
}


def attention(token):
    return face.draw(hw.AttentionView(np.eye(2), [token, "b"]).session)


def grid(token):
    frame = pd.DataFrame({"layer": [0, 0], "head": [0, 1], "score": [0.1, 0.9]})
    frame.attrs["measured_on"] = token
    return grid_face.draw(hw.HeadGrid(frame))


def panel(token):
    row = {"token": token, "p": 0.5, "logit": 1.0}
    shown = {"top": {"clean": [row]}, "why": f"{token} and {token}"}
    return panel_face.draw(
        SimpleNamespace(panel=shown, effect={}, edits=[], model={"name": f"model {token}"})
    )


FACES = pytest.mark.parametrize("draw", [attention, grid, panel])


@pytest.fixture
def written(monkeypatch):
    """The texts that Pillow draws, in order."""
    seen = []
    text = ImageDraw.ImageDraw.text

    def spy(pen, place, words, *more, **options):
        seen.append(words)
        return text(pen, place, words, *more, **options)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", spy)
    return seen


@FACES
@pytest.mark.parametrize(("token", "seen"), TOKENS.items())
def test_a_token_that_no_font_has_is_its_code_points(draw, token, seen, wire, written, monkeypatch):
    monkeypatch.setattr(face_text, "found", list)
    draw(token)
    assert seen in "".join(written)
    assert not {"猫", "\u202e", "\0"} & set("".join(written))


@FACES
def test_a_script_that_a_font_has_is_drawn_with_it(draw, wire, written, monkeypatch):
    monkeypatch.setattr(face_text, "runs", lambda text: [(0, text.upper())])
    draw("кот")
    assert "КОТ" in "".join(written)


@FACES
def test_a_direction_mark_is_never_drawn_as_itself(draw, wire, written):
    draw("a\u202eb")
    assert "a‹202e›b" in "".join(written)
    assert "\u202e" not in "".join(written)


def test_our_own_signs_are_latin_where_no_font_has_them(monkeypatch):
    monkeypatch.setattr(face_text, "found", list)
    said = "".join(piece for _, piece in face_text.runs("scale 1.0 × 2: M − μ"))
    assert said == "scale 1.0 x 2: M - m"


def test_an_edit_is_lettered_in_the_grids_picture(wire, written):
    made = hw.HeadGrid(pd.DataFrame({"layer": [0, 0], "head": [0, 1], "score": [0.1, 0.9]}))
    made.session.selection = "0.1"
    made.session.set_trait("edits", [{"kind": "mean", "target": "0.1"}])
    colours = Image.open(BytesIO(grid_face.draw(made))).convert("RGB").getcolors(4096)
    assert grid_marks.LETTERS["mean"] in written
    assert face_ink.PICKED in {colour for _, colour in colours}
