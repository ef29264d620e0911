"""What the succession lab shows, as plain values and buffers: packed from the labs' frames.

Each part is a dict that travels as one trait, its array's bytes in it (``data``), or
``{"error": why}``. Numbers are exact, float32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headwidgets.errors import NotMeasurable
from headwidgets.heads import Head
from headwidgets.widgets.wire import encode

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

STEP, MOST = 0.05, 4.0
"""Of the strength that the slider sets: 0 to 4."""
STRENGTHS = tuple(round(STEP * i, 2) for i in range(round(MOST / STEP) + 1))
COLUMNS = ("micro", "macro", "copying")
PAPER = {
    "numbers": "the paper: .89 of 20 to 29",
    "months": "the paper: .53",
    "days": "the paper: fails",
    "letters": "the paper: fails",
}
"""Of arithmetic in Pythia-1.4B; what the shares are of is not known."""
MOST_CASES = 200
"""Cases that are sent and listed; a frame has all, and says in ``attrs["listed"]`` how many are."""
Part = dict[str, Any]
Scores = dict[str, Any]


def scored(session: Any) -> Scores:
    """Return the scores of every variant, by its name: a frame, or why there is none.

    Raises
    ------
    NotMeasurable
        If no variant can be asked.
    """
    from headwidgets.labs.succession import VARIANTS, scores  # loads torch

    found: Scores = {}
    for variant in VARIANTS:
        try:
            found[variant] = scores(session, variant)
        except NotMeasurable as error:
            found[variant] = str(error)
    reasons = [one for one in found.values() if isinstance(one, str)]
    if len(reasons) == len(found):
        raise NotMeasurable(reasons[-1])
    return found


def frames_of(found: Scores) -> Mapping[str, pd.DataFrame]:
    """Return the variants that have scores."""
    return {name: frame for name, frame in found.items() if not isinstance(frame, str)}


def best(found: Scores) -> str:
    """Return the head of the largest micro average, as MLP and norm have it where they can."""
    frames = frames_of(found)
    frame = frames.get("normed", next(iter(frames.values())))
    row = frame.loc[frame["micro"].idxmax()]
    return str(Head(int(row["layer"]), int(row["head"])))


def scores_part(session: Any, found: Scores) -> Part:
    """Pack every head's scores: [variant, column, head]; NaN where a variant cannot be asked."""
    from headwidgets.labs.across import doubt  # loads torch
    from headwidgets.labs.succession import KIND, data

    facts = session.facts
    size = facts.n_layers * facts.n_heads
    table = np.full((len(found), len(COLUMNS), size), np.nan, np.float32)
    for at, frame in enumerate(found.values()):
        if not isinstance(frame, str):
            table[at] = frame[list(COLUMNS)].to_numpy(np.float32).T
    header, buffer = encode(table)
    spelled = data(session).groupby("set", sort=False)["pair"].agg(["sum", "size"])
    frames = frames_of(found)
    return {
        "variants": list(found),
        "kind": KIND,
        "why": {name: one for name, one in found.items() if isinstance(one, str)},
        "null": {name: frame.attrs["null"] for name, frame in frames.items()},
        "doubt": {name: doubt(frame) for name, frame in frames.items()},
        "sets": [[name, int(row["sum"])] for name, row in spelled.iterrows() if row["sum"]],
        "n": int(next(iter(frames.values()))["n"].iloc[0]),
        "shape": [facts.n_layers, facts.n_heads],
        "best": best(found),
        "array": header,
        "data": buffer,
    }


def matrix_part(session: Any, found: Scores, head: str, asked: Mapping[str, Any]) -> Part:
    """Pack one head's matrix of one set, and its shares by set in every variant."""
    from headwidgets.labs.succession import known_set, matrix

    name, variant = asked["set"], asked["variant"]
    frame = matrix(session, head, name, variant)
    known = known_set(session.engine, name, variant)
    header, buffer = encode(np.ascontiguousarray(frame.to_numpy(np.float32)))
    layer, number = Head.parse(head)
    bars = []
    for other in next(iter(frames_of(found).values())).columns[6:]:
        row: list[Any] = [other]
        for one in found.values():
            if isinstance(one, str):
                row.append(None)
                continue
            mine = one[(one["layer"] == layer) & (one["head"] == number)]
            row.append(float(mine[other].iloc[0]))
        bars.append(row)
    return {
        "head": head,
        "set": name,
        "variant": variant,
        "members": list(frame.index),
        "following": known.series.following,
        "bars": bars,
        "edits": _edits(session, head, name, variant),
        "array": header,
        "data": buffer,
    }


def _edits(session: Any, head: str, name: str, variant: str) -> Part:
    """Return how many edits of a set end where they should, or why none can be made."""
    from headwidgets.labs.arithmetic import arithmetic  # loads torch

    try:
        frame = arithmetic(session, head, name, variant=variant)
    except NotMeasurable as error:
        return {"why": str(error)}
    within = frame[~frame["beyond"].astype(bool)]
    right = {"right": int(frame["right"].sum()), "right_within": int(within["right"].sum())}
    return {**right, "n": len(frame), "n_within": len(within), "paper": PAPER.get(name)}


def slide_part(session: Any, head: str, asked: Mapping[str, Any]) -> Part:
    """Pack what a head writes at every strength of the slider, [strength, member]."""
    from headwidgets.labs.arithmetic import slid

    what = asked["set"], asked["member"], asked["residue"]
    frame = slid(session, head, *what, STRENGTHS, variant=asked["variant"])
    header, buffer = encode(np.ascontiguousarray(frame.to_numpy(np.float32)))
    return {
        "head": head,
        **{name: asked[name] for name in ("set", "variant", "member", "residue")},
        "members": list(frame.columns),
        "wanted": frame.attrs["wanted"],
        "own": frame.attrs["own"],
        "strengths": list(STRENGTHS),
        "array": header,
        "data": buffer,
    }


def cases_part(frame: pd.DataFrame, of: str) -> Part:
    """Pack the winning cases of a head on text, the largest effects first; at most `MOST_CASES`."""
    from headwidgets.labs.on_text import shares

    table = shares(frame)
    table = table.astype(object).where(table.notna(), None)
    short = frame.head(MOST_CASES).drop(columns=["context", "attended"])
    rows = [
        {**row, **look}
        for row, look in zip(short.to_dict("records"), frame.attrs["looks"], strict=False)
    ]
    names = ("head", "n", "wins", "texts", "listed")
    frame.attrs["listed"] = len(short)
    about = {name: frame.attrs[name] for name in names}
    return {**about, "of": of, "shares": table.to_dict("records"), "rows": rows}
