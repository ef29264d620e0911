"""What a run has measured so far, as frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from headwidgets.labs.emergence.measures import PROGRESS, Measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

WAYS = ("q", "k", "v")


class History:
    """Measures of K conditions by step.

    Parameters
    ----------
    conditions : sequence of str
    batch : int
        Sequences in a step.
    """

    def __init__(self, conditions: Sequence[str], batch: int) -> None:
        self.conditions, self._batch = list(conditions), batch
        self._rows: list[tuple[int, Measured, dict[str, Any], Tensor | None]] = []

    @property
    def steps(self) -> list[int]:
        """The steps that were measured."""
        return [row[0] for row in self._rows]

    def add(
        self, step: int, found: Measured, progress: dict[str, Any], made: Tensor | None
    ) -> None:
        """Keep what was measured at a step."""
        self._rows.append((step, found, progress, made))

    def arrays(self) -> dict[str, Tensor]:
        """Return all that was measured as tensors whose first axis is the measured step."""
        if not self._rows:
            return {}
        parts = [{**found.parts, **progress} for _, found, progress, _ in self._rows]
        out = {"steps": torch.tensor(self.steps)}
        for name in parts[0]:
            out[f"part.{name}"] = torch.stack([torch.stack(one[name]) for one in parts])
        out["strength"] = torch.stack([row[1].strength for row in self._rows])
        out["previous"] = torch.stack([row[1].previous for row in self._rows])
        made = [row[3] for row in self._rows if row[3] is not None]
        if len(made) == len(self._rows):
            out["composition"] = torch.stack(made)
        return out

    def read(self, arrays: dict[str, Tensor], measured: Sequence[str]) -> None:
        """Take what `arrays` returned; `measured` are the parts that are no subcircuits."""
        self._rows = []
        names = [name for name in (*measured, *PROGRESS) if f"part.{name}" in arrays]
        for place, step in enumerate(arrays.get("steps", torch.zeros(0)).tolist()):
            parts = {
                name: tuple(one.float() for one in arrays[f"part.{name}"][place]) for name in names
            }
            own = {name: one for name, one in parts.items() if name in measured}
            rest = {name: one for name, one in parts.items() if name not in measured}
            heads = arrays["strength"][place].float(), arrays["previous"][place].float()
            made = arrays["composition"][place].float() if "composition" in arrays else None
            self._rows.append((int(step), Measured(own, *heads), rest, made))

    def cut(self, step: int) -> None:
        """Forget what is later than a step."""
        self._rows = [row for row in self._rows if row[0] <= step]

    def curves(self) -> pd.DataFrame:
        """Return losses in nats and accuracies, one row a condition, step and part.

        Returns
        -------
        DataFrame
            condition, step, sequences, part, loss, accuracy. The parts are "train", those that
            were held back, and, where progress is measured, subcircuits such as "A + B".
        """
        rows = [
            (name, step, step * self._batch, part, float(loss[k]), float(accuracy[k]))
            for step, found, progress, _ in self._rows
            for part, (loss, accuracy) in {**found.parts, **progress}.items()
            for k, name in enumerate(self.conditions)
        ]
        columns = ["condition", "step", "sequences", "part", "loss", "accuracy"]
        return pd.DataFrame(rows, columns=columns)

    def heads(self) -> pd.DataFrame:
        """Return what heads do, one row a condition, step and head.

        Returns
        -------
        DataFrame
            condition, step, sequences, layer, head, measure, value: "previous token" of the
            first layer, "induction strength" of the last.
        """
        rows = [
            (
                self.conditions[k],
                step,
                step * self._batch,
                layer,
                head,
                name,
                float(values[k, head]),
            )
            for step, found, _, _ in self._rows
            for layer, name, values in (
                (0, "previous token", found.previous),
                (-1, "induction strength", found.strength),
            )
            for k in range(len(self.conditions))
            for head in range(values.shape[1])
        ]
        columns = ["condition", "step", "sequences", "layer", "head", "measure", "value"]
        return pd.DataFrame(rows, columns=columns)

    def composition(self) -> pd.DataFrame:
        """Return composition scores, one row a condition, step, way and pair of heads.

        Returns
        -------
        DataFrame
            condition, step, through ("q", "k" or "v"), source, target, score.
        """
        parts = []
        for step, _, _, made in self._rows:
            if made is None:
                continue
            values: NDArray[Any] = made.numpy()
            index = np.indices(values.shape).reshape(4, -1)
            parts.append(
                pd.DataFrame(
                    {
                        "condition": np.array(self.conditions)[index[0]],
                        "step": step,
                        "through": np.array(WAYS)[index[1]],
                        "source": index[2],
                        "target": index[3],
                        "score": values.reshape(-1),
                    }
                )
            )
        columns = ["condition", "step", "through", "source", "target", "score"]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def threshold(curves: pd.DataFrame, loss: float, part: str = "train") -> dict[str, float]:
    """Return after how many sequences each condition's loss is below a value; NaN: never.

    Parameters
    ----------
    curves : DataFrame
        See `History.curves`.
    loss : float
        In nats, such as ``0.4 * math.log(2)``.
    part : str
    """
    mine = curves[curves["part"] == part]
    out = {}
    for name in mine["condition"].unique():
        below = mine[(mine["condition"] == name) & (mine["loss"] < loss)]
        out[str(name)] = float(below["sequences"].min()) if len(below) else float("nan")
    return out
