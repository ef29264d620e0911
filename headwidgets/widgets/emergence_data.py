"""What the emergence lab shows of a run, as plain values and buffers.

A run is one dict: what it was asked for, how far it is, and three arrays with their bytes: curves
[condition, part, loss or accuracy, measured step] and heads [condition, layer, measured step,
head], exact; patterns [checkpoint, condition, layer, head, query, key], float16, at most 2⁻¹² off.
"""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from headwidgets.widgets import emergence_runs as runs
from headwidgets.widgets.envelope import reason
from headwidgets.widgets.wire import encode, encode_scaled

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = 600_000
"""Bytes of a run's patterns; of more checkpoints than fit, some are left out."""
ROLES = ("x_a", "y_a", "x_b", "y_b", "x_q")
LEFT, LEARNED = 0.9 * math.log(2), 0.4 * math.log(2)
"""Losses on train at which the plateau is left, and the phase change is over, in nats."""
Part = dict[str, Any]


def stamp(run: Any) -> tuple[Any, ...]:
    """Return what changes when a run has news."""
    if not runs.under_way(run):
        return ()
    with run.lock:
        there = len(run.history.steps), len(run.checkpoints), len(run.switched)
        return run.step, run.state, *there


def size(part: Part) -> int:
    """Return the bytes of a part's arrays."""
    held = [one["data"] for one in part.values() if isinstance(one, dict) and "data" in one]
    return sum(len(one) for one in held)


def pack(name: str, run: Any) -> Part:
    """Pack a run as it is now; no step is done meanwhile."""
    with run.lock if runs.under_way(run) else nullcontext():
        return _pack(name, run)


def _pack(name: str, run: Any) -> Part:
    plan, live = run.plan, runs.under_way(run)
    arrays = run.history.arrays()
    steps, attention = runs.patterns(run)
    kept = _kept(len(steps), attention[:1].nbytes // 2)
    steps, attention = [steps[i] for i in kept], attention[kept]
    parts = [one.removeprefix("part.") for one in arrays if one.startswith("part.")]
    now = run.step if live else plan.steps
    part: Part = {
        "name": name,
        "data": str(run.data.name),
        "conditions": list(run.conditions),
        "live": live,
        "state": run.state if live else "finished",
        "why": reason(run.error) if live and run.state == "failed" and run.error else "",
        "step": now,
        "steps": plan.steps,
        "batch": plan.batch,
        "rate": plan.rate,
        "seeds": list(plan.seeds),
        "labels": int(run.shape.n_labels),
        "shape": [int(run.shape.n_layers), int(run.shape.n_heads)],
        "pairs": is_pairs(run),
        "roles": list(ROLES) if is_pairs(run) else [str(i) for i in range(run.data.length)],
        "measured": list(run.history.steps),
        "checkpoints": steps,
        "weights": runs.openable(run),
        "parts": parts,
        "clamps": {one: runs.held(runs.clamps(run, one), now) for one in run.conditions},
        "switched": [_switch(one) for one in (run.switched if live else ())],
    }
    if arrays:
        curves = np.stack([arrays[f"part.{one}"].float().numpy() for one in parts])
        part["curves"] = _exact(curves.transpose(3, 0, 2, 1))  # [part, step, 2, condition]
        both = [arrays[one].float().numpy() for one in ("previous", "strength")]
        part["heads"] = _exact(np.stack(both).transpose(2, 0, 1, 3))  # [2, step, condition, head]
    if steps:
        header, buffer = encode_scaled(attention)
        part["patterns"] = {"array": header, "data": buffer}
    return part


def _exact(values: NDArray[Any]) -> Part:
    header, buffer = encode(np.ascontiguousarray(values, np.float32))
    return {"array": header, "data": buffer}


def _kept(n: int, size: int) -> list[int]:
    """Return which checkpoints are sent: all, or as many as fit, the first and the last too."""
    fit = max(2, MOST // max(1, size))
    return list(range(n)) if n <= fit else sorted({*np.linspace(0, n - 1, fit).round().astype(int)})


def is_pairs(run: Any) -> bool:
    """Whether sequences are two exemplars with their labels, and one of them again."""
    return run.data.length == len(ROLES) and tuple(run.data.labelled) == (1, 3)


def near(measured: list[int], step: int) -> int:
    """Return which measured step is nearest to one; of two, the earlier."""
    return min(range(len(measured)), key=lambda i: abs(measured[i] - step))


def _switch(entry: Part) -> Part:
    """Say when clamps were switched, and to what."""
    now = runs.held(entry["clamps"], entry["step"])
    words = [*now["held"], *now["others"]]
    alone = "" if now["head"] is None else f"head {now['head']} alone: "
    return {
        "step": entry["step"],
        "conditions": entry["conditions"],
        "words": alone + (" + ".join(words) or "nothing clamped"),
    }
