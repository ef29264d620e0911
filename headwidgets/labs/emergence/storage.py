"""A run in one file: weights, the optimizer's state, checkpoints and measures, as safetensors.

The settings are JSON in the file's header. A file is written beside the one that is there, and
takes its place when it is whole: a full disk costs nothing that was saved before.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors import torch as tensors

from headwidgets.errors import InputError, ModelError
from headwidgets.labs.emergence.chains import Chains
from headwidgets.labs.emergence.clamping import read_clamps
from headwidgets.labs.emergence.clamps import Clamp
from headwidgets.labs.emergence.data import Exemplars
from headwidgets.labs.emergence.made import gauss, low16
from headwidgets.labs.emergence.plan import Plan
from headwidgets.labs.emergence.runs import Run
from headwidgets.labs.emergence.shape import Shape
from headwidgets.labs.emergence.steps import Steps
from headwidgets.labs.emergence.tokens import repeats

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from headwidgets.labs.emergence.clamping import Clamps

VERSION = 1
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
    ModelError
        If the disk is full or the folder cannot be written: the run is still in memory, and
        what was saved before is as it was.
    """
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
        As the run was made with; needed where a clamp was to an array or another run.
    data : object, optional
        As the run was made with; needed where it is of a class of your own.

    Returns
    -------
    Run

    Raises
    ------
    InputError
        If there is no such file, it is no saved run, or conditions must be given.
    """
    told, arrays = read(path)
    if "step" not in told:
        message = f"expected a run that goes on, got a finished one: lab.Finished reads {path}"
        raise InputError(message)
    try:
        shape, plan = Shape(**told["shape"]), plan_of(told["plan"])
        own = data_of(told["data"], arrays) if data is None else data
        clamps = {
            name: read_clamps(_clamps(one), shape, plan.steps)
            for name, one in told["conditions"].items()
        }
    except InputError:
        if conditions is None:
            raise
        clamps = {name: read_clamps(one, shape, plan.steps) for name, one in conditions.items()}
        own = data_of(told["data"], arrays) if data is None else data
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path, error) from error
    if conditions is not None:
        if [*conditions] != [*told["conditions"]]:
            message = f"expected the conditions {[*told['conditions']]}, got {[*conditions]}"
            raise InputError(message)
        clamps = {name: read_clamps(one, shape, plan.steps) for name, one in conditions.items()}
    made = Run(own, shape, plan, clamps)
    made.put_now(int(told["step"]), under(arrays, "now."))
    made.history.read(under(arrays, "history."), plan.parts)
    made.weights_at = {int(step): one for step, one in under(arrays, "weights.").items()}
    made.patterns_at = {int(step): one for step, one in under(arrays, "patterns.").items()}
    made.switched = told["switched"]
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


def write(path: str | Path, arrays: Mapping[str, Tensor], told: dict[str, Any]) -> Path:
    """Write a file, whole or not at all.

    Raises
    ------
    ModelError
        If it cannot be written.
    """
    target = Path(path).expanduser()
    part = target.with_name(f"{target.name}.part")
    own = {name: one.detach().contiguous() for name, one in arrays.items()}
    content = tensors.save(own, {"headwidgets": json.dumps(told, allow_nan=False)})
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        message = (
            f"{target} could not be written ({error.strerror or error}): the run is still in "
            "memory, and what was saved before is as it was; make room, or save elsewhere"
        )
        raise ModelError(message) from error
    return target


def read(path: str | Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read the settings and the arrays of a file.

    Raises
    ------
    InputError
        If there is none, or it is no run.
    """
    source = Path(path).expanduser()
    if not source.is_file():
        message = f"expected a file that a run was saved in, but there is no {source}"
        raise InputError(message)
    try:
        with safe_open(source, "pt") as file:
            told: Any = json.loads((file.metadata() or {}).get("headwidgets", "null"))
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no dict
    except (SafetensorError, ValueError, OSError) as error:
        raise _damaged(source, error) from error
    if not isinstance(told, dict) or told.get("version") != VERSION:
        came = told.get("version") if isinstance(told, dict) else None
        message = f"expected a run of version {VERSION}, got {came!r}: {source} holds none"
        raise InputError(message)
    return told, arrays


def under(arrays: Mapping[str, Tensor], start: str) -> dict[str, Tensor]:
    """Return the arrays whose names begin so, without that beginning."""
    return {n.removeprefix(start): one for n, one in arrays.items() if n.startswith(start)}


def half(one: Tensor) -> Tensor:
    """Return numbers in half of their bytes: what is shipped."""
    return one.to(torch.float16) if one.is_floating_point() else one.to(torch.int32)


def _clamps(told: dict[str, list[Any]]) -> dict[str, list[Clamp]]:
    return {name: [Clamp.from_json(one) for one in many] for name, many in told.items()}


def _damaged(path: str | Path, error: Exception) -> InputError:
    return InputError(f"{path} is damaged ({type(error).__name__}: {error}): save the run again")
