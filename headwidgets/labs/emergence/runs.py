"""A run: one or several conditions trained as one model on one stream of sequences.

It is stepped by hand (`Run.advance`), to its end (`Run.train`), or in the background
(`Run.start`, `Run.pause`, `Run.cancel`). Clamps can be switched at any step. The same settings and
switches give the same numbers; a run that was saved and loaded goes on as if it had not stopped.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from headwidgets.errors import InputError, ModelError
from headwidgets.labs.emergence.background import Background
from headwidgets.labs.emergence.batch import Stream
from headwidgets.labs.emergence.clamped import Clamped
from headwidgets.labs.emergence.clamping import read_clamps
from headwidgets.labs.emergence.history import History
from headwidgets.labs.emergence.measures import Ruler, composition
from headwidgets.labs.emergence.model import one_of, views
from headwidgets.labs.emergence.readable import Readable
from headwidgets.labs.emergence.shape import count
from headwidgets.labs.emergence.trained import Trained
from headwidgets.labs.emergence.trainer import Trainer, not_finite
from headwidgets.model.work import checkpoint, keeping
from headwidgets.whole import whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from headwidgets.labs.emergence.clamping import Clamps, Read
    from headwidgets.labs.emergence.plan import Plan
    from headwidgets.labs.emergence.shape import Shape

_LAYERS_OF_CIRCUIT = 2
_LOOK = 8  # steps between two looks at whether to go on


class Run(Background, Readable):
    """Conditions trained together; see `run`.

    Attributes
    ----------
    conditions : list of str
    step : int
        Steps done.
    history : History
        What was measured.
    state : str
        "ready", "running", "paused", "done", "cancelled" or "failed".
    error : Exception or None
        What stopped it.
    """

    def __init__(self, data: Any, shape: Shape, plan: Plan, clamps: Mapping[str, Read]) -> None:
        super().__init__()
        self.data, self.shape, self.plan = data, shape, plan
        self.conditions = list(clamps)
        self._clamps: dict[str, Read] = dict(clamps)
        self.switched: list[dict[str, Any]] = []
        self._trainer = Trainer(data, shape, plan)
        self._stream = Stream(data, plan.batch, plan.stream)
        self._ruler = Ruler(data, shape, plan.parts, plan.asked, plan.stream)
        self._checkpoints = set(plan.checkpoints())
        self.step = 0
        self.history = History(self.conditions, plan.batch)
        self.weights_at: dict[int, Tensor] = {}
        self.patterns_at: dict[int, Tensor] = {}
        self._active: Clamped | None = None
        self._edges: set[int] = set()

    # ------------------------------------------------------------------ training

    def advance(self, steps: int = 1) -> Run:
        """Train some steps further, not beyond the end.

        Raises
        ------
        Cancelled
            If the work was cancelled; the run stands where it is and can go on.
        ModelError
            If the loss is not finite: the last measured state is put back.
        """
        until = min(self.step + count("steps", steps, 0), self.plan.steps)
        with keeping(lambda: self), torch.enable_grad():
            while self.step < until:
                if self.step % _LOOK == 0:
                    checkpoint(self.step, self.plan.steps, "steps")
                with self.lock:
                    if self.step < until:  # another thread may have done the last one
                        self._one()
                time.sleep(0)  # whoever waits for the lock gets it
        with self.lock:
            self._look()
        if self.step >= self.plan.steps:
            self.state = "done"
        self._tell()
        return self

    def train(self) -> Run:
        """Train to the end; see `advance`."""
        return self.advance(self.plan.steps - self.step)

    def _one(self) -> None:
        self._look()
        loss = self._trainer.step(self._stream.at(self.step), self._clamped())
        if not bool(loss.isfinite().all()):
            self._put_back(~loss.isfinite())
        self.step += 1

    def _clamped(self) -> Clamped | None:
        if self._active is None or self.step in self._edges:
            clamps = list(self._clamps.values())
            self._active = Clamped(self.shape, clamps, self.step)
            each = [clamp for mine in clamps for _, clamp in mine]
            self._edges = {c.start for c in each} | {c.stop for c in each if c.stop is not None}
        return self._active or None

    def _put_back(self, bad: Tensor) -> None:
        """Go back to the last good state, and tell which conditions, [K], were not finite."""
        wrong = [name for name, one in zip(self.conditions, bad.tolist(), strict=True) if one]
        at, self.step = self.step, self._trainer.put_back()
        self.history.cut(self.step)
        for kept in (self.weights_at, self.patterns_at):
            for step in [one for one in kept if one > self.step]:
                del kept[step]
        for entry in self.switched:  # what was switched later holds from here on
            entry["step"] = min(entry["step"], self.step)
        self._active, self.state = None, "failed"
        message = (
            f"the loss of {', '.join(wrong)} is not finite at step {at}: the state of step "
            f"{self.step} was put back; choose a rate below {self.plan.rate:g}"
        )
        raise ModelError(message)

    # ------------------------------------------------------------------ measuring

    def _look(self) -> None:
        """Measure, and keep the weights, where this step is one of those."""
        due = self.step % self.plan.every == 0 or self.step == self.plan.steps
        kept = self.step in self._checkpoints and self.step not in self.weights_at
        last = self.history.steps[-1] if self.history.steps else -1
        if not (due and self.step > last) and not kept:
            return
        conditions, weights = list(self._clamps.values()), self._trainer.weights()
        bad = not_finite(weights)
        if bool(bad.any()):
            self._put_back(bad)
        if kept:
            attention = self._ruler.patterns(weights, conditions, self.step)  # this may fail
            self.weights_at[self.step] = self._trainer.vector.detach().clone()
            self.patterns_at[self.step] = attention
        if due and self.step > last:
            found = self._ruler.measure(weights, conditions, self.step)
            progress, made = {}, None
            if self.plan.progress and self.shape.n_layers == _LAYERS_OF_CIRCUIT:
                heads = found.strength.nan_to_num().argmax(-1).tolist()
                if bool((self._ruler.batches["train"].other >= 0).all()):
                    progress = self._ruler.progress(weights, conditions, self.step, heads)
                made = composition(self.shape, weights)
            self.history.add(self.step, found, progress, made)
            if bool(found.parts["train"][0].isfinite().all()):
                self._trainer.keep(self.step)

    @property
    def checkpoints(self) -> list[int]:
        """The steps whose weights and patterns are there."""
        with self.lock:
            return sorted(self.weights_at)

    def patterns(self, condition: str | None = None) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Return mean attention at every checkpoint, [checkpoint, layer, head, query, key].

        Over sequences that ask for their first label; rows sum to 1.

        Raises
        ------
        InputError
            If there is no such condition.
        """
        k = self._which(condition)
        with self.lock:
            found = [self.patterns_at[step][k] for step in self.checkpoints]
        return torch.stack(found).numpy() if found else np.zeros((0, *[0] * 4), np.float32)

    def trained(self, condition: str | None = None, step: int | None = None) -> Trained:
        """Return one condition's model as it is, or as it was at a checkpoint.

        Parameters
        ----------
        condition : str, optional
            The first by default.
        step : int, optional
            One of `checkpoints`.

        Raises
        ------
        InputError
            If there is no such condition or checkpoint.
        """
        k = self._which(condition)
        with self.lock:
            asked = self.step if step is None else whole(step)
            if asked == self.step:
                vector, at = self._trainer.vector, self.step
            elif asked in self.weights_at:
                vector, at = self.weights_at[asked], asked
            else:
                message = f"expected a checkpoint among {self.checkpoints}, got {step!r:.80}"
                raise InputError(message)
            own = one_of(views(self.shape, vector.detach()), k)
            clamps = {name: one for name, one in self._clamps[self.conditions[k]] if one.active(at)}
        return Trained(self.shape, self.data, own, at, clamps)

    def now(self) -> dict[str, Tensor]:
        """Return weights and the optimizer's state, as they are: what `put_now` takes."""
        return self._trainer.now()

    def put_now(self, step: int, now: Mapping[str, Tensor]) -> None:
        """Go back to what `now` returned at a step."""
        with self.lock:
            self._trainer.put_now(step, now)
            self.step, self._active = step, None

    # ------------------------------------------------------------------ clamps

    def clamp(self, clamps: Clamps | None, condition: str | None = None) -> None:
        """Put a condition's clamps in place of those that it has, from now on.

        Parameters
        ----------
        clamps : mapping of str to Clamp, or None
            None: nothing is clamped any more.
        condition : str, optional
            None: all.

        Raises
        ------
        InputError
            If a clamp cannot be put on, or has ended before now; all stay as they were.
        """
        read = read_clamps(clamps, self.shape, self.plan.steps, self.data)
        mine = self.conditions if condition is None else [self.conditions[self._which(condition)]]
        with self.lock:
            kept = {id(one) for name in mine for _, one in self._clamps[name]}
            for where, one in read:
                if one.stop is not None and one.stop <= self.step and id(one) not in kept:
                    message = f"the clamp on {where!r} would end at {one.stop}, the run is at "
                    message += f"{self.step}"
                    raise InputError(message)
            before = {name: _told(self._clamps[name]) for name in mine}
            for name in mine:
                self._clamps[name] = read
            entry = {"step": self.step, "conditions": mine, "clamps": _told(read)}
            self.switched.append(entry | {"before": before})
            self._active = None
        self._tell()

    def clamps(self, condition: str | None = None) -> dict[str, Any]:
        """Return a condition's clamps by activation, a list each."""
        out: dict[str, Any] = {}
        for name, one in self._clamps[self.conditions[self._which(condition)]]:
            out.setdefault(name, []).append(one)
        return out


def _told(clamps: Read) -> dict[str, list[Any]]:
    """Return clamps as plain JSON values, a list an activation."""
    out: dict[str, list[Any]] = {}
    for name, one in clamps:
        out.setdefault(name, []).append(one.to_json())
    return out
