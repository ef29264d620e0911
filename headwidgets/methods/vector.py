"""A direction in a head's z or in the residual stream, as a value."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from headwidgets.errors import InputError
from headwidgets.methods.places import read_target

if TYPE_CHECKING:
    from numpy.typing import NDArray

HOW = ("mean difference", "pca", "logistic", "unembedding", "given")
"""How a direction can be found."""


@dataclass(frozen=True, eq=False)
class Direction:
    """A direction: where it lives, and how it was found.

    Parameters
    ----------
    vector : array_like of float
        [d_head] for a head, [d_model] otherwise; kept as float32, with its length.
    target : str, tuple or Head
        Where it was found: ``"9.9"``, ``"mlp 3"``, ``"resid 5"``.
    name : str, optional
        What it is called on screen; default: how it was found.
    how : {"mean difference", "pca", "logistic", "unembedding", "given"}

    Attributes
    ----------
    attrs : dict
        What it belongs to, as on a frame, where a session found it.

    Raises
    ------
    InputError
        If the vector is not one row of finite numbers, or has no length.
    """

    vector: NDArray[np.float32]
    target: str
    name: str = ""
    how: str = "given"
    attrs: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        """Check everything once, at the door."""
        vector = _read_vector(self.vector)
        vector.setflags(write=False)
        object.__setattr__(self, "vector", vector)
        object.__setattr__(self, "target", read_target(self.target))
        if self.how not in HOW:
            message = f"expected how as one of {', '.join(HOW)}, got {self.how!r}"
            raise InputError(message)
        if not isinstance(self.name, str):
            message = f"expected a direction's name as text, got {self.name!r:.40}"
            raise InputError(message)
        words = {"given": "direction"}.get(self.how, self.how)
        object.__setattr__(self, "name", self.name or words)

    @property
    def norm(self) -> float:
        """Its length."""
        return float(np.linalg.norm(self.vector.astype(np.float64)))

    @property
    def unit(self) -> NDArray[np.float32]:
        """The vector of length one."""
        out: NDArray[np.float32] = (self.vector.astype(np.float64) / self.norm).astype(np.float32)
        return out

    def __len__(self) -> int:
        """Return how many numbers it has."""
        return len(self.vector)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Direction) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __str__(self) -> str:
        """As it is shown: ``"mean difference at resid 5, norm 2.1"``."""
        return f"{self.name} at {self.target}, norm {self.norm:.3g}"

    def __repr__(self) -> str:
        """Say all but the numbers."""
        how = f", how={self.how!r}"
        return f"<Direction {self.name!r} at {self.target!r}{how}, {len(self)} numbers>"

    def _key(self) -> tuple[object, ...]:
        return self.vector.tobytes(), self.target, self.name, self.how

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values: the vector as base64 of little-endian float32, and words."""
        raw = self.vector.astype("<f4").tobytes()
        vector = base64.b64encode(raw).decode("ascii")
        return {"vector": vector, "target": self.target, "name": self.name, "how": self.how}

    @classmethod
    def from_json(cls, value: object) -> Direction:
        """Read what `to_json` wrote.

        Raises
        ------
        InputError
            If it is no such mapping.
        """
        if isinstance(value, Direction):
            return value
        known = {"vector", "target", "name", "how"}
        if not isinstance(value, Mapping) or not {"vector", "target"} <= set(value) <= known:
            message = (
                "expected a direction that find_direction returns, or a mapping with vector "
                f"(base64 of float32) and target, got {value!r:.80}"
            )
            raise InputError(message)
        try:
            raw = base64.b64decode(value["vector"], validate=True)
            vector = np.frombuffer(raw, "<f4")
        except (TypeError, ValueError, binascii.Error) as error:
            message = f"expected a direction's vector as base64 of float32: {error}"
            raise InputError(message) from error
        return cls(**{**value, "vector": vector})


def check_basis(target: str, direction: Direction) -> None:
    """Refuse a direction of one head's z at another head: each has axes of its own.

    Raises
    ------
    InputError
    """
    heads = target[0].isdigit() and direction.target[0].isdigit()
    if heads and direction.target != target:
        message = (
            f"expected a direction of head {target}, got '{direction.name}' of head "
            f"{direction.target}: every head's z has axes of its own; find one at {target}, or "
            "give the numbers alone, direction.vector"
        )
        raise InputError(message)


def _read_vector(value: Any) -> NDArray[np.float32]:
    if hasattr(value, "detach"):
        value = value.detach().cpu().float().numpy()
    try:
        vector = np.array(value, dtype=np.float32)
    except (TypeError, ValueError) as error:
        message = f"expected a direction as a row of numbers, got {value!r:.60}"
        raise InputError(message) from error
    if vector.ndim != 1 or not len(vector):
        message = f"expected a direction as one row of numbers, got shape {vector.shape}"
        raise InputError(message)
    if not np.isfinite(vector).all():
        message = "expected a direction of finite numbers, got inf or NaN among them"
        raise InputError(message)
    if not np.linalg.norm(vector.astype(np.float64)) > 0:
        message = "the direction has a norm of zero: it points nowhere"
        raise InputError(message)
    return vector
