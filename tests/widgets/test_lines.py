"""Lines over an axis: where each stands, and what the figure says of them."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from headwidgets.errors import InputError
from headwidgets.widgets.lines import INKS, lines, spread

FRAME = pd.DataFrame(
    {
        "condition": ["none"] * 4 + ["match"] * 4,
        "sequences": [0, 100, 1000, 10_000] * 2,
        "loss": [1.6, 0.7, 0.7, 0.1, 1.6, 0.2, 0.05, 0.0],
    }
)


def picture(figure):
    return np.asarray(Image.open(BytesIO(figure._repr_mimebundle_()["image/png"])))


def test_it_says_where_each_line_begins_and_ends():
    figure = lines(FRAME, title="Clamps", levels={"ln 2": 0.693})
    assert repr(figure) == ("<Clamps: loss over sequences; none 1.60 to 0.10; match 1.60 to 0.00>")
    assert figure.to_frame().equals(FRAME)


def test_a_line_stands_at_its_values():
    """On a linear axis, at three quarters of the way, the line of a ramp is at three quarters."""
    ramp = pd.DataFrame({"condition": "a", "sequences": [0, 50, 100], "loss": [0.0, 0.5, 1.0]})
    page = picture(lines(ramp, log=False)).astype(int)
    own = np.abs(page - np.array(INKS[0])).sum(-1) < 60
    rows, columns = np.nonzero(own[:, 52 : 52 + 560])
    at = np.abs(columns - 420).argmin()
    assert rows[at] == pytest.approx(44 + 230 * (1 - 0.75 / 1.03), abs=3)


def test_a_log_axis_gives_decades_the_same_room():
    at = lines(FRAME)._along()
    assert np.diff(at)[1:] == pytest.approx([np.diff(at)[1]] * 2)
    assert at[0] == 0 < at[1], "0 has a place too"
    assert at[-1] == pytest.approx(560)


def test_a_gap_stays_a_gap_and_a_ninth_line_is_drawn():
    holes = FRAME.assign(loss=[1.6, np.nan, 0.7, 0.1, np.nan, 0.2, 0.05, np.nan])
    assert picture(lines(holes)).shape[2] == 3
    many = pd.concat([FRAME.assign(condition=f"head {i}") for i in range(9)])
    assert "head 8 1.60 to 0.05" in repr(lines(many))
    assert picture(lines(many)).shape[1] > 600


def test_no_name_stands_above_another():
    found = spread([5, 5, 6, 100, 229, 230], 230)
    assert min(np.diff(found)) >= 14
    assert max(found) <= 230 - 7


@pytest.mark.parametrize(
    "frame", [3, FRAME.drop(columns="loss"), FRAME[:0], FRAME.assign(loss=np.nan)]
)
def test_another_frame_is_refused(frame):
    with pytest.raises(InputError, match="expected a frame of sequences, loss and condition"):
        lines(frame)
