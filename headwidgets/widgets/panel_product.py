"""What the patch panel shows, as plain JSON: top tokens, metric, prompts, and why.

``panel`` holds what one edited forward of the pair on screen gives, and goes out first;
``effect`` the metric over the set.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from headwidgets.methods.shown import RUNS
from headwidgets.session.compared import first_difference
from headwidgets.widgets.painter import Product
from headwidgets.widgets.pictures import Picture

if TYPE_CHECKING:
    from pandas import DataFrame

    from headwidgets.widgets.painter import View

TOP = 10
MOST_TOKENS = 512
"""Tokens of a prompt that are shown as a strip; the rest is counted."""
MOST_CODE = 6_000
"""Characters of code that travel with every change; longer code is asked for."""
MOST_PROMPTS = 4


def _about(session: Any, _view: View) -> dict[str, Any]:
    return {"revision": session.revision}


def _panel(session: Any, _view: View, about: dict[str, Any]) -> Picture:
    frame = session.compare(TOP)
    snapshot = session.snapshot()
    header = {
        **about,
        "top": {run: top(frame, run) for run in RUNS},
        "why": frame.attrs["why"],
        "waiting": session.waiting,
        "tokens": _tokens(session, snapshot),
        "first": first_difference(snapshot),
        "bos": bool(snapshot.pair.clean[0] == session.engine.text.bos_id),
    }
    around = len(snapshot.pairs) + len(snapshot.reference or ())
    code = session.as_python() if around <= MOST_PROMPTS and not header["waiting"] else ""
    return Picture({**header, "python": code if len(code) <= MOST_CODE else ""})


def _effect(session: Any, _view: View, about: dict[str, Any]) -> Picture:
    return Picture({**about, **effect(session.intervals())})


PANEL = Product(_about, _panel)
EFFECT = Product(_about, _effect)


def top(frame: DataFrame, run: str) -> list[dict[str, Any]]:
    """Return the likeliest tokens of one run: id, token, logit, p and the clean ones' change."""
    names = (run, f"p_{run}", "change", "p_change")
    values, p, change, p_change = (frame[name].to_numpy() for name in names)
    tokens = frame["token"].tolist()
    there = [i for i in np.argsort(-values, kind="stable") if not np.isnan(values[i])]
    return [
        {
            "id": int(frame.index[i]),
            "token": tokens[i],
            "logit": plain(values[i]),
            "p": plain(p[i]),
            "change": [plain(change[i]), plain(p_change[i])],
        }
        for i in there[:TOP]
    ]


def effect(frame: DataFrame) -> dict[str, Any]:
    """Return the metric of the three runs: value, ends of the interval, n, note."""
    rows = {
        str(name): {
            **{end: plain(row[end]) for end in ("value", "low", "high")},
            "n": int(row["n"]),
            "note": row["note"],
        }
        for name, row in frame.iterrows()
    }
    more = {name: frame.attrs[name] for name in ("metric", "unit", "mean") if name in frame.attrs}
    return {"rows": rows, **more}


def plain(value: float) -> float | None:
    """Return a number that JSON has; None for the others."""
    return float(value) if math.isfinite(value) else None


def _tokens(session: Any, snapshot: Any) -> dict[str, Any]:
    """Return the strips: pieces of both prompts, cut, how long they are, what is new to it."""
    out: dict[str, Any] = {}
    for run in ("clean", "corrupted"):
        ids = snapshot.pair.clean if run == "clean" else snapshot.pair.corrupted
        if ids is not None:
            text, some = session.engine.text, list(ids[:MOST_TOKENS])
            unseen = [at for at, token in enumerate(some) if token in text.unseen]
            out[run] = {"n": len(ids), "pieces": text.shown(some), "unseen": unseen}
    return out
