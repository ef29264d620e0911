"""One edit as a value: what, to what, where, and what it puts in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headwidgets.errors import InputError
from headwidgets.heads import Head
from headwidgets.methods.places import At, read_at, read_heads, read_target
from headwidgets.methods.receivers import LOGITS, Receiver, read_ends
from headwidgets.methods.vector import Direction, check_basis
from headwidgets.whole import whole

KINDS = ("zero", "mean", "patch", "scale", "resample", "add", "subtract", "keep", "path")
TOGGLES = ("zero", "mean", "patch", "scale")
"""Kinds that a click can make: they need nothing but a head."""
RUNS = ("clean", "corrupted")
TO = ("zero", "mean", "patch")
_NEEDS = {
    "scale": {"factor"},
    "add": {"factor", "direction"},
    "subtract": {"direction", "to"},
    "resample": {"seed"},
    "path": {"receivers"},
}
_OF_HEADS = ("keep", "path")
_EXAMPLE = {
    "factor": "a finite factor such as 0.5",
    "direction": "a direction, as hw.add or hw.subtract takes it",
    "to": "to='zero', to='mean' or to='patch'",
    "seed": "a whole number as seed",
    "receivers": "receivers, such as 'logits' or '9.9.k'",
}


@dataclass(frozen=True)
class Edit:
    """One edit.

    Make it by `zero`, `mean`, `patch`, `path`, `scale`, `resample`, `add`, `subtract`, `keep`.

    Attributes
    ----------
    kind : str
        One of these names.
    target : str
        A head, ``"9.9"``; an MLP, ``"mlp 3"``; the residual stream, ``"resid 5"``; for
        ``"keep"`` and ``"path"``, heads: ``"9.6, 9.9"``.
    at : int, str, tuple or None
        Positions or roles; None is everywhere.
    factor : float or None
        Of ``"scale"``; of ``"add"``, the strength.
    into : {"clean", "corrupted"}
        Of a patch or a path: the run that receives the other run's activation.
    seed : int or None
        Of ``"resample"``: decides which prompt gives to which.
    direction : Direction or None
        Of ``"add"`` and ``"subtract"``.
    to : {"zero", "mean", "patch"} or None
        Of ``"subtract"``: what the component along the direction becomes.
    receivers : str or None
        Of ``"path"``: ``"logits"``, or queries, keys and values of heads: ``"9.9.k, 9.9.q"``.
    """

    kind: str
    target: str
    at: At = None
    factor: float | None = None
    into: str = "clean"
    seed: int | None = None
    direction: Direction | None = None
    to: str | None = None
    receivers: str | None = None

    def __post_init__(self) -> None:
        """Check everything once, at the door."""
        if self.kind not in KINDS:
            message = f"expected an edit of kind {', '.join(KINDS)}, got {self.kind!r}"
            raise InputError(message)
        read = read_heads if self.kind in _OF_HEADS else read_target
        object.__setattr__(self, "target", read(self.target))
        object.__setattr__(self, "at", read_at(self.at))
        for name, reader in _READ.items():
            object.__setattr__(self, name, _read(self.kind, name, getattr(self, name), reader))
        if self.direction is not None:
            check_basis(self.target, self.direction)
        if self.into not in RUNS:
            message = f"expected into='clean' or into='corrupted', got {self.into!r}"
            raise InputError(message)
        if self.source != "patch" and self.into != "clean":
            message = (
                f"only a patch or a path goes into a run: {self.kind} has no into={self.into!r}"
            )
            raise InputError(message)

    @property
    def head(self) -> Head | None:
        """The one head that is edited, None for anything else."""
        one = self.target[0].isdigit() and self.kind not in _OF_HEADS
        return Head.parse(self.target) if one else None

    @property
    def kept(self) -> tuple[Head, ...]:
        """Of ``"keep"``: the heads that stay as they are."""
        return self._heads if self.kind == "keep" else ()

    @property
    def senders(self) -> tuple[Head, ...]:
        """Of ``"path"``: the heads whose write is carried to the receivers."""
        return self._heads if self.kind == "path" else ()

    @property
    def ends(self) -> tuple[Receiver, ...]:
        """Of ``"path"``: where it ends; none means the logits."""
        return () if self.receivers in (None, LOGITS) else read_ends(self.receivers.split(", "))

    @property
    def _heads(self) -> tuple[Head, ...]:
        return tuple(Head.parse(head) for head in self.target.split(", "))

    @property
    def layer(self) -> int:
        """The first layer that is edited; the last residual stream counts as one more."""
        if self.kept:
            return 0
        if self.senders:
            return self.senders[0].layer
        head = self.head
        return head.layer if head is not None else int(self.target.split()[1])

    @property
    def source(self) -> str | None:
        """What it puts in comes from: "mean", "patch", "resample", or None for no other run."""
        if self.kind == "keep":
            return "mean"
        if self.kind == "path":
            return "patch"
        named = self.to if self.kind == "subtract" else self.kind
        return named if named in ("mean", "patch", "resample") else None

    def __str__(self) -> str:
        """As a person would say it: ``"scale 10.7 × 0.5 at end"``."""
        words = [self.kind, self.target]
        if self.receivers is not None:
            words.append(f"→ {self.receivers}")
        if self.factor is not None:
            words.append(f"× {self.factor:g}")
        if self.direction is not None:
            words.append(self.direction.name)
        if self.to is not None:
            words.append(f"to {self.to}")
        if self.seed:
            words.append(f"seed {self.seed}")
        if self.source == "patch":
            words.append(f"into {self.into}")
        if self.at is not None:
            places = self.at if isinstance(self.at, tuple) else (self.at,)
            words.append("at " + ", ".join(map(str, places)))
        return " ".join(words)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; see `from_json`."""
        at = list(self.at) if isinstance(self.at, tuple) else self.at
        out: dict[str, Any] = {"kind": self.kind, "target": self.target, "at": at}
        more = {
            "factor": self.factor,
            "seed": self.seed,
            "to": self.to,
            "receivers": self.receivers,
        }
        out |= {name: value for name, value in more.items() if value is not None}
        if self.direction is not None:
            out["direction"] = self.direction.to_json()
        return {**out, "into": self.into} if self.source == "patch" else out

    @classmethod
    def from_json(cls, value: object) -> Edit:
        """Read what `to_json` wrote.

        Raises
        ------
        InputError
            If it is no such mapping.
        """
        if isinstance(value, Edit):
            return value
        known = {"kind", "target", "at", "into", *_READ}
        if not isinstance(value, Mapping) or not {"kind", "target"} <= set(value) <= known:
            message = (
                "expected an edit such as hw.zero('9.9'), or a mapping with kind and target "
                f"(and at, factor, into, seed, direction, to, receivers), got {value!r:.120}"
            )
            raise InputError(message)
        at = value.get("at")
        return cls(**{**value, "at": tuple(at) if isinstance(at, list) else at})


def _read(kind: str, name: str, value: Any, reader: Any) -> Any:
    """Read what some kinds need and the others do not have."""
    if name not in _NEEDS.get(kind, ()):
        if value is None:
            return None
        takers = " and ".join(k for k, needs in _NEEDS.items() if name in needs)
        message = f"only {takers} takes a {name}: {kind} has no {name}={value!r:.40}"
        raise InputError(message)
    read = reader(value)
    if read is None:
        message = f"expected {_EXAMPLE[name]} for {kind}, got {value!r:.80}"
        raise InputError(message)
    return read


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and not isinstance(value, bool) else None


def _direction(value: Any) -> Direction | None:
    return None if value is None else Direction.from_json(value)


def _to(value: Any) -> str | None:
    return value if value in TO else None


def _seed(value: Any) -> int | None:
    found = whole(value)
    return found if found is not None and found >= 0 else None


def _receivers(value: Any) -> str | None:
    if isinstance(value, str) and ", " in value:
        value = value.split(", ")
    return None if value is None else ", ".join(map(str, read_ends(value))) or LOGITS


_READ = {
    "factor": _number,
    "seed": _seed,
    "direction": _direction,
    "to": _to,
    "receivers": _receivers,
}
