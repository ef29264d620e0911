"""Whether the model itself says the second copy of random tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwidgets.model.engine import Engine, Hooks
    from headwidgets.taxonomy.random_tokens import Rows
    from headwidgets.taxonomy.reduce import Said

_LOGIT_BYTES = 256 << 20


@dataclass
class SecondCopy:
    """What the model says in the second copy of each row, as far as it is known.

    Attributes
    ----------
    right : dict of int to float
        By row: the share of the copy's tokens, but for the first, that the model predicts. NaN
        where its logits are.
    """

    right: dict[int, float] = field(default_factory=dict)

    def listener(self, engine: Engine, rows: Rows) -> Said | None:
        """Return what takes the logits of a run of all rows; None if they are too many to hold."""
        if rows.period is None:
            return None
        at_once = min(len(rows.ids), engine.rows_at_once(len(rows.ids[0])))
        if at_once > _few(engine, rows.period):
            return None
        return lambda numbers, logits: self._note(rows, numbers, logits)

    def accuracy(self, engine: Engine, rows: Rows, hooks: Hooks) -> float:
        """Return the mean over rows; run those that no listener has heard."""
        if rows.period is None:
            return float("nan")
        left = [row for row in range(len(rows.ids)) if row not in self.right]
        step = min(_few(engine, rows.period), engine.rows_at_once(len(rows.ids[0])))
        for start in range(0, len(left), step):
            some = left[start : start + step]
            ids = torch.tensor([rows.ids[row] for row in some])
            self._note(rows, some, engine.run(ids, hooks, positions=rows.period))
        return float(np.mean([self.right[row] for row in range(len(rows.ids))]))

    def _note(self, rows: Rows, numbers: Sequence[int], logits: torch.Tensor) -> None:
        for row, one in zip(numbers, logits[:, :-1].cpu(), strict=True):
            right = one.argmax(-1) == torch.tensor(rows.ids[row][-len(one) :])
            silent = bool(one.isnan().any())
            self.right[row] = float("nan") if silent else float(right.double().mean())


def _few(engine: Engine, period: int) -> int:
    """Return of how many rows to hold the logits of a copy."""
    return max(1, _LOGIT_BYTES // (4 * period * engine.facts.d_vocab))
