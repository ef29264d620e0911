"""The explorer: a model and a table in, the causal map and its strongest head out."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import headwidgets as hw
from headwidgets.widgets.attention import AttentionView
from headwidgets.widgets.explore import read_table, top_head
from headwidgets.widgets.panel import PatchPanel
from headwidgets.widgets.serve import handlers

START = "When Mary and John went to the store,"
TABLE = {
    "clean": [f"{START} Mary", f"{START} John"],
    "corrupted": [f"{START} John", f"{START} Mary"],
    "answer": [" and", " went"],
    "foil": [" went", " and"],
}


def tables(folder):
    made = pd.DataFrame(TABLE)
    made.to_csv(folder / "t.csv", index=False)
    made.to_csv(folder / "t.tsv", index=False, sep="\t")
    return [TABLE, made, hw.Prompts(**TABLE), folder / "t.csv", str(folder / "t.tsv")]


def test_every_form_of_a_table_is_read_alike(tmp_path):
    read = [read_table(table) for table in tables(tmp_path)]
    assert all(one == read[0] for one in read)
    assert read[0].answer == (" and", " went")  # the spaces are part of the tokens


def test_the_causal_map_is_there_and_its_strongest_head_selected(wire):
    explorer = hw.explore("planted", TABLE)
    session = explorer._of
    expected = session.sweep("patch")
    assert explorer.score == "patch"
    assert np.array_equal(explorer.values().reshape(-1), expected["effect"].to_numpy(np.float32))
    assert {"low", "high"} <= set(explorer.table["columns"])
    assert str(session.selection) == "1.0"
    assert session.state.map["head"] == "1.0"  # its attention is painted as well
    pd.testing.assert_frame_equal(explorer.to_frame(), expected)
    explorer.close()
    session.close()


def test_on_a_session_it_is_a_method(planted, wire):
    explorer = planted.explore()
    assert explorer.score == "induction"  # no pairs, so no causal map
    assert explorer.session is planted.state
    assert str(planted.selection) == "1.0"
    planted.selection = "0.2"
    assert planted.explore("previous token").score == "previous token"
    assert str(planted.selection) == "0.2"  # a person's choice stays
    assert hw.explore(planted, TABLE).score == "patch"
    assert str(planted.selection) == "1.0"


def test_a_list_of_texts_is_a_table_without_partners(planted, wire):
    explorer = hw.explore(planted, [f"{START} Mary", "Mary and John"])
    assert (explorer.score, len(planted.prompts)) == ("induction", 2)


def test_every_part_finds_its_traits():
    explorer = type(hw.explore("planted"))
    assert set(AttentionView.MIRRORED) <= set(explorer.MIRRORED)
    assert set(PatchPanel.MIRRORED) <= set(explorer.MIRRORED)
    own = [name for name in PatchPanel.class_trait_names(sync=True) if not name.startswith("_")]
    assert set(own) <= set(explorer.class_trait_names(sync=True))


def test_its_panel_sweeps(planted, wire):
    planted.use(hw.Prompts(**TABLE))
    explorer = planted.explore()
    sweep = handlers(planted)["sweep"]
    body = {"kind": "zero", "over": "heads", "direction": "denoise", "at": None}
    sweep({"panel": explorer.panel, **body})
    assert explorer.found["sweep"] == "zero"
    assert explorer.swept["effect"].notna().all()
    assert not explorer.found_stale
    planted.prompt = "another one"
    assert explorer.found_stale
    explorer.close()
    with pytest.raises(hw.InputError, match="older run of the notebook"):
        sweep({"panel": explorer.panel, **body})


def test_its_picture_holds_map_and_attention(planted, wire):
    planted.use(hw.Prompts(**TABLE))
    explorer = planted.explore()
    picture = Image.open(BytesIO(explorer._png()))
    grid = Image.open(BytesIO(hw.HeadGrid(planted, "patch")._png()))
    assert picture.height > grid.height + 200


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("planted", "nowhere.csv"), "there is no file"),
        (("planted", {"clen": ["a"]}), "expected the keys clean"),
        (("planted", 3), "expected prompts"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_before_a_model_is_opened(arguments, message):
    with pytest.raises(hw.InputError, match=message):
        hw.explore(*arguments)


def test_an_open_session_takes_no_options(planted):
    with pytest.raises(hw.InputError, match="takes no dtype"):
        hw.explore(planted, dtype="float32")
    with pytest.raises(hw.InputError, match="no kind is called"):
        planted.explore("nothing like it")


def test_closing_it_leaves_the_session(planted, wire):
    explorer = planted.explore()
    explorer.close()
    painted = planted.state.map
    planted.selection = "0.1"
    assert planted.state.map is painted  # nobody looks any more


def test_no_head_is_chosen_for_a_rounding_error():
    frame = pd.DataFrame({"layer": [0, 0, 1, 1], "head": [0, 1, 0, 1]})
    for largest, chosen in ((3e-16, None), (0.5, hw.Head(1, 0)), (-0.5, hw.Head(1, 0))):
        grid = hw.HeadGrid(frame.assign(effect=[0.0, np.nan, largest, np.inf]), value="effect")
        assert top_head(grid) == chosen
        grid.close()
