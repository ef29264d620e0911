"""Is a set of heads the circuit: faithfulness, completeness, minimality.

Wang et al. 2022 (arXiv 2211.00593), section 4. F(S) is the mean of the metric over the
prompts where every head outside S has its z replaced by its mean over the reference; M is the
whole model, C the circuit.

    faithfulness   |F(M) − F(C)|, and F(C) / F(M)
    completeness   |F(C∖K) − F(M∖K)| for subsets K of C: 0 where nothing outside C does K's work
    minimality     of each head v, the largest |F(C∖(K ∪ {v})) − F(C∖K)| over subsets K of C∖{v}
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from headwidgets.methods.circuit_sets import Circuit, Kept, read_circuit
from headwidgets.methods.circuit_table import layout
from headwidgets.methods.edits import keep, mean
from headwidgets.methods.means import describe
from headwidgets.methods.measuring import metric_name, metric_unit, reading
from headwidgets.methods.options import refuse_unknown
from headwidgets.methods.runs import logits
from headwidgets.methods.snapshot import position
from headwidgets.methods.summary import measured_on, stopped
from headwidgets.model.work import checkpoint, keeping

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from headwidgets.methods.edits import At, Edit
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine


def circuit(
    engine: Engine,
    snapshot: Snapshot,
    heads: object,
    *,
    subsets: int = 10,
    seed: int = 0,
    at: At = None,
    **unknown: object,
) -> pd.DataFrame:
    """Measure whether some heads are the circuit of the metric on these prompts.

    Parameters
    ----------
    heads : sequence of heads, or mapping of str to sequence of heads
        The circuit; a mapping names its classes, each of which is then tried as a K.
    subsets : int
        How many random subsets K to try besides; each head is in one with probability 1/2.
    seed : int
        Of the random subsets.
    at : int, str, list of them, optional
        Where heads are replaced by their means; None is everywhere.

    Returns
    -------
    DataFrame
        score ("metric", "faithfulness", "completeness", "minimality"), of (what was measured,
        or the head), K (heads taken away), value, se, low, high (95 % by Student's t) and n.
        Metric: F of the model, of the circuit, and with every head at its mean. Faithfulness:
        |F(M) − F(C)|, and the ratio of means F(C) / F(M), NaN where F(M) lies within two
        standard errors of 0. Completeness: a row a K, the first K = ∅, where it is faithfulness.
        Minimality: a row a head, K being the one that shows the head most; over K are tried
        none, the rest of its class, the rest of the circuit, and the random ones.
        For a distance |x| the interval is that of x, folded at 0.
        ``attrs["runs"]`` says how many sets of heads were run.

    Raises
    ------
    InputError
        For no head, a head that the model lacks, a number of subsets that is none, or an
        unknown option.
    EditDropped
        If the architecture does not read z where it is edited.
    Cancelled
        If it was cancelled; ``partial`` on the error is the table of the prompts that are
        done, where there is any, and ``attrs["incomplete"]`` says how many.

    References
    ----------
    Wang et al. 2022, "Interpretability in the Wild", arXiv 2211.00593, section 4.
    """
    refuse_unknown("circuit", unknown, "subsets, seed, at")
    asked = read_circuit(heads, engine.facts, subsets, seed)
    base = replace(snapshot, edits=())
    for pair in base.pairs if at is not None else ():
        position(at, pair, one_length=base.one_length)
    sets = asked.sets()
    values = np.full((len(sets), len(base.pairs)), math.nan)

    def partial() -> pd.DataFrame | None:
        done = int(_whole(values).sum())
        if not done:
            return None
        frame = _frame(base, asked, sets, values, at)
        frame.attrs |= stopped(base, done)
        return frame

    with keeping(partial):
        _measure(engine, base, [_edits(engine, one, at) for one in sets], values)
    return _frame(base, asked, sets, values, at)


def _edits(engine: Engine, one: Kept, at: At) -> tuple[Edit, ...]:
    """Return the edits that leave of the model what `one` keeps."""
    if one.inside:
        return (keep(*one.heads, at=at),) if one.heads else _all(engine, at)
    return tuple(mean(head, at) for head in one.heads)


def _all(engine: Engine, at: At) -> tuple[Edit, ...]:
    facts = engine.facts
    return tuple(mean((i, h), at) for i in range(facts.n_layers) for h in range(facts.n_heads))


def _measure(
    engine: Engine,
    base: Snapshot,
    edits: list[tuple[Edit, ...]],
    values: NDArray[np.float64],
) -> None:
    """Fill in the metric of every set of edits, [set, prompt], batch by batch."""
    done, total = 0, values.size
    for batch in base.batches(limit=engine.rows_at_once(max(len(p.clean) for p in base.pairs))):
        read = reading(engine, base, batch, logits(engine, base, "clean", batch).values)
        for i, some in enumerate(edits):
            checkpoint(done, total, "circuit")
            edited = logits(engine, replace(base, edits=some), "edited", batch).values
            values[i, batch] = read(edited).double().cpu().numpy()
            done += len(batch)


def _whole(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Say which prompts have every set: one that lacks some would mix two questions."""
    return np.asarray(np.isfinite(values).all(0))


def _frame(
    base: Snapshot, asked: Circuit, sets: list[Kept], values: NDArray[np.float64], at: At
) -> pd.DataFrame:
    found = dict(zip(sets, np.where(_whole(values), values, math.nan), strict=True))
    frame = layout(asked, found)
    frame.attrs |= {
        "circuit": ", ".join(map(str, asked.heads)),
        "classes": {name: [str(h) for h in group] for name, group in asked.classes.items()},
        "metric": metric_name(base),
        "unit": metric_unit(base),
        "measured_on": measured_on(base),
        "mean": describe(base),
        "done": "z of every head outside of the set is replaced by its mean, "
        + ("at every position" if at is None else f"at {at}"),
        "at": at,
        "runs": len(sets),
        "subsets": len(asked.drawn),
        "seed": asked.seed,
    }
    return frame
