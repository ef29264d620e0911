"""Edits: what to change in a run, as values that can be shown, saved and compared.

An edit of a head acts on its z (the mixed values, before the output weights), which is
exact on every architecture; an edit of an MLP acts on what the MLP writes. Edits of one
head apply in list order.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headwidgets.errors import InputError
from headwidgets.heads import Head
from headwidgets.whole import whole

At = int | str | tuple[int | str, ...] | None
"""Where: a token position, a role, several of them, or None for everywhere."""

KINDS = ("zero", "mean", "patch", "scale")
RUNS = ("clean", "corrupted")
_MLP = re.compile(r"\s*mlp[ _.]?(\d+)\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Edit:
    """One edit. Make it by `zero`, `mean`, `patch` or `scale`.

    Attributes
    ----------
    kind : {"zero", "mean", "patch", "scale"}
    target : str
        A head, ``"9.9"``, or an MLP, ``"mlp 3"``.
    at : int, str, tuple or None
        Positions or roles; None is everywhere.
    factor : float or None
        For ``"scale"``.
    into : {"clean", "corrupted"}
        For ``"patch"``: the run that receives the other run's activation.
    """

    kind: str
    target: str
    at: At = None
    factor: float | None = None
    into: str = "clean"

    def __post_init__(self) -> None:
        """Check everything once, at the door."""
        if self.kind not in KINDS:
            message = f"expected an edit of kind {', '.join(KINDS)}, got {self.kind!r}"
            raise InputError(message)
        object.__setattr__(self, "target", read_target(self.target))
        object.__setattr__(self, "at", read_at(self.at))
        object.__setattr__(self, "factor", _read_factor(self.kind, self.factor))
        if self.into not in RUNS:
            message = f"expected into='clean' or into='corrupted', got {self.into!r}"
            raise InputError(message)
        if self.kind != "patch" and self.into != "clean":
            message = f"only a patch goes into a run: {self.kind} has no into={self.into!r}"
            raise InputError(message)

    @property
    def head(self) -> Head | None:
        """The head that is edited, None for an MLP."""
        return None if self.target.startswith("mlp") else Head.parse(self.target)

    @property
    def layer(self) -> int:
        """The layer that is edited."""
        head = self.head
        return head.layer if head is not None else int(self.target.split()[1])

    def __str__(self) -> str:
        """As a person would say it: ``"scale 10.7 × 0.5 at end"``."""
        words = [self.kind, self.target]
        if self.factor is not None:
            words.append(f"× {self.factor:g}")
        if self.kind == "patch":
            words.append(f"into {self.into}")
        if self.at is not None:
            places = self.at if isinstance(self.at, tuple) else (self.at,)
            words.append("at " + ", ".join(map(str, places)))
        return " ".join(words)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; see `from_json`."""
        at = list(self.at) if isinstance(self.at, tuple) else self.at
        out: dict[str, Any] = {"kind": self.kind, "target": self.target, "at": at}
        if self.factor is not None:
            out["factor"] = self.factor
        return {**out, "into": self.into} if self.kind == "patch" else out

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
        known = {"kind", "target", "at", "factor", "into"}
        if not isinstance(value, Mapping) or not {"kind", "target"} <= set(value) <= known:
            message = (
                "expected an edit such as hw.zero('9.9'), or a mapping with kind and target "
                f"(and at, factor, into), got {value!r:.120}"
            )
            raise InputError(message)
        at = value.get("at")
        return cls(**{**value, "at": tuple(at) if isinstance(at, list) else at})


def zero(target: object, at: Any = None) -> Edit:
    """Set z to zero (an MLP: what it writes). Equal to zeroing the head's W_O.

    Parameters
    ----------
    target : str, tuple or Head
        ``"9.9"`` or ``"mlp 3"``.
    at : int, str, list or None
        Token position (BOS is 0, negative from the end), role, several, or everywhere.
    """
    return Edit("zero", target, at)  # type: ignore[arg-type]


def mean(target: object, at: Any = None) -> Edit:
    """Replace z by its average over the session's reference prompts.

    The average is taken by role where roles are given, else by distance from the end;
    BOS has its own. Without a reference it runs over 64 shuffles of the session's own
    prompts. Parameters as in `zero`.

    References
    ----------
    Wang et al. 2022, "Interpretability in the Wild", arXiv 2211.00593 (mean ablation).
    """
    return Edit("mean", target, at)  # type: ignore[arg-type]


def patch(target: object, at: Any = None, into: str = "clean") -> Edit:
    """Replace z by the other run's z at the same position (activation patching).

    Parameters
    ----------
    target, at
        As in `zero`.
    into : {"clean", "corrupted"}
        ``"clean"``: the clean prompt runs with this z from the corrupted run (noising).
        ``"corrupted"``: the corrupted prompt runs with this z from the clean run
        (denoising, the direction of ``transformer_lens.patching``).
    """
    return Edit("patch", target, at, into=into)  # type: ignore[arg-type]


def scale(target: object, factor: float, at: Any = None) -> Edit:
    """Multiply z by `factor`. Other parameters as in `zero`.

    Raises
    ------
    InputError
        If `factor` is not a finite number.
    """
    return Edit("scale", target, at, factor=factor)  # type: ignore[arg-type]


def read_target(value: object) -> str:
    """Read what is edited: a head in any spelling, or ``"mlp 3"``."""
    match = _MLP.fullmatch(value) if isinstance(value, str) else None
    if match:
        return f"mlp {int(match[1])}"
    try:
        return str(Head.parse(value))
    except InputError as error:
        message = f"expected a head such as '9.9' or an MLP such as 'mlp 3', got {value!r}"
        raise InputError(message) from error


def read_at(value: Any) -> At:
    """Read where: a position, a role, several of them, or None.

    Raises
    ------
    InputError
        If it is none of these.
    """
    if value is None:
        return None
    if getattr(value, "ndim", 0) == 1:
        value = value.tolist()
    listed = isinstance(value, list | tuple | range | set)
    items = list(value) if listed else [value]
    out: list[int | str] = []
    for item in items:
        place = item if isinstance(item, str) and item else whole(item)
        if place is not None:
            out.append(place)
        else:
            message = (
                "expected at= as a token position, a role such as 'end', a list of these, "
                f"or None for everywhere, got {value!r:.80}"
            )
            raise InputError(message)
    if not out:
        message = "expected at least one position in at=, got none; None means everywhere"
        raise InputError(message)
    return tuple(out) if listed else out[0]


def _read_factor(kind: str, value: Any) -> float | None:
    if kind != "scale":
        if value is not None:
            message = f"only scale takes a factor: {kind} has no factor={value!r}"
            raise InputError(message)
        return None
    try:
        factor = float(value)
    except (TypeError, ValueError, OverflowError):
        factor = math.nan
    if not math.isfinite(factor) or isinstance(value, bool):
        message = f"expected a finite factor for scale, such as 0.5, got {value!r}"
        raise InputError(message)
    return factor
