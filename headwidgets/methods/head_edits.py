"""What it does to the metric to edit one head: zero, mean and resample, each by itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from headwidgets.errors import EditDropped, InputError, NotMeasurable
from headwidgets.methods.measuring import metric_name, metric_unit
from headwidgets.methods.summary import measured_on
from headwidgets.methods.sweep import sweep

if TYPE_CHECKING:
    from headwidgets.heads import Head
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine

EDITS = ("zero", "mean", "resample")
COLUMNS = ("edit", "clean", "effect", "se", "low", "high", "n", "note")
_NOTHING = dict.fromkeys(("clean", "effect", "se", "low", "high"), math.nan)


def head_edits(engine: Engine, snapshot: Snapshot, head: Head, *, seed: int = 0) -> pd.DataFrame:
    """Edit one head in each way, over the whole prompt set; the question's own edits are put aside.

    Parameters
    ----------
    seed : int
        Of the resample: which prompt gives to which.

    Returns
    -------
    DataFrame
        One row an edit: edit; clean, the mean metric without it; effect, the mean change with it;
        se, low and high, its 95 % interval; n, prompts; note, why there is no number.
        ``attrs``: metric, unit, measured_on, and mean, what a mean is taken over.
    """
    rows, mean = [], ""
    for kind in EDITS:
        row: dict[str, Any] = {"edit": kind, **_NOTHING, "n": 0, "note": ""}
        try:
            found = sweep(engine, snapshot, kind, heads=[head], seed=seed)
        except (InputError, NotMeasurable, EditDropped) as error:
            row["note"] = str(error)
        else:
            numbers = found.loc[0, ["effect", "se", "low", "high", "n"]].to_dict()
            row |= {**numbers, "n": int(numbers["n"]), "clean": found.attrs["clean"]}
            mean = found.attrs.get("mean", mean)
        rows.append(row)
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    frame.attrs = {
        "metric": metric_name(snapshot),
        "unit": metric_unit(snapshot),
        "measured_on": measured_on(snapshot),
        "mean": mean,
    }
    return frame
