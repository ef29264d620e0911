"""The shipped runs beside the paper's values, and beside an earlier re-implementation on a CPU.

The paper's are read off its figures (Omniglot, rate 1e-5, layer-2 head 3); the re-implementation
had the same data as ours by kind, not by seed, and drew its weights otherwise. Head numbers mean
nothing across them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from headwidgets.labs.emergence.figures import times
from headwidgets.labs.emergence.finished import finished, finished_runs

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAN = float("nan")


class _Known(NamedTuple):
    """Thousands of sequences: the plateau left, learned; and what the paper shows."""

    left: float
    learned: float
    paper: str = ""


_CLAMPS_SLOW = {
    "none": _Known(280, 380, "about 310"),
    "previous token": _Known(180, 240, "falls from 120"),
    "layer 1": _Known(70, 100, "below .4 nats by about 65"),
    "match": _Known(40, 70, "below .4 nats by about 30"),
    "copy": _Known(20, 70, "below .3 nats by about 35"),
    "layer 1 + copy": _Known(10, 30, "the fastest"),
}
_NAMES = tuple(_CLAMPS_SLOW)


def _known(left: tuple[float, ...], learned: tuple[float, ...]) -> dict[str, _Known]:
    return {n: _Known(a, b) for n, a, b in zip(_NAMES, left, learned, strict=True)}


_NONE = (_NAN,) * len(_NAMES)
_TABLE: Mapping[str, tuple[str, Mapping[str, _Known]]] = {
    "paper": ("3a: main run", {"none": _Known(240, 350, "plateau from 50, change at 150 to 300")}),
    "paper-heads": (
        "4b: one head throughout",
        {"all": _Known(_NAN, 350, "270; one head 310 to 630")},
    ),
    "paper-clamps": ("5b: clamps", _CLAMPS_SLOW),
    "gauss-clamps": ("5b: clamps, rate 1e-4", _known((29, 19, 8, 4, 2, 1), (38, 25, 10, 7, 8, 3))),
    "low16-clamps": ("5b: clamps, rate 1e-4", _known((16, 10, 6, 4, 2, 2), (22, 16, 8, 6, 4, 2))),
    "gauss-classes-200": ("6: 200 classes, rate 1e-4", _known(_NONE, (71, 42, 15, 8, 18, 6))),
    "gauss-labels-10": ("6: 10 labels, rate 1e-4", _known(_NONE, (75, 44, 16, 14, 10, 2))),
    "gauss-labels-15": ("6: 15 labels, rate 1e-4", _known(_NONE, (96, 66, 24, 20, 10, 4))),
    "paper-classes-200": (
        "6: 200 classes",
        {
            **_known(_NONE, (_NAN, 420, 150, 70, 170, _NAN)),
            "none": _Known(_NAN, _NAN, "begins at 370, at 250 with 50 classes"),
        },
    ),
    "paper-labels-10": ("6: 10 labels", {"none": _Known(_NAN, _NAN, "about 850")}),
    "paper-labels-15": ("6: 15 labels", {"none": _Known(_NAN, _NAN, "about 1,400")}),
}


def beside_paper() -> pd.DataFrame:
    """Return when each condition of the shipped runs has learned, beside what is known of it.

    Returns
    -------
    DataFrame
        One row a run and condition: run, figure, condition; plateau_left and learned (thousands of
        sequences until the train loss is below .9 ln 2 and .4 ln 2; NaN: not within the run);
        earlier_left and earlier_learned (of the re-implementation; NaN: not told, or never);
        paper (in words, thousands of sequences).

    References
    ----------
    Singh et al. 2024, arXiv 2404.07129, figures 3 to 6.
    """
    rows = []
    for name, (figure, known) in _TABLE.items():
        if name not in finished_runs():
            continue
        for _, row in times(finished(name)).iterrows():
            said = known.get(row["condition"], _Known(_NAN, _NAN))
            own = row["plateau_left"] / 1e3, row["learned"] / 1e3
            rows.append((name, figure, row["condition"], *own, *said))
    columns = ["run", "figure", "condition", "plateau_left", "learned"]
    return pd.DataFrame(rows, columns=[*columns, "earlier_left", "earlier_learned", "paper"])
