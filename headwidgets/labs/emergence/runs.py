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
from headwidgets.labs.emergence.embed import Embedding, trained_on
from headwidgets.labs.emergence.history import History
from headwidgets.labs.emergence.measures import Ruler, composition
from headwidgets.labs.emergence.model import drawn, flat, forward, losses, one_of, views
from headwidgets.labs.emergence.shape import count
from headwidgets.labs.emergence.trained import Trained
from headwidgets.model.work import checkpoint, keeping

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from torch import Tensor

    from headwidgets.labs.emergence.clamping import Clamps, Read
    from headwidgets.labs.emergence.plan import Plan
    from headwidgets.labs.emergence.shape import Shape

_LAYERS_OF_CIRCUIT = 2
_LOOK = 8  # steps between two looks at whether to go on


class Run(Background):
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
        models = {seed: drawn(shape, seed) for seed in set(plan.seeds)}
        self._vector = flat([models[seed] for seed in plan.seeds]).requires_grad_()
        self._adam = torch.optim.Adam([self._vector], lr=plan.rate, fused=True)
        self._embedding = Embedding(data, trained_on(data))
        self._stream = Stream(data, plan.batch, plan.stream)
        self._ruler = Ruler(data, shape, plan.parts, plan.asked, plan.stream)
        self._checkpoints = set(plan.checkpoints())
        self.step = 0
        self.history = History(self.conditions, plan.batch)
        self.weights_at: dict[int, Tensor] = {}
        self.patterns_at: dict[int, Tensor] = {}
        self._good = 0, self._vector.detach().clone(), _copied(self._adam)
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
        batch = self._stream.at(self.step)
        clamped = self._clamped()
        loss = self._losses(batch, clamped)
        if not bool(loss.isfinite().all()):
            self._put_back(loss)
        self._adam.zero_grad()
        loss.sum().backward()  # type: ignore[no-untyped-call]
        self._adam.step()
        self.step += 1

    def _losses(self, batch: Any, clamped: Clamped | None) -> Tensor:
        weights = views(self.shape, self._vector)
        if clamped is not None:
            weights = clamped.on(batch).weights(weights)
        stream = self._embedding(weights, batch.tokens)
        return losses(forward(self.shape, weights, stream, batch.rows, clamped), batch.targets)

    def _clamped(self) -> Clamped | None:
        if self._active is None or self.step in self._edges:
            clamps = list(self._clamps.values())
            self._active = Clamped(self.shape, clamps, self.step)
            each = [clamp for mine in clamps for _, clamp in mine]
            self._edges = {c.start for c in each} | {c.stop for c in each if c.stop is not None}
        return self._active or None

    def _put_back(self, loss: Tensor) -> None:
        wrong = [
            name for name, bad in zip(self.conditions, ~loss.isfinite(), strict=True) if bool(bad)
        ]
        at = self.step
        self.step, vector, adam = self._good
        with torch.no_grad():
            self._vector.copy_(vector)
        self._adam.load_state_dict(adam)
        self.history.cut(self.step)
        for kept in (self.weights_at, self.patterns_at):
            for step in [one for one in kept if one > self.step]:
                del kept[step]
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
        conditions, weights = list(self._clamps.values()), self._detached()
        if not bool(self._vector.isfinite().all()):
            self._put_back(_sums(weights))
        if kept:
            self.weights_at[self.step] = self._vector.detach().clone()
            self.patterns_at[self.step] = self._ruler.patterns(weights, conditions, self.step)
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
                self._good = self.step, self._vector.detach().clone(), _copied(self._adam)

    def _detached(self) -> dict[str, Tensor]:
        return views(self.shape, self._vector.detach())

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
            if step is None or step == self.step:
                vector, at = self._vector, self.step
            elif step in self.weights_at:
                vector, at = self.weights_at[step], int(step)
            else:
                message = f"expected a checkpoint among {self.checkpoints}, got {step!r:.80}"
                raise InputError(message)
            own = one_of(views(self.shape, vector.detach()), k)
            clamps = {name: one for name, one in self._clamps[self.conditions[k]] if one.active(at)}
        return Trained(self.shape, self.data, own, at, clamps)

    def curves(self) -> pd.DataFrame:
        """Return losses and accuracies; see `History.curves`."""
        return self.history.curves()

    def heads(self) -> pd.DataFrame:
        """Return what heads do; see `History.heads`."""
        return self.history.heads()

    def composition(self) -> pd.DataFrame:
        """Return composition scores; see `History.composition`."""
        return self.history.composition()

    def now(self) -> dict[str, Tensor]:
        """Return weights and the optimizer's state, as they are: what `put_now` takes."""
        adam = self._adam.state_dict()["state"].get(0, {})
        return {"weights": self._vector.detach(), **{f"adam.{n}": v for n, v in adam.items()}}

    def put_now(self, step: int, now: Mapping[str, Tensor]) -> None:
        """Go back to what `now` returned at a step."""
        state = self._adam.state_dict()
        own = {n.removeprefix("adam."): v.clone() for n, v in now.items() if n != "weights"}
        with self.lock, torch.no_grad():
            self._vector.copy_(now["weights"])
            self._adam.load_state_dict({**state, "state": {0: own} if own else {}})
            self.step, self._active = step, None
            self._good = step, self._vector.detach().clone(), _copied(self._adam)

    def _which(self, condition: str | None) -> int:
        if condition is None:
            return 0
        if condition not in self.conditions:
            message = f"expected a condition among {self.conditions}, got {condition!r:.80}"
            raise InputError(message)
        return self.conditions.index(condition)

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
            If a clamp cannot be put on; all stay as they were.
        """
        read = read_clamps(clamps, self.shape, self.plan.steps)
        mine = self.conditions if condition is None else [self.conditions[self._which(condition)]]
        with self.lock:
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


def _sums(weights: dict[str, Tensor]) -> Tensor:
    """Return one number a model that is finite where all its weights are, [K]."""
    return torch.stack([one.flatten(1).sum(1) for one in weights.values()]).sum(0)


def _copied(adam: torch.optim.Adam) -> dict[str, Any]:
    """Return the state of Adam, apart from what goes on changing."""
    state = adam.state_dict()
    own = {k: {n: torch.clone(v) for n, v in one.items()} for k, one in state["state"].items()}
    return {**state, "state": own}
