"""What one edit makes of an activation: old values in, new values out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from headwidgets.methods.edit import Edit
    from headwidgets.methods.vector import Direction

Change = Callable[[Tensor, int], Tensor]
"""Old values [row, position, ...] and the first position; returns the new ones."""


@dataclass(frozen=True)
class Given:
    """An activation of another run, [row, position, ...], or how to make it when it is needed."""

    values: Tensor | Callable[[], Tensor]

    def at(self, heads: list[int] | None, start: int, stop: int) -> Tensor:
        """Return some positions; past the prompt its last value stands."""
        values = self.values if isinstance(self.values, Tensor) else self.values()
        inside = values[:, start:stop]
        lacking = (stop - start) - inside.shape[1]
        if lacking > 0:
            last = values[:, -1:].expand(-1, lacking, *values.shape[2:])
            inside = torch.cat([inside, last], dim=1)
        return inside if heads is None else inside[:, :, heads]

    @property
    def shape(self) -> torch.Size:
        """[row, position] of what is there."""
        values = self.values if isinstance(self.values, Tensor) else self.values()
        return values.shape[:2]


def change(edit: Edit, given: Given | None, heads: list[int] | None, mask: Tensor | None) -> Change:
    """Return the function from old to new values of what an edit targets.

    Parameters
    ----------
    given : Given or None
        What is put in, of an edit that has a source.
    heads : list of int or None
        Which heads of the hook point the values are of.
    mask : Tensor, bool, [row, position], or None
        Where the edit acts; None is everywhere.
    """
    where = mask
    if edit.source == "patch" and mask is None and given is not None:
        where = torch.ones(given.shape, dtype=torch.bool)  # beyond the prompt is no partner

    def new(old: Tensor, start: int) -> Tensor:
        stop = start + old.shape[1]
        target = None if given is None else given.at(heads, start, stop).to(old)
        value = _value(edit, old, target).to(old).expand_as(old)
        if where is None:
            return value
        chosen = torch.zeros(old.shape[:2], dtype=torch.bool, device=old.device)
        inside = where[:, start:stop]
        chosen[:, : inside.shape[1]] = inside.to(old.device)
        return torch.where(chosen.reshape(*chosen.shape, *[1] * (old.ndim - 2)), value, old)

    return new


def _value(edit: Edit, old: Tensor, target: Tensor | None) -> Tensor:
    """Return the new values where the edit acts; `target` is what comes from another run."""
    if edit.kind == "scale":
        return old * float(edit.factor or 0.0)
    if edit.kind == "add":
        assert edit.direction is not None  # noqa: S101 - an add has one
        return old.float() + float(edit.factor or 0.0) * _tensor(edit.direction, old)
    to = torch.zeros((), device=old.device) if target is None else target
    if edit.senders and not edit.ends:  # to the logits: what the last stream gains
        return old.float() + to.float()
    if edit.direction is None:
        return to
    unit = torch.from_numpy(edit.direction.unit).to(old.device)
    along = ((to.float() - old.float()) * unit).sum(-1, keepdim=True)
    return old.float() + along * unit


def _tensor(direction: Direction, like: Tensor) -> Tensor:
    return torch.tensor(direction.vector, device=like.device)
