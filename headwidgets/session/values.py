"""Everything that a session holds at one moment, immutable."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headwidgets.methods.edits import Edit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headwidgets.heads import Head
    from headwidgets.methods.metric import Metric
    from headwidgets.methods.snapshot import Pair
    from headwidgets.prompts import Prompts

ASPECTS = ("prompts", "index", "edits", "metric", "reference", "selection", "weights")
"""What can change."""
SEEN_ONLY = frozenset({"selection"})
"""A change of these makes no number stale."""


class Edits(tuple[Edit, ...]):
    """The edits in force, in order. Assign a new list to change them; ``+`` takes any list."""

    __slots__ = ()

    def __add__(self, other: Edit | Iterable[Edit]) -> Edits:  # type: ignore[override]
        """Return these edits and more: ``s.edits += [hw.zero("9.9")]``."""
        return Edits((*self, *([other] if isinstance(other, Edit) else other)))

    def __radd__(self, other: Iterable[Edit]) -> Edits:
        """Return others and these edits."""
        return Edits((*other, *self))


@dataclass(frozen=True)
class Values:
    """Everything at one moment; replaced as a whole."""

    prompts: Prompts
    pairs: tuple[Pair, ...]
    index: int = 0
    edits: Edits = field(default_factory=Edits)
    metric: Metric | None = None
    reference: Prompts | None = None
    reference_pairs: tuple[Pair, ...] | None = None
    selection: Head | None = None
