"""What a grid shows, as code that the browser can copy."""

from __future__ import annotations

import pytest

import headwidgets as hw
from headwidgets.widgets.serve import handlers


@pytest.fixture
def paired(planted, wire):
    clean = "Mary took the red apple and John took the red"
    planted.prompt, planted.corrupted_prompt = clean, clean.replace("apple", "book")
    return planted


def test_a_grid_s_sweep_is_written(paired):
    grid = hw.HeadGrid(paired, "patch", at="end")
    answer = handlers(paired)["as_python"]({"grid": grid.grid})
    assert answer.body["python"] == paired.as_python(grid.to_frame())
    assert "at = [[10]]  # 'end'" in answer.body["python"]
    assert answer.body["revision"] == paired.revision
    whole = handlers(paired)["as_python"]({})
    assert whole.body["python"] == paired.as_python() != answer.body["python"]
    paired.prompt = "the red apple"
    with pytest.raises(hw.InputError, match="measure it again"):
        handlers(paired)["as_python"]({"grid": grid.grid})
    grid.close()


def test_a_score_has_no_such_code(paired):
    grid = hw.HeadGrid(paired, "induction")
    with pytest.raises(hw.InputError, match="expected what one of s"):
        handlers(paired)["as_python"]({"grid": grid.grid})
    grid.close()


def test_a_grid_that_is_gone_says_so(paired):
    for name in ("grid-0", 1, [], "x" * 10_000):
        with pytest.raises(hw.InputError, match="run its cell again"):
            handlers(paired)["as_python"]({"grid": name})
