"""The numbers behind the emergence lab, as frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headwidgets.errors import InputError
from headwidgets.heads import Head
from headwidgets.widgets import emergence_runs as runs
from headwidgets.widgets.emergence_data import ROLES, is_pairs, near
from headwidgets.widgets.emergence_look import checkpoint

if TYPE_CHECKING:
    from pandas import DataFrame

    from headwidgets.widgets.emergence_state import EmergenceState

WHAT = ("curves", "heads", "times", "tiles", "map")


def frame(state: EmergenceState, what: object) -> DataFrame:
    """Return the numbers of a part; see `EmergenceLab.to_frame`."""
    import pandas as pd

    if not isinstance(what, str) or what not in WHAT:
        message = f"expected one of {', '.join(WHAT)}, got {what!r:.80}"
        raise InputError(message)
    if what in ("curves", "heads", "times"):
        from headwidgets.labs.emergence import times

        many = []
        for name, run in state.runs.items():
            if what == "times" and not run.history.steps:
                continue
            own = times(run) if what == "times" else getattr(run, what)()
            own.insert(0, "run", name)
            many.append(own)
        if not many:
            message = "nothing measured yet: train the run first"
            raise InputError(message)
        return pd.concat(many, ignore_index=True)
    look = state.look
    run = state.runs[look["run"]]
    k = run.conditions.index(look["condition"])
    steps, attention = runs.patterns(run)
    if not steps:
        message = "no checkpoint yet: train the run first"
        raise InputError(message)
    at = checkpoint(steps, look["step"])
    about = {"run": look["run"], "condition": look["condition"], "step": steps[at]}
    if what == "tiles":
        at = near(run.history.steps, steps[at])
        found = _tiles(run, at, k)
        about["step"] = run.history.steps[at]
    else:
        found = _map(run, attention[at, k], look["head"])
    found.attrs = about
    return found


def _tiles(run: Any, at: int, k: int) -> DataFrame:
    import pandas as pd

    arrays = run.history.arrays()
    values = np.stack([arrays[one][at, k].float().numpy() for one in ("previous", "strength")])
    heads = values.shape[1]
    return pd.DataFrame(
        {
            "layer": np.repeat([0, run.shape.n_layers - 1], heads),
            "head": np.tile(np.arange(heads), 2),
            "measure": np.repeat(["previous token", "induction strength"], heads),
            "value": values.reshape(-1),
        }
    )


def _map(run: Any, attention: Any, selected: str) -> DataFrame:
    import pandas as pd

    layer, head = Head.parse(selected)
    values = attention[layer, head]
    n = len(values)
    roles = np.array(ROLES if is_pairs(run) else [str(i) for i in range(n)], dtype=object)
    query, key = np.repeat(np.arange(n), n), np.tile(np.arange(n), n)
    return pd.DataFrame({"query": roles[query], "key": roles[key], "weight": values.reshape(-1)})
