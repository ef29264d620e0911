"""One file from a widget: whole or not at all, safe with any token, small."""

from __future__ import annotations

import base64
import json
import re
from io import BytesIO
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

import headwidgets as hw
from headwidgets.widgets import face, face_ink, face_text, page
from headwidgets.widgets.base import HeadWidget
from headwidgets.widgets.naming import model_name, visible

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = ["</script><script>alert(1)</script>", "\"'`", "a\u2028b", "\u202eabc", "\0", "\ud800"]
HOSTILE += ["<!--", "\n", "中", "א"]


@pytest.fixture
def view(wire):
    n = len(HOSTILE)
    view = hw.AttentionView(np.tril(np.ones((2, 2, n, n))) / np.arange(1, n + 1)[:, None], HOSTILE)
    yield view
    view.close()


def parse(path):
    return ET.fromstring(path.read_bytes())  # noqa: S314 - our own


def held(html):
    """What a page holds, as its own script reads it."""
    (found,) = re.findall(r'<script type="application/json" id="hw-held">([^<]*)</script>', html)
    return json.loads(found)


def test_a_page_holds_the_traits_that_its_view_reads(view, tmp_path):
    text = view.save(tmp_path / "view.html").read_text(encoding="utf-8")
    saved = held(text)
    assert saved["view"] == "attention"
    assert saved["code"] == view.session._esm
    state = saved["session"]["state"]
    buffers = {path[0]: base64.b64decode(data) for path, data in saved["session"]["buffers"]}
    assert state["tokens"] == HOSTILE
    assert (buffers["map_data"], buffers["thumbs_data"]) == (
        view.session.map_data,
        view.session.thumbs_data,
    )
    assert set(state) | set(buffers) <= set(view.MIRRORED)
    assert not {"_esm", "layout", "session", "wish"} & set(saved["own"]["state"])
    assert hw.__version__ in text


def test_nothing_in_a_page_is_markup_but_the_page(view, tmp_path):
    text = view.save(tmp_path / "view.html").read_text(encoding="utf-8")
    assert len(re.findall("<script", text)) == len(re.findall("</script", text)) == 2
    assert "\u2028" not in text
    assert "alert(1)</" not in text
    assert not re.search(r"""(src|href)=(?!"data:)""", text.split("<script")[0])
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "http" not in policy


def test_two_pages_of_one_view_are_equal(view, tmp_path):
    one, two = (view.save(tmp_path / f"{i}.html").read_bytes() for i in range(2))
    assert one == two


def test_a_page_says_nothing_of_this_machine(planted, wire, tmp_path):
    planted.prompt = "Mary and John"
    view = hw.AttentionView(planted)
    facts = {**planted.state.model, "name": str(tmp_path)}
    planted.state.set_trait("model", facts)
    try:
        text = view.save(tmp_path / "view.html").read_text(encoding="utf-8")
    finally:
        view.close()
    assert str(tmp_path) not in text
    assert tmp_path.name in text
    assert model_name({"name": "EleutherAI/pythia-70m"}) == "EleutherAI/pythia-70m"


def test_a_page_that_is_too_large_is_refused_and_not_written(view, tmp_path, monkeypatch):
    monkeypatch.setattr(page, "MOST", 10_000)
    with pytest.raises(hw.InputError, match=r"more than .* MB \(.*MB\): save it as .png"):
        view.save(tmp_path / "view.html")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["view.gif", "view", "view.html.gz", ".png"])
def test_another_suffix_is_refused_by_naming_the_three(view, tmp_path, name):
    with pytest.raises(hw.InputError, match=r"ends in \.html, \.png or \.svg"):
        view.save(tmp_path / name)


def test_a_missing_folder_and_a_folder_are_refused(view, tmp_path):
    with pytest.raises(hw.InputError, match="make it first"):
        view.save(tmp_path / "none" / "view.png")
    (tmp_path / "view.png").mkdir()
    with pytest.raises(hw.InputError, match="is a folder"):
        view.save(tmp_path / "view.png")
    with pytest.raises(hw.InputError, match="expected a path"):
        view.save(3)


def test_what_was_there_stays_when_writing_fails(view, tmp_path, monkeypatch):
    path = tmp_path / "view.png"
    path.write_bytes(b"before")

    def full(*_):
        raise OSError

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError):  # noqa: PT011 - any
        view.save(path)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"before"]


def test_a_suffix_may_be_in_capitals_and_the_path_a_text(view, tmp_path):
    path = view.save(f"{tmp_path}/VIEW.PNG")
    assert Image.open(path).format == "PNG"


def test_a_drawing_has_its_tokens_as_text_and_words_for_a_reader(view, tmp_path):
    root = parse(view.save(tmp_path / "view.svg"))
    texts = [element.text for element in root.iter(f"{SVG}text")]
    for token in HOSTILE:
        assert visible(token, 16) in texts
    assert "head 0.0" in root.find(f"{SVG}title").text
    assert "Rows are queries" in root.find(f"{SVG}desc").text
    images = [element.get("href") for element in root.iter(f"{SVG}image")]
    assert len(images) == 2
    pixels = np.asarray(Image.open(BytesIO(base64.b64decode(images[1].split(",")[1]))))
    assert pixels.shape[:2] == (len(HOSTILE), len(HOSTILE))


def test_a_widget_without_a_drawing_of_its_own_puts_its_picture_in_one(view, tmp_path, monkeypatch):
    monkeypatch.setattr(hw.AttentionView, "_svg", HeadWidget._svg)
    root = parse(view.save(tmp_path / "view.svg"))
    assert len(list(root.iter(f"{SVG}image"))) == 1
    assert root.find(f"{SVG}title").text
    monkeypatch.setattr(hw.AttentionView, "_picture", lambda self: None)
    with pytest.raises(hw.InputError, match=r"save it as \.html"):
        view.save(tmp_path / "view.svg")


def test_the_face_of_144_heads_fits_into_a_second_view(wire):
    rng, n = np.random.default_rng(0), 64
    logits = rng.normal(size=(12, 12, n, n)) * 2
    logits[:, :, ~np.tri(n, dtype=bool)] = -np.inf
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    view = hw.AttentionView(weights / weights.sum(-1, keepdims=True), [f" w{i}" for i in range(n)])
    data, _ = view._repr_mimebundle_()
    assert "text/html" not in data
    assert len(data["image/png"]) <= 15_000
    assert len(view._picture()) > len(view._png())
    view.close()


def test_a_picked_head_is_orange_also_in_few_colours(view):
    small = Image.open(BytesIO(face.draw(view.session, most=1))).convert("RGB")
    assert any(colour == face_ink.PICKED for _, colour in small.getcolors())


def test_a_character_that_no_font_has_is_written_as_its_number():
    assert face_text.runs("\U0010fffe") == [(0, "‹10fffe›")]
    assert face_text.runs("abc") == [(0, "abc")]
    assert face_text.width("abc", 12) > face_text.width("ab", 12) > 0


def test_a_machine_without_fonts_still_writes(monkeypatch):
    monkeypatch.setattr(face_text, "found", list)
    assert "".join(piece for _, piece in face_text.runs("中a")) == "‹4e2d›a"


@pytest.mark.parametrize(
    ("token", "seen"),
    [
        (" a b ", "·a b·"),
        ("a\nb\tc", "a⏎b⇥c"),
        ("\u200f\ud800\0", "‹200f›‹d800›‹0›"),
        ("", ""),
        (" ", "·"),
    ],
)
def test_what_cannot_be_seen_is_written_out(token, seen):
    assert visible(token) == seen
