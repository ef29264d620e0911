"""Finished runs as data: curves, heads and patterns at once, and weights at a few steps.

``weights`` holds the shipped ones, one file each; `headwidgets.labs.emergence.recipe` makes them
again. Weights are in float16, so that losses of what is opened agree with the curves to about
1e-3; at other steps, train again from the seed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headwidgets.errors import HeadwidgetsError, InputError
from headwidgets.labs.emergence.files import damaged, needed, read, under, write
from headwidgets.labs.emergence.history import History
from headwidgets.labs.emergence.model import one_of, views
from headwidgets.labs.emergence.readable import Readable
from headwidgets.labs.emergence.shape import Shape, count
from headwidgets.labs.emergence.storage import data_arrays, data_of, half, plan_of, told_of
from headwidgets.labs.emergence.trained import Trained
from headwidgets.whole import whole

if TYPE_CHECKING:
    from headwidgets.labs.emergence.runs import Run

FOLDER = Path(__file__).parent / "weights"
WEIGHTS = 4
_SUFFIX = ".safetensors"


class Finished(Readable):
    """A run that has ended; it reads as a `Run` does.

    Parameters
    ----------
    path : str or Path
        What `ship` wrote.

    Raises
    ------
    InputError
        If there is no such file, or it holds something else.

    Attributes
    ----------
    conditions : list of str
    plan : Plan
    shape : Shape
    data : object
        Made again from what it was called with.
    history : History
    steps : list of int
        Of the patterns.
    checkpoints : list of int
        Those with weights.
    """

    def __init__(self, path: str | Path) -> None:
        told, arrays = read(path)
        self.told = told
        if "steps" not in told:
            message = f"expected a finished run, got one that goes on: lab.load_run reads {path}"
            raise InputError(message)
        names = ("patterns", "history.steps", "history.strength", "history.previous")
        needed(arrays, dict.fromkeys(names), path)
        try:
            self.steps: list[int] = told["steps"]
            self._patterns = arrays["patterns"].float().numpy()
            self.shape, self.plan = Shape(**told["shape"]), plan_of(told["plan"])
            self.data = data_of(told["data"], arrays)
            self.conditions = list(told["conditions"])
            self.history = History(self.conditions, self.plan.batch)
            self.history.read(under(arrays, "history."), self.plan.parts)
            self._weights = {int(s): one for s, one in under(arrays, "weights.").items()}
        except HeadwidgetsError:
            raise
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise damaged(path, error) from error
        self.checkpoints = sorted(self._weights)

    def patterns(self, condition: str | None = None) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Return mean attention at every one of `steps`, [step, layer, head, query, key]."""
        found: np.ndarray[Any, np.dtype[np.float32]] = self._patterns[:, self._which(condition)]
        return found

    def trained(self, condition: str | None = None, step: int | None = None) -> Trained:
        """Return a condition's model at one of `checkpoints`, the last by default.

        Raises
        ------
        InputError
            If there is no such condition or checkpoint, or the run keeps no weights.
        """
        k = self._which(condition)
        if not self._weights:
            message = (
                "expected a run with weights, got one that holds measures and patterns alone: "
                "train it again from its seed"
            )
            raise InputError(message)
        at = self.checkpoints[-1] if step is None else whole(step)
        if at is None or at not in self._weights:
            message = (
                f"expected a step with weights among {self.checkpoints}, got {step!r:.80}: for "
                "others train again from the seed"
            )
            raise InputError(message)
        own = one_of(views(self.shape, self._weights[at].float()), k)
        return Trained(self.shape, self.data, own, at)


def ship(run: Run, path: str | Path, weights: int = WEIGHTS) -> Path:
    """Write what is kept of a finished run: measures, patterns, weights at a few steps, float16.

    Parameters
    ----------
    run : Run
    path : str or Path
    weights : int
        Checkpoints whose weights are kept: the first, the last, and between them those where
        the loss of the first condition is nearest to falling evenly.

    Raises
    ------
    InputError
        If the run has no checkpoint, or `weights` is no number from 0.
    ModelError
        If it cannot be written.
    """
    import torch

    kept = count("weights", weights, 0)
    steps = run.checkpoints
    if not steps or not run.history.steps:
        message = "expected a run that was trained and keeps checkpoints, got none of either"
        raise InputError(message)
    arrays = {f"history.{name}": half(one) for name, one in run.history.arrays().items()}
    arrays["patterns"] = half(torch.stack([run.patterns_at[step] for step in steps]))
    for step in _chosen(run, kept):
        arrays[f"weights.{step}"] = half(run.weights_at[step])
    arrays |= data_arrays(run)
    return write(path, arrays, told_of(run) | {"steps": steps})


def _chosen(run: Run, weights: int) -> list[int]:
    """Return checkpoints spread evenly over the fall of the loss."""
    there = run.checkpoints
    if weights >= len(there):
        return there
    curves = run.curves()
    mine = curves[(curves["part"] == "train") & (curves["condition"] == run.conditions[0])]
    losses = np.interp(there, mine["step"], mine["loss"])
    wanted = np.linspace(losses[0], losses[-1], weights)
    near = [there[int(np.abs(losses - one).argmin())] for one in wanted[1:-1]]
    return sorted({there[0], *near, there[-1]})[:weights] if weights else []


def finished_runs() -> list[str]:
    """Return the names of the runs that lie in the package."""
    return sorted(path.name.removesuffix(_SUFFIX) for path in FOLDER.glob(f"*{_SUFFIX}"))


def finished(name: str) -> Finished:
    """Return a run that lies in the package.

    Parameters
    ----------
    name : str
        One of `finished_runs`, such as ``"low16"``.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name not in finished_runs():
        message = f"expected a run among {', '.join(finished_runs())}, got {name!r:.80}"
        raise InputError(message)
    return Finished(FOLDER / f"{name}{_SUFFIX}")
