"""A run in one file: weights, the optimizer's state, checkpoints and measures, as safetensors.

The settings are JSON in the file's header; see `headwidgets.labs.emergence.files`.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch

from headwidgets.errors import HeadwidgetsError, InputError
from headwidgets.labs.emergence.chains import Chains
from headwidgets.labs.emergence.clamping import read_clamps
from headwidgets.labs.emergence.clamps_saved import saved_clamps
from headwidgets.labs.emergence.data import Exemplars
from headwidgets.labs.emergence.files import VERSION, damaged, needed, read, under, write
from headwidgets.labs.emergence.made import gauss, low16
from headwidgets.labs.emergence.plan import Plan
from headwidgets.labs.emergence.runs import Run
from headwidgets.labs.emergence.shape import Shape
from headwidgets.labs.emergence.steps import Steps
from headwidgets.labs.emergence.tokens import repeats

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from torch import Tensor

    from headwidgets.labs.emergence.clamping import Clamps

MAKERS: dict[str, Callable[..., Any]] = {
    "low16": low16,
    "gauss": gauss,
    "repeats": repeats,
    "chains": Chains,
    "steps": Steps,
}
"""Name of a data set -> what makes it again."""
_DATA = ("features", "pairs", "held")


def save_run(run: Run, path: str | Path) -> Path:
    """Write a run into a file, from which it goes on as if it had not stopped.

    Parameters
    ----------
    run : Run
    path : str or Path
        Such as ``"mine.safetensors"``.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If `run` is none that goes on, or the path is that of a folder, a pipe, a device.
    ModelError
        If the disk is full or the folder cannot be written: the run is still in memory, and
        what was saved before is as it was.
    """
    if not isinstance(run, Run):
        message = f"expected a run to save, such as lab.run(...), got {type(run).__name__}"
        raise InputError(message)
    with run.lock:
        arrays = {f"history.{name}": one for name, one in run.history.arrays().items()}
        arrays |= {f"weights.{step}": one for step, one in run.weights_at.items()}
        arrays |= {f"patterns.{step}": one for step, one in run.patterns_at.items()}
        arrays |= {f"now.{name}": one for name, one in run.now().items()}
        arrays |= data_arrays(run)
        told = told_of(run) | {"step": run.step, "state": run.state, "switched": run.switched}
        return write(path, arrays, told)


def load_run(
    path: str | Path, conditions: Mapping[str, Clamps | None] | None = None, *, data: Any = None
) -> Run:
    """Read a run that `save_run` wrote.

    Parameters
    ----------
    path : str or Path
    conditions : mapping of str to clamps, optional
        As the run was made with, or as they were when it was saved; needed where a clamp was to
        an array or another run, which is taken from here. What was switched since stays so.
    data : object, optional
        As the run was made with; needed where it is of a class of your own.

    Returns
    -------
    Run

    Raises
    ------
    InputError
        If there is no such file, it is no saved run or lacks what a run has, or conditions must
        be given, or are not those that it was saved with.
    """
    told, arrays = read(path)
    if "step" not in told:
        message = f"expected a run that goes on, got a finished one: lab.Finished reads {path}"
        raise InputError(message)
    try:
        shape, plan = Shape(**told["shape"]), plan_of(told["plan"])
        own = data_of(told["data"], arrays) if data is None else data
        clamps = {
            name: read_clamps(one, shape, data=own)
            for name, one in saved_clamps(told, conditions).items()
        }
    except HeadwidgetsError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise damaged(path, error) from error
    made = Run(own, shape, plan, clamps)
    needed(arrays, {"now.weights": [made.now()["weights"].numel()]}, path)
    try:
        made.put_now(int(told["step"]), under(arrays, "now."))
        made.history.read(under(arrays, "history."), plan.parts)
        made.weights_at = {int(step): one for step, one in under(arrays, "weights.").items()}
        made.patterns_at = {int(step): one for step, one in under(arrays, "patterns.").items()}
        made.switched = told["switched"]
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise damaged(path, error) from error
    made.state = "done" if made.step >= plan.steps else "ready"
    return made


def told_of(run: Run) -> dict[str, Any]:
    """Return a run's settings as plain JSON values."""
    clamps: dict[str, dict[str, list[Any]]] = {}
    for name in run.conditions:
        clamps[name] = {
            where: [one.to_json() for one in many] for where, many in run.clamps(name).items()
        }
    data = {"name": run.data.name, "made": getattr(run.data, "made", None)}
    if data["made"] is None:
        data |= {name: getattr(run.data, name, None) for name in ("trained", "shown", "n_labels")}
    return {
        "version": VERSION,
        "shape": asdict(run.shape),
        "plan": asdict(run.plan),
        "data": data,
        "conditions": clamps,
    }


def data_arrays(run: Run) -> dict[str, Tensor]:
    """Return what the data of a run is, where it cannot be made again from what it was called with.

    `data_of` reads it.
    """
    if getattr(run.data, "made", None) is not None:
        return {}
    return {f"data.{name}": getattr(run.data, name) for name in _DATA}


def data_of(told: dict[str, Any], arrays: Mapping[str, Tensor]) -> Any:
    """Make the data of a saved run again.

    Raises
    ------
    InputError
        If it is of no class of ours.
    """
    if told["made"] is not None and told["name"] in MAKERS:
        return MAKERS[told["name"]](**told["made"])
    if not all(f"data.{name}" in arrays for name in _DATA):
        message = f"the data {told['name']!r} is not one of ours: give it by data="
        raise InputError(message)
    own = under(dict(arrays), "data.")
    sizes = int(told["trained"]), int(told["shown"])
    return Exemplars(
        own["features"], *sizes, own["pairs"], own["held"], int(told["n_labels"]), told["name"]
    )


def plan_of(told: dict[str, Any]) -> Plan:
    """Read a plan from JSON."""
    return Plan(**{**told, "seeds": tuple(told["seeds"]), "parts": tuple(told["parts"])})


def half(one: Tensor) -> Tensor:
    """Return numbers in half of their bytes: what is shipped."""
    return one.to(torch.float16) if one.is_floating_point() else one.to(torch.int32)
