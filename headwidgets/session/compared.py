"""The three runs side by side: top tokens of the pair on screen, and the metric's intervals."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from headwidgets.errors import InputError
from headwidgets.methods import effects
from headwidgets.methods.interval import interval
from headwidgets.methods.runs import logits
from headwidgets.methods.shown import RUNS
from headwidgets.session.why import lacking, why
from headwidgets.whole import whole

if TYPE_CHECKING:
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine


def compare(engine: Engine, snapshot: Snapshot, k: int) -> pd.DataFrame:
    """Return the likeliest next tokens of the pair on screen in each run.

    Returns
    -------
    DataFrame
        One row a token that is among the `k` likeliest of some run, in the clean order;
        index the token id. Columns token; clean, corrupted, edited, change in logits;
        p_clean, p_corrupted, p_edited, p_change in probability. Change is edited minus
        the run that the edits go into. NaN where there is no such run: no corrupted
        prompt, or edits that wait. ``attrs["why"]`` says why nothing changed, if so.
    """
    count = whole(k)
    if count is None or not 1 <= count <= engine.facts.d_vocab:
        message = f"expected k from 1 to {engine.facts.d_vocab}, got {k!r}"
        raise InputError(message)
    lacks = lacking(snapshot)
    runs = {"clean": logits(engine, snapshot, "clean", [snapshot.index]).values[0]}
    if snapshot.pair.corrupted is not None:
        runs["corrupted"] = logits(engine, snapshot, "corrupted", [snapshot.index]).values[0]
    if not lacks:
        runs["edited"] = logits(engine, snapshot, "edited", [snapshot.index]).values[0]
    chosen = {int(t) for values in runs.values() for t in torch.topk(values, count).indices}
    order = sorted(chosen, key=lambda t: -float(runs["clean"][t]))
    columns: dict[str, Any] = {"token": engine.text.labels(order)}  # one frame of whole columns
    base = "clean" if lacks else snapshot.base
    for unit in ("", "p_"):
        for run in RUNS:
            values = runs.get(run)
            if values is not None and unit:
                values = torch.softmax(values, dim=-1)
            columns[unit + run] = (
                np.full(len(order), math.nan)
                if values is None
                else values[order].double().numpy(force=True)
            )
        with np.errstate(invalid="ignore"):  # a token may be impossible, with the edit too: NaN
            columns[f"{unit}change"] = columns[f"{unit}edited"] - columns[unit + base]
    frame = pd.DataFrame(columns, index=pd.Index(order, name="id"))
    frame.attrs |= {
        "edits": [str(edit) for edit in snapshot.edits],
        "why": lacks or why(engine, snapshot),
    }
    return frame


def intervals(engine: Engine, snapshot: Snapshot) -> pd.DataFrame:
    """Return the metric of each run over the whole set, with 95 % intervals of the mean.

    Returns
    -------
    DataFrame
        Rows clean, corrupted, edited, change, normalised, KL; columns value, low, high,
        n, note. The intervals are Student's t over prompts: NaN for one prompt. Edits
        that wait for a partner prompt leave edited, change and normalised NaN.
    """
    lacks = lacking(snapshot, everywhere=True)
    frame = effects.effect(engine, replace(snapshot, edits=()) if lacks else snapshot)
    if lacks:
        rows = ["edited", "change", "normalised", "KL"]
        frame.loc[rows, ["value", "se"]] = math.nan
        frame.loc[rows, "note"] = lacks
        frame.loc[rows, "n"] = 0
    low, high = interval(frame["value"], frame["se"], frame["n"])
    frame.insert(1, "low", low)
    frame.insert(2, "high", high)
    return frame.drop(columns="se")


def first_difference(snapshot: Snapshot) -> int | None:
    """Return where the two prompts on screen first differ; None where they never do."""
    clean, corrupted = snapshot.pair.clean, snapshot.pair.corrupted
    if corrupted is None or clean == corrupted:
        return None
    both = zip(clean, corrupted, strict=False)
    shorter = min(len(clean), len(corrupted))
    return next((i for i, (a, b) in enumerate(both) if a != b), shorter)
