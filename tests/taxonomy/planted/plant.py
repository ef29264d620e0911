"""A kind's planted head and the decoys beside it: what a report and a test ask of either."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd


@dataclass(frozen=True)
class Plant:
    """A model, or a task as heads see it, in which one head is of a kind and the others are not.

    Attributes
    ----------
    kind : str
    own : str
        The planted head, such as ``"0.0"``.
    decoys : dict of str to str
        The other heads, and what each does.
    scored : callable
        ``scored(seed, noise, proved=False)`` returns the frame of scores by head; with `proved`
        as if the proof of every head had passed. The seed is that of the null, and of the noise.
    also : tuple of str
        Heads of the kind besides, weaker or by another mechanism: they may be claimed.
    """

    kind: str
    own: str
    decoys: dict[str, str]
    scored: Callable[..., pd.DataFrame]
    also: tuple[str, ...] = ()


def named(heads):
    """Return what each head does, from the names of their rules, lists by layer."""
    return {
        f"{layer}.{number}": getattr(rule, "__name__", str(rule)).replace("_", " ")
        for layer, some in enumerate(heads)
        for number, rule in enumerate(some)
    }
