"""What the edits do: the metric of the three runs with intervals, and the top tokens."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from headwidgets.errors import InputError
from headwidgets.methods.means import describe
from headwidgets.methods.measuring import least_gap, metric_name, metric_unit, reading
from headwidgets.methods.metrics import LogitDiff, kl_divergence
from headwidgets.methods.ratio import ratio
from headwidgets.methods.runs import batches, check_run, logits
from headwidgets.methods.snapshot import Snapshot, position
from headwidgets.whole import whole

if TYPE_CHECKING:
    from headwidgets.methods.edits import At
    from headwidgets.model.engine import Engine

Values = NDArray[np.float64]
UNITS = ("logit", "log-probability", "probability")


@dataclass(frozen=True)
class Measured:
    """Per prompt: the metric of each run and the divergence; NaN where a run is absent."""

    clean: Values
    corrupted: Values
    edited: Values
    kl: Values
    notes: tuple[str, ...]
    paired: NDArray[np.bool_] | None = None  # which prompts have a partner; None: see corrupted
    least_gap: float = LogitDiff.least_gap  # see `Metric`


def measure(engine: Engine, snapshot: Snapshot) -> Measured:
    """Run the whole set and read the metric of every prompt."""
    n = len(snapshot.pairs)
    out = {name: np.full(n, math.nan) for name in ("clean", "corrupted", "edited", "kl")}
    notes: dict[str, None] = {}
    paired = np.array([pair.corrupted is not None for pair in snapshot.pairs])
    for batch in batches(engine, snapshot):
        clean = logits(engine, snapshot, "clean", batch)
        edited = logits(engine, snapshot, "edited", batch)
        notes |= dict.fromkeys(edited.notes)
        runs = {"clean": clean.values, "edited": edited.values}
        if all(snapshot.pairs[i].corrupted is not None for i in batch):
            runs["corrupted"] = logits(engine, snapshot, "corrupted", batch).values
        read = reading(engine, snapshot, batch, clean.values)
        for run, values in runs.items():
            out[run][batch] = read(values).cpu()
        out["kl"][batch] = kl_divergence(clean.values, edited.values).cpu()
    for run in ("clean", "corrupted", "edited"):
        asked = paired if run == "corrupted" else np.ones(n, dtype=bool)
        lost = int((asked & ~np.isfinite(out[run])).sum())
        if lost:
            notes[f"the {run} run has no finite metric on {lost} of {int(asked.sum())} prompts"] = (
                None
            )
    return Measured(**out, notes=tuple(notes), paired=paired, least_gap=least_gap(snapshot))


def effect(engine: Engine, snapshot: Snapshot) -> pd.DataFrame:
    """Return what the edits do to the metric, over the whole set.

    Returns
    -------
    DataFrame
        Rows clean, corrupted, edited, change, normalised, KL; columns value, se, n,
        note. Change is edited minus the run that the edits go into. Normalised is
        (edited − corrupted) / (clean − corrupted), a ratio of means: 1 as clean, 0 as
        corrupted; NaN, with the reason in note, where the denominator is below two
        standard errors, 5 % of the metric's range on the set, or the metric's least gap:
        0.1 (logits, nats, places), of a probability 0.01. KL(clean ‖ edited) is in nats.
    """
    m = measure(engine, snapshot)
    base = m.clean if snapshot.base == "clean" else m.corrupted
    rows = {
        "clean": (*mean_se(m.clean), ""),
        "corrupted": (*mean_se(m.corrupted), "" if _paired(m).any() else "no corrupted prompt"),
        "edited": (*mean_se(m.edited), "" if snapshot.edits else "no edits: as clean"),
        "change": (*mean_se(m.edited - base), f"edited minus {snapshot.base}"),
        "normalised": normalised(m),
        "KL": (*mean_se(m.kl), "KL(clean ‖ edited), nats"),
    }
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=["value", "se", "note"])
    counts = [int(np.isfinite(v).sum()) for v in (m.clean, m.corrupted, m.edited, m.edited - base)]
    counts += [int(np.isfinite(v).sum()) for v in (m.clean - m.corrupted, m.kl)]
    frame.insert(2, "n", counts)
    frame.index.name = "run"
    frame.attrs |= {
        "metric": metric_name(snapshot),
        "unit": metric_unit(snapshot),
        "edits": [str(e) for e in snapshot.edits],
        "notes": list(m.notes),
    }
    if any(e.source == "mean" for e in snapshot.edits):
        frame.attrs["mean"] = describe(snapshot)
    return frame


def mean_se(values: Values) -> tuple[float, float]:
    """Mean and standard error over the prompts that have a value; NaN where undefined."""
    there = values[np.isfinite(values)]
    mean = float(there.mean()) if len(there) else math.nan
    se = float(there.std(ddof=1) / math.sqrt(len(there))) if len(there) > 1 else math.nan
    return mean, se


def normalised(m: Measured) -> tuple[float, float, str]:
    """Return the normalised effect, its standard error, and why there is none."""
    found = ratio(m.edited[None], m.clean, m.corrupted, least=m.least_gap, paired=m.paired)
    return float(found.value[0]), float(found.se[0]), found.why


def top_tokens(engine: Engine, snapshot: Snapshot, *, k: int, at: At, unit: str) -> pd.DataFrame:
    """Return the likeliest next tokens of the pair on screen, clean and edited.

    Returns
    -------
    DataFrame
        Columns token, clean, edited, change; index the token id. The k likeliest of
        either run, in the clean order.
    """
    if unit not in UNITS:
        message = f"expected a unit {', '.join(UNITS)}, got {unit!r}"
        raise InputError(message)
    count = whole(k)
    if count is None or not 1 <= count <= engine.facts.d_vocab:
        message = f"expected k from 1 to {engine.facts.d_vocab}, got {k!r}"
        raise InputError(message)
    runs: dict[str, torch.Tensor] = {}
    notes: tuple[str, ...] = ()
    for run in ("clean", "edited"):
        values, notes = _at(engine, snapshot, run, at)
        runs[run] = _in_unit(values, unit)
    chosen = sorted(
        {int(t) for values in runs.values() for t in torch.topk(values, count).indices},
        key=lambda t: -float(runs["clean"][t]),
    )
    data = {run: [float(values[t]) for t in chosen] for run, values in runs.items()}
    frame = pd.DataFrame({"token": engine.text.labels(chosen), **data}, index=chosen)
    frame.index.name = "id"
    frame["change"] = frame["edited"] - frame["clean"]
    frame.attrs |= {
        "unit": unit,
        "at": str(at),
        "edits": [str(e) for e in snapshot.edits],
        "notes": list(notes),
    }
    return frame


def _at(
    engine: Engine, snapshot: Snapshot, run: str, at: At
) -> tuple[torch.Tensor, tuple[str, ...]]:
    """Logits of one position of the pair on screen, [vocabulary]."""
    check_run(run)
    places = position(at, snapshot.pair, one_length=True)
    if len(places) != 1:
        message = f"expected one position or role in at=, got {at!r}"
        raise InputError(message)
    end = places[0] == len(snapshot.pair.clean) - 1
    found = logits(engine, snapshot, run, [snapshot.index], positions="end" if end else "all")
    row = found.values[0]
    return (row if end else row[places[0]]), found.notes


def _in_unit(values: torch.Tensor, unit: str) -> torch.Tensor:
    if unit == "logit":
        return values
    log = torch.log_softmax(values, dim=-1)
    return log.exp() if unit == "probability" else log


def _paired(m: Measured) -> NDArray[np.bool_]:
    """Which prompts have a corrupted partner."""
    return np.isfinite(m.corrupted) if m.paired is None else m.paired
