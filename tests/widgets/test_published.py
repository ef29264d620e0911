"""What was published of a model's heads: by its name and shape, once for all views, small."""

from __future__ import annotations

import json
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from shaped import folder
from test_grid import browser_sets
from test_save import held

import headwidgets as hw
from headwidgets.widgets import face_ink
from headwidgets.widgets.published import heads, pack

SHAPED = {"n_layer": 12, "n_head": 12, "n_embd": 48}


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory):
    """A random model in the shape of GPT-2, in a folder of its name."""
    made = folder("gpt2", tmp_path_factory.mktemp("shaped"), tokenizer=True, **SHAPED)
    session = hw.Session(made.rename(made.with_name("gpt2")))
    session.prompt = "When Mary and John went to the store, John gave a drink to"
    yield session
    session.close()


@pytest.fixture
def grid(gpt2, wire):
    """A grid of made-up numbers: no score has to run."""
    numbers = np.linspace(0, 1, 144)
    heads = pd.DataFrame(np.ndindex(12, 12), columns=["layer", "head"]).assign(score=numbers)
    made = hw.HeadGrid(gpt2, heads)
    yield made
    made.close()


def unpacked(published):
    """The rows of the atlas that a browser is told of."""
    words = published["words"]
    names = ("source", "status", "measure", "method")
    return [
        {"model": published["model"], "kind": kind, "head": head, "value": value}
        | {name: words[i] for name, i in zip(names, said, strict=True)}
        for kind, rows in published["facts"].items()
        for head, value, *said in rows
    ]


def atlas_rows(name):
    rows = hw.atlas(name).to_dict("records")
    return [{**row, "value": None if np.isnan(row["value"]) else row["value"]} for row in rows]


@pytest.mark.parametrize("name", ["gpt2", "llama-2-7b-80k", "mixtral-8x7b"])
def test_what_is_packed_is_what_the_atlas_has(name):
    packed = pack(hw.atlas(name))
    assert unpacked(json.loads(json.dumps(packed, allow_nan=False))) == atlas_rows(name)
    assert heads(packed) == hw.atlas(name)["head"].unique().tolist()
    assert len(json.dumps(packed)) <= 8_000
    assert len(packed["words"]) == len(set(packed["words"])), "each text travels once"


def test_nothing_published_is_nothing_sent():
    assert pack(hw.atlas("gpt2").iloc[:0]) == {}
    assert heads({}) == []


def test_heads_of_a_model_of_that_name_are_told_of(grid, gpt2):
    assert gpt2.facts.name.endswith("/gpt2")
    assert unpacked(grid.session.published) == atlas_rows("gpt2")
    facts = {(row["head"], row["kind"], row["status"]) for row in unpacked(grid.session.published)}
    assert ("9.9", "name mover", "paper") in facts
    assert ("9.9", "name mover", "computed") in facts


def test_a_second_view_is_told_nothing_again(grid, gpt2, wire):
    wire.clear()
    hw.HeadGrid(gpt2, grid.to_frame()).close()
    hw.TaxonomyView(gpt2).close()
    assert wire
    assert all("published" not in data.get("state", {}) for _, data, _ in wire)


def test_other_models_have_no_mark(planted, wire, tmp_path):
    view = hw.HeadGrid(planted, "previous token")
    assert view.session.published == {}
    small = hw.Session(folder("gpt2", tmp_path))  # of that name, but three layers of four heads
    assert small.facts.name.endswith("/gpt2")
    assert hw.TaxonomyView(small).session.published == {}
    small.close()


def test_a_view_alone_tells_of_them(gpt2):
    numbers = pd.DataFrame(np.ndindex(12, 12), columns=["layer", "head"]).assign(score=0.5)
    assert hw.HeadGrid(numbers).session.published == {}, "nobody says which model it is of"
    numbers.attrs["model"] = "openai-community/gpt2"
    assert unpacked(hw.HeadGrid(numbers).session.published) == atlas_rows("gpt2")
    numbers.attrs["model"] = "planted"
    assert hw.HeadGrid(numbers).session.published == {}


def test_the_taxonomy_tells_of_them_by_itself(gpt2, wire):
    fresh = hw.Session(gpt2.facts.name)
    assert fresh.state.published == {}
    view = hw.TaxonomyView(fresh)
    assert unpacked(view.session.published) == atlas_rows("gpt2")
    fresh.close()


def test_a_browser_cannot_set_what_was_published(grid, gpt2):
    before = grid.session.published
    browser_sets(gpt2.state, published={"model": "mine"})
    assert gpt2.state.published == before
    assert "read-only" in gpt2.state.message
    alone = hw.HeadGrid(grid.to_frame())
    browser_sets(alone.session, published={"model": "mine"})
    assert alone.session.published == {}


def test_a_host_that_cannot_reach_the_session_is_told_as_well(grid):
    browser_sets(grid, apart=True)
    assert unpacked(grid.mirrored["published"]) == atlas_rows("gpt2")


def test_a_saved_page_holds_them(grid, gpt2, tmp_path):
    for view in (grid, hw.TaxonomyView(gpt2)):
        saved = held(view.save(tmp_path / "page.html").read_text(encoding="utf-8"))
        assert unpacked(saved["session"]["state"]["published"]) == atlas_rows("gpt2")


def folded(picture):
    """Pixels of a picture that are of a folded corner."""
    colours = np.asarray(Image.open(BytesIO(picture)).convert("RGB"))
    return np.argwhere((colours == face_ink.CITED).all(-1))


def test_the_picture_folds_a_corner_of_each(grid, planted):
    found = folded(grid._png())
    n = len(heads(grid.session.published))
    assert n == hw.atlas("gpt2")["head"].nunique()
    legend = found[found[:, 0] == found[:, 0].max()]
    assert len(found) == (n + 1) * len(found[found[:, 0] >= legend[0, 0] - 8])
    assert len(folded(hw.HeadGrid(planted, "previous token")._picture())) == 0
