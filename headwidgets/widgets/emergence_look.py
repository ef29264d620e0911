"""What is looked at in the emergence lab: a line, a step, a head, and how curves are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwidgets.errors import InputError
from headwidgets.heads import Head
from headwidgets.whole import whole

if TYPE_CHECKING:
    from collections.abc import Mapping

LATEST = -1
ALL = "all"
"""Every part of the line that is looked at; else one part of every line."""
FIRST: dict[str, Any] = {
    "run": "",
    "condition": "",
    "step": LATEST,
    "head": "",
    "measure": "loss",
    "part": "",
    "time": "log",
}
CHOICES = {"measure": ("loss", "accuracy"), "time": ("log", "linear")}


def read(now: Mapping[str, Any], given: Mapping[str, Any], runs: Mapping[str, Any]) -> Any:
    """Return what is looked at from now on.

    Parameters
    ----------
    now : mapping
    given : mapping
        What changes; another run begins with its first condition, another line with its best head.
    runs : mapping of str to Run or Finished

    Raises
    ------
    InputError
        If there is no such run, condition, head, part or choice, or a step is no whole number.
    """
    unknown = sorted(set(given) - set(FIRST))
    if unknown:
        message = f"expected {', '.join(FIRST)}, got {unknown[0]!r:.80}"
        raise InputError(message)
    asked = {**now, **given}
    run = runs.get(asked["run"]) if isinstance(asked["run"], str) else None
    if run is None:
        message = f"expected a run among {', '.join(runs)}, got {asked['run']!r:.80}"
        raise InputError(message)
    moved = asked["run"] != now["run"]
    if moved and "condition" not in given:
        asked["condition"] = ""
    asked["condition"] = _among(
        "condition", asked["condition"] or run.conditions[0], run.conditions
    )
    for name, choices in CHOICES.items():
        asked[name] = _among(name, asked[name], choices)
    asked["step"] = read_step(asked["step"])
    if (moved or asked["condition"] != now["condition"]) and "head" not in given:
        asked["head"] = ""
    asked["head"] = _head(asked["head"], run, asked["condition"])
    lines = sum(len(one.conditions) for one in runs.values())
    parts = [ALL, *dict.fromkeys(part for one in runs.values() for part in _parts(one))]
    asked["part"] = _among("part", asked["part"] or (ALL if lines == 1 else "train"), parts)
    return asked


def _parts(run: Any) -> list[str]:
    from headwidgets.labs.emergence.measures import PROGRESS

    return [*run.plan.parts, *(PROGRESS if run.plan.progress else ())]


def _among(what: str, value: object, known: Any) -> str:
    if isinstance(value, str) and value in known:
        return value
    message = f"expected {what} to be one of {', '.join(known)}, got {value!r:.80}"
    raise InputError(message)


def read_step(value: object) -> int:
    """Read a step that is looked at.

    Raises
    ------
    InputError
        If it is no whole number from 0, or -1 for the latest.
    """
    found = whole(value)
    if found is None or found < LATEST:
        message = f"expected a step from 0, or {LATEST} for the latest, got {value!r:.80}"
        raise InputError(message)
    return found


def _head(value: object, run: Any, condition: str) -> str:
    layers, heads = run.shape.n_layers, run.shape.n_heads
    if value == "" or value is None:
        return f"{layers - 1}.{strongest(run, condition)}"
    layer, head = Head.parse(value).within(layers, heads)
    return f"{layer}.{head}"


def strongest(run: Any, condition: str) -> int:
    """Return the head of the last layer that matches best, as measured last; 0 before that."""
    arrays = run.history.arrays()
    if not arrays:
        return 0
    last = arrays["strength"][-1, run.conditions.index(condition)].float()
    return int(last.nan_to_num(nan=-1.0).argmax())


def checkpoint(steps: list[int], step: int) -> int:
    """Return which checkpoint a step means: the last one that is not later."""
    if step == LATEST:
        return len(steps) - 1
    return max(0, sum(one <= step for one in steps) - 1)
