"""Direct attribution: how much of a logit difference each component writes itself.

The logit difference is a sum over what is written to the last residual stream, once the
final norm's scale is frozen (`logit_direction`). What a component does through others is no
part of its direct attribution; `head_effects` tells the two apart.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from headwidgets.errors import InputError, NotMeasurable
from headwidgets.methods.decompose import Apart, places_of
from headwidgets.methods.logit_direction import LogitDirection
from headwidgets.methods.measuring import metric_name, metric_unit, reading, require_foil
from headwidgets.methods.runs import batches
from headwidgets.methods.source_tokens import by_source
from headwidgets.methods.summary import largest, measured_on, prompts_key, summarised
from headwidgets.model.finish import Finish

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from headwidgets.methods.edits import At
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine

BY = ("component", "source token")
FROZEN = "the final norm's scale is that of each run (frozen); before a soft cap"
_TOLERANCE = 1e-3
Named = tuple[str, int | None, int | None]


def attribution(
    engine: Engine,
    snapshot: Snapshot,
    by: str = "component",
    at: At = "end",
    *,
    heads: object = None,
) -> pd.DataFrame:
    """Attribute the clean run's logit difference to what is written to the residual stream.

    Parameters
    ----------
    by : {"component", "source token"}
        To the embedding, positions, every head, MLP and bias; or, head by head, to the
        tokens that it attends to: A[at, key] · v[key] · W_O, along the metric's direction.
    at : int or str
        The position or role whose residual stream is read.
    heads : sequence of heads, or one head, optional
        By source token: only these.

    Returns
    -------
    DataFrame
        By component: part ("embedding", "positions", "head", "mlp", "bias"), layer, head,
        name, attribution, se, low, high, n; in logits. The rows sum to the metric, as it is
        before a soft cap, which is ``attrs["metric_value"]``; ``attrs["error"]`` is the largest
        difference on any prompt, as a share of the metric there or of its largest row,
        whichever is more. By source token: layer, head, source (a position, or a role where
        the prompts differ in length), attribution, se, low, high, n; the rows of a head sum
        to the attribution of that head, and ``attrs["error"]`` says how closely; a token of
        several roles counts for each, and then ``attrs["notes"]`` say that they do not.

    Raises
    ------
    InputError
        For a metric that is no logit difference, and for an unknown `by` or place.
    NotMeasurable
        If the parts do not sum to the stream on this architecture.

    References
    ----------
    Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits"; Wang et al. 2022,
    arXiv 2211.00593, section 3.1. Raw weights: weight and bias of the final norm are in.
    """
    if by not in BY:
        message = f"expected by={' or '.join(map(repr, BY))} for an attribution, got {by!r}"
        raise InputError(message)
    require_foil(snapshot, "direct attribution")
    if by == "source token":
        frame = by_source(engine, snapshot, at, heads)
    else:
        if heads is not None:
            message = "expected heads= with by='source token' only: by component, all are rows"
            raise InputError(message)
        frame = _by_component(engine, snapshot, at)
    return frame_about(frame, snapshot, {"attribution": by, "at": at, "done": FROZEN})


def frame_about(frame: pd.DataFrame, snapshot: Snapshot, more: dict[str, Any]) -> pd.DataFrame:
    """Note on a frame what it was measured on."""
    frame.attrs |= {
        "measured_on": measured_on(snapshot),
        "prompts": prompts_key(snapshot),
        "metric": metric_name(snapshot),
        "unit": metric_unit(snapshot),
    } | more
    return frame


def _by_component(engine: Engine, snapshot: Snapshot, at: At) -> pd.DataFrame:
    n = len(snapshot.pairs)
    found: dict[Named, NDArray[np.float64]] = {}
    metric, errors = np.full(n, math.nan), []
    for batch in batches(engine, snapshot):
        rows, whole, error = component_values(engine, snapshot, batch, at)
        for name, values in rows:
            found.setdefault(name, np.zeros(n))[batch] = values
        metric[batch] = whole
        errors.append(error)
    values = np.stack(list(found.values()))
    frame = pd.DataFrame([_columns(name) for name in found], columns=["part", "layer", "head"])
    frame[["layer", "head"]] = frame[["layer", "head"]].astype("Int64")
    frame["name"] = [_name(name) for name in found]
    frame = frame.assign(**summarised(values, "attribution"))
    frame.attrs |= {"error": largest(errors), "metric_value": float(metric.mean())}
    return frame


def component_values(
    engine: Engine, snapshot: Snapshot, batch: Sequence[int], at: At
) -> tuple[list[tuple[Named, NDArray[np.float64]]], NDArray[np.float64], float]:
    """Attribute the metric of some pairs of one length.

    Returns
    -------
    rows : list of ((part, layer, head), ndarray [prompt])
    metric : ndarray [prompt]
        The model's own, before a soft cap.
    error : float
        See `attribution`.
    """
    apart = Apart(engine, [snapshot.pairs[i].clean for i in batch], places_of(snapshot, batch, at))
    _ = apart.error  # raises where the writes do not sum
    read = reading(engine, snapshot, batch, apart.logits)
    direction = LogitDirection(engine, read.tokens)
    vectors = (direction.vectors / apart.scale).double()
    out: list[tuple[Named, NDArray[np.float64]]] = []
    for part, layer, written in apart.writes():
        values = torch.einsum("rhm,rm->hr", written.double(), vectors).cpu().numpy()
        out += [((part, layer, h if part == "head" else None), v) for h, v in enumerate(values)]
    for part, value in (
        ("final norm bias", direction.norm_bias),
        ("unembedding bias", direction.unembedding_bias),
    ):
        if bool(value.any()):
            out.append(((part, None, None), value.double().cpu().numpy()))
    metric = uncapped_metric(engine, apart, read.tokens)
    values = np.stack([value for _, value in out])
    size = np.maximum(np.abs(metric), np.abs(values).max(0))
    error = float((np.abs(values.sum(0) - metric) / np.maximum(size, 1e-30)).max())
    if not error <= _TOLERANCE and engine.weights.dtype in (torch.float32, torch.float64):
        message = (
            f"the direct attributions of {engine.facts.architecture} sum to the metric only within "
            f"{error:.3g} of it: its final norm is of a kind that is not known here"
        )
        raise NotMeasurable(message)
    return out, metric, error


def uncapped_metric(
    engine: Engine, apart: Apart, tokens: Sequence[tuple[list[int], list[int]]]
) -> NDArray[np.float64]:
    """Return the logit difference that the model's own norm and unembedding give, [prompt]."""
    with engine.exclusive(), torch.no_grad():
        end = Finish(engine)
        end.cap = None
        normed = end.norm(apart.total.to(engine.weights.dtype))
        rows = []
        for row, (right, wrong) in enumerate(tokens):
            logits = end.columns(normed[row], [*right, *wrong]).double()
            rows.append(float(logits[: len(right)].mean() - logits[len(right) :].mean()))
    return np.array(rows)


def _columns(name: Named) -> Named:
    part, layer, head = name
    return ("bias" if "bias" in part else part), layer, head


def _name(name: Named) -> str:
    part, layer, head = name
    if head is not None:
        return f"{layer}.{head}"
    return part if layer is None else f"{part} {layer}"
