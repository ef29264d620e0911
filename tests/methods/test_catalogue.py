"""The list of methods: the survey's rows, costs that can be counted, calls that run."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import headwidgets as hw
from headwidgets.methods.catalogue import ABSENT, LEGEND, methods
from headwidgets.methods.trust import require_trust

NINE = {
    "1": [
        "directional addition",
        "directional subtraction",
        "zero ablation",
        "mean ablation",
        "naive activation patching",
    ],
    "2": ["probing", "simplified model training", "scoring", "information flow graph"],
}
LATER = {"simplified model training", "information flow graph"}
EXISTING = methods()[methods()["call"] != ABSENT].set_index("method")["call"].to_dict()


@pytest.fixture
def asked(planted):
    planted.use(
        hw.Prompts(
            clean=[[0, 300, 301, 302, 300], [0, 310, 311, 312, 310]],
            corrupted=[[0, 303, 301, 302, 300], [0, 313, 311, 312, 310]],
        ),
        hw.LogitDiff(301, 302),
        reference=hw.Prompts(clean=[[0, 400, 401, 402, 403]] * 3),
    )
    return planted


def test_the_rows_are_those_of_the_survey():
    frame = hw.methods()
    for table, names in NINE.items():
        assert frame[frame["table"] == table]["method"].tolist() == names
    assert frame[frame["table"] == ""]["method"].tolist() == ["path patching"]
    assert frame.map(lambda cell: isinstance(cell, str)).all(axis=None)
    assert (frame.drop(columns="table") != "").all(axis=None)
    assert set(frame[frame["call"] == ABSENT]["method"]) == LATER
    assert frame["class"].nunique() == 4


@pytest.mark.parametrize("name", EXISTING)
def test_the_call_runs(asked, name):
    """It gives a frame of numbers about this session, and not of nothing."""
    if name == "probing":  # it needs more prompts than two
        sides = ([[0, first + i, 301, 302, 300] for i in range(24)] for first in (310, 410))
        asked.prompts = hw.Prompts(*sides)
    *before, last = EXISTING[name].split("; ")
    names = {"hw": hw, "s": asked}
    for line in before:
        exec(line, names)  # noqa: S102 - to run it is the test
    frame = eval(last, names)  # noqa: S307 - as above
    assert isinstance(frame, pd.DataFrame)
    numbers = frame.select_dtypes("number").to_numpy()
    assert np.nanmax(np.abs(numbers)) > 0.5
    assert frame.attrs["model"] == asked.facts.name


def test_what_exists_is_not_said_to_be_absent():
    public = {name for name in (*dir(hw), *dir(hw.Session)) if not name.startswith("_")}
    assert not public & {"train", "flow", "information_flow"}


def test_a_cost_is_what_its_formula_says(asked):
    frame = asked.methods().set_index("method")
    counts = {"N": 2, "R": 3, "A": 9, "D": 20, "T": 3, "W": 16, "L": 2, "H": 3}
    assert frame.attrs["counts"] == counts
    assert set(frame.attrs["counts"]) == set(LEGEND)
    assert frame["cost"].to_dict() == pytest.approx(
        {
            "directional addition": 3 * 2 + 9 * 2 + 9 * 20 * 2 + 3 + 9 * 3,
            "directional subtraction": 5 * 2,
            "zero ablation": 2 + 6 * 2,
            "mean ablation": 2 + 3 + 6 * 2,
            "naive activation patching": 2 * 2 + 6 * 2,
            "probing": 2,
            "simplified model training": np.nan,
            "scoring": 2 + 16,
            "information flow graph": 2,
            "path patching": 2 * 2 + 2 * 6 * 2,
        },
        nan_ok=True,
    )
    assert frame.loc["naive activation patching", "forwards"] == "2·N + L·H·N"
    asked.reference = None
    counts = asked.methods().attrs["counts"]
    assert (counts["R"], counts["T"]) == (64, 2)


COUNTED = ("directional addition", "directional subtraction", "scoring")


@pytest.mark.parametrize("reference", [True, False])
@pytest.mark.parametrize("name", COUNTED)
def test_a_cost_is_what_goes_through_the_last_block(asked, name, reference):
    if not reference:
        asked.use(hw.Prompts(clean=[asked.token_ids], corrupted=[[0, 303, 301, 302, 300]]))
        asked.reference = None
    require_trust(asked.engine, 1, (0, 300, 301))  # once a layer, not of the call
    rows = []

    def count(_block, given, named):
        rows.append(len(given[0] if given else named["hidden_states"]))

    *before, last = EXISTING[name].split("; ")
    names = {"hw": hw, "s": asked}
    hook = asked.engine.view.blocks[-1].register_forward_pre_hook(count, with_kwargs=True)
    try:
        for line in before:
            exec(line, names)  # noqa: S102 - to run it is the test
        eval(last, names)  # noqa: S307 - as above
    finally:
        hook.remove()
    assert sum(rows) == asked.methods().set_index("method").loc[name, "cost"]


@pytest.mark.parametrize(
    "first", ["", "hw.zero('9.9'); ", "import headwidgets.methods.places; ", "hw.Head(1, 2); "]
)
def test_it_is_called_whatever_was_imported_before(first):
    """The function has the name of the package that holds it; both work, in either order."""
    code = (
        f"import headwidgets as hw; {first}assert len(hw.methods()) == 10; "
        "from headwidgets.methods.places import read_at; import headwidgets.methods.edit; "
        "assert headwidgets.methods.edit.Edit; assert len(hw.methods()) == 10; "
        "import sys; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", f"import headwidgets; {code}"], check=True)
