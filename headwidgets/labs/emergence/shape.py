"""The sizes of the lab's model, and how a number is read at the door."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real

from headwidgets.errors import InputError
from headwidgets.whole import whole

LABELS, FEATURES = 5, 512


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A transformer of attention alone, with rotary positions and a norm before each layer.

    Attributes
    ----------
    n_layers, n_heads, d_model : int
    d_head : int
        Even, since rotary positions turn pairs; 0: ``d_model // n_heads``.
    n_labels : int
        Tokens that have an embedding of their own and a logit.
    n_features : int
        Width of an exemplar, which a linear map brings to ``d_model``; 0: there are none.
    base : float
        θ of the rotary positions.

    Raises
    ------
    InputError
        If the sizes do not divide.

    References
    ----------
    Singh et al. 2024, arXiv 2404.07129, section 3: two layers of eight heads, 64 wide.
    """

    n_layers: int = 2
    n_heads: int = 8
    d_model: int = 64
    d_head: int = 0
    n_labels: int = LABELS
    n_features: int = FEATURES
    base: float = 10_000.0

    def __post_init__(self) -> None:
        """Read the sizes."""
        for name in ("n_layers", "n_heads", "d_model", "n_labels"):
            object.__setattr__(self, name, count(name, getattr(self, name), 1))
        object.__setattr__(self, "n_features", count("n_features", self.n_features, 0))
        width = count("d_head", self.d_head, 0)
        if not width:
            if self.d_model % self.n_heads:
                message = (
                    f"expected a d_model that {self.n_heads} heads divide, or a d_head, "
                    f"got d_model={self.d_model}"
                )
                raise InputError(message)
            width = self.d_model // self.n_heads
        if width % 2:
            message = f"expected an even d_head, since rotary positions turn pairs, got {width}"
            raise InputError(message)
        object.__setattr__(self, "d_head", width)
        object.__setattr__(self, "base", positive("base", self.base))


def count(name: str, value: object, least: int, most: int | None = None) -> int:
    """Read a whole number.

    Raises
    ------
    InputError
        If it is none, or out of range.
    """
    found = whole(value)
    if found is None or found < least or (most is not None and found > most):
        span = f"from {least}" if most is None else f"from {least} to {most}"
        message = f"expected {name} as a whole number {span}, got {value!r:.80}"
        raise InputError(message)
    return found


def positive(name: str, value: object) -> float:
    """Read a finite number above 0.

    Raises
    ------
    InputError
        If it is none.
    """
    found = number(value)
    if found is not None and found > 0:
        return found
    message = f"expected {name} as a finite number above 0, got {value!r:.80}"
    raise InputError(message)


def number(value: object) -> float | None:
    """Return `value` as a float where it is one finite number, numpy's too, else None."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    found = float(value)
    return found if math.isfinite(found) else None
