"""K models that are trained as one: their weights in one vector, and Adam on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from headwidgets.labs.emergence.embed import Embedding, trained_on
from headwidgets.labs.emergence.model import drawn, flat, forward, losses, views

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from headwidgets.labs.emergence.batch import Batch
    from headwidgets.labs.emergence.clamped import Clamped
    from headwidgets.labs.emergence.plan import Plan
    from headwidgets.labs.emergence.shape import Shape


class Trainer:
    """The weights of K models and the state of their optimizer.

    Parameters
    ----------
    data : Exemplars, Repeats or another
    shape : Shape
    plan : Plan
        Its seeds draw the weights, its rate is Adam's.

    Attributes
    ----------
    vector : Tensor, [K · weights]
        All weights, see `headwidgets.labs.emergence.model.flat`.
    """

    def __init__(self, data: Any, shape: Shape, plan: Plan) -> None:
        self._shape = shape
        models = {seed: drawn(shape, seed) for seed in set(plan.seeds)}
        self.vector = flat([models[seed] for seed in plan.seeds]).requires_grad_()
        self._adam = torch.optim.Adam([self.vector], lr=plan.rate, fused=True)
        self._embedding = Embedding(data, trained_on(data))
        self.keep(0)

    def weights(self) -> dict[str, Tensor]:
        """Return the weights by name, [K, ...]; they share the vector's memory."""
        return views(self._shape, self.vector.detach())

    def step(self, batch: Batch, clamped: Clamped | None) -> Tensor:
        """Train on a batch, unless a loss is not finite; return the losses before, [K]."""
        weights = views(self._shape, self.vector)
        if clamped is not None:
            weights = clamped.on(batch).weights(weights)
        stream = self._embedding(weights, batch.tokens)
        logits = forward(self._shape, weights, stream, batch.rows, clamped)
        found = losses(logits, batch.targets)
        if bool(found.isfinite().all()):
            self._adam.zero_grad()
            found.sum().backward()  # type: ignore[no-untyped-call]
            self._adam.step()
        return found.detach()

    def keep(self, step: int) -> None:
        """Keep the state as it is at a step, for `put_back`."""
        self._good = step, self.vector.detach().clone(), _copied(self._adam)

    def put_back(self) -> int:
        """Put the state that was kept last back; return its step."""
        step, vector, adam = self._good
        with torch.no_grad():
            self.vector.copy_(vector)
        self._adam.load_state_dict(adam)
        return step

    def now(self) -> dict[str, Tensor]:
        """Return weights and the optimizer's state, as they are: what `put_now` takes."""
        adam = self._adam.state_dict()["state"].get(0, {})
        return {"weights": self.vector.detach(), **{f"adam.{n}": v for n, v in adam.items()}}

    def put_now(self, step: int, now: Mapping[str, Tensor]) -> None:
        """Go back to what `now` returned at a step, and keep it."""
        state = self._adam.state_dict()
        own = {n.removeprefix("adam."): v.clone() for n, v in now.items() if n != "weights"}
        with torch.no_grad():
            self.vector.copy_(now["weights"])
        self._adam.load_state_dict({**state, "state": {0: own} if own else {}})
        self.keep(step)


def not_finite(weights: dict[str, Tensor]) -> Tensor:
    """Return which models have a weight that is not finite, [K]."""
    return ~torch.stack([one.flatten(1).isfinite().all(1) for one in weights.values()]).all(0)


def _copied(adam: torch.optim.Adam) -> dict[str, Any]:
    """Return the state of Adam, apart from what goes on changing."""
    state = adam.state_dict()
    own = {k: {n: torch.clone(v) for n, v in one.items()} for k, one in state["state"].items()}
    return {**state, "state": own}
